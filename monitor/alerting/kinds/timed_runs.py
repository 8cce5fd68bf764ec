"""Keeps how long the runs of a stretch took, in order, while the stretch moves on along a history. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.alerting.kinds.interface import EndedRun


class TimedRuns:
    """Holds those runs of a stretch of a history of which is known how long they took.

    A replay asks at each run for a stretch that differs from the one before by a run or two. Moving on costs as much
    as the difference; only a stretch that goes back, or that lies elsewhere, is gone through anew.

    Attributes:
        rows: the runs, in the order in which they ended.
    """

    def __init__(self) -> None:
        self.rows: deque[EndedRun] = deque()
        self._ordered: list[int] = []
        self._first = self._last = 0

    def move(self, history: Sequence[EndedRun], first: int, last: int) -> None:
        """Moves on to `history[first:last]`, of a history of which the runs so far stay as they are."""
        if first < self._first or last < self._last or first > self._last:
            self.rows.clear()
            self._ordered.clear()
            self._first = self._last = first
        for row in history[self._first : min(first, self._last)]:
            if row.duration_ms is not None:
                self.rows.popleft()
                del self._ordered[bisect_left(self._ordered, row.duration_ms)]
        if last - self._last > len(self._ordered):  # sorting many at once is faster than putting each in its place
            added = [row for row in history[self._last : last] if row.duration_ms is not None]
            self.rows.extend(added)
            self._ordered = sorted([*self._ordered, *(row.duration_ms or 0 for row in added)])
        else:
            for row in history[self._last : last]:
                if row.duration_ms is not None:
                    self.rows.append(row)
                    insort(self._ordered, row.duration_ms)
        self._first, self._last = first, last

    def longer_than(self, limit: float) -> int:
        """Returns how many took longer than so many milliseconds."""
        return len(self._ordered) - bisect_right(self._ordered, limit)

    def percentile(self, per_cent: int) -> float:
        """Returns the milliseconds that so many of a hundred runs do not exceed; there must be runs."""
        return float(self._ordered[-(-len(self._ordered) * per_cent // 100) - 1])

    def newest(self, count: int) -> list[EndedRun]:
        """Returns the newest runs, at most so many, in the order in which they ended."""
        return list(islice(reversed(self.rows), count))[::-1]
