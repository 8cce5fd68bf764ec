"""A Zoho that keeps a ledger: which POST caused which run. It stands in for `monitor.connection.open_account`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection

from monitor.access import may
from monitor.connection import BudgetSpent
from monitor.models import RetryAttempt
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    NotAvailable,
    NotFound,
    NotSent,
    Refused,
    ScopeMissing,
    TokenRefused,
    Unreachable,
    Wait,
)
from monitor.zoho.shapes.executions import ExecutionPage, ExecutionRow, RetryReply, execution_row
from tests.bystander import own
from tests.fake_zoho.records import Run, as_sent

PERMANENT = ("ACTION_FAILED", "Failed to create contact in Campaigns", "Invalid email format")
TRANSIENT = ("ACTION_FAILED", "Campaigns is not available", "HTTP 503 from Campaigns")


class Crash(BaseException):
    """The process dies here: nothing catches it, nothing is written down any more."""


class Violation(BaseException):
    """The code under test did what it must never do; no `except Exception` may hide that."""


def require(truth: object, message: str) -> None:
    if not truth:
        raise Violation(message)


@dataclass
class Fault:
    """How one POST ends: whether the work ran, and what the client is told (None: the plain answer)."""

    name: str
    runs: bool
    error: Callable[[], BaseException] | None = None


def envelope(kind: type, status: int, code: str, **more: Any) -> Callable[[], BaseException]:
    return lambda: kind(f"answered {status} {code}", status=status, code=code, **more)


def ran(name: str, error: Callable[[], BaseException] | None = None) -> Fault:
    return Fault(name, runs=True, error=error)


def lost(name: str, error: Callable[[], BaseException]) -> Fault:
    return Fault(name, runs=False, error=error)


PLAIN = ran("plain")
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        PLAIN,
        lost("no_connection", lambda: NotSent("no connection")),
        lost("token", envelope(TokenRefused, 401, "INVALID_TOKEN")),
        lost("rate", envelope(Wait, 429, "RATE_LIMIT_EXCEEDED", retry_after=20)),
        ran("bare_429", lambda: Wait("answered 429", status=429, retry_after=20)),
        lost("refused", envelope(Refused, 400, "INVALID_REQUEST")),
        lost("gone", envelope(NotFound, 404, "EXECUTION_NOT_FOUND")),
        lost("plan", envelope(NotAvailable, 403, "NO_PERMISSION")),
        lost("act", envelope(NotAvailable, 401, "AUTHORIZATION_ERROR")),
        lost("other_401", envelope(Refused, 401, "FLOW_IS_ASLEEP")),
        ran("ran_401_page", lambda: BadAnswer("answered 401 with an HTML page", status=401)),
        lost("in_a_200", envelope(Refused, 200, "NOT_ALLOWED")),
        ran("ran_in_a_200", envelope(BadAnswer, 200, "DUPLICATE_DATA")),
        lost("scope", envelope(ScopeMissing, 401, "OAUTH_SCOPE_MISMATCH")),
        ran("ran_503", envelope(AnswerLost, 503, "EXECUTION_FAILED")),
        lost("lost_503", envelope(AnswerLost, 503, "EXECUTION_FAILED")),
        ran("ran_408", envelope(AnswerLost, 408, "TIMEOUT")),
        ran("ran_unread", lambda: AnswerLost("the answer was lost")),
        lost("lost_unread", lambda: AnswerLost("the answer was lost")),
        ran("ran_unreachable", lambda: Unreachable("something went wrong")),
        ran("ran_html", lambda: BadAnswer("an HTML page", status=200)),
        ran("ran_bare_404", lambda: BadAnswer("answered 404 with an HTML page", status=404)),
        ran("ran_bug", lambda: RuntimeError("ours")),
        ran("ran_crash", lambda: Crash("after the POST, before the record")),
        lost("lost_crash", lambda: Crash("after the intent, before the POST")),
    )
}
PROVEN = {"no_connection", "token", "rate", "refused", "gone", "plan", "scope", "act", "other_401", "in_a_200"}


@dataclass
class Post:
    """One POST as it arrived."""

    attempt: int
    fault: Fault
    at: datetime


@dataclass
class RetryingZoho:
    """One account's Zoho.

    `dialect`: "new" gives the run a row of its own and names it, "silent" does so and names nothing, "same"
    runs the row again in place; "echo" and "lies" give the run a row of its own and name the old one, or a thing
    that is no run. `ahead` is how far its clock is from ours. `post_faults` and `read_faults` are used up one a
    call. `during_look` and `during_post` are called once, inside of a call: what other processes do at that moment.
    """

    clock: Callable[[], datetime]
    dialect: str = "new"
    luck: bool = True
    takes: timedelta = timedelta(seconds=3)
    lag: timedelta = timedelta(0)
    runs: dict[str, Run] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    caused: Counter[int] = field(default_factory=Counter)
    ahead: timedelta = timedelta(0)
    tells_date: bool = True
    last_server_date: datetime | None = None
    reads: int = 0
    lists: int = 0
    opened: list[str] = field(default_factory=list)
    post_faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Callable[[], BaseException]] = field(default_factory=deque)
    during_look: Callable[[], object] | None = None
    during_post: Callable[[], object] | None = None
    token: int = 1
    renewals: int = 0
    renew_fault: BaseException | None = None
    has_flow: bool = True
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # -- monitor.connection -------------------------------------------------------------------------------

    @contextmanager
    def open_account(self, account: object, *, priority: str = "background") -> Iterator[RetryingZoho]:
        self.opened.append(priority)
        yield self

    @property
    def flow(self) -> RetryingZoho | None:
        return self if self.has_flow else None

    @property
    def tokens(self) -> RetryingZoho:
        return self

    def current(self) -> str:
        return f"token-{self.token}"

    def renew(self, refused: str) -> str:
        assert refused == self.current()
        if self.renew_fault is not None:
            raise self.renew_fault
        self.token += 1
        self.renewals += 1
        return self.current()

    # -- monitor.zoho.flow --------------------------------------------------------------------------------

    def time(self) -> datetime:
        """By its own clock, which all its times are of."""
        return self.clock() + self.ahead

    def get_execution(self, flow_id: str, execution_id: str) -> ExecutionRow:
        require(execution_id, "Zoho was asked for an execution without an id")
        self._read()
        self._meanwhile("during_look")
        run = self.runs.get(execution_id)
        if run is None or (run.shows_at is not None and run.shows_at > self.time()):
            raise NotFound("no such execution", status=404, code="EXECUTION_NOT_FOUND")
        return self._row(run, flow_id)

    def list_executions(
        self,
        flow_id: str,
        *,
        from_date: datetime | None = None,
        to_date: datetime | None = None,
        page: int = 1,
        per_page: int | None = None,
    ) -> ExecutionPage:
        self._read()
        self.lists += 1
        now, size = self.time(), per_page or 50
        shown = [run for run in self.runs.values() if run.shows_at is None or run.shows_at <= now]
        rows = [self._row(run, flow_id) for run in shown if from_date <= run.started <= to_date]
        part = rows[(page - 1) * size : page * size]
        return ExecutionPage(part, None, page, size, len(rows), [])

    def retry_execution(self, flow_id: str, execution_id: str) -> RetryReply:
        attempt = self._the_committed_intent(execution_id)
        fault = self.post_faults.popleft() if self.post_faults else PLAIN
        self.posts.append(Post(attempt.pk, fault, self.clock()))
        new_id = None
        if fault.runs:
            original = self.runs[execution_id].at(self.time())
            require(original.status == "failed", "Zoho was asked to retry what has not failed")
            new_id = self._run_again(original, attempt.pk)
        self._meanwhile("during_post")
        if fault.error is not None:
            raise fault.error()
        named = {"silent": None, "echo": execution_id, "lies": "job-1"}.get(self.dialect, new_id)
        return RetryReply(accepted=True, new_execution_id=named, raw={})

    # -- the world ----------------------------------------------------------------------------------------

    def add(self, execution: Any, error: tuple[str, str, str] = PERMANENT) -> Run:
        """The mirrored execution as it stands at Zoho."""
        run = Run(
            execution.started_time,
            execution.status,
            execution.execution_id,
            payload=execution.trigger_data,
            completed=execution.completed_time,
            error=error,
            first_failed=execution.completed_time,
        )
        self.runs[run.execution_id] = run
        return run

    def run_naturally(self, payload: Any, status: str = "success") -> Run:
        """A run of the flow that no retry caused."""
        now = self.time().replace(microsecond=0)
        run = Run(now, status, f"natural-{next(self.numbers)}", payload=payload, completed=now, error=PERMANENT)
        self.runs[run.execution_id] = run
        return run

    def rerun_by_itself(self, run: Run, *, success: bool) -> None:
        """Zoho's own re-run of a failed row."""
        run.completed = self.time().replace(microsecond=0)
        run.status = "success" if success else "failed"

    def _run_again(self, original: Run, attempt: int) -> str:
        now = self.time()
        self.caused[attempt] += 1
        ends = ((now + self.takes).replace(microsecond=0), "success" if self.luck else "failed")
        if self.dialect == "same":
            original.status, original.ends, original.attempt = "running", ends, attempt
            return original.execution_id
        run = Run(
            now.replace(microsecond=0),
            "running",
            f"retried-{next(self.numbers)}",
            payload=original.payload,
            error=original.error,
            ends=ends,
            shows_at=now + self.lag,
            attempt=attempt,
            retry_of=original.retry_of or original.execution_id,
        )
        self.runs[run.execution_id] = run
        return run.execution_id

    def _row(self, run: Run, flow_id: str) -> ExecutionRow:
        run.at(self.time())
        return execution_row(as_sent(run.row(flow_id)), flow_id)

    def _read(self) -> None:
        self.reads += 1
        self.last_server_date = self.time().replace(microsecond=0) if self.tells_date else None
        assert_no_transaction()
        if self.read_faults:
            problem = self.read_faults.popleft()
            raise problem()

    def _meanwhile(self, name: str) -> None:
        hook = getattr(self, name)
        if hook is not None:
            setattr(self, name, None)
            hook()

    def _the_committed_intent(self, execution_id: str) -> RetryAttempt:
        """R4 and R10: one row in `sending`, committed, of a person who still may."""
        assert_no_transaction()
        rows = own(RetryAttempt).select_related("requested_by", "account", "policy")
        row = rows.filter(state="sending", execution__execution_id=execution_id).first()
        require(row is not None, "R4: a POST without a committed intent")
        require(row.sent_at is not None and row.lease_until is not None, "R4: no whole intent")
        require(may(row.requested_by, "retry", row.account), "R10: this person may not retry")
        require(row.account.is_active, "R10: the account is paused")
        run = self.runs[execution_id]
        if row.client_token.startswith("policy-"):
            require(row.policy is not None and row.policy.is_on, "a retry of a policy that is off")
            require(may(row.requested_by, "retry.policies", row.account), "this person may not have policies")
            require(not row.accept_risk, "a policy accepts a risk")
            require(not self._is_done(run), "a policy has work done again that was done")
        fresh = run.first_failed is not None and self.time() < run.first_failed + timedelta(hours=24)
        require(row.accept_risk or run.error is PERMANENT or not fresh, "a risk that nobody accepted")
        return row

    def _is_done(self, run: Run) -> bool:
        work = run.retry_of or run.execution_id
        runs = (one.at(self.time()) for one in self.runs.values() if work in (one.retry_of, one.execution_id))
        return any(one.status == "success" for one in runs)


def assert_no_transaction() -> None:
    """Of ours, that is: the test's own do not count."""
    ours = [one for one in connection.atomic_blocks if not getattr(one, "_from_testcase", False)]
    require(not ours, "a transaction is open while Zoho is asked")


def budget_spent(now: datetime, seconds: float = 30) -> BudgetSpent:
    return BudgetSpent("10 calls a minute are used up", now=now, until=now + timedelta(seconds=seconds))
