"""Learns which share of a flow's runs fails while it is healthy, from its own last 90 days. Pure.

A flow's own outages are no part of its health: the history is cut into blocks of equal numbers of runs, and those in
which far more failed than in the one in the middle are left out. A level that has not gone back after half of the 90
days is thereby the new usual one. Of little history the level is the upper end of what it may be, so that it is not the
flow's first failures that page.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from statistics import median

from monitor.alerting.kinds.interface import Learned, Runs

HISTORY = timedelta(days=90)
# Of an alert that is open nothing is learned, until this is over: then it is no outage any more but how things are.
UNTIL_USUAL = timedelta(days=45)
HIGHEST = 0.30  # a flow of which more fails is not healthy
BLOCKS, SMALLEST_BLOCK, FEWEST_BLOCKS = 30, 10, 3
OUTAGE_TIMES, OUTAGE_DEVIATIONS, OUTAGE_FAILURES = 3.0, 3.5, 2.0
# Before anything is known: one failure of 25 runs, and the upper end is one standard deviation above.
PRIOR_FAILED, PRIOR_RUNS, DEVIATIONS = 1.0, 25.0, 1.0
# Nobody knows whether failing often is a new flow's health: the level rises only as far as runs speak for it.
FIRST_HIGHEST, HIGHER_PER_RUN = 0.10, 1 / 800
SETTLED = 500  # runs, from which on a level is learned anew once a week instead of once a day


def needs_from(at: datetime, learned: Learned | None) -> datetime:
    """Returns from which end on runs are needed to know the level at a moment."""
    if learned is None or at.timestamp() >= learned.until:
        return at - HISTORY
    return datetime.fromtimestamp(learned.values[2], at.tzinfo)


def level_at(runs: Runs, at: datetime, learned: Learned | None, began_at: datetime | None) -> Learned:
    """Returns what is known of the level at a moment: the level, of how many runs, and up to when they were looked at.

    Args:
        runs: the history.
        at: the moment.
        learned: what was known before; given back while it holds.
        began_at: when an alert began that is open.
    """
    if learned is not None:
        if began_at is not None and at - began_at < UNTIL_USUAL:
            return learned
        _, count, seen_until = learned.values
        # Where little is known it is learned anew each time that as much again is known.
        is_new = runs.until(at) - runs.until(datetime.fromtimestamp(seen_until, at.tzinfo)) > count + PRIOR_RUNS
        if at.timestamp() < learned.until and not is_new:
            return learned
    until = at if began_at is None or at - began_at >= UNTIL_USUAL else began_at
    last = runs.until(until)
    first = min(runs.until(until - HISTORY), last)
    pause = timedelta(days=7 if last - first >= SETTLED else 1)
    return Learned((at + pause).timestamp(), (_level(runs, first, last), last - first, until.timestamp()))


def _level(runs: Runs, first: int, last: int) -> float:
    failed, count = _without_outages(runs, first, last)
    share = (failed + PRIOR_FAILED) / (count + PRIOR_RUNS)
    upper = share + DEVIATIONS * math.sqrt(share * (1 - share) / (count + PRIOR_RUNS))
    return min(upper, FIRST_HIGHEST + count * HIGHER_PER_RUN, HIGHEST)


def _without_outages(runs: Runs, first: int, last: int) -> tuple[int, int]:
    """Returns how many failed, and of how many, in the blocks of a history in which it was healthy."""
    blocks = min(BLOCKS, (last - first) // SMALLEST_BLOCK)
    if blocks < FEWEST_BLOCKS:
        return runs.counts(first, last)[1], last - first
    edges = [first + (last - first) * number // blocks for number in range(blocks + 1)]
    failed = runs.failed_between(edges)
    size = (last - first) / blocks
    share = max(median(failed) / size, PRIOR_FAILED / PRIOR_RUNS)
    most = size * share * OUTAGE_TIMES + OUTAGE_DEVIATIONS * math.sqrt(size * share) + OUTAGE_FAILURES
    kept = [count for count in failed if count <= most]
    return sum(kept), round(size * len(kept))
