"""The organisation as a whole: its flows, connections and rules, moved by a clock and by mutations."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from standin.clock import Clock, OffsetClock, SettableClock, system_clock
from standin.errors import RefusalError
from standin.flows import Flow
from standin.habits import Habits
from standin.journal import Journal, JournalError
from standin.organisation import make_connections, make_flow, org_prefix, rates

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What history depends on besides the clock; kept in the journal's first line."""

    seed: int = 1
    flows: int = 24
    rules: int = 12
    executions: int = 6000
    history_days: int = 30


class World:
    """A seeded organisation. Everything that changes it goes through `do`, so that a journal can repeat it.

    The lock must be held (`with world.lock`) around anything that reads or changes the world.
    """

    def __init__(self, settings: WorldSettings, *, clock: Clock, habits: Habits, journal: Journal) -> None:
        """Begin the world now, or where the journal says that it began."""
        self.lock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self.habits = habits
        self.prefix = org_prefix(settings.seed)
        self._journal = journal
        self._ops: dict[str, Handler] = {}
        self._last: datetime | None = None
        self._replaying = False
        begun = _beginning(journal, settings)
        self.anchor = begun or clock()
        self._build()
        if begun is None:
            journal.write("begin", self.anchor, asdict(settings))

    def _build(self) -> None:
        from standin.crm.beginnings import actions_of_the_rules, connected_workflows
        from standin.crm.record_edits import RecordEdits
        from standin.crm.rule_edits import RuleEdits
        from standin.crm.rules import RuleBook
        from standin.crm.store import Store
        from standin.flow_edits import Webhook, register_flow_edits
        from standin.flow_ops import register_flow_ops
        from standin.oauth import TokenDesk

        wanted = self.settings
        start = (self.anchor - timedelta(days=wanted.history_days)).replace(minute=0, second=0, microsecond=0)
        self.connections = {
            one.connection_id: one for one in make_connections(wanted.seed, wanted.flows, self.anchor).values()
        }
        by_app = {one.app: one for one in self.connections.values()}
        self.flows: dict[str, Flow] = {}
        self.retries: dict[str, list[str]] = {}
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.record_edits = RecordEdits(self)
        for index, per_hour in enumerate(rates(wanted.flows, wanted.executions, wanted.history_days)):
            flow = make_flow(
                seed=wanted.seed,
                index=index,
                anchor=self.anchor,
                history_from=start,
                per_hour=per_hour,
                connections=by_app,
            )
            self.flows[flow.flow_id] = flow
        self.ever_flows = [*self.flows]
        self.webhooks: dict[str, Webhook] = {}
        register_flow_ops(self)
        register_flow_edits(self)
        self.register("move_clock", self._move_clock)
        self.tokens = TokenDesk(self)
        self.rules = RuleBook(self)
        RuleEdits(self, self.rules)
        self.store = Store(self)
        actions_of_the_rules(self)
        connected_workflows(self)

    def _move_clock(self, at: datetime, *, seconds: float) -> None:
        """Move the clock on; ValueError for going back.

        A repeated move counts only for a clock that begins anew with each process.
        """
        if isinstance(self.clock, OffsetClock) or (isinstance(self.clock, SettableClock) and not self._replaying):
            self.clock.advance(seconds)

    def replay(self) -> None:
        """Repeat the journal's mutations, each at its own time."""
        self._replaying = True
        for record in self._journal.records[1:]:
            handler = self._ops.get(record["op"])
            if handler is None:
                raise JournalError(f"the state file holds a mutation that is not known: {record['op']}")
            at = datetime.fromisoformat(record["at"])
            self._last = at
            handler(at, **record["args"])
        self._journal.records.clear()
        self._replaying = False

    def register(self, op: str, handler: Handler) -> None:
        """Make a kind of mutation known; `handler(at, **args)` refuses before it changes anything."""
        self._ops[op] = handler

    def do(self, op: str, **args: Any) -> Any:
        """Carry out a mutation now and write it down; returns what its handler returns."""
        at = self.now()
        result = self._ops[op](at, **args)
        self._journal.write(op, at, args)
        return result

    def now(self) -> datetime:
        """The clock's time; never earlier than what was seen before."""
        at = self.clock()
        if self._last is not None and at < self._last:
            return self._last
        self._last = at
        return at

    def advance(self, now: datetime) -> None:
        """Let every flow live up to `now`."""
        for flow in self.flows.values():
            flow.auto_reruns = self.habits.auto_reruns
            flow.advance(now)

    def flow(self, flow_id: str) -> Flow:
        """The flow with this id, lived up to now; RefusalError FLOW_NOT_FOUND (seed, error table)."""
        flow = self.flows.get(flow_id)
        if flow is None:
            raise RefusalError(
                "FLOW_NOT_FOUND",
                "The specified flow does not exist",
                f"Flow ID '{flow_id}' not found in your organization",
                404,
            )
        flow.auto_reruns = self.habits.auto_reruns
        flow.advance(self.now())
        return flow

    def role(self, role: str) -> Flow | None:
        """The first flow that plays this part: sick, silent, broken, inactive or flaky."""
        return next((flow for flow in self.flows.values() if flow.template.role == role), None)

    def close(self) -> None:
        """Close the journal."""
        self._journal.close()


def _beginning(journal: Journal, settings: WorldSettings) -> datetime | None:
    if not journal.records:
        return None
    first = journal.records[0]
    if first["op"] != "begin":
        raise JournalError("the state file does not begin with the beginning of a world")
    for name, value in asdict(settings).items():
        if first["args"].get(name) != value:
            raise JournalError(f"the state file was made with {name}={first['args'].get(name)}, not {name}={value}")
    return datetime.fromisoformat(first["at"])


def make_world(
    *,
    seed: int = 1,
    clock: Clock = system_clock,
    flows: int = 24,
    rules: int = 12,
    executions: int = 6000,
    history_days: int = 30,
    habits: Habits | None = None,
    state: Path | None = None,
    goes_bad_after: float | None = None,
    goes_bad_with: str = "sickness",
) -> World:
    """A world that begins now, or goes on from the journal in `state`.

    Parameters: `executions` is the approximate number in the history of `history_days` days;
    `goes_bad_after` seconds from now the flow with the role "sick" begins to fail (None: never), in the way
    `goes_bad_with` (a name of `failures.BY_NAME`); a person's retry mends it.
    JournalError when `state` cannot be used or belongs to a world with other settings.
    """
    settings = WorldSettings(seed, flows, rules, executions, history_days)
    journal = Journal(state)
    try:
        world = World(settings, clock=clock, habits=habits or Habits(), journal=journal)
        world.replay()
    except BaseException:
        journal.close()
        raise
    sick = world.role("sick")
    if goes_bad_after is not None and sick is not None:
        now = world.now()
        if not sick.sick.at(now) and not sick.sick.planned(now):
            begins = (now + timedelta(seconds=goes_bad_after)).isoformat()
            how = {"kind": goes_bad_with, "mended_by_retry": True, "begins": begins}
            world.do("break_flow", flow_id=sick.flow_id, **how)
    return world
