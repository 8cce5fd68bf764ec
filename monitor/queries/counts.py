"""Sums of hour buckets: the figures behind every rate and chart. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from monitor.models import HourBucket

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
    """The counts of one hour (UTC)."""

    hour: datetime
    counts: Counts


def sums() -> dict[str, Sum]:
    """The aggregates that `of_sums` reads; their names do not hide the columns they sum."""
    return {f"sum_{name}": Sum(name) for name in _FIELDS}


def of_sums(row: dict[str, Any]) -> Counts:
    """Counts from a row with the aggregates of `sums`."""
    return Counts(**{name: row[f"sum_{name}"] or 0 for name in _FIELDS})


def buckets(
    *, start: datetime, end: datetime, account_id: int | None = None, flow_id: int | None = None
) -> QuerySet[HourBucket]:
    """Buckets whose hour begins in [start, end), of everything, an account or a flow."""
    rows = HourBucket.objects.filter(hour__gte=start, hour__lt=end)
    if account_id is not None:
        rows = rows.filter(flow__account_id=account_id)
    if flow_id is not None:
        rows = rows.filter(flow_id=flow_id)
    return rows


def hourly(rows: QuerySet[HourBucket]) -> list[HourCounts]:
    """Sums per hour, oldest first; hours without a run are absent. One statement."""
    found: Any = rows.values("hour").annotate(**sums()).order_by("hour")
    return [HourCounts(row["hour"], of_sums(row)) for row in found]


def total(rows: QuerySet[HourBucket]) -> Counts:
    """The sum of all. One statement."""
    return of_sums(rows.aggregate(**sums()))


def histograms(rows: QuerySet[HourBucket]) -> list[tuple[datetime, list[int]]]:
    """(hour, histogram of durations) of each bucket that has one, oldest first. One statement."""
    return list(rows.filter(duration_count__gt=0).order_by("hour").values_list("hour", "durations"))
