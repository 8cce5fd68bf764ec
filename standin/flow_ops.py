"""Mutations of flows and connections: each a function of the time and its arguments only."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from standin.bursts import Burst
from standin.chance import rng
from standin.errors import RefusalError
from standin.execution import Attempt, Execution
from standin.failures import BY_NAME, Failure
from standin.flows import Flow
from standin.generate import ADDED, RETRIED, draw_duration, draw_luck

if TYPE_CHECKING:
    from standin.world import World


EACH_ITS_OWN = 100  # of so many rows added at once each has a failure of its own; further ones share the last


def register_flow_ops(world: "World") -> None:
    """Make the mutations of this module known to the world."""
    ops = FlowOps(world)
    for name in (
        "switch_flow", "retry", "break_flow", "heal_flow", "break_connection", "repair_connection",
        "add_executions", "delete_execution", "change_execution",
    ):  # fmt: skip
        world.register(name, getattr(ops, name))


class FlowOps:
    """The handlers; `at` is the time of the mutation, also when the journal repeats it."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def _flow(self, at: datetime, flow_id: str) -> Flow:
        flow = self._world.flows.get(flow_id)
        if flow is None:
            raise RefusalError("FLOW_NOT_FOUND", "The specified flow does not exist", flow_id, 404)
        flow.advance(at)  # what lies before the mutation happened without it
        return flow

    def _execution(self, flow: Flow, execution_id: str) -> Execution:
        execution = flow.by_id.get(execution_id)
        if execution is None:
            raise RefusalError(
                "EXECUTION_NOT_FOUND",
                "The specified execution does not exist",
                f"Execution ID '{execution_id}' not found in this flow",
                404,
            )
        return execution

    def switch_flow(self, at: datetime, *, flow_id: str, on: bool) -> Flow:
        """Enable or disable a flow."""
        flow = self._flow(at, flow_id)
        if flow.on.at(at) != on:
            flow.on.change(at, value=on)
            flow.modified = at.replace(microsecond=0)
        return flow

    def retry(
        self, at: datetime, *, flow_id: str, execution_id: str, same_id: bool, luck: str
    ) -> tuple[Flow, Execution]:
        """Run a failed execution again; gives the row that the run is in: a new one, or the old one."""
        flow = self._flow(at, flow_id)
        old = self._execution(flow, execution_id)
        if old.status(at) != "failed":
            raise RefusalError(
                "INVALID_REQUEST",
                "Only failed executions can be retried",
                f"Execution '{execution_id}' is {old.status(at)}",
            )
        if flow.sick.at(at) and flow.mended_by_retry:
            flow.sick.turn_off(at)  # whoever retries has mended the cause first
            luck = "succeed"
        number = len(old.attempts) + len(self._world.retries.get(execution_id, []))
        attempt = self._attempt(flow, old, at, luck=luck, number=number)
        if same_id:
            flow.reopen(old, at)
            old.attempts.append(attempt)
            row = old
        else:
            row = Execution(
                flow.next_number(RETRIED, at), attempt.started, old.payload_key, [attempt], retry_of=execution_id
            )
            if attempt.failure is not None and attempt.failure.transient:
                row.luck = draw_luck(rng("luck", row.execution_id))
            flow.plan(row, row.started)
            flow.advance(at)
        self._world.retries.setdefault(execution_id, []).append(row.execution_id)
        return flow, row

    def _attempt(self, flow: Flow, old: Execution, at: datetime, *, luck: str, number: int) -> Attempt:
        dice = rng("retry", old.execution_id, number)
        failure: Failure | None = flow.ailment(at, old.payload_key)
        first = old.attempts[0].failure
        if failure is None and luck != "succeed":
            chance = 0.9 if first is not None and first.transient else 0.75
            if luck == "fail" or dice.random() > chance:
                failure = first
        started = at.replace(microsecond=0)
        length = min(4000, draw_duration(flow.template, dice))
        return Attempt(started, at + timedelta(milliseconds=length), failure)

    def break_flow(
        self, at: datetime, *, flow_id: str, kind: str, mended_by_retry: bool, begins: str = "", flood: bool = True
    ) -> None:
        """From `begins` (default: now) every run fails with this kind, and runs come thick and fast."""
        flow = self._flow(at, flow_id)
        if kind not in BY_NAME:
            raise RefusalError("INVALID_REQUEST", f"no such kind of failure: {kind}")
        start = datetime.fromisoformat(begins) if begins else at
        flow.sick.turn_on(start)
        flow.sick_kind = BY_NAME[kind]
        flow.mended_by_retry = mended_by_retry
        flow.burst = Burst(start) if flood else None

    def heal_flow(self, at: datetime, *, flow_id: str) -> None:
        """End a flow's sickness, or call off one that is planned."""
        flow = self._flow(at, flow_id)
        flow.sick.turn_off(at)
        if flow.burst is not None and flow.burst.start > at:
            flow.burst = None

    def break_connection(self, at: datetime, *, connection_id: str) -> None:
        """Let a connection expire: flows that use it fail."""
        self._connection(connection_id).works.turn_off(at)

    def repair_connection(self, at: datetime, *, connection_id: str) -> None:
        """Reconnect a connection."""
        self._connection(connection_id).works.turn_on(at)

    def _connection(self, connection_id: str) -> Any:
        connection = self._world.connections.get(connection_id)
        if connection is None:
            raise RefusalError("CONNECTION_NOT_FOUND", "The specified connection does not exist", connection_id, 404)
        return connection

    def add_executions(
        self,
        at: datetime,
        *,
        flow_id: str,
        count: int = 1,
        status: str = "success",
        kind: str = "email",
        started: str = "",
        duration_ms: int = 1500,
        late_seconds: float = 0,
        override: dict[str, object] | None = None,
    ) -> list[str]:
        """Runs made by hand; `late_seconds` after their start they appear, `override` spoils the row."""
        flow = self._flow(at, flow_id)
        start = datetime.fromisoformat(started) if started else at.replace(microsecond=0)
        made: list[str] = []
        failure: Failure | None = None
        for _ in range(count):
            identity = flow.next_number(ADDED, start)
            length = timedelta(days=36_500) if status == "running" else timedelta(milliseconds=duration_ms)
            if status == "failed" and len(made) < EACH_ITS_OWN:
                failure = flow.fail(BY_NAME[kind], identity, 0)
            attempt = Attempt(start, start + length, failure)
            luck = draw_luck(rng("luck", identity)) if failure is not None and failure.transient else ()
            row = Execution(identity, start, identity, [attempt], luck, override=dict(override or {}))
            flow.plan(row, start + timedelta(seconds=late_seconds))
            made.append(identity)
        flow.advance(at)
        return made

    def delete_execution(self, at: datetime, *, flow_id: str, execution_id: str) -> None:
        """Take a row out of the history."""
        flow = self._flow(at, flow_id)
        flow.forget(self._execution(flow, execution_id), at)

    def change_execution(
        self, at: datetime, *, flow_id: str, execution_id: str, status: str, kind: str = "503"
    ) -> None:
        """End a running row now, or turn a failed one into a success, as a re-run by Zoho would."""
        flow = self._flow(at, flow_id)
        execution = self._execution(flow, execution_id)
        flow.reopen(execution, at)
        failure = flow.fail(BY_NAME[kind], execution_id, 0) if status == "failed" else None
        last = execution.attempts[-1]
        if last.ended > at:
            last.ended, last.failure = at, failure
        else:
            execution.attempts.append(Attempt(at - timedelta(seconds=1), at, failure, quiet=failure is None))
        flow.advance(at)
