"""What marked periods leave out: in SQL of buckets as in Python of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.left_out import MarkedTimes
from monitor.models import HourBucket, LeftOut, marked_hours
from monitor.periods import Window, hour_of, whole_hours
from tests import factories
from tests.bystander import own
from tests.depth import tried

HOUR = timedelta(hours=1)
START = datetime(2026, 10, 24, tzinfo=UTC)
MOMENTS = st.integers(0, 4 * 86_400 * 10).map(lambda tenths: START + timedelta(milliseconds=100 * tenths))
PERIODS = st.tuples(MOMENTS, MOMENTS).filter(lambda pair: pair[0] < pair[1])


@given(period=PERIODS)
def test_a_period_is_widened_to_the_whole_hours_that_it_touches(period: tuple[datetime, datetime]) -> None:
    start, end = period
    window = whole_hours(start, end)
    assert window.start == hour_of(window.start)
    assert window.end == hour_of(window.end)
    assert window.start <= start < window.start + HOUR
    assert window.end - HOUR < end <= window.end
    assert whole_hours(window.start, window.end) == window


@given(periods=st.lists(PERIODS, max_size=6), at=MOMENTS)
def test_a_moment_is_left_out_where_one_of_the_periods_holds_it(
    periods: list[tuple[datetime, datetime]], at: datetime
) -> None:
    marked = MarkedTimes.of(Window(*period) for period in periods)
    assert marked.hold(at.timestamp()) is any(start <= at < end for start, end in periods)
    assert bool(marked) is bool(periods)
    assert all(end < later for end, later in zip(marked.ends, marked.starts[1:], strict=False)), "they are joined"


@pytest.mark.django_db
@given(periods=st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(1, 12)), max_size=5))
@tried(15, 150)
def test_sql_and_python_leave_the_same_hours_out(periods: list[tuple[bool, int, int]]) -> None:
    account = factories.make_account()
    flows = [factories.make_flow(account) for _ in range(2)]
    stranger = factories.make_flow()
    rows = [
        factories.make_correction(
            account,
            flow=flows[0] if is_own else None,
            starts_at=START + first * HOUR,
            ends_at=START + (first + count) * HOUR,
        )
        for is_own, first, count in periods
    ]
    for flow in (*flows, stranger):
        HourBucket.objects.bulk_create(HourBucket(flow=flow, hour=START + n * HOUR) for n in range(45))
    marked = marked_hours(rows)
    by_sql = set(own(HourBucket).filter(marked).values_list("flow", "hour")) if marked is not None else set()
    left_out = LeftOut.of(rows)
    by_python = {
        (flow.pk, hour)
        for flow in flows
        for hour in (START + n * HOUR for n in range(45))
        if left_out.times(flow.pk).hold(hour.timestamp())
    }
    assert by_sql == by_python
    assert bool(left_out.mark) is bool(rows)
    account.delete()
    stranger.account.delete()
