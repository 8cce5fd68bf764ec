"""Finds that too few of the runs that ended in a window succeeded. Pure.

It has recovered once the rate is back, or once the last k runs all succeeded and nothing newer failed, so that a flow
that is repaired is so within the hour and not when its failures leave the window. After that the old failures are over:
it fires again only if the rate is too low among the runs since the newest of them as well, by enough runs. So it is
after an outage that was over before the rule was made.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import (
    ROUNDING,
    AlertStanding,
    ConditionState,
    Evaluation,
    RunResult,
    Runs,
    moment,
)

LONGEST_WINDOW = 90 * 24
SHORT = 10  # times as long as failures wait for Zoho


class _RateWindow(NamedTuple):
    """Holds `rows[first:last]` of a window, and what they count."""

    first: int
    last: int
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class SuccessRate:
    """Asks that a success rate stays at or above a threshold.

    Attributes:
        threshold: per cent; it is breached below.
        window_hours: the window are the last so many hours, by when runs ended.
        min_runs: fewer finished runs say nothing.
        last_good: so many good runs one after the other are a recovery, whatever the rate.
        recover_at: per cent from which on the rate is back; None for the threshold.
    """

    kind: ClassVar[str] = "success_rate"

    threshold: float = 95.0
    window_hours: float = 168
    min_runs: int = 20
    last_good: int = 10
    recover_at: float | None = None

    def __post_init__(self) -> None:
        limits.number("threshold", self.threshold, 0, 100)
        limits.number("window_hours", self.window_hours, 0.25, LONGEST_WINDOW)
        limits.whole("min_runs", self.min_runs, 1, 1_000_000)
        limits.whole("last_good", self.last_good, 1, 1_000_000)
        if self.recover_at is not None:
            limits.number("recover_at", self.recover_at, self.threshold, 100)

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        return at - timedelta(hours=self.window_hours)

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        now = at.timestamp()
        last = bisect_right(runs.ends, now)
        window = self._window(runs, now, last)
        late = runs.lateness(now - self._seconds, last) if self._is_short(runs) else 0.0
        # By how late failures count, the window is looked at as of then, too: what ended in it is known by now.
        past = self._window(runs, now - late + ROUNDING, last) if late else None
        if standing.is_open:
            return self._of_open(runs, standing, window, past, last)
        found = self._of_closed(runs, standing, window, last)
        if past is None or found.found is ConditionState.BREACHED:
            return found
        changes = [runs.ends[place] + self._seconds + late for place in (past.first,) if place < last]
        changes += [runs.ends[past.last] + late] if past.last < last else []
        before = self._of_closed(runs, standing, past, last)
        if before.found is ConditionState.BREACHED and not self._is_back(window, last):
            found = before
            changes += [runs.ends[window.first] + self._seconds] if window.first < last else []
        again_at = [*map(moment, changes), *([found.again_at] if found.again_at is not None else [])]
        return replace(found, again_at=min(again_at, default=None))

    @property
    def _seconds(self) -> float:
        return self.window_hours * 3600

    def _is_short(self, runs: Runs) -> bool:
        """Returns whether runs that count late are much of the window: in a long one they hardly change the rate."""
        return self._seconds < SHORT * runs.patience

    def _window(self, runs: Runs, end: float, last: int) -> _RateWindow:
        """Counts the window that ends at a moment; the good runs in a row are those up to now."""
        until = bisect_right(runs.ends, end, 0, last)
        first = bisect_right(runs.ends, end - self._seconds + ROUNDING, 0, until)
        succeeded, failed, _ = runs.counts(first, until)
        numbers: dict[str, float] = {
            "succeeded": succeeded,
            "failed": failed,
            "runs": succeeded + failed,
            "good_in_a_row": last - max(runs.newest_unsuccessful(last) + 1, first),
        }
        if succeeded + failed:
            numbers["rate"] = 100 * succeeded / (succeeded + failed)
        return _RateWindow(first, until, numbers)

    def _is_back(self, window: _RateWindow, last: int) -> bool:
        """Returns whether the rate is back also if all that waits for Zoho turns out to have failed."""
        recover_at = self.threshold if self.recover_at is None else self.recover_at
        numbers = window.numbers
        return numbers["runs"] > 0 and 100 * numbers["succeeded"] >= recover_at * (last - window.first)

    def _of_open(
        self, runs: Runs, standing: AlertStanding, window: _RateWindow, past: _RateWindow | None, last: int
    ) -> Evaluation:
        first, numbers = window.first, window.numbers
        good = int(numbers["good_in_a_row"])
        if first == last and past is None:
            return Evaluation(ConditionState.EMPTY, numbers)
        if self._is_back(window, last) or good >= self.last_good:
            return Evaluation(ConditionState.CLEAR, numbers, None, good, self._lower_at(runs, first, numbers))
        began_at = standing.began_at or standing.fired_at
        count = runs.since(began_at, last) if began_at is not None else 0
        if past is not None and not numbers["runs"]:
            numbers = past.numbers
        # Only those that leave make it better that failed or may turn out to have failed.
        leaves = [self._leaves_at(runs, runs.first_unsuccessful(first, last))] if first < last else []
        if past is not None:
            leaves.append(self._leaves_at(runs, runs.newest_late(last)) + timedelta(seconds=runs.patience))
        return Evaluation(ConditionState.BREACHED, numbers, began_at, count, min(leaves))

    def _of_closed(self, runs: Runs, standing: AlertStanding, window: _RateWindow, last: int) -> Evaluation:
        first, until, numbers = window
        if numbers["runs"] < self.min_runs:
            return Evaluation(ConditionState.NO_DATA, numbers)
        if numbers["rate"] >= self.threshold:
            return Evaluation(ConditionState.CLEAR, numbers, again_at=self._lower_at(runs, first, numbers))
        since = first
        if standing.recovered_at is not None:
            since = max(first, runs.newest_failed(runs.until(standing.recovered_at)) + 1)
        since = self._since_repair(runs, since, until)
        if numbers["good_in_a_row"] >= self.last_good or not self._is_low(runs, since, until):
            return Evaluation(ConditionState.CLEAR, numbers, again_at=self._lower_at(runs, first, numbers))
        began = self._began(runs, since, until)
        return Evaluation(
            ConditionState.BREACHED, numbers, moment(runs.ends[began]), last - began, self._leaves_at(runs, first)
        )

    def _since_repair(self, runs: Runs, first: int, last: int) -> int:
        """Returns the place after the newest failure of `rows[first:last]` that was repaired; `first` for none.

        So many good runs followed it that one failure after them leaves the rate at the threshold: a flow that always
        fails a little too often seldom has so many, and one that was repaired before the rule was made has them.
        """
        if self.threshold >= 100:
            return first
        needed = max(self.last_good, math.ceil(self.threshold / (100 - self.threshold) - ROUNDING))
        newer = runs.newest_unsuccessful(last)
        while (older := runs.newest_unsuccessful(newer) if newer > first else -1) >= first:
            if newer - older > needed:
                return older + 1
            newer = older
        return first

    def _is_low(self, runs: Runs, first: int, last: int) -> bool:
        succeeded, failed, _ = runs.counts(first, last)
        count = succeeded + failed
        return count >= self.min_runs and 100 * succeeded / count < self.threshold

    def _began(self, runs: Runs, first: int, last: int) -> int:
        """Returns the place of the failure that what is found began with.

        That is the first one of the stretch up to now in which most more runs failed than the threshold allows: not a
        lone failure of days ago that happens to lie in the window.
        """
        allowed = 1 - self.threshold / 100
        excess = lowest = 0.0
        begins = first
        for place in range(first, last):
            result = runs.rows[place].result
            if result is not RunResult.PENDING:
                excess += (result is RunResult.FAILED) - allowed
            if excess < lowest:
                lowest, begins = excess, place + 1
        return min(runs.first_failed(begins, last), last - 1)

    def _lower_at(self, runs: Runs, first: int, numbers: dict[str, float]) -> datetime | None:
        """Returns when enough runs will have left the window for another answer, if no run ends until then.

        So many must leave that too few remain, or that the failures weigh too much among those that remain.
        """
        count, failed = int(numbers["runs"]), numbers["failed"]
        if count < self.min_runs:
            return None
        if numbers["rate"] < self.threshold:
            return self._leaves_at(runs, first)
        remaining = self.min_runs - 1
        if failed and self.threshold < 100:
            remaining = max(remaining, int(failed * 100 / (100 - self.threshold)))
        return self._leaves_at(runs, first + max(count - min(remaining, count - 1), 1) - 1)

    def _leaves_at(self, runs: Runs, place: int) -> datetime:
        return moment(runs.ends[place] + self._seconds)


CONDITION = SuccessRate
