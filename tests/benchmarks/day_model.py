"""Days of the planner and the gate's decisions in memory: the pure functions of the product on a simulated clock.

What is not pure here (the order of a sweep, and what each kind of work costs) follows `monitor.ingest.sweep`; the
real one runs in the same benchmark for a shorter stretch, to show that the two agree.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from monitor.connection.ledger import SLOT, WINDOW, LedgerSlot
from monitor.connection.limits import MARGIN, CallLimits, free_at, share
from monitor.connection.limits import MINUTE as A_MINUTE
from monitor.ingest.base import list_pace
from monitor.ingest.steps.moved_flows import SOONEST
from monitor.models import Stream
from tests.benchmarks.day_load import ANSWER, PAGE, RERUNS, Happening, PlanLoad, StrictZoho
from tests.benchmarks.day_work import Definitions, Histories, Nights, Rereads

EPOCH = datetime(2026, 11, 22, tzinfo=UTC)
TICK = 2.0
QUEUE = 0.6  # from the tick to the task's first call
TASK = 25.0
HELD = A_MINUTE.total_seconds() + MARGIN.total_seconds()
LONG = WINDOW.total_seconds()
EACH = SLOT.total_seconds()


class Refused(Exception):  # noqa: N818 - named for what happened
    """The gate holds a call back."""


@dataclass
class Model:
    """One account through some days; times are seconds from the beginning."""

    load: PlanLoad
    what: list[Happening]
    zoho: StrictZoho
    now: float = 0.0
    delays: list[tuple[float, float, bool]] = field(default_factory=list)  # a run's end, seconds to its row, failed
    spent: dict[str, int] = field(default_factory=dict)
    stops: int = 0
    least_left: int = 10**9
    _ends: deque[float] = field(default_factory=deque)
    _open: list[int] = field(default_factory=lambda: [0, 0, 0, 0])  # the ledger's last slot: number, and its sums
    _closed: list[LedgerSlot] = field(default_factory=list)
    _day: deque[float] = field(default_factory=deque)
    _page: int = 1
    _due: dict[str, float] = field(default_factory=dict)
    _put_off: set[int] = field(default_factory=set)
    _seen: dict[int, int] = field(default_factory=dict)
    _events: dict[int, list[Happening]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in self.what:
            self._events.setdefault(one.flow, []).append(one)
        self._times = {flow: [one.at for one in some] for flow, some in self._events.items()}
        whole = share(CallLimits(self.load.per_minute, self.load.per_day), for_people=False)
        self.a_minute, self.a_day = whole.per_minute or 0, whole.per_day or 0
        self._due = {"flows": 0.0, "connections": 0.0}
        self._histories = Histories(self.load)
        self._definitions = Definitions(self.load)
        self._rereads, self._nights = Rereads(self.load.per_day), Nights(self.load)

    def run(self, until: float) -> None:
        """Sweeps as the tick lets them begin, until then."""
        while self.now < until:
            visit = max(self._rereads.next_at, self.now + SOONEST.total_seconds())
            soonest = min(*self._due.values(), visit)
            self.now = max(self.now, -(-soonest // TICK) * TICK) + QUEUE
            try:
                self._sweep()
            except Refused:
                self.stops += 1
                self._due["flows"] = max(self._due["flows"], self.now + 1)

    def _sweep(self) -> None:
        late = self.now + TASK
        if self._due["flows"] <= self.now:
            self._list(late)
        if self._due["connections"] <= self.now and list_pace.fits(self._free()):
            self._call("connections")
            step = list_pace.interval(Stream.CONNECTIONS, 1, self._budget(), self._at(self.now))
            self._due["connections"] = self.now + step.total_seconds()
        self._due.pop("room", None)
        for flow in sorted(self._put_off):
            self._follow(flow, self.now)
        for _ in range(self._rereads.allowed(self._at(self.now), self._unhurried(40))):
            if not self._rereads.take(self.now):
                break
            self._call("re-reads")
        if self._histories.waiting:
            self._first_readings()
        self._nights.begin(self._at(self.now))
        for _ in range(self._unhurried(self._nights.purse(self._at(self.now)))):
            if not self._nights.take(self._at(self.now)):
                break
            self._call("night")
        most = self._unhurried(min(self._definitions.due(self.now), self._spare()))
        for _ in range(most):
            self._definitions.take(self.now)
            self._call("definitions")

    def _list(self, late: float) -> None:
        kept = list_pace.reads_kept(self.load.per_minute, history=self._histories.waiting and self._spare() > 0)
        free, pages = self._free(), self.load.pages
        some = list_pace.batch(pages, list_pace.spacing(pages, self._budget(), self._at(self.now)))
        most = min(pages - self._page + 1, some, max(0, free - kept))
        if not most:
            self._due["flows"] = self._room_at(kept + 1)
            return
        asked = 0
        while asked < most and self.now < late and (not asked or list_pace.fits(self._free(), kept)):
            self._call("list")
            asked += 1
            asked_at = self.now - ANSWER / 2  # Zoho looks when the call arrives
            first = (self._page - 1) * PAGE
            for flow in range(first, min(first + PAGE, self.load.flows)):
                self._follow(flow, asked_at)
            self._page = self._page % pages + 1
        apart = list_pace.spacing(pages, self._budget(), self._at(self.now))
        due = self._at(self._due["flows"])
        self._due["flows"] = self._seconds(list_pace.next_due(due, asked, apart, self._at(self.now)))

    def _follow(self, flow: int, listed: float) -> None:
        seen, times = self._seen.get(flow, 0), self._times.get(flow, ())
        if seen == len(times) or times[seen] >= listed or not self._histories.is_begun(flow):
            self._put_off.discard(flow)
            return
        if not list_pace.fits(self._free(), calls=list_pace.READ_CALLS):
            self._put_off.add(flow)
            self._due["room"] = self._room_at(list_pace.READ_CALLS)
            return
        self._put_off.discard(flow)
        self._call("reads")
        self._note(flow, self.now - ANSWER / 2)

    def _note(self, flow: int, asked: float) -> None:
        """The flow's rows are mirrored as Zoho had them when it was asked."""
        before, after = self._seen.get(flow, 0), bisect_left(self._times.get(flow, []), asked)
        rerun = False
        for one in self._events.get(flow, [])[before:after]:
            if one.first:
                self.delays.append((one.at, self.now - one.at, one.fails))
            if one.fails:
                self._rereads.expect(one.run, [one.at + pause + 60 for pause in RERUNS])
            if not one.first:
                rerun = True
                self._rereads.forget(one.run)
        self._seen[flow] = after
        if rerun:
            self._call("reads")  # the failed runs of a day are looked through

    def _first_readings(self) -> None:
        most = min(self._spare(), self._free() - list_pace.lists_kept(self.load.per_minute))
        if self._histories.is_new:
            most = self._free()  # an account's very first sweep: newest pages as far as the minute reaches
        while most > 0 and (flow := self._histories.take()) is not None:
            is_newest = not self._histories.is_begun(flow)
            self._call("history")
            most -= 1
            if is_newest:
                self._histories.begin(flow)
                self._note(flow, self.now - ANSWER / 2)
                most -= 1
        self._due["history"] = self.now + 10 if self._histories.waiting else 10**12

    def _call(self, kind: str) -> None:
        """One call as the gate and Zoho see it."""
        self._forget()
        # One call after the other: what the gate works out of ends and starts is then a matter of counting.
        if len(self._ends) >= self.a_minute or len(self._day) >= self.a_day:
            raise Refused
        self._day.append(self.now)
        self.least_left = min(self.least_left, self.load.per_day - len(self._day))
        self.spent[kind] = self.spent.get(kind, 0) + 1
        number = int(self.now // EACH)
        if number != self._open[0]:
            self._close_slot(number)
        for place, wanted in enumerate((True, kind == "list", kind == "history"), start=1):
            self._open[place] += wanted
        self.zoho.ask(self.now + ANSWER / 2)
        self.now += ANSWER
        self._ends.append(self.now)

    def _close_slot(self, number: int) -> None:
        self._closed.append(LedgerSlot(EPOCH + self._open[0] * SLOT, *self._open[1:]))
        self._open = [number, 0, 0, 0]

    def _forget(self) -> None:
        while self._ends and self._ends[0] + HELD <= self.now:
            self._ends.popleft()
        while self._day and self._day[0] <= self.now - LONG:
            self._day.popleft()

    def _free(self) -> int:
        self._forget()
        return max(0, self.a_minute - len(self._ends))

    def _unhurried(self, most: int) -> int:
        return list_pace.unhurried(most, self._free(), self.load.per_minute)

    def _spare(self) -> int:
        return list_pace.spare(self._budget(), self._at(self.now))

    def _room_at(self, calls: int) -> float:
        """When so many calls fit into the minute."""
        ends: Sequence[datetime | None] = [self._at(end) for end in self._ends]
        at = free_at(ends, max(1, self.a_minute - calls + 1), self._at(self.now), A_MINUTE)
        return max(self._seconds(at) if at else 0.0, self.now + 1)

    def _budget(self) -> list_pace.Budget:
        oldest = EPOCH + int((self.now - LONG) // EACH) * SLOT
        while self._closed and self._closed[0].start < oldest:
            self._closed.pop(0)
        return list_pace.Budget(self.a_day, self.slots())

    def slots(self) -> list[LedgerSlot]:
        """The ledger as it stands, for a real stretch to go on from."""
        going = LedgerSlot(EPOCH + self._open[0] * SLOT, *self._open[1:])
        return [slot for slot in [*self._closed, going] if slot.spent]

    @staticmethod
    def _at(seconds: float) -> datetime:
        return EPOCH + timedelta(seconds=seconds)

    @staticmethod
    def _seconds(at: datetime) -> float:
        return (at - EPOCH).total_seconds()
