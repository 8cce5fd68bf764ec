"""Times of a wall clock: each that a person may type is one moment, in every zone that a viewer may choose."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.people.forms import time_zones
from monitor.periods import (
    CHOICES,
    DAY,
    HOUR,
    PeriodChoice,
    Window,
    day_window,
    moment_of,
    second_moment_of,
    slot_starts,
)
from tests.depth import tried

ZONES = [name for name, _ in time_zones()]
FIRST, LAST = datetime(2021, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@cache
def changes(name: str) -> list[datetime]:
    """The moments of ten years, to the quarter of an hour, at which a zone's clock changes."""
    zone, found = ZoneInfo(name), []
    days = [FIRST + n * DAY for n in range((LAST - FIRST) // DAY)]
    for day, following in pairwise(days):
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            quarters = [day + n * QUARTER for n in range(DAY // QUARTER + 1)]
            found += [
                b for a, b in pairwise(quarters) if a.astimezone(zone).utcoffset() != b.astimezone(zone).utcoffset()
            ]
    return found


@st.composite
def near_changes(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and a moment within two days of a change of its clock, or any where it never changes."""
    name = draw(st.sampled_from(ZONES))
    around = draw(st.sampled_from(changes(name) or [FIRST, LAST]))
    return ZoneInfo(name), around + draw(st.integers(-2 * 96, 2 * 96)) * QUARTER


def shown(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


@tried(100, 5_000)
@given(near_changes(), st.integers(0, 899))
def test_a_typed_time_is_the_first_moment_that_shows_it_or_that_has_jumped_over_it(
    place: tuple[ZoneInfo, datetime], seconds: int
) -> None:
    zone, at = place
    wall = at.replace(tzinfo=None) + timedelta(seconds=seconds)
    found = moment_of(wall, zone)
    around = [found + n * QUARTER for n in range(-2 * 96, 0)]

    assert shown(found, zone) >= wall
    assert shown(found - timedelta(seconds=1), zone) < wall
    assert wall not in [shown(moment, zone) for moment in around]
    if shown(found, zone) > wall:
        assert wall not in [shown(found + n * QUARTER, zone) for n in range(96)]


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        ("America/Santiago", "2026-09-06T00:00", datetime(2026, 9, 6, 4, tzinfo=UTC)),
        ("Africa/Cairo", "2026-04-24T00:00", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("Africa/Cairo", "2026-04-24T00:59", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25T02:00", datetime(2026, 10, 25, 0, tzinfo=UTC)),
        ("Europe/Berlin", "2026-03-29T02:30", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2026-10-04T02:10", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Pacific/Apia", "2011-12-30T17:00", datetime(2011, 12, 30, 10, tzinfo=UTC)),
        ("Africa/Monrovia", "1972-01-07T00:20", datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC)),
    ],
)
def test_what_a_clock_skips_is_its_jump_and_what_it_shows_twice_is_the_first(
    zone: str, wall: str, moment: datetime
) -> None:
    assert moment_of(datetime.fromisoformat(wall), ZoneInfo(zone)) == moment


def test_only_a_time_that_comes_twice_has_a_second_moment() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert second_moment_of(first, berlin) == first + HOUR
    assert second_moment_of(first + HOUR, berlin) is None
    assert second_moment_of(datetime(2026, 3, 29, 1, tzinfo=UTC), berlin) is None


@tried(60, 5_000)
@given(near_changes(), st.sampled_from(list(CHOICES.values())))
def test_slots_meet_grow_and_begin_where_a_typed_time_does(
    place: tuple[ZoneInfo, datetime], choice: PeriodChoice
) -> None:
    zone, at = place
    slot_hours = choice.slot_hours
    window = Window(at, at + 40 * slot_hours * HOUR)
    begins = slot_starts(window, slot_hours, zone)

    assert begins[0] <= window.start < begins[1]
    assert begins[-1] < window.end
    assert begins == sorted(set(begins))
    for begin in begins:
        typed = moment_of(shown(begin, zone), zone)
        assert begin in (typed, second_moment_of(typed, zone))
    if slot_hours % 24 == 0:
        days = [shown(begin, zone).date() for begin in begins]
        assert [day_window(day, day, zone).start for day in days] == begins


@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2026, 3, 29)])
def test_no_hour_of_a_day_that_changes_the_clock_is_missing_or_doubled(day: date) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    window = day_window(day, day, berlin)
    begins = slot_starts(window, 1, berlin)

    assert begins == [window.start + n * HOUR for n in range(window.length // HOUR)]
