"""Carries out what happens to flows and their runs: switching, retrying, breaking, healing, adding, changing."""

from datetime import datetime, timedelta

from standin.chance import rng
from standin.errors import RefusalError
from standin.flow.book import FlowBook, not_found
from standin.flow.executions import Attempt, Execution
from standin.flow.failures import BY_NAME, Failure
from standin.flow.flows import Flow
from standin.flow.history import ADDED, RETRIED, draw_duration, draw_luck
from standin.journaled import Journaled

EACH_ITS_OWN = 100  # of so many rows added at once each has a failure of its own; further ones share the last


class FlowEvents:
    """Carries out these changes; `at` is the time of the change, also when the journal repeats it."""

    def __init__(self, home: Journaled, book: FlowBook) -> None:
        """Makes the changes of this module known."""
        self._book = book
        for name in (
            "switch_flow", "retry", "break_flow", "heal_flow", "break_connection", "repair_connection",
            "add_executions", "delete_execution", "change_execution",
        ):  # fmt: skip
            home.register(name, getattr(self, name))

    def _flow(self, at: datetime, flow_id: str) -> Flow:
        flow = self._book.find(flow_id)
        flow.advance(at)  # what lies before the change happened without it
        return flow

    def _execution(self, flow: Flow, execution_id: str) -> Execution:
        execution = flow.by_id.get(execution_id)
        if execution is None:
            raise not_found("execution", execution_id, f"flow '{flow.flow_id}'")
        return execution

    def switch_flow(self, at: datetime, *, flow_id: str, on: bool) -> Flow:
        """Enables or disable a flow."""
        flow = self._flow(at, flow_id)
        if flow.on.at(at) != on:
            flow.on.change(at, value=on)
            flow.modified = at.replace(microsecond=0)
        return flow

    def retry(
        self, at: datetime, *, flow_id: str, execution_id: str, same_id: bool, luck: str
    ) -> tuple[Flow, Execution]:
        """Runs a failed execution again; gives the row that the run is in: a new one, or the old one."""
        flow = self._flow(at, flow_id)
        old = self._execution(flow, execution_id)
        if old.status(at) != "failed":
            raise RefusalError(
                "INVALID_REQUEST",
                "Only failed executions can be retried",
                f"Execution '{execution_id}' is {old.status(at)}",
            )
        began = old.attempts[0].started
        if flow.bad.fixed_by_retry(at) or (luck == "likely" and flow.bad.is_repaired(began, at)):
            luck = "succeed"
        number = len(old.attempts) + len(self._book.retries.get(execution_id, []))
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
        self._book.retries.setdefault(execution_id, []).append(row.execution_id)
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
        self, at: datetime, *, flow_id: str, kind: str, fixed_by_retry: bool, begins: str = "", flood: bool = True
    ) -> None:
        """Lets a flow go bad from `begins` (default: now) on, see `flow.goes_bad`."""
        flow = self._flow(at, flow_id)
        if kind not in BY_NAME:
            raise RefusalError("INVALID_REQUEST", f"no such kind of failure: {kind}")
        start = datetime.fromisoformat(begins) if begins else at
        flow.bad.begin(start, BY_NAME[kind], fixed_by_retry=fixed_by_retry, flood=flood)

    def heal_flow(self, at: datetime, *, flow_id: str) -> None:
        """Heals a flow, or call off what is planned."""
        self._flow(at, flow_id).bad.end(at)

    def break_connection(self, at: datetime, *, connection_id: str) -> None:
        """Lets a connection expire: flows that use it fail."""
        self._book.connection(connection_id).works.turn_off(at)

    def repair_connection(self, at: datetime, *, connection_id: str) -> None:
        """Reconnects a connection."""
        self._book.connection(connection_id).works.turn_on(at)

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
        """Takes a row out of the history."""
        flow = self._flow(at, flow_id)
        flow.forget(self._execution(flow, execution_id), at)

    def change_execution(
        self, at: datetime, *, flow_id: str, execution_id: str, status: str, kind: str = "503"
    ) -> None:
        """Ends a running row now, or turn a failed one into a success, as a re-run by Zoho would."""
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
