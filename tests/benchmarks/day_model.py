"""Days of the planner and the gate's decisions in memory: the pure functions of the product on a simulated clock.

What is not pure here (the order of a sweep) follows `monitor.ingest.sweep`; the real one runs in the same
benchmark for a shorter stretch, to show that the two agree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.connection.ledger import SLOT, WINDOW, Slot
from monitor.connection.limits import MARGIN, Limits, free_at, free_slots, share
from monitor.connection.limits import MINUTE as A_MINUTE
from monitor.ingest import plan
from monitor.models import Stream
from tests.benchmarks.day_load import ANSWER, DAY, PAGE, RERUNS, Happening, PlanLoad, StrictZoho

EPOCH = datetime(2026, 11, 22, tzinfo=UTC)
TICK = 2.0
QUEUE = 0.6  # from the tick to the task's first call
RUNS_A_PAGE = 200
MARGIN_SECONDS = MARGIN.total_seconds()


class Refused(Exception):  # noqa: N818 - named for what happened
    """The gate holds a call back."""


@dataclass
class Model:
    """One account through some days; times are seconds from the beginning."""

    load: PlanLoad
    what: list[Happening]
    zoho: StrictZoho
    now: float = 0.0
    delays: list[tuple[float, float]] = field(default_factory=list)  # (when a run ended, how long it took)
    stops: int = 0
    least_left: int = 10**9
    _ends: deque[float] = field(default_factory=deque)
    _slots: dict[int, list[int]] = field(default_factory=dict)
    _day: deque[float] = field(default_factory=deque)
    _page: int = 1
    _due: dict[str, float] = field(default_factory=dict)
    _rereads: list[tuple[float, int]] = field(default_factory=list)
    _history: set[int] = field(default_factory=set)
    _seen: dict[int, int] = field(default_factory=dict)
    _events: dict[int, list[Happening]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._history = set(range(self.load.flows))
        for one in self.what:
            self._events.setdefault(one.flow, []).append(one)
        self._times = {flow: [one.at for one in some] for flow, some in self._events.items()}
        whole = Limits(self.load.per_minute, self.load.per_day)
        self.allowed = share(whole, for_people=False)
        # What other stages ask once a day of each flow: its definition, and its statistics.
        self._due = {"flows": 0.0, "connections": 0.0, "daily": DAY / (2 * self.load.flows)}

    def run(self, until: float) -> None:
        """Sweeps as the tick lets them begin, until then."""
        while self.now < until:
            soonest = min([*self._due.values(), *(at for at, _ in self._rereads[:1])])
            start = max(self.now, -(-soonest // TICK) * TICK) + QUEUE
            self.now = start
            try:
                self._sweep()
            except Refused:
                self.stops += 1
                self._due["flows"] = max(self._due["flows"], self.now + 1)

    def _sweep(self) -> None:
        if self._due["flows"] <= self.now:
            self._list()
        if self._due["connections"] <= self.now:
            self._call("other")
            budget = self._budget()
            step = plan.interval(Stream.CONNECTIONS, 1, budget, self._at(self.now))
            self._due["connections"] = self.now + step.total_seconds()
        if self._due["daily"] <= self.now:
            self._call("other")
            self._due["daily"] += DAY / (2 * self.load.flows)
        self._rereads.sort()
        for _ in range(5):
            if not self._rereads or self._rereads[0][0] > self.now:
                break
            self._rereads.pop(0)
            self._call("other")
        if self._history:
            self._first_readings()

    def _list(self) -> None:
        ends = [self._at(end) for end in self._ends]
        free = free_slots(ends, self.allowed.per_minute or 0, self._at(self.now), A_MINUTE)
        kept = plan.reads_kept(self.load.per_minute, history=bool(self._history))
        apart = plan.spacing(self.load.pages, self._budget(), self._at(self.now))
        some = plan.batch(self.load.pages, apart)
        most = min(self.load.pages - self._page + 1, some, max(0, free - kept))
        if not most:
            at = free_at(ends, max(1, free + len(ends) - kept), self._at(self.now), A_MINUTE)
            self._due["flows"] = max(self._seconds(at) if at else 0.0, self.now + 1)
            return
        for _ in range(most):
            self._call("list")
            asked_at = self.now - ANSWER / 2  # Zoho looks when the call arrives
            first = (self._page - 1) * PAGE
            for flow in range(first, min(first + PAGE, self.load.flows)):
                self._follow(flow, asked_at)
            self._page = self._page % self.load.pages + 1
        apart = plan.spacing(self.load.pages, self._budget(), self._at(self.now))
        due = self._at(self._due["flows"])
        self._due["flows"] = self._seconds(plan.next_due(due, most, apart, self._at(self.now)))

    def _follow(self, flow: int, listed: float) -> None:
        seen, times = self._seen.get(flow, 0), self._times.get(flow, ())
        if seen == len(times) or times[seen] >= listed or flow in self._history:
            return
        self._call("other")
        self._note(flow, self.now - ANSWER / 2)

    def _note(self, flow: int, asked: float) -> None:
        """The flow's rows are mirrored as Zoho had them when it was asked."""
        before, after = self._seen.get(flow, 0), bisect_left(self._times.get(flow, []), asked)
        rerun = False
        for one in self._events.get(flow, [])[before:after]:
            if one.first:
                self.delays.append((one.at, self.now - one.at))
            if one.fails:
                self._rereads += [(one.at + pause + 60, one.run) for pause in RERUNS]
            if not one.first:
                rerun = True
                self._rereads = [(at, run) for at, run in self._rereads if run != one.run]
        self._seen[flow] = after
        if rerun:
            self._call("other")  # the failed runs of a day are looked through

    def _first_readings(self) -> None:
        budget, ends = self._budget(), [self._at(end) for end in self._ends]
        free = free_slots(ends, self.allowed.per_minute or 0, self._at(self.now), A_MINUTE)
        most = min(plan.spare(budget, self._at(self.now)), free - plan.lists_kept(self.load.per_minute))
        pages = -(-self.load.runs_a_month // self.load.flows // RUNS_A_PAGE) or 1
        while self._history and most >= pages:
            flow = self._history.pop()
            for _ in range(pages):
                self._call("history")
            most -= pages
            self._note(flow, self.now - ANSWER / 2)
        self._due["history"] = self.now + 10 if self._history else 10**12

    def _call(self, kind: str) -> None:
        """One call as the gate and Zoho see it."""
        self._forget()
        # One call after the other: what the gate works out of ends and starts is then a matter of counting.
        if len(self._ends) >= (self.allowed.per_minute or 0) or len(self._day) >= (self.allowed.per_day or 0):
            raise Refused
        self._day.append(self.now)
        self.least_left = min(self.least_left, self.load.per_day - len(self._day))
        slot = self._slots.setdefault(int(self.now // SLOT.total_seconds()), [0, 0, 0])
        for place, wanted in enumerate((True, kind == "list", kind == "history")):
            slot[place] += wanted
        self.zoho.ask(self.now + ANSWER / 2)
        self.now += ANSWER
        self._ends.append(self.now)

    def _forget(self) -> None:
        while self._ends and self._ends[0] + 60 + MARGIN_SECONDS <= self.now:
            self._ends.popleft()
        while self._day and self._day[0] <= self.now - WINDOW.total_seconds():
            self._day.popleft()

    def _budget(self) -> plan.Budget:
        self._forget()
        oldest = int((self.now - WINDOW.total_seconds()) // SLOT.total_seconds())
        for at in [at for at in self._slots if at < oldest]:
            del self._slots[at]
        slots = [Slot(EPOCH + at * SLOT, *numbers) for at, numbers in sorted(self._slots.items())]
        return plan.Budget(self.allowed.per_day, tuple(slots))

    def slots(self) -> list[Slot]:
        """The ledger as it stands, for a real stretch to go on from."""
        return list(self._budget().slots)

    @staticmethod
    def _at(seconds: float) -> datetime:
        return EPOCH + timedelta(seconds=seconds)

    @staticmethod
    def _seconds(at: datetime) -> float:
        return (at - EPOCH).total_seconds()
