"""Says whether a run is left out of every rate, because people marked the time that it began in. Pure.

Counts are kept by the hour of UTC in which runs began (`monitor.periods`), so marked periods are whole hours: a run is
left out by the hour that it began in, in alerts as on pages. It stays in every count, and in the ledger.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.periods import Window


@dataclass(frozen=True, slots=True)
class MarkedTimes:
    """Holds marked periods, those that touch or overlap joined, in order, in seconds since 1970."""

    starts: tuple[float, ...] = ()
    ends: tuple[float, ...] = ()

    @classmethod
    def of(cls, windows: Iterable[Window]) -> MarkedTimes:
        """Joins periods."""
        starts: list[float] = []
        ends: list[float] = []
        for start, end in sorted((one.start.timestamp(), one.end.timestamp()) for one in windows):
            if ends and start <= ends[-1]:
                ends[-1] = max(ends[-1], end)
            else:
                starts.append(start)
                ends.append(end)
        return cls(tuple(starts), tuple(ends))

    def hold(self, seconds: float) -> bool:
        """Returns whether a run that began then, in seconds since 1970, is left out."""
        place = bisect_right(self.starts, seconds) - 1
        return place >= 0 and seconds < self.ends[place]

    def __bool__(self) -> bool:
        return bool(self.starts)


NOTHING_MARKED = MarkedTimes()
