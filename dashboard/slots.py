"""A period cut into slots of the viewer's clock, and the mirror's counts laid into them. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo

from monitor.queries.counts import Counts, HourCounts
from monitor.rollups.count_runs import merge, merge_errors, percentile

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Period:
    """A choice of the period switch: how many days back, and the length of a slot in hours."""

    days: int
    slot_hours: int
    label: str


PERIODS = {
    1: Period(1, 1, "24 hours"),
    7: Period(7, 6, "7 days"),
    30: Period(30, 24, "30 days"),
    90: Period(90, 24, "90 days"),
    365: Period(365, 7 * 24, "12 months"),
}
DEFAULT_PERIOD = PERIODS[7]


@dataclass(frozen=True)
class Hole:
    """A stretch of time whose runs the mirror does not hold for sure, and why.

    `is_unread`: nothing is wrong, its history is still being read.
    """

    start: datetime
    end: datetime
    reason: str
    is_unread: bool = False


@dataclass(frozen=True)
class Slot:
    """One column of a chart. `is_known` is False where it touches a hole; its counts are then a lower bound.

    `missing` says in a word or three what stands in for a count that is not known.
    """

    start: datetime
    end: datetime
    counts: Counts = field(default_factory=Counts)
    p50: float | None = None
    p95: float | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    is_known: bool = True
    missing: str = "not known"


def period_of(value: str | None) -> Period:
    """The period that an address names by its days; the default where it names none that there is."""
    return PERIODS.get(int(value), DEFAULT_PERIOD) if value and value.isascii() and value.isdigit() else DEFAULT_PERIOD


def starts(start: datetime, end: datetime, slot_hours: int, zone: tzinfo) -> list[datetime]:
    """Where slots begin, oldest first, on the wall clock of `zone`: at midnight, 6:00, each hour ...

    Args:
        start: aware; the first slot is the one that holds it.
        end: aware; no slot begins at or after it.
        slot_hours: 1, 6, 24 or whole days.
        zone: of the viewer. A day that changes the clock has 23 or 25 hours and still one slot a day.
    """
    if slot_hours == 1:
        first = start.replace(minute=0, second=0, microsecond=0)
        return [first + HOUR * n for n in range(max(0, -(-(end - first) // HOUR)))]
    local = start.astimezone(zone).replace(tzinfo=None)
    wall = local.replace(hour=local.hour - local.hour % slot_hours, minute=0, second=0, microsecond=0)
    found: list[datetime] = []
    while (at := wall.replace(tzinfo=zone)) < end:
        found.append(at)
        wall += timedelta(hours=slot_hours)
    return found


def lay(
    hours: Iterable[HourCounts],
    begins: Sequence[datetime],
    end: datetime,
    *,
    holes: Sequence[Hole] = (),
    histograms: Iterable[tuple[datetime, Sequence[int]]] = (),
    errors: Iterable[tuple[datetime, Mapping[str, int]]] = (),
) -> list[Slot]:
    """The counts of each slot.

    Args:
        hours: counts per UTC hour. An hour belongs to the slot that holds its beginning.
        begins: as `starts` gives them.
        end: of the last slot.
        holes: stretches that are not known.
        histograms: (hour, durations) as in `HourBucket`, for the percentiles.
        errors: (hour, failed runs by class of error), likewise.
    """
    totals = [Counts() for _ in begins]
    for hour in hours:
        place = bisect_right(begins, hour.hour) - 1
        if place >= 0:
            totals[place] += hour.counts
    gathered: list[list[Sequence[int]]] = [[] for _ in begins]
    for at, durations in histograms:
        place = bisect_right(begins, at) - 1
        if place >= 0:
            gathered[place].append(durations)
    failures: list[dict[str, int]] = [{} for _ in begins]
    for at, by_class in errors:
        place = bisect_right(begins, at) - 1
        if place >= 0:
            failures[place] = merge_errors(failures[place], by_class)
    ends = [*begins[1:], end]
    slots = []
    for begin, until, counts, parts, failed in zip(begins, ends, totals, gathered, failures, strict=True):
        merged = merge(*parts) if parts else []
        touched = [hole for hole in holes if hole.start < until and begin < hole.end]
        slots.append(
            Slot(
                start=begin,
                end=until,
                counts=counts,
                p50=percentile(merged, 50) if merged else None,
                p95=percentile(merged, 95) if merged else None,
                errors=failed,
                is_known=not touched,
                missing="not read yet" if touched and all(hole.is_unread for hole in touched) else "not known",
            )
        )
    return slots
