"""Says whose digest of which day or week is due: one for each person and period, whatever the clock does. Pure.

A day is named by its date, a week by the date of its Monday, by the person's clock. What is named once is never due
again: not after a restart, not when the hour comes twice in autumn, and not when the person changes the hour, the day
of the week or the time zone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from monitor.periods import DAY, day_of, time_of_day

DAYS_A_WEEK = 7
# Who moves to the other side of the date line would else get two of them within hours.
LEAST_PAUSE, LEAST_PAUSE_OF_WEEKS = timedelta(hours=6), timedelta(days=2)
AFTER_BOOT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class DigestWish:
    """Holds when a person wants such a mail, and which ones were decided already.

    Attributes:
        zone: the person's.
        hour: of the day, by that clock.
        asked_at: what was due before is not sent: nobody had asked for it.
        weekday: of a mail a week, 0 for Monday; None for one a day.
        done: the periods that were decided.
        last_due_at: when the newest of these was due; None where there is none.
        last_sent_at: when the newest was handed over that said something, however late it was; None where none was.
    """

    zone: tzinfo
    hour: int
    asked_at: datetime
    weekday: int | None = None
    done: Collection[date] = ()
    last_due_at: datetime | None = None
    last_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DuePeriod:
    """Names a day or week, and when its mail was due."""

    name: date
    due_at: datetime


def due_period(wish: DigestWish, now: datetime) -> DuePeriod | None:
    """Returns the newest period whose mail is due and not decided; None where there is none.

    Of several that were missed while nothing ran only the newest is sent: it tells of the time since the one before.
    """
    newest = max((one for one in _periods(wish, now) if one.due_at <= now), key=lambda one: one.due_at, default=None)
    if newest is None or newest.name in wish.done or newest.due_at < wish.asked_at:
        return None
    pause = LEAST_PAUSE if wish.weekday is None else LEAST_PAUSE_OF_WEEKS
    if wish.last_due_at is not None and newest.due_at < wish.last_due_at + pause:
        return None
    if wish.last_sent_at is not None and now < wish.last_sent_at + pause:
        return None  # the one before came late: this one waits, and is not lost
    return newest


def is_after_boot(booted_at: datetime | None, now: datetime) -> bool:
    """Returns whether the worker has run for a minute: what says that it lives says so only then."""
    return booted_at is not None and now >= booted_at + AFTER_BOOT


def _periods(wish: DigestWish, now: datetime) -> list[DuePeriod]:
    today = day_of(now, wish.zone)
    if wish.weekday is None:
        return [DuePeriod(day, _due_at(day, wish)) for day in (today, today - DAY)]
    monday = today - today.weekday() * DAY
    return [DuePeriod(week, _due_at(week + wish.weekday * DAY, wish)) for week in (monday, monday - DAYS_A_WEEK * DAY)]


def _due_at(day: date, wish: DigestWish) -> datetime:
    return time_of_day(day, time(wish.hour), wish.zone)
