"""A day's load at a plan's full volume, and a Zoho that counts calls strictly."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

DAY, HOUR, MINUTE = 86_400.0, 3_600.0, 60.0
FAILING = 0.05  # share of runs that fail
# Zoho's own re-runs after the first failure (docs/reference/zoho-flow.md, "Re-runs by Zoho"), and how often one
# helps.
RERUNS = (300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400)
HELPS = 0.3
ANSWER = 0.25  # seconds that Zoho takes for an answer
PAGE = 20  # flows a page (docs/reference/zoho-flow.md, "Flows")


@dataclass(frozen=True)
class PlanLoad:
    """Limits and volume of a plan: docs/reference/zoho-flow.md, "Plans and limits"."""

    name: str
    per_minute: int
    per_day: int
    flows: int
    runs_a_month: int

    @property
    def pages(self) -> int:
        return -(-self.flows // PAGE)

    @property
    def bound(self) -> float:
        """Seconds between two lists with the whole background allowance and nothing else to ask."""
        return max(self.pages * DAY / (0.9 * self.per_day), self.pages * MINUTE / (0.9 * self.per_minute))

    @property
    def poller(self) -> float:
        """Seconds between two turns of a flow where each flow is asked by itself at the same budget."""
        return max(self.flows * DAY / (0.9 * self.per_day), self.flows * MINUTE / (0.9 * self.per_minute))


LOADS = (
    PlanLoad("free", 10, 1_000, 5, 1_000),
    PlanLoad("standard", 30, 10_000, 25, 10_000),
    PlanLoad("professional", 60, 50_000, 100, 50_000),
    PlanLoad("enterprise", 120, 200_000, 1_000, 200_000),
)


@dataclass(order=True)
class Happening:
    """A run that ended, or was run again by Zoho, at `at` seconds; `fails` whether it failed then."""

    at: float
    flow: int
    run: int
    fails: bool
    first: bool = True  # its first end, not a re-run's


def happenings(load: PlanLoad, until: float, seed: int, failing: float | None = None) -> list[Happening]:
    """Everything that moves a flow's counters in `until` seconds: Poisson over the flows, re-runs included."""
    failing = FAILING if failing is None else failing
    chance = random.Random(seed)
    rate, at, found, number = load.runs_a_month / (30 * DAY), 0.0, [], 0
    while (at := at + chance.expovariate(rate)) < until:
        number += 1
        flow, fails = chance.randrange(load.flows), chance.random() < failing
        found.append(Happening(at, flow, number, fails))
        if fails:
            for after in RERUNS:
                if chance.random() < HELPS:
                    found.append(Happening(at + after, flow, number, fails=False, first=False))
                    break
    return sorted(one for one in found if one.at < until)


@dataclass
class StrictZoho:
    """Counts on arrival, in a rolling minute and a rolling day, and says no beyond the limits."""

    per_minute: int
    per_day: int
    refused: int = 0
    _minute: deque[float] = field(default_factory=deque)
    _day: deque[float] = field(default_factory=deque)
    most_of_a_day: int = 0

    def ask(self, at: float) -> bool:
        for window, length in ((self._minute, MINUTE), (self._day, DAY)):
            while window and window[0] <= at - length:
                window.popleft()
        if len(self._minute) >= self.per_minute or len(self._day) >= self.per_day:
            self.refused += 1
            return False
        self._minute.append(at)
        self._day.append(at)
        self.most_of_a_day = max(self.most_of_a_day, len(self._day))
        return True


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def poller_delays(load: PlanLoad, what: list[Happening]) -> list[float]:
    """From the end of each run to its row, for the poller that asks each flow in turn, evenly spaced."""
    step, delays = load.poller / load.flows, []
    for one in what:
        if one.first:
            turn = one.flow * step
            waited = (turn - one.at) % load.poller
            delays.append(waited + ANSWER)
    return delays


def between(what: list[Happening], start: float, end: float) -> list[Happening]:
    """Those in (start, end]."""
    times = [one.at for one in what]
    return what[bisect_right(times, start) : bisect_right(times, end)]
