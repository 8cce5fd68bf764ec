"""The whole stage against a ledger of what really ran, in random order and with random faults.

Invariants R1 to R12: docs/reference/retries.md, "Invariants of a retry". `HYPOTHESIS_PROFILE=nightly` runs
10,000 schedules.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from monitor.models import AuditEntry, Execution, RetryAttempt, Role, User, ZohoAccount
from monitor.retry.requests import RetryRefused, cancel, request_retry, resolve_not_run, resolve_ran_as
from monitor.retry.send import send
from monitor.retry.settle import sweep
from monitor.retry.transition import EDGES
from monitor.zoho.errors import AnswerLost, BadAnswer, NotFound
from tests import factories
from tests.bystander import own
from tests.depth import tried
from tests.fake_zoho import Clock, Run
from tests.fake_zoho.retrying import (
    FAULTS,
    PERMANENT,
    PLAIN,
    PROVEN,
    TRANSIENT,
    Crash,
    Fault,
    RetryingZoho,
    Violation,
    budget_spent,
    require,
)

SCHEDULES = tried(8, 60, nightly=10_000, stateful_step_count=30)
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PAYLOADS = [{"Email": "lea@example.com"}, {"Email": "noa@example.com"}, {"Email": "lea@example.com"}]
pick = st.integers(0, 5)
mostly = st.sampled_from([True, True, True, False])
often_admin = st.sampled_from([1, 1, 1, 0])
faults = st.sampled_from([PLAIN, *FAULTS.values()])
READ_FAULTS = [
    lambda clock: AnswerLost("503", status=503),
    lambda clock: BadAnswer("HTML", status=200),
    lambda clock: NotFound("not yet", status=404, code="EXECUTION_NOT_FOUND"),
    lambda clock: budget_spent(clock(), 20),
    lambda clock: Crash("while looking"),
]


class Retries(RuleBasedStateMachine):
    """People click, workers send, processes die, Zoho does as it likes."""

    @initialize(
        dialect=st.sampled_from(["new", "same", "silent", "echo", "lies"]),
        ahead=st.sampled_from([0, 0, -72, 72]),
        transient=st.booleans(),
        takes=st.sampled_from([1, 20, 400]),
        lag=st.sampled_from([0, 0, 45]),
    )
    def open_up(self, dialect: str, ahead: int, transient: bool, takes: int, lag: int) -> None:
        self.savepoint = transaction.savepoint()
        self.clock = Clock(START)
        self.zoho = RetryingZoho(
            self.clock, dialect=dialect, takes=timedelta(seconds=takes), lag=timedelta(seconds=lag)
        )
        self.zoho.ahead = timedelta(hours=ahead)
        self.account = factories.make_account()
        self.people = [factories.make_user(role=role) for role in (Role.OPERATOR, Role.ADMIN)]
        flow = factories.make_flow(self.account)
        error = TRANSIENT if transient else PERMANENT
        fields = dict(zip(("error_code", "error_message", "error_details"), error, strict=True))
        started = self.zoho.time() - timedelta(hours=1)
        self.executions = [
            factories.make_execution(flow, "failed", started_time=started, trigger_data=payload, **fields)
            for payload in PAYLOADS
        ]
        for execution in self.executions:
            self.zoho.add(execution, error)
        self.finals: dict[int, str] = {}
        self.tokens: list[tuple[str, int, int]] = []
        self.made: dict[str, int] = {}  # which row a form has made
        self.succeeded: set[int] = set()  # executions known by us to have succeeded in a retry

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            transaction.savepoint_rollback(self.savepoint)

    # -- people -------------------------------------------------------------------------------------------

    @rule(which=pick, who=often_admin, accept_risk=mostly, fault=faults, luck=st.booleans())
    def click(self, which: int, who: int, accept_risk: bool, fault: Fault, luck: bool) -> None:
        """A click, and the task that it queues."""
        self._click(which, who, accept_risk, fault, luck)

    @rule(which=pick, fault=faults, luck=st.booleans())
    def click_again_later(self, which: int, fault: Fault, luck: bool) -> None:
        """When all is settled that can be."""
        for _ in range(3):
            self.clock.forward(minutes=5)
            self._sweep()
        self._click(which, 1, True, fault, luck)  # noqa: FBT003

    @rule(which=pick, who=often_admin, accept_risk=mostly)
    def click_but_lose_the_task(self, which: int, who: int, accept_risk: bool) -> None:
        self._click(which, who, accept_risk, None, luck=True)

    def _click(self, which: int, who: int, accept_risk: bool, fault: Fault | None, luck: bool) -> None:
        execution, user = self.executions[which % 3], self.people[who % 2]
        token = f"form-{len(self.tokens)}"
        self.tokens.append((token, execution.pk, user.pk))
        row = self._post_form(token, execution, user, accept_risk)
        if row is not None:
            self.made[token] = row.pk
        if row is not None and fault is not None:
            self.zoho.luck = luck
            self.zoho.post_faults.append(fault)
            self._crashable(lambda: send(row.pk, open_account=self.zoho.open_account, now_fn=self.clock))

    @precondition(lambda self: getattr(self, "tokens", None))
    @rule(which=pick, accept_risk=mostly)
    def post_the_form_again(self, which: int, accept_risk: bool) -> None:
        token, execution_id, user_id = self.tokens[-1 - which % len(self.tokens)]
        row = self._post_form(token, Execution.objects.get(pk=execution_id), User.objects.get(pk=user_id), accept_risk)
        assert row is None or self.made.setdefault(token, row.pk) == row.pk, "R9: one form, one row"

    def _post_form(self, token: str, execution: Execution, user: User, accept_risk: bool) -> RetryAttempt | None:
        known = set(own(RetryAttempt).values_list("pk", flat=True))
        try:
            row = request_retry(
                execution=execution, user=User.objects.get(pk=user.pk), reason="again", client_token=token,
                accept_risk=accept_risk, now=self.clock(),
            )  # fmt: skip
        except RetryRefused as refusal:
            note(f"refused: {refusal.code}")
            return None
        if row.pk not in known:
            assert execution.pk not in self.succeeded, "R8: a new row after a success"
        return row

    @rule(which=pick, who=pick)
    def call_off_or_close_by_hand(self, which: int, who: int) -> None:
        """Who closes one has looked closely at Zoho, and only says what is true."""
        row, person = self._some_row(which), self.people[who % 2]
        if row is None:
            return
        if row.state == "requested":
            self._try(lambda: cancel(row, person, self.clock()))
        elif not self.zoho.caused[row.pk]:
            self._try(lambda: resolve_not_run(row, person, "no trace", self.clock()))

    @rule(which=pick, who=often_admin)
    def say_which_run_it_caused(self, which: int, who: int) -> None:
        """Who says so has looked closely, too; what the mirror does not show cannot be named yet."""
        row = self._some_row(which)
        mine = [run for run in self.zoho.runs.values() if row is not None and run.attempt == row.pk]
        if row is not None and mine:
            person = self.people[who % 2]
            self._try(lambda: resolve_ran_as(row, mine[0].execution_id, person, "I saw it there", self.clock()))

    @rule(who=st.sampled_from([0, 1, None]), active=mostly)
    def switch_a_person_or_the_account(self, who: int | None, active: bool) -> None:
        if who is None:
            ZohoAccount.objects.filter(pk=self.account.pk).update(is_active=active)
        else:
            User.objects.filter(pk=self.people[who].pk).update(is_active=active)

    # -- processes ----------------------------------------------------------------------------------------

    @rule(wait=st.sampled_from([0, 2, 5, 15, 60]))
    def sweep(self, wait: int) -> None:
        self.clock.forward(seconds=wait)
        self._sweep()

    @rule(which=pick)
    def deliver_the_task_again(self, which: int) -> None:
        row = self._some_row(which)
        if row is not None:
            self._crashable(lambda: send(row.pk, open_account=self.zoho.open_account, now_fn=self.clock))

    @rule(fault=faults, second=faults)
    def set_the_next_posts(self, fault: Fault, second: Fault) -> None:
        self.zoho.post_faults.clear()
        self.zoho.post_faults.extend([fault, second])

    @rule(fault=st.sampled_from(READ_FAULTS))
    def set_the_next_read(self, fault) -> None:
        self.zoho.read_faults.append(lambda: fault(self.clock))

    @rule(where=st.sampled_from(["during_look", "during_post"]), which=pick, sleep=st.sampled_from([0, 0, 9, 61, 90]))
    def another_process_comes_between(self, where: str, which: int, sleep: int) -> None:
        row = self._some_row(which)

        def meanwhile() -> None:
            self.clock.forward(seconds=sleep)
            if row is not None:
                send(row.pk, open_account=self.zoho.open_account, now_fn=self.clock)
            self._sweep()

        setattr(self.zoho, where, meanwhile)

    # -- the world ----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 5, 15, 61, 300, 900, 3600, 26 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)

    @rule(which=pick, success=st.booleans())
    def zoho_re_runs_by_itself(self, which: int, success: bool) -> None:
        failed = [run for run in self._runs() if run.status == "failed" and run.error is TRANSIENT]
        if failed:
            self.zoho.rerun_by_itself(failed[which % len(failed)], success=success)

    @rule(which=pick, status=st.sampled_from(["success", "failed"]))
    def the_flow_runs_naturally(self, which: int, status: str) -> None:
        self.zoho.run_naturally(PAYLOADS[which % 3] if which < 4 else {"n": which}, status)

    @rule()
    def mirror(self) -> None:
        """What ingest does."""
        for run in self._runs():
            values = {"status": run.status, "completed_time": run.completed, "changed_at": self.clock()}
            error = run.error if run.status == "failed" else ("", "", "")
            values |= dict(zip(("error_code", "error_message", "error_details"), error, strict=True))
            flow = self.executions[0].flow
            Execution.objects.update_or_create(
                account=self.account, execution_id=run.execution_id,
                defaults=values,
                create_defaults=values | {
                    "flow": flow, "started_time": run.started, "trigger_data": run.payload,
                    "first_seen_at": self.clock(),
                    "first_failed_at": run.completed if run.status == "failed" else None,
                },
            )  # fmt: skip

    # -- what must hold -----------------------------------------------------------------------------------

    @invariant()
    def the_ledger_and_the_rows_agree(self) -> None:
        if not hasattr(self, "zoho"):
            return
        posts = defaultdict(list)
        for post in self.zoho.posts:
            posts[post.attempt].append(post.fault.name)
        open_rows: set[int] = set()
        trails = defaultdict(list)
        for entry in own(AuditEntry).filter(object_type="retry").order_by("pk"):
            trails[entry.object_id].append(entry)
        for row in own(RetryAttempt).select_related("execution"):
            ran = self.zoho.caused[row.pk]
            assert ran <= 1, f"R1: retry {row.pk} caused {ran} runs"
            unproven = [name for name in posts[row.pk] if name not in PROVEN]
            assert len(unproven) <= 1, f"R2: {posts[row.pk]}"
            assert not unproven or posts[row.pk][-1] == unproven[0], f"R2: sent after no proof: {posts[row.pk]}"
            if row.is_open:
                assert row.execution_id not in open_rows, "R3: two open retries of one execution"
                open_rows.add(row.execution_id)
            assert self.finals.get(row.pk, row.state) == row.state, "R5: a final state changed"
            if not row.is_open:
                self.finals[row.pk] = row.state
            assert not (ran and row.state in ("rejected", "not_run", "cancelled")), f"R7: it ran but is {row.state}"
            self._the_outcome_is_true(row)
            self._every_edge_has_its_entry(row, trails[str(row.pk)])

    def _the_outcome_is_true(self, row: RetryAttempt) -> None:
        mine = [run for run in self._runs() if run.attempt == row.pk]
        if row.state == "succeeded":
            self.succeeded.add(row.execution_id)
        if row.state == "failed_again":
            newer = self.zoho.posts[-1].attempt != row.pk  # a retry in place shows only the newest run
            assert newer or all(run.status != "running" for run in mine), "failed again, but it is still running"

    def _every_edge_has_its_entry(self, row: RetryAttempt, trail: list[AuditEntry]) -> None:
        """R6 and R12."""
        state = ""
        for entry in trail:
            if "to" not in entry.detail:
                continue
            assert entry.detail["from"] == state, "R12: an edge without an entry"
            assert state == "" or entry.detail["to"] in EDGES[state]
            assert not (state == "unknown" and entry.detail["to"] in ("requested", "sending")), "R6"
            state = entry.detail["to"]
            assert state != "sending" or entry.actor_id == row.requested_by_id, "R4: a POST without a name"
        assert state == row.state, "R12: the row is not where its trail ends"

    @rule()
    def sweep_in_time(self) -> None:
        """R11: with a living worker no sender stays, and no owner of an unknown outcome is left in the dark."""
        self.zoho.read_faults.clear()
        self.zoho.during_look = self.zoho.during_post = None
        self._sweep()
        now = self.clock()
        for row in own(RetryAttempt).filter(state="sending"):
            assert row.lease_until >= now, "R11: a dead sender was not given up"
        for row in own(RetryAttempt).filter(state="unknown", owner_told_at=None):
            assert now < row.sent_at + timedelta(minutes=15) + timedelta(seconds=1), "R11: nobody was told"

    # -- helpers ------------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        def act() -> None:
            report = sweep(self.clock, open_account=self.zoho.open_account)
            require(not report.errors, "a fault of ours")

        self._crashable(act)

    def _runs(self) -> list[Run]:
        return [run.at(self.zoho.time()) for run in self.zoho.runs.values()]

    def _some_row(self, which: int) -> RetryAttempt | None:
        rows = list(own(RetryAttempt).order_by("-pk"))
        return rows[which % len(rows)] if rows else None

    def _try(self, act) -> None:
        try:
            act()
        except RetryRefused as refusal:
            note(f"refused: {refusal.code}")

    def _crashable(self, act) -> None:
        try:
            act()
        except Crash as crash:
            note(f"crashed: {crash}")
        except Violation as violation:  # Hypothesis makes only what is an Exception smaller, and tells its steps
            raise AssertionError(str(violation)) from violation


@pytest.mark.property
@pytest.mark.django_db
def test_whatever_happens_one_click_never_runs_the_work_twice() -> None:
    run_state_machine_as_test(Retries, settings=SCHEDULES)
