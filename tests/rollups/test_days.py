"""A day is the sum of its hours, and both are a recount of the rows."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import DayBucket, DirtyHour, Execution, Flow, HourBucket
from monitor.rollups import recount
from monitor.rollups.recount import rebuild_dirty
from monitor.rollups.run_time_histogram import percentile
from monitor.rollups.success_rate import COUNT_FIELDS, RunCounts
from tests import factories
from tests.bystander import own
from tests.depth import tried

pytestmark = pytest.mark.django_db
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def flow() -> Flow:
    return factories.make_flow()


def mark(*executions: Execution) -> None:
    DirtyHour.objects.mark((e.flow_id, e.started_time) for e in executions if e.started_time is not None)


def rebuild_all(now: datetime) -> None:
    while rebuild_dirty(now):
        pass


def stored(model: Any, when: str) -> dict[tuple[int, Any], RunCounts]:
    rows = own(model).values_list("flow_id", when, *COUNT_FIELDS)
    return {(flow, at): RunCounts(*counts) for flow, at, *counts in rows}


def days_of_hours() -> dict[tuple[int, date], RunCounts]:
    sums: dict[tuple[int, date], RunCounts] = {}
    for (flow, hour), counts in stored(HourBucket, "hour").items():
        day = sums.setdefault((flow, hour.date()), RunCounts())
        day += counts
    return sums


def test_failed_runs_are_counted_by_class_of_error_in_hour_and_day(flow: Flow, now: datetime) -> None:
    rows = [
        factories.make_execution(flow, "failed", started_time=now, error_details="Invalid email format"),
        factories.make_execution(flow, "failed", started_time=now, error_details="HTTP 503 from Books"),
        factories.make_execution(flow, "failed", started_time=now + HOUR, error_details="HTTP 502 from Books"),
        factories.make_execution(flow, "success", started_time=now, error_details="HTTP 503 from Books"),
    ]
    mark(*rows)
    rebuild_all(now)
    assert [hour.errors for hour in own(HourBucket).order_by("hour")] == [{"data": 1, "server": 1}, {"server": 1}]
    assert own(DayBucket).get().errors == {"data": 1, "server": 2}


def test_runs_before_and_after_midnight_utc_are_in_two_days(flow: Flow, now: datetime) -> None:
    mark(
        factories.make_execution(flow, started_time=MIDNIGHT - timedelta(seconds=1)),
        factories.make_execution(flow, "failed", started_time=MIDNIGHT),
    )
    rebuild_all(now)
    assert list(own(DayBucket).order_by("day").values_list("day", "succeeded", "failed")) == [
        (date(2026, 11, 21), 1, 0),
        (date(2026, 11, 22), 0, 1),
    ]


def test_a_day_whose_last_run_is_gone_has_no_bucket(flow: Flow, now: datetime) -> None:
    row = factories.make_execution(flow)
    mark(row)
    rebuild_all(now)
    mark(row)
    row.delete()
    rebuild_all(now)
    assert not own(DayBucket).exists()


def test_an_hour_counted_anew_keeps_what_the_days_other_hours_had(flow: Flow, now: datetime) -> None:
    early, late = (factories.make_execution(flow, "failed", started_time=MIDNIGHT + n * HOUR) for n in (1, 9))
    mark(early, late)
    rebuild_all(now)
    Execution.objects.filter(pk=late.pk).update(status="success", duration_ms=9000)
    mark(late)
    rebuild_all(now)
    day = own(DayBucket).get()
    assert (day.succeeded, day.failed, day.duration_max_ms) == (1, 1, 9000)


def test_percentiles_of_a_day_are_those_of_all_its_runs(flow: Flow, now: datetime) -> None:
    mark(
        *[factories.make_execution(flow, started_time=MIDNIGHT + n * HOUR, duration_ms=1000 * n) for n in range(1, 21)]
    )
    rebuild_all(now)
    median = percentile(own(DayBucket).get().durations, 50)
    assert median is not None
    assert 8000 <= median <= 12_600  # within the bin of 10,000


def test_an_hour_that_is_counted_again_to_the_same_is_not_written(flow: Flow, now: datetime) -> None:
    row = factories.make_execution(flow)
    mark(row)
    rebuild_all(now)
    own(HourBucket).update(duration_max_ms=1)
    own(DayBucket).update(duration_max_ms=2)
    mark(row)
    rebuild_all(now)  # differs by our own doing: written again, and its day
    assert (own(HourBucket).get().duration_max_ms, own(DayBucket).get().duration_max_ms) == (2000, 2000)
    own(DayBucket).update(duration_max_ms=3)
    mark(row)
    rebuild_all(now)  # equal: left alone
    assert own(DayBucket).get().duration_max_ms == 3


def test_whole_days_are_taken_together_while_there_are_several(flow: Flow, now: datetime) -> None:
    mark(*[factories.make_execution(flow, started_time=MIDNIGHT + n * HOUR) for n in (-3, -2, 1, 2)])
    assert recount._rebuild_batch(3, now) == 2
    assert {hour.hour.date() for hour in own(HourBucket)} == {MIDNIGHT.date()}
    assert recount._rebuild_batch(1, now) == 1  # a day that is larger than a batch is taken by pieces


def test_hours_of_many_days_take_as_few_statements_as_those_of_one(flow: Flow, now: datetime) -> None:
    rows = [factories.make_execution(flow, started_time=MIDNIGHT - n * timedelta(days=1)) for n in range(60)]
    mark(*rows)
    with CaptureQueriesContext(connection) as statements:
        assert recount._rebuild_batch(500, now) == 60
    assert own(DayBucket).count() == 60
    assert len(statements) < 25  # five of them for the sums of accounts, however many hours there are


RUNS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["success", "failed", "failed", "running", "odd"]),
        st.integers(-3000, 3000),
        st.sampled_from(["", "Invalid email", "HTTP 503 from x", "Duplicate"]),
        st.none() | st.integers(-5, 10**7),
    ),
    min_size=1,
    max_size=14,
)


@pytest.mark.property
@tried(10, 50)
@given(data=st.data(), runs=RUNS, size=st.sampled_from([1, 2, 3, 1000]))
def test_days_are_the_sum_of_hours_and_hours_of_rows_in_any_order_and_however_often(
    data: st.DataObject, runs: list[tuple[int, str, int, str, int | None]], size: int
) -> None:
    for model in (DayBucket, HourBucket, DirtyHour, Execution):
        own(model).delete()
    flows = [factories.make_flow() for _ in range(2)]
    rows = [
        factories.make_execution(
            flows[flow],
            status,
            started_time=MIDNIGHT + timedelta(minutes=minutes),
            error_code="",
            error_message="",
            error_details=details,
            duration_ms=duration,
        )
        for flow, status, minutes, details, duration in runs
    ]
    for row in data.draw(st.permutations(rows)):
        mark(row)
        if data.draw(st.booleans()):
            recount._rebuild_batch(size, factories.NOON)
        if data.draw(st.integers(0, 3)) == 0:
            other = data.draw(st.sampled_from(rows))
            Execution.objects.filter(pk=other.pk).update(status=data.draw(st.sampled_from(["success", "failed"])))
            mark(other)
    while recount._rebuild_batch(size, factories.NOON):
        pass

    hours, days = stored(HourBucket, "hour"), stored(DayBucket, "day")
    assert days == days_of_hours()
    statuses = Counter(own(Execution).values_list("status", flat=True))
    total = RunCounts()
    for counts in hours.values():
        total += counts
    assert (total.succeeded, total.failed, total.running, total.other) == tuple(
        statuses[name] for name in ("success", "failed", "running", "odd")
    )
    assert sum(total.errors.values()) == total.failed
    assert sum(total.durations) == total.duration_count
    mark(*rows)
    rebuild_all(MIDNIGHT)
    assert (stored(HourBucket, "hour"), stored(DayBucket, "day")) == (hours, days)


def test_a_day_that_goes_takes_no_other_day_and_no_other_flows_along(flow: Flow, now: datetime) -> None:
    neighbour = factories.make_flow(flow.account)
    gone = factories.make_execution(flow, started_time=now - 24 * HOUR)
    kept = [
        factories.make_execution(flow, started_time=now - 48 * HOUR),
        factories.make_execution(neighbour, started_time=now - 24 * HOUR),
    ]
    mark(gone, *kept)
    rebuild_all(now)
    before = own(DayBucket).count()
    gone.delete()
    mark(gone)
    rebuild_all(now)
    assert before == 3
    assert {(day.flow_id, day.day) for day in own(DayBucket)} == {
        (run.flow_id, run.started_time.date()) for run in kept if run.started_time is not None
    }


def test_where_one_day_alone_has_more_hours_than_are_taken_at_once_all_days_are_looked_at(
    flow: Flow, now: datetime
) -> None:
    own(DirtyHour).delete()
    for hours in range(3):
        DirtyHour.objects.create(flow=flow, hour=now - hours * HOUR)
    assert recount._whole_days(2) == recount._LONG_AGO
    DirtyHour.objects.create(flow=flow, hour=now + 24 * HOUR)
    assert recount._whole_days(2) == now.replace(hour=0) + 24 * HOUR
    assert recount._whole_days(4) == recount._LONG_AGO
