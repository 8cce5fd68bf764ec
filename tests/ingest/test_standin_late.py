"""Late truth against the stand-in over a real socket: re-runs, late rows, deleted rows, the night's comparison."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from monitor.ingest.base.mode import Mode
from monitor.models import Execution, ExecutionEvent, Flow, StreamState
from monitor.zoho.reruns import STEPS
from monitor.zoho.transport import Transport
from standin.build import SettableClock, make_app, make_world, serving
from tests.bystander import own
from tests.ingest.test_nightly import owe_a_round
from tests.ingest.test_standin import BEGINNING, House, open_house

pytestmark = pytest.mark.deep

DAY = 86_400.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's pauses between repeats take no time."""
    monkeypatch.setitem(Transport.__init__.__kwdefaults__, "sleep", lambda seconds: None)


@pytest.fixture
def house(db: None) -> Iterator[House]:
    """Three flows; what is added to them comes to the days before."""
    clock = SettableClock(BEGINNING)
    app = make_app(make_world(seed=5, clock=clock, flows=3, rules=1, executions=500, history_days=12))
    with serving(app) as base:
        yield open_house(app, clock, base)


def behave(house: House, **habits: Any) -> None:
    house.app.world.habits = house.app.world.habits.changed(**habits)


def flow_id(house: House) -> str:
    return next(iter(house.app.world.flows))


def worker(house: House, sweeps: int, pause: float) -> None:
    for _ in range(sweeps):
        house.clock.advance(pause)
        house.sync(Mode.TASK)


def until_the_night_is_over(house: House) -> dict[str, Any]:
    owe_a_round()
    house.clock.advance(DAY)
    worker(house, 10, 61)
    cursor: dict[str, Any] = own(StreamState).get(stream="statistics").cursor
    assert all(cursor[job]["done"] for job in ("recent", "statistics", "full"))
    return cursor


def test_zohos_re_runs_are_followed_to_their_end(house: House) -> None:
    house.app.world.do("add_executions", flow_id=flow_id(house), count=12, status="failed", kind="503")
    house.clock.advance(30)
    house.sync()
    failed = set(own(Execution).filter(status="failed").values_list("pk", flat=True))
    waits = [step.total_seconds() for step in (STEPS[0], STEPS[1] - STEPS[0], *(timedelta(hours=3),) * 9)]
    for wait in waits:
        house.clock.advance(wait)
        worker(house, 2, 100)
        assert house.mirrored() == house.upstream()

    turned = Execution.objects.filter(pk__in=failed, status="success")
    assert turned.exists()
    for run in turned:
        assert run.first_status == "failed"
        assert list(run.events.values_list("kind", "to_status")) == [("rerun", "success")]
    assert not Execution.objects.filter(pk__in=failed).exclude(rerun_due_at=None).exists()
    assert own(ExecutionEvent).filter(kind="rerun").count() == turned.count()


def test_a_run_that_appears_three_days_after_its_start_is_here_after_the_next_sweeps(house: House) -> None:
    house.app.world.do("add_executions", flow_id=flow_id(house), count=3, late_seconds=3 * DAY)
    house.sync()
    house.clock.advance(3 * DAY - 600)
    worker(house, 3, 400)

    assert house.mirrored() == house.upstream()
    assert not own(Flow).exclude(progress__hole_reason="").exists()


@pytest.mark.parametrize("counts", ["rolling", "days", "life"])
@pytest.mark.parametrize("bound", ["inclusive", "exclusive", "ignored"])
def test_a_night_finds_what_was_deleted_and_makes_no_hole(house: House, counts: Any, bound: Any) -> None:
    behave(house, period_counts=counts, to_date=bound, list_stats="window")
    house.sync()
    worker(house, 2, 61)
    victim = Execution.objects.filter(flow__flow_id=flow_id(house)).order_by("-started_time")[40]
    house.app.world.do("delete_execution", flow_id=flow_id(house), execution_id=victim.execution_id)

    until_the_night_is_over(house)

    kept = {key: row for key, row in house.mirrored().items() if key != victim.execution_id}
    assert kept == house.upstream()
    assert list(own(Execution).exclude(unlisted_at=None)) == [victim]
    assert not own(Flow).exclude(progress__hole_reason="").exists()


def test_a_night_changes_nothing_where_nothing_happened(house: House) -> None:
    house.sync()
    worker(house, 2, 61)
    for flow in house.app.world.flows.values():
        flow.per_hour = 0
    house.clock.advance(7200)
    worker(house, 2, 61)
    before = sorted(own(Execution).values_list("pk", "changed_at"))

    cursor = until_the_night_is_over(house)

    assert [cursor[job].get("new", 0) for job in ("recent", "full")] == [0, 0]
    assert sorted(Execution.objects.filter(pk__in=[pk for pk, _ in before]).values_list("pk", "changed_at")) == before
