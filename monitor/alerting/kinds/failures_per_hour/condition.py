"""Finds a flow of which many runs fail within some hours, whatever part of its runs that is. Pure.

A failure belongs to the window in which it ended, also where it waited for a re-run by Zoho and counts only after that:
so a window is looked at as of then, too. Else an hour would hold the failures of 25 minutes where each waits for 35.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import ROUNDING, AlertStanding, ConditionState, Evaluation, Runs, moment


@dataclass(frozen=True, slots=True)
class FailuresPerHour:
    """Asks that fewer runs fail within some hours.

    Attributes:
        most: so many failed runs fire; it has recovered once fewer than half of them are left in the window.
        window_hours: within how many hours.
    """

    kind: ClassVar[str] = "failures_per_hour"

    most: int = 10
    window_hours: int = 1

    def __post_init__(self) -> None:
        limits.whole("most", self.most, 1, 1_000_000)
        limits.whole("window_hours", self.window_hours, 1, 7 * 24)

    @property
    def window(self) -> timedelta:
        return timedelta(hours=self.window_hours)

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        return at - self.window

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        """Looks for a window with so many failures that ends now, or in the time for which failures waited for Zoho."""
        now, length = at.timestamp(), self.window.total_seconds()
        last = runs.until(at)
        late = runs.lateness(now - length, last)
        places = self._counted(runs, runs.place_after(now - length - late + ROUNDING), last, standing)
        ends = [runs.ends[place] for place in places]
        needed = self._needed(standing)
        until, first = _fullest(ends, now - late, length)
        count = bisect_right(ends, until) - first
        window = runs.place_after(until - length + ROUNDING)
        numbers = {"failed": count, "runs": bisect_right(runs.ends, until, 0, last) - window, "most": self.most}
        if count < needed:
            return Evaluation(ConditionState.CLEAR, numbers, None, 0 if places else last - window)
        if runs.ends[places[first]] <= now - length + ROUNDING:
            numbers["is_past"] = 1
        again_at = [self._over_at(ends, needed, length + late)]
        if late:  # from then on nothing is late, and only a window that ends now is looked at
            again_at.append(runs.ends[runs.newest_late(last)] + length + late)
        began_at = standing.began_at or moment(ends[first])
        return Evaluation(
            ConditionState.BREACHED, numbers, began_at, last - places[first], again_at=moment(min(again_at))
        )

    def _over_at(self, ends: list[float], needed: int, kept: float) -> float:
        """Returns from when on no window with so many failures is left. A window ends open."""
        length = self.window.total_seconds()
        places = range(len(ends) - needed + 1)
        first = max(place for place in places if ends[place + needed - 1] - ends[place] < length - ROUNDING)
        return ends[first] + kept

    def _counted(self, runs: Runs, first: int, last: int, standing: AlertStanding) -> list[int]:
        """Returns the places of the failures that count: those that counted before a recovery are over.

        While an alert is open, what waits for Zoho may turn out to have failed: it has not recovered by that.
        """
        if standing.is_open:
            return runs.unsuccessful_places(first, last)
        places = runs.failed_places(first, last)
        if standing.recovered_at is None:
            return places
        over = standing.recovered_at.timestamp()
        return [place for place in places if runs.rows[place].counts_from > over]

    def _needed(self, standing: AlertStanding) -> int:
        return self._least() if standing.is_open else self.most

    def _least(self) -> int:
        """Returns how many failures keep an open alert open."""
        return (self.most + 1) // 2


def _fullest(ends: list[float], since: float, length: float) -> tuple[float, int]:
    """Returns when the window with the most failures ends, at a moment or later, and its first failure; the newest.

    Args:
        ends: when failures ended, in order.
        since: the earliest moment at which it may end.
        length: of a window, in seconds; one ends closed and begins open.
    """
    best = since, bisect_right(ends, since - length + ROUNDING)
    most = bisect_right(ends, since) - best[1]
    for place in range(bisect_right(ends, since), len(ends)):
        first = bisect_right(ends, ends[place] - length + ROUNDING)
        if place + 1 - first >= most:
            best, most = (ends[place], first), place + 1 - first
    return best


CONDITION = FailuresPerHour
