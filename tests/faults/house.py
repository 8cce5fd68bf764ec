"""A connected account, the Zoho behind it, and everything that a schedule can do to both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar
from unittest import mock

from monitor.connection.connect import ConnectError, Wanted, connect
from monitor.connection.tokens import DatabaseTokens
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import Busy, read_account, refresh
from monitor.models import ApiCall, Execution, Flow, SyncState, ZohoAccount, system_user
from monitor.pipeline import due_accounts
from monitor.rollups.recount import rebuild_dirty
from monitor.zoho.datacenters import Origins
from monitor.zoho.transport import Transport
from standin.build import Credentials, SettableClock, habits_for, make_app, make_world
from standin.flow.executions import Execution as ZohoRow
from standin.flow.flows import Flow as ZohoFlow
from tests.faults.dying import Death, mortal
from tests.faults.loopback import Loopback
from tests.faults.steps import ROWS, Schedule, Step

BEGINNING = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
ORIGIN = "http://127.0.0.1:9"
TASK = timedelta(seconds=25)
MOST_PAUSES = 20_000  # of one person's sync: Zoho may ask it to wait for a day, and it sleeps ten seconds at a time
KNOWN = Credentials()
T = TypeVar("T")


class Endless(AssertionError):  # noqa: N818 - named for what happened
    """A sweep that waits for ever."""


@dataclass
class House:
    """One account on one clock. Its public methods are the steps of a schedule."""

    schedule: Schedule
    wire: Loopback
    clock: SettableClock
    account: ZohoAccount
    skewed: timedelta = timedelta()
    clock_was_set: bool = False
    refresh_tokens: int = 0
    trouble: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # what must never be, at any time

    # --- our side

    def now(self) -> datetime:
        """Our clock, which need not be Zoho's."""
        return self.clock() + self.skewed

    def background(self) -> None:
        """A task of the worker, if the account is due."""
        if self.account.pk in due_accounts(self.now()):
            self._read(Patience(Mode.TASK, pause=self._pause(), deadline=self.now() + TASK))
            self.recount()

    def person(self) -> None:
        """`manage.py sync`: everything, and patient."""
        self._read(Patience(Mode.SYNC, pause=self._pause()))
        self.recount()

    def recount(self) -> None:
        """The rollups."""
        while rebuild_dirty(self.now()):
            pass

    def refresh(self, flow: float, row: float) -> None:
        """A hint about one run."""
        found, mirrored = self._flow(flow), None
        if found is not None:
            mirrored = Flow.objects.filter(account=self.account, flow_id=found.flow_id).first()
        if found is None or mirrored is None or not found.rows:
            return
        identity = pick(found.rows, row)[1]
        patience = Patience(Mode.REFRESH, pause=self._pause(), deadline=self.now() + TASK)
        refresh([(mirrored, identity)], clock=self.now, patience=patience)

    def killed(self, *, person: bool, statement: int = 0, call: int = 0, answered: bool = False) -> None:
        """A sweep that is killed before a statement, or before or after a call; the next process comes later."""
        death = Death(statement)
        if call:
            self._at_call(call, death.die, answered=answered)
        with mortal(death):
            self.person() if person else self.background()
        self._undisturbed()

    def crossed(self, *, call: int, person: bool, stall: float, by: list[Step]) -> None:
        """A sweep in whose middle other things happen: at Zoho, or another worker's sweep."""

        fences: list[int] = []
        left: list[Any] = []

        def meanwhile() -> None:
            self._undisturbed()
            fences.append(self._fence())
            self.clock.advance(stall)
            for step in by:
                self.carry_out(step)
            fences.append(self._fence())
            left.append(self._written())

        self._at_call(call, meanwhile, answered=False)
        self.person() if person else self.background()
        self._undisturbed()
        if left and fences[0] != fences[1] and self._written() != left[0]:
            self.wrong.append("something was written under a lost lease (S8)")

    def _fence(self) -> int:
        return SyncState.objects.values_list("fence", flat=True).get(account=self.account)

    def _written(self) -> list[Any]:
        return [
            sorted(Execution.objects.values_list("execution_id", "changed_at")),
            sorted(
                Flow.objects.values_list(
                    "flow_id", "execution_count", "progress__executions_read_at", "seen_at", "gone_at"
                )
            ),
        ]

    def skew(self, seconds: float) -> None:
        """Somebody sets our clock."""
        self.skewed, self.clock_was_set = timedelta(seconds=seconds), True

    def reconnect(self) -> None:
        """A person connects the account again with a new grant."""
        self.refresh_tokens += 1
        token = f"1000.again.{self.refresh_tokens}"
        self.wire.app.world.tokens.accept(token)
        try:
            self.account = connect_to(self.schedule.plan, token, self.now)
        except ConnectError as error:
            self.trouble.append(str(error))

    def _read(self, patience: Patience) -> None:
        # As a new process would: nothing is known but what is stored.
        account = ZohoAccount.objects.get(pk=self.account.pk)
        try:
            result = read_account(account, clock=self.now, patience=patience)
        except Busy:
            return
        self.trouble += result.missing

    def _pause(self) -> Callable[[float], None]:
        count = 0

        def pause(seconds: float) -> None:
            nonlocal count
            count += 1
            if count > MOST_PAUSES:
                raise Endless("a sync waits for ever")
            self.clock.advance(seconds)

        return pause

    def _at_call(self, number: int, what: Callable[[], None], *, answered: bool) -> None:
        at = self.wire.count + number

        def hook(count: int) -> None:
            if count == at:
                what()

        if answered:
            self.wire.after = hook
        else:
            self.wire.before = hook

    def _undisturbed(self) -> None:
        self.wire.before = self.wire.after = lambda number: None

    # --- Zoho's side

    def fault(self, **entry: Any) -> None:
        """One entry of the stand-in's script."""
        self.wire.app.faults.push(entry)

    def pass_time(self, seconds: float) -> None:
        """Nothing is done here for a while."""
        self.clock.advance(seconds)

    def do(self, op: str, **args: Any) -> Any:
        """A mutation of the world."""
        return self.wire.app.world.do(op, **args)

    def revoke(self) -> None:
        """A person withdraws our grant at Zoho."""
        for token in [*self.wire.app.world.tokens.refresh]:
            self.do("token_revoke", token=token)

    def add_rows(
        self, flow: float, count: int, status: str, ago: float, kind: str = "503", late: float = 0, odd: Any = None
    ) -> None:
        """Runs that began `ago` seconds ago, or appear `late` seconds after their start."""
        found = self._flow(flow)
        if found is None:
            return
        # They appear when they are made, or later: what was listed before did not have them.
        appears = max(late, ago)
        started = (self.clock() - timedelta(seconds=ago)).replace(microsecond=0)
        more = {"override": odd} if odd else {}
        self.do(
            "add_executions", flow_id=found.flow_id, count=count, status=status, kind=kind,
            started=started.isoformat(), late_seconds=appears, **more,
        )  # fmt: skip

    def change_row(self, flow: float, row: float) -> None:
        """A running run ends, a failed one is made good by Zoho's own re-run."""
        found = self._flow(flow)
        rows = [] if found is None else [
            one for one in found.by_id.values() if one.status(self.clock()) != "success" and not one.override
        ]  # fmt: skip
        if found is None or not rows:
            return
        one = pick(rows, row)
        running = one.status(self.clock()) == "running"
        status = "failed" if running and row > 0.5 else "success"
        self.do("change_execution", flow_id=found.flow_id, execution_id=one.execution_id, status=status)

    def delete_row(self, flow: float, row: float) -> None:
        """Somebody deletes a run from the history."""
        found = self._flow(flow)
        if found is not None and found.rows:
            self.do("delete_execution", flow_id=found.flow_id, execution_id=pick(found.rows, row)[1])

    def delete_flow(self, flow: float) -> None:
        found = self._flow(flow)
        if found is not None and len(self.wire.app.world.flows) > 1:
            self.do("delete_flow", flow_id=found.flow_id)

    def create_flow(self, rows: int) -> None:
        body = {"flow_name": "New one", "trigger": {"type": "webhook", "app": "custom", "event": "x"},
                "actions": [{"app": "custom", "action": "http_request"}]}  # fmt: skip
        made = self.do("create_flow", body=body)
        if rows:
            self.do("add_executions", flow_id=made.flow_id, count=rows)

    def rename_flow(self, flow: float, name: str) -> None:
        self._to_flow(flow, "update_flow", body={"flow_name": name})

    def switch_flow(self, flow: float, on: bool) -> None:
        self._to_flow(flow, "switch_flow", on=on)

    def break_flow(self, flow: float, kind: str) -> None:
        self._to_flow(flow, "break_flow", kind=kind, fixed_by_retry=False, flood=False)

    def heal_flow(self, flow: float) -> None:
        self._to_flow(flow, "heal_flow")

    def break_connection(self, which: float) -> None:
        self._to_connection(which, "break_connection")

    def repair_connection(self, which: float) -> None:
        self._to_connection(which, "repair_connection")

    def delete_connection(self, which: float) -> None:
        self._to_connection(which, "delete_connection")

    def reset_usage(self, which: float) -> None:
        self._to_rule(which, "reset_usage")

    def delete_rule(self, which: float) -> None:
        self._to_rule(which, "rule_delete")

    def rename_rule(self, which: float) -> None:
        self._to_rule(which, "rule_update", body={"name": "Renamed", "status": {"active": which > 0.5}})

    def _flow(self, share: float) -> ZohoFlow | None:
        flows = list(self.wire.app.world.flows.values())
        found = pick(flows, share) if flows else None
        if found is not None:
            found.advance(self.wire.app.world.now())
        return found

    def _to_flow(self, share: float, op: str, **args: Any) -> None:
        found = self._flow(share)
        if found is not None:
            self.do(op, flow_id=found.flow_id, **args)

    def _to_connection(self, share: float, op: str) -> None:
        living = [one for one in self.wire.app.world.connections.values() if not one.deleted]
        if living:
            self.do(op, connection_id=pick(living, share).connection_id)

    def _to_rule(self, share: float, op: str, **args: Any) -> None:
        rules = list(self.wire.app.world.rules.rules)
        if rules:
            self.do(op, rule_id=pick(rules, share), **args)

    # --- both

    def carry_out(self, step: Step) -> None:
        """One step of the schedule."""
        getattr(self, step.what)(**step.args)

    def end_faults(self) -> None:
        """All is well from here on, and nothing new begins at Zoho; what is under way goes on."""
        self.wire.app.faults.clear()
        push_habits(self.schedule, self.wire)
        self._undisturbed()
        self.skewed, self.wire.latency = timedelta(), 0.0
        world = self.wire.app.world
        for flow_id in world.flows:
            self.do("switch_flow", flow_id=flow_id, on=False)
        for rule_id in world.rules.rules:
            self.do("rule_update", rule_id=rule_id, body={"status": {"active": False}})
        self.reconnect()

    def reads_history(self) -> bool:
        """Whether a flow is being read for the first time; one that Zoho refuses is not."""
        return Flow.objects.filter(
            gone_at=None, progress__executions_read_at=None, progress__history_began_at__isnull=False
        ).exists()

    def work_off(self) -> None:
        """Sweeps in the background until nothing but the next list is due.

        A large plan lists every few seconds, so that something is always due: a sweep that does nothing else is the
        end.
        """
        for _ in range(40):
            asked = self._calls_but_lists()
            self.background()
            due = SyncState.objects.values_list("next_due_at", flat=True).get(account=self.account)
            if self._calls_but_lists() == asked or (due is not None and due - self.now() > timedelta(seconds=29)):
                return
            if due is not None and due > self.now():
                self.clock.advance((due - self.now()).total_seconds())
            else:
                self.clock.advance(1)

    def _calls_but_lists(self) -> int:
        return ApiCall.objects.filter(account=self.account).exclude(kind=ApiCall.Kind.LIST).count()


def pick(items: list[T], share: float) -> T:
    """The item at that share of the list."""
    return items[int(share * len(items)) % len(items)]


def zoho_rows(house: House) -> Iterator[tuple[ZohoFlow, ZohoRow]]:
    """Everything that Zoho lists now."""
    world = house.wire.app.world
    world.advance(world.now())
    for flow in world.flows.values():
        for row in flow.between(None, None):
            yield flow, row


def mirrored_ids(house: House) -> set[str]:
    return set(Execution.objects.filter(account=house.account).values_list("execution_id", flat=True))


def connect_to(plan: str, refresh_token: str, clock: Callable[[], datetime]) -> ZohoAccount:
    """The account as a person connects it."""
    limits: dict[str, Any] = {"plan": plan}
    if plan == "unlimited":
        limits = {"plan": "enterprise", "calls_per_minute": 1_000_000, "calls_per_day": 100_000_000}
    wanted = Wanted(
        name="Acme",
        data_center="custom",
        origins=Origins(ORIGIN, ORIGIN, ORIGIN),
        client_id=KNOWN.client_id,
        client_secret=KNOWN.client_secret,
        refresh_token=refresh_token,
        **limits,
    )
    return connect(wanted, actor=system_user(), clock=clock, now=clock())


def push_habits(plan: Schedule, wire: Loopback) -> None:
    """How this Zoho's pages always are; entries at the end of the script, so that other faults come first."""
    kinds = [("cap_per_page", {"cap": plan.cap})] if plan.cap else []
    kinds += [("duplicate_rows", {})] if plan.doubled and not plan.cap else []
    kinds += [("shuffle_rows", {})] if plan.shuffled and not (plan.cap or plan.doubled) else []
    for kind, args in kinds:
        wire.app.faults.push({"path": ROWS, "kind": kind, "times": 0, "args": args})


@contextmanager
def house_of(plan: Schedule) -> Iterator[House]:
    """The house of a schedule, connected; the client's pauses move its clock and its calls go to its Zoho."""
    clock = SettableClock(BEGINNING)
    world = make_world(clock=clock, habits=habits_for(**plan.habits), **plan.world)
    wire = Loopback(make_app(world, plan=plan.plan), clock)
    client = {"http": wire, "sleep": clock.advance, "now": clock, "rng": Random(plan.seed)}
    with (
        mock.patch.dict(Transport.__init__.__kwdefaults__, client),
        mock.patch.dict(DatabaseTokens.__init__.__kwdefaults__, {"pause": clock.advance}),
    ):
        house = House(plan, wire, clock, connect_to(plan.plan, KNOWN.refresh_token, clock))
        wire.latency = plan.latency
        push_habits(plan, wire)
        yield house
