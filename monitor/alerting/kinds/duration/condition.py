"""Finds that runs take too long: the 95th percentile is above a limit, or ten of ten runs are. Pure.

The limit is a time, or so many times the flow's own usual, which is the same percentile of the four weeks before. It
has recovered once the percentile is back, or once ten runs in a row stayed within the limit; what was slow before is
over then.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import (
    ROUNDING,
    AlertStanding,
    ConditionState,
    EndedRun,
    Evaluation,
    Learned,
    Runs,
    moment,
)
from monitor.alerting.kinds.timed_runs import TimedRuns

PERCENTILE = 95
AT_ONCE = 10
MOST_RUNS = 1_000  # of a window: the newest are enough for a percentile
HISTORY = timedelta(days=28)
FEWEST_USUAL = 50
LONGEST_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class LongDuration:
    """Asks that runs do not take too long.

    Attributes:
        above_ms: milliseconds that 95 of 100 runs stay within; 0 for no such limit.
        times_usual: so many times the flow's own usual is the limit; 0 for no such limit. With both, the lower counts.
        window_hours: the window are the last so many hours, by when runs ended.
        min_runs: fewer runs say nothing, but for ten of ten that are too slow.
    """

    kind: ClassVar[str] = "duration"
    is_about_failures: ClassVar[bool] = False

    above_ms: int = 0
    times_usual: float = 3.0
    window_hours: float = 24
    min_runs: int = 20

    def __post_init__(self) -> None:
        limits.whole("above_ms", self.above_ms, 0, LONGEST_MS)
        limits.number("times_usual", self.times_usual, 0, 1_000)
        limits.number("window_hours", self.window_hours, 0.25, 28 * 24)
        limits.whole("min_runs", self.min_runs, 1, MOST_RUNS)
        if 0 < self.times_usual <= 1:
            raise ValueError("times_usual must be above 1, or 0 for no such limit")
        if not self.above_ms and not self.times_usual:
            raise ValueError("above_ms must be above 0 where there is no other limit")

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        window = at - timedelta(hours=self.window_hours)
        is_known = standing.learned is not None and (standing.is_open or at.timestamp() < standing.learned.until)
        return window if is_known or not self.times_usual else window - HISTORY

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        last = runs.until(at)
        first = runs.place_after(at.timestamp() - self.window_hours * 3600 + ROUNDING)
        learned = self._learned(runs, at, first, standing) if self.times_usual else None
        limit = self._limit(learned)
        since = max(first, last - MOST_RUNS)
        if standing.recovered_at is not None and not standing.is_open:
            since = max(since, min(runs.until(standing.recovered_at), last))
        timed = runs.timed(min(since, last), last)
        again_at = moment(runs.ends[first] + self.window_hours * 3600) if first < last else None
        if limit is None:
            found = ConditionState.LEARNING if timed.rows else ConditionState.NO_DATA
            return Evaluation(found, again_at=again_at, learned=learned)
        numbers: dict[str, float] = {"limit_ms": limit, "runs": len(timed.rows), "slow": timed.longer_than(limit)}
        if timed.rows:
            numbers["p95_ms"] = timed.percentile(PERCENTILE)
        if learned is not None and learned.values:
            numbers["usual_ms"] = learned.values[0]
        clear = Evaluation(ConditionState.CLEAR, numbers, None, 0, again_at, None, learned)
        return self._found(runs, standing, last, timed, limit, clear)

    def _found(
        self, runs: Runs, standing: AlertStanding, last: int, timed: TimedRuns, limit: float, clear: Evaluation
    ) -> Evaluation:
        slow = clear.numbers["slow"]
        is_high = slow * 100 > len(timed.rows) * (100 - PERCENTILE)
        # The newest ten tell something only where something is open or may fire: a replay spends its time here.
        newest = timed.newest(AT_ONCE) if standing.is_open or is_high or slow >= AT_ONCE else []
        slow_of_newest = sum(_is_above(row, limit) for row in newest)
        is_full = len(newest) == AT_ONCE
        began_at = standing.began_at or standing.fired_at
        if standing.is_open:
            if not timed.rows:
                return replace(clear, found=ConditionState.EMPTY)
            if not is_high or (is_full and not slow_of_newest):
                return replace(clear, runs_since_change=len(newest) if is_full and not slow_of_newest else 0)
        elif is_full and slow_of_newest == AT_ONCE:
            began_at = moment(_first_of_slow(timed.rows, limit).ended)
        elif len(timed.rows) < self.min_runs:
            return replace(clear, found=ConditionState.NO_DATA)
        elif not is_high or (is_full and not slow_of_newest):
            return clear
        else:
            began_at = moment(next(row for row in timed.rows if _is_above(row, limit)).ended)
        count = runs.since(began_at, last) if began_at is not None else 0
        return replace(clear, found=ConditionState.BREACHED, began_at=began_at, runs_since_change=count)

    def _limit(self, learned: Learned | None) -> float | None:
        found = [float(self.above_ms)] if self.above_ms else []
        if learned is not None and learned.values:
            found.append(learned.values[0] * self.times_usual)
        return min(found, default=None)

    def _learned(self, runs: Runs, at: datetime, first: int, standing: AlertStanding) -> Learned:
        """Learns the usual once a day from the four weeks before the window; not while an alert is open."""
        learned = standing.learned
        if learned is not None and (standing.is_open or at.timestamp() < learned.until):
            return learned
        start = runs.until(at - timedelta(hours=self.window_hours) - HISTORY)
        rows = [row for row in runs.rows[start:first] if row.duration_ms is not None]
        values = (_percentile(rows),) if len(rows) >= FEWEST_USUAL else ()
        return Learned((at + timedelta(days=1 if values else 0.1)).timestamp(), values)


def _is_above(row: EndedRun, limit: float) -> bool:
    return row.duration_ms is not None and row.duration_ms > limit


def _percentile(rows: list[EndedRun]) -> float:
    """Returns the duration that 95 of 100 runs do not exceed."""
    durations = sorted(row.duration_ms for row in rows if row.duration_ms is not None)
    return float(durations[-(-len(durations) * PERCENTILE // 100) - 1])


def _first_of_slow(rows: deque[EndedRun], limit: float) -> EndedRun:
    """Returns the first of the slow runs at the end, between which none was within the limit."""
    return list(takewhile(lambda row: _is_above(row, limit), reversed(rows)))[-1]


CONDITION = LongDuration
