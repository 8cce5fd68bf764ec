"""Sums of buckets: the figures behind every rate and chart. Read-only.

Up to a quarter the hours are summed up, so that a day is the viewer's; longer times are summed up from days (UTC),
which are kept when their hours are gone, and are 24 times fewer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import QuerySet, Sum

from monitor.models import DayBucket, HourBucket
from monitor.periods import DAY, Window, day_start, first_midnight_from

LONGEST_BY_HOUR = 92 * DAY
Buckets = QuerySet[HourBucket] | QuerySet[DayBucket]
_FIELDS = ("succeeded", "failed", "first_succeeded", "running", "other")


@dataclass(frozen=True)
class Counts:
    """Runs of some flows in some time, by their final result (see `HourBucket`). Rates are per cent."""

    succeeded: int = 0
    failed: int = 0
    first_succeeded: int = 0
    running: int = 0
    other: int = 0

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed

    @property
    def total(self) -> int:
        return self.finished + self.running + self.other

    @property
    def rate(self) -> float | None:
        """Finished runs that succeeded in the end, per cent; None where nothing finished."""
        return 100 * self.succeeded / self.finished if self.finished else None

    @property
    def first_rate(self) -> float | None:
        """Finished runs that succeeded at the first attempt, per cent."""
        return 100 * self.first_succeeded / self.finished if self.finished else None

    def __add__(self, more: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(more, name) for name in _FIELDS))


@dataclass(frozen=True)
class HourCounts:
    """Holds the counts of one hour (UTC), or of one day that is known as a whole, by its first hour."""

    hour: datetime
    counts: Counts


def sums() -> dict[str, Sum]:
    """Returns the aggregates that `of_sums` reads; their names do not hide the columns they sum."""
    return {f"sum_{name}": Sum(name) for name in _FIELDS}


def of_sums(row: dict[str, Any]) -> Counts:
    """Counts from a row with the aggregates of `sums`."""
    return Counts(**{name: row[f"sum_{name}"] or 0 for name in _FIELDS})


def buckets(window: Window, *, account_id: int | None = None, flow_id: int | None = None) -> Buckets:
    """Buckets that begin in a window, of everything, an account or a flow: of hours, or of days for a long window."""
    rows: Any
    if window.length <= LONGEST_BY_HOUR:
        rows = HourBucket.objects.filter(hour__gte=window.start, hour__lt=window.end)
    else:
        first, last = first_midnight_from(window.start), first_midnight_from(window.end)
        rows = DayBucket.objects.filter(day__gte=first.date(), day__lt=last.date())
    if account_id is not None:
        rows = rows.filter(flow__account_id=account_id)
    if flow_id is not None:
        rows = rows.filter(flow_id=flow_id)
    found: Buckets = rows
    return found


def hourly(rows: Buckets) -> list[HourCounts]:
    """Sums per hour (or day), oldest first; those without a run are absent. One statement."""
    when = _when(rows)
    found: Any = rows.values(when).annotate(**sums()).order_by(when)
    return [HourCounts(_moment(row[when]), of_sums(row)) for row in found]


def total(rows: Buckets) -> Counts:
    """Returns the sum of all. One statement."""
    return of_sums(rows.aggregate(**sums()))


def histograms(rows: Buckets) -> list[tuple[datetime, list[int]]]:
    """Returns (beginning, histogram of durations) of each bucket that has one, oldest first. One statement."""
    found: Any = rows.filter(duration_count__gt=0).order_by(_when(rows)).values_list(_when(rows), "durations")
    return [(_moment(at), durations) for at, durations in found]


def errors(rows: Buckets) -> list[tuple[datetime, dict[str, int]]]:
    """Returns (beginning, failed runs by class) of each bucket with failures, oldest first. One statement."""
    found: Any = rows.filter(failed__gt=0).order_by(_when(rows)).values_list(_when(rows), "errors")
    return [(_moment(at), by_class) for at, by_class in found]


def _when(rows: Buckets) -> str:
    return "hour" if rows.model is HourBucket else "day"


def _moment(at: datetime | date) -> datetime:
    return at if isinstance(at, datetime) else day_start(at, UTC)
