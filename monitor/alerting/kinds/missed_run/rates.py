"""Learns how many runs of a flow are expected in each hour of the week, and how many may be missing. Pure.

Of the newest four weeks; of flows that run seldom, of eight. A run is expected at the rate of its hour of the week,
which leans on the same hour of the other working days, or of the other day of the weekend. How long a silence may be is
learned in expected runs, in which nights and weekends are short: docs/reference/alerts.md, "Missed runs".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from statistics import NormalDist
from zoneinfo import ZoneInfo

from monitor.alerting.kinds.interface import Learned, Runs

HOUR, DAY, WEEK = 3_600, 86_400, 7 * 86_400
HOURS_A_WEEK = 168
REPEATED = HOURS_A_WEEK  # the hour that comes twice when a clock is set back: the second time nothing is expected
LEARNING_FOR = 21 * DAY
HISTORY, LONG_HISTORY, FEW_RUNS = 4 * WEEK, 8 * WEEK, 200
FALSE_A_QUARTER = 0.25
QUARTER = 91 * DAY
LARGEST_TIMES = 1.3
# A silence or two of four weeks that stand out are outages or holidays; three are how the flow is.
MOST_OUTAGES, STANDS_OUT = 2, 1.5
PRIOR_GAPS = 3.0  # so many gaps of a flow whose runs come at random, before its own regularity is believed
FEWEST_GAPS = 3
LEAST_OF_FEW, LEAST_OF_MANY, MANY = 1.5, 3.0, 60
ENOUGH = 11.0  # runs; so many need not be waited for longer, unless as many were missing before


@dataclass(frozen=True, slots=True)
class WeekOfRates:
    """Holds the runs expected in each hour of a zone's week, the repeated one last, and how many may be missing."""

    zone: str
    threshold: float
    rates: Sequence[float]

    def expected(self, start: float, end: float) -> float:
        """Returns how many runs are expected between two moments in seconds since 1970."""
        first, last = int(start // HOUR), int(end // HOUR)
        total = -self._rate(first) * (start / HOUR - first) + self._rate(last) * (end / HOUR - last)
        return total + sum(self._rate(hour) for hour in range(first, last))

    def alarm_at(self, start: float) -> float | None:
        """Returns when more runs are missing than may be, if none comes after a moment; None for never."""
        weekly = sum(self.rates)
        if weekly <= 0:
            return None
        weeks = max(int(self.threshold / weekly) - 1, 0)  # a week that sets the clock is an hour longer or shorter
        hour = int(start // HOUR) + weeks * HOURS_A_WEEK
        left = self.threshold - (self.expected(start, hour * HOUR) if weeks else -self._partial(start))
        while (rate := self._rate(hour)) < left:
            left -= rate
            hour += 1
        return math.ceil((hour + left / rate) * HOUR)

    def _partial(self, start: float) -> float:
        hour = int(start // HOUR)
        return self._rate(hour) * (start / HOUR - hour)

    def _rate(self, hour: int) -> float:
        return self.rates[hour_of_week(self.zone, hour)]


@lru_cache(maxsize=200_000)
def hour_of_week(zone: str, hour: int) -> int:
    """Returns the hour of the week, from Monday on, that the clock of a zone shows in an hour since 1970.

    One that the clock shows for the second time is `REPEATED`.
    """
    local = datetime.fromtimestamp(hour * HOUR, ZoneInfo(zone))
    return REPEATED if local.fold else local.weekday() * 24 + local.hour


def learn(runs: Runs, last: int, newest: float, zone: str) -> Learned | None:
    """Learns the rates from the runs up to the newest one; a silence that is under way is no part of it.

    Args:
        runs: the history.
        last: so many of it are known.
        newest: when the newest one started.
        zone: whose hours of the week are meant.

    Returns:
        The threshold, then the rates; None before three weeks are known, or a few runs.
    """
    oldest = runs.place_after(newest - LONG_HISTORY)
    if newest - runs.rows[oldest].started < LEARNING_FOR:
        return None
    starts = _starts(runs, last, newest - HISTORY)
    if len(starts) < FEW_RUNS:
        starts = _starts(runs, last, newest - LONG_HISTORY)
    if len(starts) <= FEWEST_GAPS:
        return None
    week = _without_outages(starts, zone)
    span = newest - starts[0]
    return Learned(newest + (WEEK if span >= HISTORY - DAY else DAY), (week.threshold, *week.rates))


def _starts(runs: Runs, last: int, since: float) -> list[float]:
    first = runs.place_after(since)
    return sorted(row.started for row in runs.rows[first:last] if row.started > since)


def _without_outages(starts: list[float], zone: str) -> WeekOfRates:
    rates = _rates(starts, zone, [])
    gaps = _gaps(starts, rates)
    ordered = sorted(gaps)
    usual = _threshold(ordered[:-MOST_OUTAGES] or ordered, starts)
    outstanding = [place for place, gap in enumerate(gaps) if gap > STANDS_OUT * usual]
    if not 0 < len(outstanding) <= MOST_OUTAGES or len(gaps) - len(outstanding) < FEWEST_GAPS:
        return WeekOfRates(zone, _threshold(ordered, starts), rates.rates)
    silent = [(starts[place], starts[place + 1]) for place in outstanding]
    rates = _rates(starts, zone, silent)
    kept = [gap for place, gap in enumerate(_gaps(starts, rates)) if place not in outstanding]
    return WeekOfRates(zone, _threshold(sorted(kept), starts), rates.rates)


def _rates(starts: list[float], zone: str, silent: list[tuple[float, float]]) -> WeekOfRates:
    """Counts runs and hours by hour of the week; hours within outages are not counted."""
    counts, hours = [0.0] * (HOURS_A_WEEK + 1), [0.0] * (HOURS_A_WEEK + 1)
    outages = {hour for start, end in silent for hour in range(int(start // HOUR) + 1, int(end // HOUR))}
    for start in starts:
        counts[hour_of_week(zone, int(start // HOUR))] += 1
    for hour in range(int(starts[0] // HOUR), int(starts[-1] // HOUR) + 1):
        if hour not in outages:
            hours[hour_of_week(zone, hour)] += 1
    return WeekOfRates(zone, 0.0, _leaning(counts, hours))


def _leaning(counts: list[float], hours: list[float]) -> list[float]:
    """Returns the rate of each hour of the week, leaning on the same hour of the other days of its kind.

    As much as James and Stein's estimator says: wholly where the days differ no more than by chance, hardly where some
    of them are unlike the others.
    """
    means = [0.0] * len(counts)
    distance = freedom = 0.0
    for days in (range(5), range(5, 7)):
        for hour_of_day in range(24):
            cells = [day * 24 + hour_of_day for day in days if hours[day * 24 + hour_of_day]]
            mean = sum(counts[cell] for cell in cells) / max(sum(hours[cell] for cell in cells), 1.0)
            for day in days:
                means[day * 24 + hour_of_day] = mean
            if mean:
                distance += sum((counts[cell] - hours[cell] * mean) ** 2 / (hours[cell] * mean) for cell in cells)
                freedom += len(cells) - 1
    own = max(1 - freedom / distance, 0.0) if distance else 0.0
    rates = [
        mean + own * (count / known - mean) if known else mean
        for count, known, mean in zip(counts, hours, means, strict=True)
    ]
    rates[REPEATED] = 0.0
    return rates


def _gaps(starts: list[float], week: WeekOfRates) -> list[float]:
    """Returns the runs that were expected between each run and the next."""
    first = int(starts[0] // HOUR)
    rates = [week.rates[hour_of_week(week.zone, hour)] for hour in range(first, int(starts[-1] // HOUR) + 1)]
    before = [0.0]
    for rate in rates:
        before.append(before[-1] + rate)
    passed = []
    for start in starts:
        hour = int(start // HOUR) - first
        passed.append(before[hour] + rates[hour] * (start / HOUR - first - hour))
    return [later - earlier for earlier, later in pairwise(passed)]


def _threshold(gaps: list[float], starts: list[float]) -> float:
    """Returns how many expected runs may be missing, from the gaps in ascending order.

    The gaps are taken to follow a gamma distribution: its shape is 1 where runs come at random, higher where they come
    like clockwork, lower where they come in bursts. As many may be missing as it exceeds once in four quarters, but no
    more than eleven; and always 1.3 times the largest.
    """
    count = len(gaps)
    mean = max(sum(gaps) / count, 1e-9)
    variation = (sum((gap / mean - 1) ** 2 for gap in gaps) + PRIOR_GAPS) / (count + PRIOR_GAPS)
    a_quarter = max(count * QUARTER / max(starts[-1] - starts[0], 1.0), 1.0)
    quantile = mean * _gamma_quantile(1 / variation, min(FALSE_A_QUARTER / a_quarter, 0.5))
    # The rate itself is known from so many runs only.
    quantile = count * math.expm1(min(quantile / count, 5.0))
    least = LEAST_OF_MANY if count >= MANY else LEAST_OF_FEW
    return max(min(quantile, ENOUGH), LARGEST_TIMES * gaps[-1], least)


def _gamma_quantile(shape: float, exceeded: float) -> float:
    """Returns what a gamma distribution of mean 1 exceeds with a probability (Wilson and Hilferty's approximation)."""
    ninth = 1 / (9 * shape)
    return float(max(1 - ninth + NormalDist().inv_cdf(1 - exceeded) * math.sqrt(ninth), 0.0) ** 3)
