"""Lays the mirror's counts into the slots of a chart, and marks those that are not known. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from monitor.periods import PeriodChoice, slot_starts
from monitor.queries.counts import Counts, HourCounts
from monitor.queries.holes import Hole
from monitor.queries.overview import PeriodFigures
from monitor.rollups.count_runs import merge, merge_errors, percentile


@dataclass(frozen=True)
class Slot:
    """Holds one column of a chart. `is_known` is False where it touches a hole; its counts are then a lower bound.

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


def of_figures(
    figures: PeriodFigures,
    period: PeriodChoice,
    zone: tzinfo,
    holes: Sequence[Hole],
    *,
    histograms: Iterable[tuple[datetime, Sequence[int]]] = (),
    errors: Iterable[tuple[datetime, Mapping[str, int]]] = (),
) -> list[Slot]:
    """Lays a period's figures into slots of the viewer's clock; see `lay` for the arguments."""
    begins = slot_starts(figures.window, period.slot_hours, zone)
    return lay(figures.hours, begins, figures.end, holes=holes, histograms=histograms, errors=errors)


def lay(
    hours: Iterable[HourCounts],
    begins: Sequence[datetime],
    end: datetime,
    *,
    holes: Sequence[Hole] = (),
    histograms: Iterable[tuple[datetime, Sequence[int]]] = (),
    errors: Iterable[tuple[datetime, Mapping[str, int]]] = (),
) -> list[Slot]:
    """Lays counts into slots.

    Args:
        hours: counts per UTC hour. An hour belongs to the slot that holds its beginning.
        begins: as `periods.slot_starts` gives them.
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
