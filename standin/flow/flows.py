"""Lets one flow live: makes up its history as far as the clock has come, and counts it."""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from standin.chance import rng
from standin.clock import hour_number
from standin.flow.catalogue import APP_NAMES, FlowTemplate
from standin.flow.executions import Attempt, Execution
from standin.flow.failures import EXPIRED_CONNECTION, Failure, FailureKind
from standin.flow.goes_bad import GoesBad
from standin.flow.history import Draft, draft_hour, draw_luck, execution_id
from standin.people import trigger_payload
from standin.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Counters:
    """Holds a flow's life counters: also for runs that the history has long forgotten."""

    executions: int
    successes: int
    failures: int


@dataclass(slots=True)
class Flow:
    """Holds one flow: what it is, when it was on, whether it is bad, and every run so far."""

    index: int
    flow_id: str
    prefix: str
    seed: int
    template: FlowTemplate
    name: str
    description: str
    trigger: dict[str, Any]
    actions: list[dict[str, Any]]
    created: datetime
    modified: datetime
    created_by: str
    per_hour: float
    history_from: datetime
    base: Counters
    on: Timeline
    connections: dict[str, Timeline]
    silent_from: datetime | None = None
    bad: GoesBad = field(init=False)
    auto_reruns: bool = True
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)
    rows: list[tuple[datetime, str]] = field(default_factory=list)
    by_id: dict[str, Execution] = field(default_factory=dict)
    reruns_begun: int = 0
    _next_hour: int = 0
    _pending: list[tuple[datetime, str, Execution | Draft]] = field(default_factory=list)
    _open: set[str] = field(default_factory=set)
    _succeeded: int = 0
    _failed: int = 0

    def __post_init__(self) -> None:
        self._next_hour = hour_number(self.history_from)
        self.bad = GoesBad(self.template, (self.seed, self.index))

    def advance(self, now: datetime) -> None:
        """Lets everything happen that happens up to `now`."""
        for draft in self._drafts(now):
            heapq.heappush(self._pending, (draft.started, draft.execution_id, draft))
        while self._pending and self._pending[0][0] <= now:
            what = heapq.heappop(self._pending)[2]
            execution = what if isinstance(what, Execution) else self._begin(what)
            if execution is not None:
                self._record(execution)
        self._settle(now)

    def _drafts(self, now: datetime) -> Iterator[Draft]:
        if self.per_hour > 0:
            while self._next_hour <= hour_number(now):
                yield from draft_hour(
                    seed=self.seed, flow_index=self.index, hour=self._next_hour, per_hour=self.per_hour
                )
                self._next_hour += 1
        yield from self.bad.extra_runs(now, self.next_number)

    def _begin(self, draft: Draft) -> Execution | None:
        silent = self.silent_from is not None and draft.started >= self.silent_from
        if silent or not self.on.at(draft.started):
            return None
        failure = self.ailment(draft.started, draft.execution_id)
        if failure is None and draft.kind is not None:
            failure = self.fail(draft.kind, draft.execution_id, draft.step)
        luck = draft.luck
        if failure is None or not failure.transient:
            luck = ()
        elif not luck:
            luck = draw_luck(rng("luck", draft.execution_id))
        ended = draft.started + timedelta(milliseconds=draft.duration_ms)
        attempt = Attempt(draft.started, ended, failure)
        return Execution(draft.execution_id, draft.started, draft.execution_id, [attempt], luck)

    def ailment(self, at: datetime, key: str) -> Failure | None:
        """Returns what makes any run fail at `at`: that the flow went bad, or a broken connection; else None."""
        if self.bad.at(at):
            return self.fail(self.bad.kind, key, min(1, len(self.actions) - 1))
        for step, action in enumerate(self.actions):
            works = self.connections.get(str(action.get("app", "")))
            if works is not None and not works.at(at):
                return self.fail(EXPIRED_CONNECTION, key, step)
        return None

    def fail(self, kind: FailureKind, key: str, step: int) -> Failure:
        """Returns a failure of this kind in the action `step`."""
        app = str(self.actions[step].get("app", "")) if 0 <= step < len(self.actions) else ""
        payload = trigger_payload(str(self.trigger.get("app", "")), key)
        email = str(payload.get("Email") or payload.get("email") or payload["customer"]["email"])
        return kind.happen(app=APP_NAMES.get(app, app), step=step, email=email, dice=rng("failure", key))

    def plan(self, execution: Execution, appears: datetime) -> None:
        """Puts a run into the history from the time `appears` on (later than its start: a late row)."""
        heapq.heappush(self._pending, (appears, execution.execution_id, execution))

    def _record(self, execution: Execution) -> None:
        insort(self.rows, (execution.started, execution.execution_id))
        self.by_id[execution.execution_id] = execution
        self._open.add(execution.execution_id)

    def reopen(self, execution: Execution, now: datetime) -> None:
        """Takes a settled row out of the tally because it is about to change."""
        if execution.execution_id not in self._open:
            self._tally(execution, now, -1)
            self._open.add(execution.execution_id)

    def forget(self, execution: Execution, now: datetime) -> None:
        """Deletes a row; the life counters keep it."""
        self.reopen(execution, now)
        self._open.discard(execution.execution_id)
        self._tally(execution, now, 1)
        self.rows.remove((execution.started, execution.execution_id))
        del self.by_id[execution.execution_id]

    def _tally(self, execution: Execution, now: datetime, step: int) -> None:
        if execution.status(now) == "success":
            self._succeeded += step
        else:
            self._failed += step

    def _settle(self, now: datetime) -> None:
        for identity in [*self._open]:
            execution = self.by_id[identity]
            if self.auto_reruns:
                self.reruns_begun += execution.rerun_due(now, self._rerun_outcome(execution))
            if execution.settled(now):
                self._open.discard(identity)
                self._tally(execution, now, 1)

    def _rerun_outcome(self, execution: Execution) -> "_RerunOutcome":
        return _RerunOutcome(self, execution)

    def counters(self, now: datetime) -> Counters:
        """Returns the life counters as of `now`; call `advance` first."""
        states = [self.by_id[identity].status(now) for identity in self._open]
        good = self.base.successes + self._succeeded + states.count("success")
        bad = self.base.failures + self._failed + states.count("failed")
        return Counters(good + bad + states.count("running"), good, bad)

    def between(self, start: datetime | None, end: datetime | None) -> list[Execution]:
        """Lists rows that started in the closed interval, newest first; None is an open end."""
        low = 0 if start is None else bisect_left(self.rows, (start, ""))
        high = len(self.rows) if end is None else bisect_right(self.rows, (end, "\uffff"))
        return [self.by_id[identity] for _, identity in reversed(self.rows[low:high])]

    def next_number(self, block: int, at: datetime) -> str:
        """Returns a fresh execution id of one block of an hour's numbers (see `generate`)."""
        key = (block, hour_number(at))
        number = self.numbers.get(key, 0)
        self.numbers[key] = number + 1
        return execution_id(self.prefix, self.index, key[1], block + number)


@dataclass(slots=True)
class _RerunOutcome:
    """Holds how an automatic re-run of one execution ends, which depends on what makes the flow fail at that time."""

    flow: Flow
    execution: Execution

    def __call__(self, when: datetime, lucky: bool) -> Failure | None:
        ailment = self.flow.ailment(when, self.execution.payload_key)
        if ailment is not None:
            return ailment
        return None if lucky else self.execution.attempts[0].failure
