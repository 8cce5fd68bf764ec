"""Finds soon that a flow fails more often than it usually does, within a budget of false alarms. Pure.

A Bernoulli CUSUM over the flow's runs: each failure adds to a sum, each good run takes a little away, and at a bound it
fires. The bound is computed such that a healthy flow fires falsely once in `run_length` runs in the mean, at the level
that was learned of this very flow (docs/reference/alerts.md, "Failing now").

It has recovered by the same sum the other way round: ten good runs more than failures weigh, and more of them where
only a part of the runs had failed, since ten good ones come by chance then. After that the sum begins at 0 again.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, NamedTuple

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.failing_now.healthy_level import HIGHEST, HISTORY, level_at, needs_from
from monitor.alerting.kinds.failing_now.run_length import CusumChart, chart_for, on_grid, weight_for
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation, Learned, RunResult, Runs, moment

SHORTEST_RUN_LENGTH, MOST_RUNS = 15_000, 1_000_000_000
LEAST_FALSE_ALERTS = 0.01
STEP = 1.1
LEAST_MORE = 0.20  # of a flow that often fails, so much more is worth waking somebody for
_GOOD_RUNS, _MOST_GOOD_RUNS = 10, 30
_BY_CHANCE = 1 / 10_000
_LOWEST = 0.01


@dataclass(frozen=True, slots=True)
class FailingNow:
    """Asks that a flow fails no more often than it usually does.

    Attributes:
        run_length: the mean number of runs between two false alarms of a healthy flow, at the least.
        worth_waking: the share of failing runs that is to be found fastest, in per cent; for a flow that often fails
            when it is healthy, 20 per cent more than that if it is more.
        false_alerts: at most so many false alerts a month over all flows of the rule, at their usual pace; None: only
            `run_length` counts.
        floor: a flow that fails less often when it is healthy, in per cent, is taken to fail so often.
    """

    kind: ClassVar[str] = "failing_now"

    run_length: int = SHORTEST_RUN_LENGTH
    worth_waking: float = 30.0
    floor: float = 1.0
    false_alerts: float | None = None

    def __post_init__(self) -> None:
        limits.whole("run_length", self.run_length, 100, MOST_RUNS)
        limits.number("floor", self.floor, 0.1, 100 * HIGHEST)
        limits.number("worth_waking", self.worth_waking, 5, 95)
        if self.false_alerts is not None:
            limits.number("false_alerts", self.false_alerts, LEAST_FALSE_ALERTS, 1_000)
        if self.worth_waking <= self.floor:
            raise ValueError("worth_waking must be above the floor")

    def at_pace(self, runs_a_month: float) -> FailingNow:
        """Returns the condition with the run length that its budget of false alerts asks for.

        Never a shorter one than is set, nor than 15,000 where there is a budget. It goes up in steps of a tenth, so
        that it does not change with every day's pace.

        Args:
            runs_a_month: of all flows of the rule together.
        """
        if self.false_alerts is None:
            return self
        least = max(self.run_length, SHORTEST_RUN_LENGTH)
        needed = runs_a_month / self.false_alerts
        if needed <= least:
            return replace(self, run_length=least)
        steps = math.ceil(math.log(needed / least) / math.log(STEP) - 1e-9)
        return replace(self, run_length=min(round(least * STEP**steps), MOST_RUNS))

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        needed = needs_from(at, standing.learned)
        return min(needed, standing.anchor or at - HISTORY)

    def chart(self, healthy: float) -> CusumChart:
        """Returns the chart for a flow of which that share fails when it is healthy."""
        level = on_grid(min(max(healthy, self.floor / 100), HIGHEST))
        return chart_for(level, max(self.worth_waking / 100, level + LEAST_MORE), self.run_length)

    def expected_delay(self, share: float, healthy: float) -> float:
        """Returns after how many runs it is found, in the mean, that a share of the runs fails.

        Args:
            share: 1 is a total outage, 0.5 that every second run fails.
            healthy: the share that failed before.
        """
        return self.chart(healthy).mean_runs(share)

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        last = runs.until(at)
        if not last:
            return Evaluation(ConditionState.NO_DATA)
        learned = level_at(runs, at, standing.learned, standing.began_at if standing.is_open else None)
        chart = self.chart(learned.values[0])
        if standing.is_open:
            return _of_open(chart, runs, last, standing, learned)
        start = 0 if standing.anchor is None else bisect_left(runs.ends, standing.anchor.timestamp(), 0, last)
        if standing.recovered_at is not None:
            start = max(start, min(runs.until(standing.recovered_at), last))
        return _of_closed(chart, runs, start, last, learned)


def _of_closed(chart: CusumChart, runs: Runs, start: int, last: int, learned: Learned) -> Evaluation:
    """Adds up from where the sum was 0 last; what had fired among runs that ended together may have recovered, too.

    The next evaluation begins where the sum was 0 before all that may still count otherwise: failures that Zoho runs
    again by itself count once the patience is over, and runs may be mirrored after others that ended after them.
    """
    rows, weight, bound = runs.rows, chart.weight, chart.bound
    settled = min(runs.settled(start, last), last - 1)
    total, began, place, anchor = 0, start, start, min(start, last - 1)
    while place < last:
        if not total:
            zero_from, place = place, runs.first_failed(place, last)
            anchor = min(place, settled) if zero_from <= settled else anchor
            if place == last:
                break
        result = rows[place].result
        place += 1
        if result is RunResult.FAILED:
            if not total:
                began = place - 1
            total += weight
            if total >= bound:
                good_since = _recovery(runs, began, place, last, learned)
                if not good_since.is_over:
                    return _breached(chart, runs, began, last, learned)
                total, place = 0, good_since.until
        elif result is RunResult.SUCCEEDED:
            total -= 1
    numbers = _numbers(learned, chart) | {"sum": total}
    return Evaluation(ConditionState.CLEAR, numbers, anchor=moment(runs.ends[anchor]), learned=learned)


def _breached(chart: CusumChart, runs: Runs, began: int, last: int, learned: Learned) -> Evaluation:
    began_at = moment(runs.ends[began])
    numbers = _numbers(learned, chart) | {"sum": chart.bound} | _shares(runs, began, last)
    return Evaluation(ConditionState.BREACHED, numbers, began_at, last - began, anchor=began_at, learned=learned)


def _of_open(chart: CusumChart, runs: Runs, last: int, standing: AlertStanding, learned: Learned) -> Evaluation:
    began_at = standing.began_at or standing.fired_at
    first = bisect_left(runs.ends, began_at.timestamp(), 0, last) if began_at is not None else 0
    start = first
    if standing.anchor is not None:
        start = max(start, bisect_left(runs.ends, standing.anchor.timestamp(), 0, last))
    if standing.fired_at is not None:  # what was good before it fired is no sign that it is better
        start = max(start, min(runs.until(standing.fired_at), last))
    better = _recovery(runs, first, start, last, learned)
    anchor = standing.anchor
    if first < last:
        anchor = moment(runs.ends[min(max(first, better.since - _MOST_GOOD_RUNS), last - 1)])
    if better.is_over:
        # A rule may ask that it stays so for a while before it counts as recovered: then what came after tells.
        after = _of_closed(chart, runs, better.until, last, learned)
        if after.found is ConditionState.CLEAR:
            numbers = _numbers(learned, chart) | {"good_in_a_row": last - better.since}
            return Evaluation(ConditionState.CLEAR, numbers, None, last - better.since, anchor=anchor, learned=learned)
    numbers = _numbers(learned, chart) | {"sum": chart.bound} | _shares(runs, first, last)
    return Evaluation(ConditionState.BREACHED, numbers, began_at, last - first, anchor=anchor, learned=learned)


class _Recovery(NamedTuple):
    """Holds whether what was found is over, from which run on things were better, and up to which run it took."""

    is_over: bool
    since: int
    until: int


def _recovery(runs: Runs, began: int, start: int, last: int, learned: Learned) -> _Recovery:
    """Adds up the good runs since it began, less what failures weigh, until they are enough.

    One that Zoho runs again by itself weighs as a failure until it is known: good runs beside it are no recovery yet.
    """
    rows, weight = runs.rows, _weight_of_recovery(learned)
    total, since, needed = 0, start, _needed(runs, began, start, learned)
    for place in range(start, last):
        result = rows[place].result
        if result is RunResult.SUCCEEDED:
            total += 1
            if total >= needed:
                return _Recovery(is_over=True, since=since, until=place + 1)
        else:
            total -= weight
            if total <= 0:
                total, since = 0, place + 1
                needed = _needed(runs, began, since, learned)
    return _Recovery(is_over=False, since=since, until=last)


def _weight_of_recovery(learned: Learned) -> int:
    """Returns what a failure weighs, in good runs: as it tells the usual level from three times that."""
    level = max(learned.values[0], _LOWEST)
    return weight_for(level, min(3 * level, (1 + level) / 2))


def _needed(runs: Runs, began: int, since: int, learned: Learned) -> int:
    """Returns how many good runs more than failures weigh are a recovery.

    So many that they would come by chance once in ten thousand times, if still the same share failed as before.
    """
    succeeded, failed, _ = runs.counts(max(began, since - _MOST_GOOD_RUNS), since)
    level = learned.values[0]
    share = min(failed / (succeeded + failed), 0.99) if failed else level
    if share <= level:
        return _MOST_GOOD_RUNS
    by_chance = math.log(_BY_CHANCE) / math.log((1 - share) / (1 - level))
    return min(max(math.ceil(by_chance), _GOOD_RUNS), _MOST_GOOD_RUNS)


def _numbers(learned: Learned, chart: CusumChart) -> dict[str, float]:
    return {"usual_failing": 100 * learned.values[0], "usual_of_runs": learned.values[1], "bound": chart.bound}


def _shares(runs: Runs, began: int, last: int) -> dict[str, float]:
    succeeded, failed, _ = runs.counts(began, last)
    return {"failed": failed, "runs": succeeded + failed}


CONDITION = FailingNow
