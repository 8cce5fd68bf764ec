"""Lays the mirror's counts into the slots of a chart, and marks those that are not known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.languages import gettext as _
from monitor.periods import Window
from monitor.queries import links
from monitor.queries.counts import Counts, Detail, Piece
from monitor.queries.holes import Hole
from monitor.queries.overview import PeriodFigures
from monitor.rollups.run_time_histogram import merge, percentile
from monitor.rollups.success_rate import merge_errors


@dataclass(frozen=True)
class Slot:
    """Holds one column of a chart. `is_known` is False where it touches a hole; its counts are then a lower bound.

    Attributes:
        start: where it begins by the viewer's clock, which may be before the chart's window.
        end: where the next one begins; of the last the present.
        counted: the stretch whose runs are counted: the slot as far as it lies in the window.
        missing: says in a word or three what stands in for a count that is not known.
    """

    start: datetime
    end: datetime
    counts: Counts = field(default_factory=Counts)
    p50: float | None = None
    p95: float | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    is_known: bool = True
    missing: str = "not known"
    within: Window | None = None

    @property
    def counted(self) -> Window:
        return self.within or Window(self.start, self.end)


def of_figures(figures: PeriodFigures, holes: Sequence[Hole], details: Iterable[Detail] = ()) -> list[Slot]:
    """Lays a period's figures into slots of the viewer's clock; see `lay` for the arguments."""
    return lay(figures.pieces, figures.begins, figures.end, holes=holes, details=details, window=figures.window)


def link(figures: PeriodFigures, *, flow_id: int | None = None) -> Callable[[Slot, str], str]:
    """Returns what builds the address of the runs that a slot of these figures counts as having a status."""

    def address(slot: Slot, status: str) -> str:
        return links.runs(slot.counted, status, flow_id=flow_id, listed_from=figures.listed_from)

    return address


def lay(
    pieces: Iterable[Piece],
    begins: Sequence[datetime],
    end: datetime,
    *,
    holes: Sequence[Hole] = (),
    details: Iterable[Detail] = (),
    window: Window | None = None,
) -> list[Slot]:
    """Lays counts into slots.

    Args:
        pieces: counts of stretches that none of `begins` cuts. One belongs to the slot that holds its beginning.
        begins: as `periods.slot_starts` gives them.
        end: of the last slot.
        holes: stretches that are not known.
        details: run times, for the percentiles, and failed runs by class of error.
        window: that was counted; as long as the slots, where it is not given.
    """
    totals = [Counts() for _ in begins]
    for piece in pieces:
        if (place := bisect_right(begins, piece.at) - 1) >= 0:
            totals[place] += piece.counts
    durations: list[list[Sequence[int]]] = [[] for _ in begins]
    failures: list[dict[str, int]] = [{} for _ in begins]
    for detail in details:
        if (place := bisect_right(begins, detail.at) - 1) >= 0:
            durations[place].append(detail.durations)
            failures[place] = merge_errors(failures[place], detail.errors)
    ends = [*begins[1:], end]
    slots = []
    for place, (begin, until) in enumerate(zip(begins, ends, strict=True)):
        merged = merge(*durations[place])
        touched = [hole for hole in holes if hole.start < until and begin < hole.end]
        slots.append(
            Slot(
                start=begin,
                end=until,
                counts=totals[place],
                p50=percentile(merged, 50) if merged else None,
                p95=percentile(merged, 95) if merged else None,
                errors=failures[place],
                is_known=not touched,
                missing=_("not read yet") if touched and all(hole.is_unread for hole in touched) else _("not known"),
                within=_within(window, begin, begins[place + 1 : place + 2]),
            )
        )
    return slots


def _within(window: Window | None, begin: datetime, following: Sequence[datetime]) -> Window | None:
    if window is None:
        return None
    return Window(max(begin, window.start), following[0] if following else window.end)
