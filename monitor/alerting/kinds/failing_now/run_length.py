"""Computes how long a Bernoulli CUSUM runs until it alarms, and the bound for a budget of false alarms. Pure.

A failed run adds `weight` to the sum, a good one takes 1 away, below 0 it does not go, and at `bound` it alarms. The
sum is a Markov chain of `bound` states, so that the mean number of runs until an alarm is the solution of as many
linear equations (docs/reference/alerts.md, "Failing now").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

MOST_STATES = 4096
GRID = 100  # levels a decade for which a chart is computed


@dataclass(frozen=True, slots=True)
class CusumChart:
    """Holds what a failed run adds to the sum, and where the sum alarms."""

    weight: int
    bound: int

    def mean_runs(self, share: float) -> float:
        """Returns after how many runs it alarms in the mean, from a sum of 0, where that share of runs fails.

        Args:
            share: above 0, up to 1.
        """
        # L(i) = 1 + share * L(i + weight) + (1 - share) * L(max(i - 1, 0)), and L = 0 from the bound on. From the top
        # down each L(i) is written as add[i] + (1 - lost[i]) * L(i - 1); at 0 nothing is below, and it is solved.
        # `lost` and not its complement, since where alarms are rare it is far below what 1 can be rounded by.
        good = 1 - share
        add, lost = [0.0] * self.bound, [0.0] * self.bound
        for state in range(self.bound - 1, 0, -1):
            up_add, up_lost = self._after_failure(state, add, lost)
            rest = good + share * up_lost
            add[state], lost[state] = (1 + share * up_add) / rest, share * up_lost / rest
        up_add, up_lost = self._after_failure(0, add, lost)
        return (1 + share * up_add) / (share * up_lost)

    def _after_failure(self, state: int, add: list[float], lost: list[float]) -> tuple[float, float]:
        """Writes L(state + weight) by L(state): what is added to it, and which part of it is lost."""
        if state + self.weight >= self.bound:
            return 0.0, 1.0
        total, gone = 0.0, 0.0
        for above in range(state + self.weight, state, -1):
            total += (1 - gone) * add[above]
            gone += lost[above] - gone * lost[above]
        return total, gone


def weight_for(healthy: float, failing: float) -> int:
    """Returns what a failed run weighs, in good ones, where it is to be found out which of two shares fails.

    That is the ratio of the two log-likelihood ratios of a run, as a whole number (Reynolds and Stoumbos).
    """
    ratio = math.log(failing / healthy) / math.log((1 - healthy) / (1 - failing))
    return max(round(ratio), 1)


@lru_cache(maxsize=4096)
def chart_for(healthy: float, failing: float, run_length: int) -> CusumChart:
    """Returns the chart that finds an outage soonest and alarms so rarely while all is as usual.

    The weight of the likelihood ratio finds `failing` soonest. A smaller one costs little there and finds an outage, or
    that half of the runs fail, sooner; of those the chart is taken whose delays have the smallest product.

    Args:
        healthy: the share of runs that fails while all is as usual.
        failing: the share that is worth waking somebody for; above `healthy`.
        run_length: the mean number of runs between false alarms, at the least.
    """
    most = weight_for(healthy, failing)
    shares = (1.0, max(0.5, failing), failing)
    charts = [_lowest(healthy, weight, run_length) for weight in range(max(most // 2, 1), most + 1)]
    return min(charts, key=lambda chart: math.prod(chart.mean_runs(share) for share in shares))


def _lowest(healthy: float, weight: int, run_length: int) -> CusumChart:
    """Returns the chart of a weight with the lowest bound that alarms so rarely while all is as usual.

    A single failure never alarms.
    """
    low, high = weight, weight + 1
    while high < MOST_STATES and CusumChart(weight, high).mean_runs(healthy) < run_length:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if CusumChart(weight, middle).mean_runs(healthy) < run_length:
            low = middle
        else:
            high = middle
    return CusumChart(weight, high)


def on_grid(level: float) -> float:
    """Returns the next level of the grid that is not below: few charts serve all flows."""
    return float(10 ** (math.ceil(math.log10(level) * GRID - 1e-9) / GRID))
