"""Whatever single rows of Zoho's look like: each run is counted, a hole or in quarantine, and never in two places."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import Execution, Quarantine
from tests.depth import tried
from tests.factories import make_account
from tests.fake_zoho import ABSENT, Clock, FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.adds_up import faults, report
from tests.ingest.mirror import mirrored, upstream

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OFTEN = tried(3, 60)  # each lives three sweeps

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [ABSENT, None, "", " ", True, [], {}, {"a": 1}, -5, 0, 10**30, -(2**63) - 1, 1e308, "a\x00b\ud800"]
    ),
    st.integers(),
    st.text(max_size=12),
)
TIMES: st.SearchStrategy[Any] = JUNK | st.sampled_from(
    ["soon", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "05-11-2026 10:05", "2062-01-01",
     "24-11-2026 10:05", "Oct 21, 2025 05:08 PM", 1795514703, "1795514703000"]
)  # fmt: skip
IDS: st.SearchStrategy[Any] = JUNK | st.sampled_from(
    ["7" * 23, "7" * 70, 10**22 + 1, "0b5c7a3e-9d1f-4a52-8f3d-4f3d2c1b0a99", "AbC", "abc", "a/b", ".."]
)
STATUSES: st.SearchStrategy[Any] = JUNK | st.sampled_from(
    ["paused", "SUCCESS", "Failed", "x" * 300, "via error branch"]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "started_time": TIMES,
    "completed_time": TIMES,
    "execution_id": IDS,
    "flow_id": IDS,
    "status": STATUSES,
    "duration_ms": JUNK,
    "actions_executed": JUNK,
    "trigger_data": st.just({"Number": 2**64 - 1, "More": 10**22 + 3}) | JUNK,
    "error": JUNK,
}
ROWS: st.SearchStrategy[Any] = st.sampled_from([7, "a text", [], True, {}, {"id": None}])


@st.composite
def a_spoiled_zoho(draw: st.DrawFn) -> Zoho:
    count = draw(st.integers(1, 25))
    statuses = st.sampled_from(["success", "success", "failed", "running"])
    runs = [Run(NOW - timedelta(minutes=7 * n + 2), draw(statuses)) for n in range(count)]
    share = draw(st.sampled_from(["one", "a tenth", "all"]))
    spoiled = {"one": 1, "a tenth": max(1, count // 10), "all": count}[share]
    fields = draw(st.lists(st.sampled_from([*FIELDS, "row"]), min_size=1, max_size=2, unique=True))
    for run in draw(st.permutations(runs))[:spoiled]:
        for name in fields:
            if name == "row":
                run.instead = draw(ROWS)
            else:
                run.over[name] = draw(FIELDS[name])
    counters = draw(st.sampled_from(["life", "life", "finished", "none"]))
    flow = FakeFlow(runs=runs, counters=counters, before=draw(st.sampled_from([(0, 0), (120, 7)])))
    other = FakeFlow(runs=[Run(NOW - timedelta(minutes=n)) for n in range(1, 4)])
    cap = draw(st.sampled_from([3, 200]))
    return Zoho(Clock(NOW), flows=[flow, other], cap=cap, order=draw(st.sampled_from(["newest", "shuffled"])))


@pytest.mark.property
@pytest.mark.django_db
@OFTEN
@given(zoho=a_spoiled_zoho())
def test_a_run_is_counted_or_a_hole_or_in_quarantine_and_once_mended_it_is_counted_once(zoho: Zoho) -> None:
    account = make_account()

    sync(account, zoho)
    assert list(faults(account, zoho)) == []

    zoho.clock.pause(61)
    sync(account, zoho, patience=a_task(zoho))
    assert list(faults(account, zoho)) == [], "after a sweep in which nothing happened"

    had = set(Execution.objects.filter(account=account).values_list("execution_id", flat=True))
    for run in zoho.flows[0].runs:
        run.over, run.instead = {}, None
    zoho.flows[0].runs.append(Run(zoho.clock()))
    zoho.clock.pause(400)
    sync(account, zoho)

    assert list(faults(account, zoho)) == []
    assert mirrored(account).items() >= {name: row for name, row in upstream(zoho).items() if name not in had}.items()
    assert set(mirrored(account)) == set(upstream(zoho)) | had
    assert report(account, zoho)["runs"]["quarantined"] == 0
    assert not Quarantine.objects.filter(account=account, left_at=None).exists()
