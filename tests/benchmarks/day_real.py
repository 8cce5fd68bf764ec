"""A stretch of a day with the real sweep, gate, planner and database, against a light Zoho on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from monitor.connection import AccountClients, Gate
from monitor.connection.ledger import SLOT, WINDOW, LedgerSlot
from monitor.ingest import run
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.lists.definitions import FLOWS, signature
from monitor.ingest.lists.flows import COLUMNS
from monitor.models import ApiBudget, ApiCall, Execution, Flow, FlowProgress, SyncState, ZohoAccount
from monitor.zoho.errors import Wait
from monitor.zoho.protocol import Headers
from tests.benchmarks.day_load import ANSWER, Happening, PlanLoad, StrictZoho
from tests.benchmarks.day_model import EPOCH, QUEUE, TICK
from tests.factories import make_account
from tests.fake_zoho import Clock, FakeCrmClient, FakeFlow, FakeFlowClient, NoTokens, Run, Zoho, a_rule, a_usage

PEOPLE_EVERY = timedelta(minutes=10)  # somebody looks at a run, or sends it again
TASK = timedelta(seconds=25)
RULES = 20


@dataclass
class Upstream:
    """Lets things happen at Zoho as time goes by, and counts calls as Zoho would."""

    zoho: Zoho
    strict: StrictZoho
    what: Sequence[Happening]
    ended: dict[str, float] = field(default_factory=dict)  # by run's id, when it ended
    _next: int = 0
    _runs: dict[int, Run] = field(default_factory=dict)

    def ask(self) -> bool:
        """A call arrives now; whether it is granted."""
        now = (self.zoho.clock() - EPOCH).total_seconds()
        while self._next < len(self.what) and self.what[self._next].at <= now:
            self._happen(self.what[self._next])
            self._next += 1
        return self.strict.ask(now)

    def _happen(self, one: Happening) -> None:
        if not one.first:
            if one.run in self._runs:
                self._runs[one.run].succeed()
            return
        made = Run(EPOCH + timedelta(seconds=one.at - 2), "failed" if one.fails else "success")
        self._runs[one.run] = made
        self.ended[made.execution_id] = one.at
        self.zoho.flows[one.flow].runs.append(made)


def _gated(base: type[Any], product: str, upstream: Upstream, gate: Gate) -> type[Any]:
    """The fake's client, with each call through the gate, the time it takes, and Zoho's own count."""

    class Client(base):  # type: ignore[misc]
        def _call(self, what: str) -> None:
            handle = gate.before(product, "GET", f"/{what.split(maxsplit=1)[0]}")
            self._zoho.clock.pause(ANSWER / 2)
            granted = upstream.ask() if product == "flow" else True
            super()._call(what)
            self._zoho.clock.pause(ANSWER / 2)
            gate.after(handle, product, 200 if granted else 429, Headers())
            if not granted:
                raise Wait("429", retry_after=60)

    return Client


def opener(upstream: Upstream) -> Callable[..., Any]:
    """What stands in for `monitor.connection.open_account`."""

    @contextmanager
    def open_account(account: ZohoAccount, *, clock: Any, keep_alive: Any = None, **how: Any) -> Iterator[Any]:
        alive, gate = keep_alive or (lambda: None), Gate(account, clock)
        flow, crm = (
            _gated(base, product, upstream, gate)(upstream.zoho, alive)
            for base, product in ((FakeFlowClient, "flow"), (FakeCrmClient, "crm"))
        )
        tokens: Any = NoTokens()
        yield AccountClients(account=account, flow=flow, crm=crm, tokens=tokens, gate=gate)

    return open_account


def prepare(
    load: PlanLoad, slots: Sequence[LedgerSlot], what: Sequence[Happening], start: float, seconds: float
) -> tuple[Any, Upstream]:
    """An account in the middle of its life, for so many seconds: flows read, and a ledger with a day behind it."""
    clock = Clock(EPOCH + timedelta(seconds=start))
    zoho = Zoho(clock, flows=[FakeFlow(name=f"Flow {number}") for number in range(load.flows)])
    zoho.rules = [a_rule(f"Rule {number}") for number in range(RULES)]
    zoho.usage = {rule["id"]: a_usage() for rule in zoho.rules}
    account = make_account(plan=load.name)
    counters = [f"{name}_count" for name in ("execution", "success", "failure")]
    zeros = dict.fromkeys(counters, 0)
    read = dict.fromkeys((f"read_{name}" for name in counters), 0)
    base = dict.fromkeys(("baseline_total", "baseline_success", "baseline_failed"), 0)
    flows = [
        Flow(
            account=account,
            flow_id=listed.flow_id,
            first_seen_at=clock(),
            seen_at=clock(),
            definition_read_at=clock(),
            definition_seen_at=clock(),
            **zeros | {name: getattr(listed, name) for name in COLUMNS},
        )
        for listed in _listed(zoho, load.pages)
    ]
    for flow in flows:
        flow.definition_signature = signature(FLOWS, flow)
    Flow.objects.bulk_create(flows)
    FlowProgress.objects.bulk_create(
        FlowProgress(flow=flow, history_read_at=clock(), executions_read_at=clock(), baseline_firm=True, **read, **base)
        for flow in flows
    )
    _lay_down(account, slots, clock(), timedelta(seconds=seconds))
    strict = StrictZoho(load.per_minute, load.per_day)
    return account, Upstream(zoho, strict, [one for one in what if one.at >= start])


def _listed(zoho: Zoho, pages: int) -> Iterator[Any]:
    client = FakeFlowClient(zoho, lambda: None)
    for page in range(1, pages + 1):
        yield from client.list_flows(page).flows
    zoho.calls.clear()


def _lay_down(account: ZohoAccount, slots: Sequence[LedgerSlot], now: datetime, ahead: timedelta) -> None:
    """The day before as sums; the slots that leave the window meanwhile as rows too, for these are counted."""
    closed = [slot for slot in slots if slot.start + SLOT <= now]
    tally = {str(int(slot.start.timestamp())): [slot.spent, slot.lists, slot.history] for slot in closed}
    ApiBudget.objects.filter(account=account, product="flow").update(tally=tally)
    leaving = [slot for slot in closed if slot.start < now - WINDOW + ahead + timedelta(hours=1)]
    open_now = [slot for slot in slots if slot.start + SLOT > now]
    rows = []
    for slot in [*leaving, *open_now]:
        long = min(SLOT, now - slot.start)
        for number in range(slot.spent):
            at = slot.start + long * (number / slot.spent)
            kind = "list" if number < slot.lists else "other"
            rows.append(
                ApiCall(
                    account=account, product="flow", method="GET", path="/", kind=kind, started_at=at, finished_at=at
                )
            )
    ApiCall.objects.bulk_create(rows, batch_size=2000)


@dataclass
class Stretch:
    """What came of it: seconds from a run's end to its row, calls refused by Zoho, sweeps, and stops by our gate."""

    delays: list[float]
    refused: int
    sweeps: int
    stops: int
    calls: int


def go(account: ZohoAccount, upstream: Upstream, seconds: float) -> Stretch:
    """Sweeps as a tick every two seconds lets them begin, for so long."""
    clock, sweeps, stops = upstream.zoho.clock, 0, 0
    end, people_at = clock() + timedelta(seconds=seconds), clock()
    before, run.open_account = run.open_account, opener(upstream)
    try:
        while clock() < end:
            due = SyncState.objects.values_list("next_due_at", flat=True).get(account=account) or clock()
            ticks = -(-(due - EPOCH).total_seconds() // TICK) * TICK
            clock.at = max(clock(), EPOCH + timedelta(seconds=ticks)) + timedelta(seconds=QUEUE)
            patience = Patience(Mode.TASK, pause=clock.pause, deadline=clock() + TASK)
            result = run.read_account(account, clock=clock, patience=patience)
            sweeps += 1
            stops += isinstance(result.stopped, Wait)
            if clock() >= people_at:
                people_at = clock() + PEOPLE_EVERY
                gate = Gate(account, clock, for_people=True)
                handle = gate.before("flow", "GET", "/run")
                upstream.ask()
                gate.after(handle, "flow", 200, Headers())
    finally:
        run.open_account = before
    seen = dict(Execution.objects.filter(account=account).values_list("execution_id", "first_seen_at"))
    delays = [(seen[one] - EPOCH).total_seconds() - at for one, at in upstream.ended.items() if one in seen]
    return Stretch(delays, upstream.strict.refused, sweeps, stops, len(upstream.zoho.calls))
