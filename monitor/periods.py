"""Cuts time into hours, windows, and days of a zone: the only arithmetic of periods. Pure.

Counts are kept by the hour of UTC. A window of N hours is therefore N whole hours, the one under way the last of them;
lists, charts, alerts and mails all take it from here, so that "last 7 days" is the same 168 hours everywhere.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from monitor.languages import gettext_lazy

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)  # of any calendar here, and far from the ends of Python's


@dataclass(frozen=True, slots=True)
class Window:
    """Holds a stretch of time from `start` up to, but without, `end`. Both are aware."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def before(self) -> Window:
        """Returns the window of the same length that ends where this one begins."""
        return Window(self.start - self.length, self.start)


@dataclass(frozen=True, slots=True)
class PeriodChoice:
    """Holds one choice of the period switch: how many days back, and the length of a chart's slot in hours."""

    days: int
    slot_hours: int
    label: str


CHOICES = {
    1: PeriodChoice(1, 1, gettext_lazy("24 hours")),
    7: PeriodChoice(7, 6, gettext_lazy("7 days")),
    30: PeriodChoice(30, 24, gettext_lazy("30 days")),
    90: PeriodChoice(90, 24, gettext_lazy("90 days")),
    365: PeriodChoice(365, 7 * 24, gettext_lazy("12 months")),
}
USUAL_CHOICE = CHOICES[7]
_BY_ADDRESS = {str(days): choice for days, choice in CHOICES.items()}


def choice_of(value: str | None) -> PeriodChoice:
    """Reads the period that an address names by its days; the usual one where it names none that there is."""
    # Looked up as text: `int` raises at more digits than 4,300.
    return _BY_ADDRESS.get(value or "", USUAL_CHOICE)


def times_passed(at: datetime, length: timedelta) -> int:
    """Counts how many whole stretches of a length have passed since 1970, UTC: equal for all times of one stretch."""
    return int(at.timestamp() // length.total_seconds())


def stretch_of(at: datetime, length: timedelta) -> datetime:
    """Returns the beginning, in UTC, of the stretch that a time lies in; they are laid end to end since 1970."""
    return datetime.fromtimestamp(times_passed(at, length) * length.total_seconds(), UTC)


def day_of(at: datetime, zone: tzinfo = UTC) -> date:
    """Returns the day that a time lies in, by the clock of a zone."""
    return at.astimezone(zone).date()


def first_of_days(last: date, count: int) -> date:
    """Returns the first of so many days, the last of which is given."""
    return last - timedelta(days=count - 1)


def last_of_days(first: date, count: int) -> date:
    """Returns the last of so many days, the first of which is given."""
    return first + timedelta(days=count - 1)


def hour_of(at: datetime) -> datetime:
    """Returns the start of the hour of UTC that a time lies in.

    Args:
        at: aware, of any zone; those off by 30 or 45 minutes have the hours of UTC too.
    """
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def whole_hours(start: datetime, end: datetime) -> Window:
    """Returns the whole hours of UTC that a stretch of time touches.

    Args:
        start: aware.
        end: later than the start.
    """
    last = hour_of(end)
    return Window(hour_of(start), last if last == end else last + HOUR)


def last_hours(now: datetime, hours: int) -> Window:
    """Returns the last so many whole hours, the one under way included.

    Args:
        now: the present, aware.
        hours: 1 or more.
    """
    end = hour_of(now) + HOUR
    return Window(end - hours * HOUR, end)


def last_days(now: datetime, days: int) -> Window:
    """Returns the last so many times 24 whole hours, the one under way included.

    Args:
        now: the present, aware.
        days: 1 or more.
    """
    return last_hours(now, 24 * days)


def days_until(end: datetime, days: int) -> Window:
    """Returns the so many times 24 hours that end at a moment, to the second.

    Args:
        end: aware.
        days: 1 or more.
    """
    return Window(end - days * DAY, end)


def day_start(day: date, zone: tzinfo) -> datetime:
    """Returns the first moment of a day by the clock of a zone; where midnight is skipped, the moment of the jump.

    Args:
        day: one before 1970 or after 9000 counts as the first or last day of that time.
        zone: whose day is meant.
    """
    return _midnight(_within_calendar(day), zone)


def time_of_day(day: date, at: time, zone: tzinfo) -> datetime:
    """Returns the moment, in UTC, at which the clock of a zone shows a time of a day, as `moment_of` reads it."""
    return moment_of(datetime.combine(day, at), zone)


def day_window(first: date, last: date, zone: tzinfo) -> Window:
    """Returns the days from `first` to `last`, both included, by the clock of a zone.

    Args:
        first: the first day.
        last: the last day; not before the first.
        zone: whose days are meant. A day that changes the clock has 23 or 25 hours.
    """
    return Window(day_start(first, zone), _midnight(_within_calendar(last) + DAY, zone))


def midnight_of(at: datetime, zone: tzinfo = UTC) -> datetime:
    """Returns the first moment of the day that a time lies in.

    Args:
        at: aware.
        zone: by whose clock.
    """
    return _midnight(at.astimezone(zone).date(), zone)


SPANS = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month")
_LENGTH = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_UNITS = {"h": HOUR, "d": DAY, "w": 7 * DAY}


def is_span(words: str) -> bool:
    """Says whether a word names a stretch of time for `span_of`."""
    return words in SPANS or _LENGTH.fullmatch(words) is not None


def span_of(words: str, now: datetime, zone: tzinfo) -> Window | None:
    """Returns the stretch of time that a word names: "7d" and "12h" end now, days and months are those of a clock.

    Args:
        words: one of `SPANS`, or a number of hours, days or weeks: "12h", "7d", "2w".
        now: the present, aware.
        zone: by whose clock days and months begin; weeks begin on Monday.

    Returns:
        The stretch; what is under way ends with the day. None where the word names none.
    """
    length = _LENGTH.fullmatch(words)
    if length is not None:
        return Window(now - int(length[1]) * _UNITS[length[2]], now)
    today = day_of(now, zone)
    monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
    before = first - timedelta(days=1)
    days = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "this-week": (monday, today),
        "last-week": (monday - timedelta(days=7), monday - timedelta(days=1)),
        "this-month": (first, today),
        "last-month": (before.replace(day=1), before),
    }.get(words)
    return day_window(*days, zone) if days else None


def _within_calendar(day: date) -> date:
    return min(max(day, FIRST_DAY), LAST_DAY)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return moment_of(datetime.combine(day, time.min), zone)


def moment_of(wall: datetime, zone: tzinfo) -> datetime:
    """Returns the first moment, in UTC, at which the clock of a zone shows a time, or has just jumped over it.

    A time that comes twice is thus the first of the two, as a start and as an end: what ends at a time and what begins
    at it meet, and neither holds a run of the other.

    Args:
        wall: a time without a zone, as a person types it.
        zone: by whose clock.

    Raises:
        OverflowError: it lies beyond the first or last year there is.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if first <= second else _jump(second, first, zone)


def second_moment_of(at: datetime, zone: tzinfo) -> datetime | None:
    """Returns when the clock of a zone shows the same time once more, after it was set back; None where it does not.

    Args:
        at: the first of the two moments, aware.
        zone: by whose clock.
    """
    local = at.astimezone(zone)
    second = local.replace(fold=1).astimezone(UTC)
    return second if local.fold == 0 and second > at else None


def _jump(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Finds the second at which the clock of a zone is set forward between two moments in UTC."""
    low, high = int(before.timestamp()), int(after.timestamp())
    offset = before.astimezone(zone).utcoffset()
    while low < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, UTC).astimezone(zone).utcoffset() == offset:
            low = middle + 1
        else:
            high = middle
    return datetime.fromtimestamp(low, UTC)


def first_midnight_from(at: datetime) -> datetime:
    """Returns the first midnight of UTC that is not before a time: a day is in a window that it begins in."""
    midnight = midnight_of(at)
    return midnight if midnight >= at else midnight + DAY


def slot_starts(window: Window, slot_hours: int, zone: tzinfo) -> list[datetime]:
    """Lists where the slots of a chart begin, oldest first and in UTC: at a zone's midnights, at 6:00, at each hour.

    A slot holds what the list from its beginning to the next one's holds. An hour that comes twice, because the clock
    is set back, is two slots; one that is skipped is none.

    Args:
        window: the first slot is the one that holds its start; none begins at or after its end.
        slot_hours: 1, 6, 24 or whole days. A slot begins at a quarter of an hour.
        zone: of the viewer. A day that changes the clock has 23 or 25 hours and still one slot a day.
    """
    local = window.start.astimezone(zone).replace(tzinfo=None, fold=0)
    wall = local.replace(hour=local.hour - local.hour % slot_hours, minute=0, second=0, microsecond=0)
    found: set[datetime] = set()
    while (at := moment_of(wall, zone)) < window.end:
        found.add(at)
        if slot_hours == 1 and (again := second_moment_of(at, zone)) is not None and again < window.end:
            found.add(again)
        wall += slot_hours * HOUR
    # Counts are kept by quarters at the finest; a clock that is set forward at 00:01 is Antarctica/Casey's.
    begins = sorted({at - (at - hour_of(at)) % QUARTER for at in found})
    return begins[max(bisect_right(begins, window.start) - 1, 0) :]
