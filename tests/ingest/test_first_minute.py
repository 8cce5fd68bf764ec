"""After connecting: within a minute of simulated time the pages are of use, on every plan's limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import Max

from monitor.models import Execution, Flow
from monitor.queries import freshness, overview
from standin.build import SettableClock, make_app, make_world, serving
from tests.bystander import own
from tests.ingest.first_connect import FirstConnect

pytestmark = pytest.mark.deep

BEGINNING = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(("plan", "flows"), [("free", 5), ("standard", 20), ("professional", 40), ("enterprise", 50)])
def test_within_a_minute_of_connecting_every_flow_has_its_newest_runs_and_the_overview_a_rate(
    nobody_else: None, plan: str, flows: int
) -> None:
    clock = SettableClock(BEGINNING)
    world = make_world(seed=3, clock=clock, flows=flows, rules=3, executions=flows * 30, history_days=20)
    app = make_app(world, plan=plan)
    with serving(app) as base:
        first = FirstConnect.to(app, clock, base, plan)
        first.live(timedelta(seconds=60))

        assert first.useful_after is not None
        assert first.useful_after <= 60
        assert first.refused == 0
        newest = dict(own(Flow).values_list("flow_id").annotate(Max("executions__started_time")))
        for flow in world.flows.values():
            ended = [run.started for run in flow.between(BEGINNING - timedelta(days=20), BEGINNING)]
            assert not ended or newest[flow.flow_id] is not None
        figures = overview.period(clock(), 7)
        assert figures.totals.rate is not None
        assert figures.totals.finished > 0
        assert not any(account.is_behind for account in freshness.mirror(clock()).accounts)

        first.live(timedelta(hours=6))
        assert first.complete_after is not None
        assert first.refused == 0
        assert own(Execution).count() >= flows * 20
