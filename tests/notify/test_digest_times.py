"""When a digest is due: once for each person and period, whatever clocks and people do."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.digest_times import LEAST_PAUSE, LEAST_PAUSE_OF_WEEKS, DigestWish, due_period, is_after_boot
from monitor.periods import HOUR, MINUTE

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Auckland", "America/Los_Angeles"),
    *("Australia/Lord_Howe", "Pacific/Kiritimati", "Pacific/Apia", "America/Sao_Paulo"),
)
START = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def sent(moments: list[tuple[datetime, str, int]], weekday: int | None = None) -> list[tuple[date, datetime]]:
    """Which periods are sent, and when, where the job runs at these moments with these zones and hours."""
    found: list[tuple[date, datetime]] = []
    last: datetime | None = None
    for now, zone, hour in moments:
        done = {name for name, _ in found}
        wish = DigestWish(zoneinfo.ZoneInfo(zone), hour, LONG_AGO, weekday, done, last)
        if (due := due_period(wish, now)) is not None:
            found.append((due.name, now))
            last = due.due_at
    return found


@given(
    zone=st.sampled_from(ZONES),
    hour=st.integers(0, 23),
    first=st.integers(0, 300),
    runs=st.lists(st.integers(1, 200), min_size=20, max_size=60),
)
def test_each_day_of_a_clock_has_one_however_the_job_runs(zone: str, hour: int, first: int, runs: list[int]) -> None:
    now, moments = START + first * timedelta(days=1), []
    for minutes in runs:
        now += minutes * MINUTE
        moments.append((now, zone, hour))
    found = sent(moments + moments)  # a clock that is set back, a second process
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    first_day = moments[0][0].astimezone(zoneinfo.ZoneInfo(zone)).date()
    last_day = moments[-1][0].astimezone(zoneinfo.ZoneInfo(zone)).date()
    days = {first_day + n * timedelta(days=1) for n in range(1, (last_day - first_day).days)}
    assert days <= set(names), "no day in between is left out"


@pytest.mark.parametrize(("weekday", "period"), [(None, timedelta(days=1)), (0, timedelta(days=7))])
def test_one_that_came_late_keeps_the_next_waiting_and_does_not_cost_it(weekday: int | None, period: timedelta) -> None:
    monday = datetime(2026, 3, 2, 7, tzinfo=UTC)
    pause = LEAST_PAUSE if weekday is None else LEAST_PAUSE_OF_WEEKS
    back = monday + period - 10 * MINUTE  # the worker was away nearly until the next one was due
    late = due_period(DigestWish(UTC, 7, LONG_AGO, weekday), back)
    assert late is not None
    assert (late.name, late.due_at) == (monday.date(), monday)
    wish = DigestWish(UTC, 7, LONG_AGO, weekday, {late.name}, late.due_at, last_sent_at=back)
    assert due_period(wish, monday + period) is None
    assert due_period(wish, back + pause - MINUTE) is None
    found = due_period(wish, back + pause)
    assert found is not None
    assert found.due_at == monday + period


@given(
    steps=st.lists(st.tuples(st.integers(1, 3 * 1440), st.sampled_from(ZONES), st.integers(0, 23)), max_size=60),
    weekday=st.none() | st.integers(0, 6),
)
def test_no_change_of_zone_or_hour_sends_two_of_a_period_or_two_shortly_after_each_other(
    steps: list[tuple[int, str, int]], weekday: int | None
) -> None:
    now, moments, last, dues = START, [], None, []
    for minutes, zone, hour in steps:
        now += minutes * MINUTE
        moments.append((now, zone, hour))
    names: set[date] = set()
    for at, zone, hour in moments:
        due = due_period(DigestWish(zoneinfo.ZoneInfo(zone), hour, LONG_AGO, weekday, names, last), at)
        if due is not None:
            assert due.name not in names
            assert due.due_at <= at
            names.add(due.name)
            last = due.due_at
            dues.append(due.due_at)
    pause = LEAST_PAUSE if weekday is None else LEAST_PAUSE_OF_WEEKS
    assert all(later - earlier >= pause for earlier, later in pairwise(dues))


@pytest.mark.parametrize(
    ("zone", "hour", "day", "at"),
    [
        ("Europe/Berlin", 7, date(2026, 3, 29), "2026-03-29T05:00Z"),  # the clock is set forward that night
        ("Europe/Berlin", 2, date(2026, 3, 29), "2026-03-29T01:00Z"),  # there is no two o'clock
        ("Europe/Berlin", 2, date(2026, 10, 25), "2026-10-25T00:00Z"),  # there are two
        ("Asia/Kolkata", 0, date(2026, 3, 29), "2026-03-28T18:30Z"),
    ],
)
def test_the_hour_is_that_of_the_persons_clock(zone: str, hour: int, day: date, at: str) -> None:
    due_at = datetime.fromisoformat(at)
    wish = DigestWish(zoneinfo.ZoneInfo(zone), hour, LONG_AGO, done={day - timedelta(days=1)})
    assert due_period(wish, due_at - MINUTE) is None
    found = due_period(wish, due_at)
    assert found is not None
    assert (found.name, found.due_at) == (day, due_at)


def test_an_hour_that_comes_twice_sends_one() -> None:
    twice = [datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 1, 10, tzinfo=UTC)]
    assert [name for name, _ in sent([(at, "Europe/Berlin", 2) for at in twice])] == [date(2026, 10, 25)]


def test_a_week_has_one_on_its_day_also_where_the_day_is_changed_in_the_middle() -> None:
    wednesday = datetime(2026, 3, 4, 9, tzinfo=UTC)
    found = due_period(DigestWish(UTC, 9, LONG_AGO, 2, {date(2026, 2, 23)}), wednesday)
    assert found is not None
    assert found.name == date(2026, 3, 2)
    friday = DigestWish(UTC, 9, LONG_AGO, 4, {found.name, date(2026, 2, 23)}, found.due_at)
    assert due_period(friday, wednesday + timedelta(days=2)) is None
    next_friday = due_period(friday, wednesday + timedelta(days=9))
    assert next_friday is not None
    assert next_friday.name == date(2026, 3, 9)


def test_what_was_due_before_it_was_asked_for_is_not_sent() -> None:
    asked_at = datetime(2026, 3, 4, 15, tzinfo=UTC)
    wish = DigestWish(UTC, 7, asked_at)
    assert due_period(wish, asked_at + HOUR) is None
    assert due_period(wish, asked_at + 16 * HOUR) is not None


def test_of_several_that_were_missed_the_newest_is_sent() -> None:
    found = due_period(DigestWish(UTC, 7, LONG_AGO, done={date(2026, 2, 1)}), datetime(2026, 3, 4, 23, tzinfo=UTC))
    assert found is not None
    assert found.name == date(2026, 3, 4)


def test_the_worker_has_run_for_a_minute_before_it_says_that_it_lives() -> None:
    assert not is_after_boot(None, START)
    assert not is_after_boot(START, START + timedelta(seconds=59))
    assert is_after_boot(START, START + timedelta(seconds=60))
