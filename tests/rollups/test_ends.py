"""When runs ended and how, as a recount writes it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.ends import RunEnd, unpack_ends, unpack_running, unpack_unfinished
from monitor.models import CountedFlow, DirtyHour, Execution, Flow, HourBucket, RetryAttempt
from monitor.rollups.recount import rebuild_dirty
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MS = timedelta(milliseconds=1)


@pytest.fixture
def flow() -> Flow:
    return factories.make_flow()


def run(flow: Flow, status: str, started: datetime, ended: datetime | None, **fields: object) -> Execution:
    return factories.make_execution(flow, status, started_time=started, completed_time=ended, **fields)


def recount(flow: Flow, *rows: Execution, now: datetime = factories.NOON) -> None:
    DirtyHour.objects.mark([(row.flow_id, row.started_time) for row in rows])
    while rebuild_dirty(now):
        pass


def ends(flow: Flow) -> list[RunEnd]:
    return [run for bucket in HourBucket.objects.filter(flow=flow).order_by("hour") for run in unpack_ends(bucket.ends)]


def test_a_run_is_kept_by_when_it_ended_to_the_millisecond(flow: Flow, now: datetime) -> None:
    start = now - HOUR + 5 * MINUTE + 7 * MS
    long = run(flow, "success", start, now + 49 * HOUR + 123 * MS, duration_ms=90)
    short = run(flow, "failed", start, start + 2 * MINUTE, duration_ms=None, error_message="No such field")
    recount(flow, long, short)

    bucket = own(HourBucket).get()
    began, hour = 5 * 60_000 + 7, 3_600_000
    assert unpack_ends(bucket.ends) == [
        RunEnd(began + 120_000, has_failed=True, has_failed_first=True, started=began),
        RunEnd(50 * hour + 123, has_failed=False, has_failed_first=False, started=began, duration_ms=90),
    ]
    assert bucket.last_end == now + 49 * HOUR + 123 * MS


@pytest.mark.parametrize(
    ("ended", "duration", "after"),
    [(None, 4000, 4000), (None, None, 0), (-5000, 4000, 0), (None, -1, 0)],
)
def test_a_run_whose_end_is_not_known_or_before_its_start_ended_as_far_as_is_known(
    flow: Flow, now: datetime, ended: int | None, duration: int | None, after: int
) -> None:
    start = now - HOUR
    recount(flow, run(flow, "success", start, None if ended is None else start + ended * MS, duration_ms=duration))
    assert [one.ended for one in ends(flow)] == [after]


def test_what_runs_still_or_is_neither_or_is_a_retrys_own_has_no_end(flow: Flow, now: datetime) -> None:
    original, retry = (run(flow, status, now - HOUR, now) for status in ("failed", "success"))
    others = [run(flow, "running", now - HOUR, None), run(flow, "cancelled", now - HOUR, now)]
    RetryAttempt.objects.create(
        account=flow.account,
        execution=original,
        requested_by=factories.make_user("ada", "admin"),
        requested_at=now,
        client_token="token",
        state="accepted",
        new_execution_id=retry.execution_id,
    )
    recount(flow, original, retry, *others)
    assert [(one.has_failed, one.has_failed_first, one.ended) for one in ends(flow)] == [(False, True, 3_600_000)]


@pytest.mark.parametrize("status", ["running", "cancelled"])
def test_a_run_without_a_result_is_kept_by_its_start_and_handed_over(flow: Flow, now: datetime, status: str) -> None:
    first = run(flow, "success", now - 40 * MINUTE, now - 30 * MINUTE)
    rows = [run(flow, status, now - minutes * MINUTE, None) for minutes in (10, 20)]
    recount(flow, first, *rows)
    bucket = own(HourBucket).get()
    assert (unpack_unfinished(bucket.ends), bucket.last_end) == (50 * 60_000, now - 10 * MINUTE)
    handed_over = CountedFlow.objects.get(flow=flow).changed_at
    recount(flow, run(flow, status, now - 5 * MINUTE, None))
    assert CountedFlow.objects.get(flow=flow).changed_at > handed_over


def test_runs_that_go_on_are_kept_by_since_when_they_do(flow: Flow, now: datetime) -> None:
    first, second = (run(flow, "running", now - minutes * MINUTE, None) for minutes in (10, 20))
    gone = run(flow, "running", now - 30 * MINUTE, None, unlisted_at=now)
    rerun = run(
        flow, "running", now - 40 * MINUTE, None, first_failed_at=now - 39 * MINUTE, changed_at=now + 90 * MINUTE
    )
    anew = run(flow, "running", now - 5 * MINUTE, None, first_failed_at=now - 39 * MINUTE, changed_at=now)
    recount(flow, first, second, gone, rerun, anew)
    bucket = own(HourBucket).get()
    assert unpack_running(bucket.ends) == [minutes * 60_000 for minutes in (40, 50, 55, 150)]
    assert bucket.last_end == now + 90 * MINUTE


@pytest.mark.parametrize(
    ("error", "waits"),
    [("HTTP 503 Service Unavailable", True), ("Internal error", True), ("No such field: Phone", False), ("", False)],
)
def test_a_failure_that_zoho_runs_again_by_itself_is_kept_with_the_beginning_of_zohos_clock(
    flow: Flow, now: datetime, error: str, waits: bool
) -> None:
    fields = {"error_message": error, "first_failed_at": now - 30 * MINUTE}
    recount(flow, run(flow, "failed", now - HOUR, now - 20 * MINUTE, **fields))
    assert [one.waits_since for one in ends(flow)] == [30 * 60_000 if waits else None]


def test_a_failure_that_zohos_own_re_run_healed_succeeded_when_that_ended(flow: Flow, now: datetime) -> None:
    row = run(flow, "success", now - HOUR, now - 20 * MINUTE, first_status="failed", first_failed_at=now - 30 * MINUTE)
    recount(flow, row)
    assert [(one.has_failed, one.has_failed_first, one.ended) for one in ends(flow)] == [(False, True, 40 * 60_000)]
    assert [one.waits_since for one in ends(flow)] == [30 * 60_000], "when it had failed first, for replays"


def test_an_end_that_moves_is_handed_over_though_no_count_changes_and_what_is_equal_is_not(
    flow: Flow, now: datetime
) -> None:
    row, other = run(flow, "success", now - HOUR, now), run(factories.make_flow(), "success", now - HOUR, now)
    recount(flow, row, other)
    first = CountedFlow.objects.get(flow=flow).changed_at
    recount(flow, row, now=now + HOUR)
    assert CountedFlow.objects.get(flow=flow).changed_at == first

    Execution.objects.filter(pk=row.pk).update(completed_time=now + MINUTE)
    recount(flow, row, now=now - 5 * HOUR)

    assert CountedFlow.objects.get(flow=flow).changed_at > first, "also by a clock that was set back"
    assert CountedFlow.objects.get(flow=other.flow).changed_at == first
    assert [one.ended for one in ends(flow)] == [3_660_000]


def test_a_flow_that_lost_an_hour_is_handed_over(flow: Flow, now: datetime) -> None:
    row = run(flow, "success", now - HOUR, now)
    recount(flow, row)
    first = CountedFlow.objects.get(flow=flow).changed_at
    DirtyHour.objects.mark([(row.flow_id, row.started_time)])
    row.delete()
    recount(flow)
    assert CountedFlow.objects.get(flow=flow).changed_at > first
