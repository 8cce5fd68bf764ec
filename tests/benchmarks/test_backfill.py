"""A first connect on each plan: simulated seconds until every flow has its newest runs, and until all history is read.

Beside it the calls for executions and the bound that pages of 200 rows set: no reader of lists gets below that.
Run by `make bench`; it prints figures and asserts none of them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from monitor.models import Execution, Flow
from standin.build import SettableClock, make_app, make_world, serving
from tests.ingest.first_connect import FirstConnect

pytestmark = [pytest.mark.bench, pytest.mark.django_db]
# As many flows as plans are made for (docs/reference/promises.md, "Freshness"); Enterprise with fewer, for the
# time it takes.
SIZES = {"free": (5, 6_000), "standard": (25, 15_000), "professional": (100, 30_000), "enterprise": (250, 40_000)}


@pytest.mark.parametrize("plan", SIZES)
def test_a_first_connect_until_it_is_useful_and_until_it_is_complete(plan: str) -> None:
    flows, runs = SIZES[plan]
    clock = SettableClock(datetime(2026, 11, 18, 9, 30, tzinfo=UTC))
    app = make_app(make_world(seed=3, clock=clock, flows=flows, rules=12, executions=runs, history_days=80), plan=plan)
    with serving(app) as base:
        first = FirstConnect.to(app, clock, base, plan)
        first.live(timedelta(hours=48))
    rows = Execution.objects.count()
    useful = "not reached" if first.useful_after is None else f"{first.useful_after:,.0f} s"
    complete = "not reached" if first.complete_after is None else f"{first.complete_after:,.0f} s"
    print(
        f"\n{plan}: {Flow.objects.count()} flows, {rows:,} runs; every newest page after {useful}, "
        f"all history after {complete} (simulated); {first.calls:,} calls for executions, bound {first.bound:,} "
        f"({first.calls / max(first.bound, 1):.2f} x); {first.refused} calls refused with 429"
    )
    assert rows > 0
