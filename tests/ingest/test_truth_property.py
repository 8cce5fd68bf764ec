"""Answers in any order, any of them twice: a run that had ended is never shown otherwise without a word of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from monitor.ingest.runs.merge import FINAL
from monitor.ingest.runs.store import store_page
from monitor.models import Execution, ExecutionEvent
from monitor.zoho.shapes.executions import ExecutionRow, execution_row
from tests.bystander import own
from tests.depth import tried
from tests.factories import make_flow
from tests.fake_zoho import stamp

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OFTEN = tried(40, 400)
ERROR = {"code": "ACTION_FAILED", "message": "Books is not available", "details": "HTTP 503 from Books"}


def seen(status: str, ended: int | None, started: int = 0) -> ExecutionRow:
    """The run as it looked once; times in seconds after NOW."""
    record: dict[str, Any] = {
        "execution_id": "991",
        "status": status,
        "started_time": stamp(NOW + timedelta(seconds=started)),
        "completed_time": None if ended is None else stamp(NOW + timedelta(seconds=ended)),
    }
    if status == "failed":
        record["error"] = ERROR
    return execution_row(record)


# What Zoho may show of one run: it began, failed, was run again (shown or not), failed again, succeeded.
LIFE = [seen("running", None), seen("failed", 3), seen("running", None, 303), seen("failed", 306), seen("success", 606)]


def ends(life: list[ExecutionRow]) -> set[tuple[str, datetime | None]]:
    return {(row.status, row.completed_time) for row in life if row.status in FINAL}


@pytest.mark.property
@pytest.mark.django_db
@OFTEN
@given(st.lists(st.tuples(st.sampled_from(LIFE), st.integers(0, 700)), min_size=1, max_size=12))
def test_the_truth_never_goes_backwards_without_an_event(answers: list[tuple[ExecutionRow, int]]) -> None:
    flow, now, at = make_flow(), NOW, ""
    newest: datetime | None = None
    for row, pause in answers:
        now += timedelta(seconds=pause)
        with transaction.atomic():
            store_page(flow, [row, row], [], now)
        run = Execution.objects.get(flow=flow)
        told = list(ExecutionEvent.objects.filter(execution=run).values_list("kind", "from_status", "to_status"))
        if at in FINAL and run.status != at:
            assert ("rerun", at, run.status) == told[-1]
        if run.status in FINAL:
            assert newest is None or (run.completed_time is not None and run.completed_time >= newest)
            assert (run.status, run.completed_time) in ends(LIFE)
            newest = run.completed_time
        at = run.status
    run = Execution.objects.get(flow=flow)
    if any(row.status == "success" for row, _ in answers):
        assert run.status == "success", "the last word of all answers wins, whenever it came"
    before = (run.changed_at, own(ExecutionEvent).count())
    store_page(flow, [answers[-1][0]], [], now)
    run.refresh_from_db()
    if answers[-1][0].status == run.status:
        assert (run.changed_at, own(ExecutionEvent).count()) == before


@pytest.mark.django_db
def test_a_re_run_that_zoho_shows_as_running_is_taken_for_one_while_it_is_due() -> None:
    flow = make_flow()
    store_page(flow, [seen("failed", 3)], [], NOW + timedelta(seconds=10))

    store_page(flow, [seen("running", None)], [], NOW + timedelta(seconds=200))
    assert Execution.objects.get(flow=flow).status == "failed", "an answer from before it failed"

    store_page(flow, [seen("running", None)], [], NOW + timedelta(seconds=310))
    run = Execution.objects.get(flow=flow)
    assert (run.status, run.completed_time, run.error_code, run.rerun_count) == ("running", None, "", 1)
    assert run.first_failed_at == NOW + timedelta(seconds=3)
    assert run.recheck_at is not None
    assert run.rerun_due_at is None

    store_page(flow, [seen("failed", 306)], [], NOW + timedelta(seconds=330))
    run.refresh_from_db()
    assert (run.status, run.rerun_count) == ("failed", 1)
    assert run.rerun_due_at == run.first_failed_at + timedelta(minutes=10)
    assert list(run.events.values_list("kind", "from_status", "to_status")) == [
        ("rerun", "failed", "running"),
        ("ended", "running", "failed"),
    ]


@pytest.mark.django_db
def test_a_failure_from_before_the_last_one_is_not_believed_while_a_re_run_goes_on() -> None:
    flow = make_flow()
    for row, after in ((seen("failed", 3), 10), (seen("failed", 306), 370), (seen("running", None, 903), 910)):
        store_page(flow, [row], [], NOW + timedelta(seconds=after))

    store_page(flow, [seen("failed", 3)], [], NOW + timedelta(seconds=920))
    run = Execution.objects.get(flow=flow)
    assert (run.status, run.completed_time) == ("running", None)

    store_page(flow, [seen("failed", 306)], [], NOW + timedelta(seconds=930))
    run.refresh_from_db()
    assert run.status == "failed", "it may have been the answer before that was too old"


@pytest.mark.django_db
def test_a_re_run_that_failed_again_is_remembered_though_the_status_stays() -> None:
    flow = make_flow()
    store_page(flow, [seen("failed", 3)], [], NOW + timedelta(seconds=10))

    store_page(flow, [seen("failed", 306)], [], NOW + timedelta(seconds=370))

    run = Execution.objects.get(flow=flow)
    event = run.events.get()
    assert (event.kind, event.from_status, event.to_status) == ("rerun", "failed", "failed")
    assert event.completed_time == run.completed_time


@pytest.mark.django_db
def test_an_event_and_its_change_stand_or_fall_together() -> None:
    flow = make_flow()
    store_page(flow, [seen("failed", 3)], [], NOW + timedelta(seconds=10))

    class PowerCut(Exception):  # noqa: N818
        pass

    def change_and_die() -> None:
        with transaction.atomic():
            store_page(flow, [seen("success", 306)], [], NOW + timedelta(seconds=400))
            raise PowerCut

    with pytest.raises(PowerCut):
        change_and_die()

    run = Execution.objects.get(flow=flow)
    assert (run.status, run.events.count()) == ("failed", 0)
