"""Finds a flow of which many runs fail within some hours, whatever part of its runs that is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation, RunResult, Runs, moment


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
        last = runs.until(at)
        first = runs.until(self._start(at, standing))
        failed = [place for place in range(first, last) if runs.rows[place].result is RunResult.FAILED]
        numbers = {"failed": len(failed), "runs": last - first, "most": self.most}
        needed = self._needed(standing)
        if len(failed) < needed:
            good = 0 if failed else last - first
            return Evaluation(ConditionState.CLEAR, numbers, None, good)
        began_at = standing.began_at or moment(runs.ends[failed[0]])
        # Once so many are too old that fewer than are needed are left. A window ends open: what ended at its very
        # beginning is no longer in it.
        over_at = moment(runs.ends[failed[len(failed) - self._least()]]) + self.window
        return Evaluation(
            ConditionState.BREACHED, numbers, began_at, last - failed[0], again_at=over_at if over_at > at else None
        )

    def _start(self, at: datetime, standing: AlertStanding) -> datetime:
        """Returns from when on failures count: those before a recovery are over."""
        start = at - self.window
        if standing.is_open or standing.recovered_at is None:
            return start
        return max(start, standing.recovered_at)

    def _needed(self, standing: AlertStanding) -> int:
        return self._least() if standing.is_open else self.most

    def _least(self) -> int:
        """Returns how many failures keep an open alert open."""
        return (self.most + 1) // 2


CONDITION = FailuresPerHour
