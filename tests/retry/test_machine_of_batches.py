"""Batches and policies beside single retries against a ledger of what really ran, in random order, with random faults.

All that a single retry must keep (docs/reference/retries.md, "Invariants of a retry") holds for each item. Besides: an
item is one retry at most, two people's batches may overlap, whatever happens between preview and send, and every item
comes to an end, beside policies that want the same runs. `make fuzz-retry` runs 10,000 schedules on PostgreSQL, CI 500.
"""

from __future__ import annotations

import os

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from monitor.models import POLICY_TOKEN, Flow, RetryAttempt, RetryBatch, RetryItem, ZohoAccount
from monitor.retry.batches import cancel_batch, request_batch, resume, suspend
from monitor.retry.requests import RetryRefused
from monitor.retry.run_batches import run_batches, token_of
from tests.bystander import own
from tests.depth import tried
from tests.retry.policies_by_chance import Policies
from tests.retry.test_machine import mostly, pick

ON_POSTGRESQL = "postgresql" in settings.DATABASES["default"]["ENGINE"]
SCHEDULES = tried(
    2, 100 if ON_POSTGRESQL else 12, nightly=int(os.environ.get("FUZZ_SCHEDULES", "10000")) // 5, stateful_step_count=30
)
ENDED = (RetryItem.State.SUCCEEDED, RetryItem.State.FAILED, RetryItem.State.SKIPPED)


class Batches(Policies):
    """What `Policies` does, and people who retry many at once."""

    dialect = "new"  # of Zoho; each has a test of its own, so that several processes share them out

    @initialize(
        ahead=st.sampled_from([0, 0, -72, 72]),
        transient=st.booleans(),
        takes=st.sampled_from([1, 20, 400]),
        lag=st.sampled_from([0, 0, 45]),
        policy_of=st.sampled_from(["flow", "problem", "flow", ""]),
    )
    def open_up(self, ahead: int, transient: bool, takes: int, lag: int, policy_of: str) -> None:
        super().open_up(
            dialect=self.dialect, ahead=ahead, transient=transient, takes=takes, lag=lag, policy_of=policy_of
        )

    @rule(
        some=st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),
        who=st.integers(0, 1),
        accept_risk=mostly,
        canary=st.integers(1, 3),
        per_minute=st.sampled_from([4, 60, 600]),
        is_doubled=st.booleans(),
    )
    def ask_for_a_batch(
        self, some: list[int], who: int, accept_risk: bool, canary: int, per_minute: int, is_doubled: bool
    ) -> None:
        """Where `is_doubled`, the form is posted twice."""
        made = set()
        for _ in range(1 + is_doubled):
            try:
                batch = request_batch(
                    account=self.account,
                    executions=[self.executions[n].pk for n in some],
                    user=self._admin(who),
                    reason="all of them",
                    client_token=f"form-of-batch-{self.clock().timestamp()}-{own(RetryBatch).count() - len(made)}",
                    now=self.clock(),
                    accept_risk=accept_risk,
                    canary=canary,
                    per_minute=per_minute,
                )
            except RetryRefused as refusal:
                assert refusal.code == "not_permitted"  # noqa: PT017 - a refusal ends this rule
                return
            made.add(batch.pk)
        assert len(made) == 1, "one form, one batch"

    @rule(wait=st.sampled_from([0, 5, 20]), times=st.integers(1, 2))
    def work_on_batches(self, wait: int, times: int) -> None:
        self.clock.forward(seconds=wait)
        for _ in range(times):
            run_batches(self.clock())
        self._turn()
        self._sweep()
        run_batches(self.clock())

    @precondition(lambda self: hasattr(self, "account") and own(RetryBatch).exists())
    @rule(which=pick, act=st.sampled_from([suspend, resume, cancel_batch]), who=st.integers(0, 1))
    def change_a_batch(self, which: int, act, who: int) -> None:
        batches = list(own(RetryBatch).order_by("-pk"))
        self._try(lambda: act(batches[which % len(batches)], self._admins()[who], self.clock()))

    @rule()
    def change_the_flow(self) -> None:
        Flow.objects.filter(pk=self.executions[0].flow_id).update(modified_time=self.zoho.time())

    @rule(which=pick)
    def the_mirror_sees_a_success(self, which: int) -> None:
        """Zoho's own re-run, between preview and send, where Zoho does such a thing."""
        self.zoho_re_runs_by_itself(which, success=True)
        self.mirror()

    @invariant()
    def each_item_is_one_retry_at_most(self) -> None:
        if not hasattr(self, "zoho"):
            return
        items = list(own(RetryItem).select_related("batch", "attempt"))
        names = own(RetryAttempt).filter(client_token__in=[token_of(item) for item in items])
        by_name = {attempt.client_token: attempt for attempt in names}
        for item in items:
            asked = by_name.get(token_of(item))
            assert item.attempt is None or asked == item.attempt
            assert (item.state == RetryItem.State.WAITING) == (item.attempt is None and not item.code)
            assert (item.ended_at is not None) == (item.state in ENDED)
            if item.state == RetryItem.State.SUCCEEDED:
                assert item.attempt is not None
                assert item.attempt.state == RetryAttempt.State.SUCCEEDED
        running = own(RetryBatch).filter(state=RetryBatch.State.RUNNING)
        assert running.count() <= 1, "one batch of an account runs"

    def teardown(self) -> None:
        if hasattr(self, "savepoint"):
            try:
                self._everything_ends()
            finally:
                transaction.savepoint_rollback(self.savepoint)
                del self.savepoint

    def _everything_ends(self) -> None:
        """With a living worker and an account that is not paused, no item is left without an end."""
        self.zoho.read_faults.clear()
        self.zoho.post_faults.clear()
        self.zoho.during_look = self.zoho.during_post = None
        ZohoAccount.objects.filter(pk=self.account.pk).update(is_active=True)
        # Batches of an account run one after the other, and each step of one may be held up for a quarter of an hour by
        # a run of which nothing more is heard.
        for number in range(80 * max(own(RetryBatch).count(), 1)):
            if not self._is_anything_on_its_way():
                break
            run_batches(self.clock())
            if number % 4 == 0:  # what policies want besides is no part of what has to end
                self._turn()
            self._sweep()
            self.clock.forward(seconds=30)
        run_batches(self.clock())
        assert not self._wishes_of_policies().exists(), "a policy's wish without an end"
        for item in own(RetryItem).select_related("batch", "attempt"):
            batch, attempt = item.batch, item.attempt
            told = f"item {item.position} {item.state} ({item.code}), {attempt and (attempt.state, attempt.not_before)}"
            goes_on = batch.state in (RetryBatch.State.QUEUED, RetryBatch.State.RUNNING)
            assert not goes_on, f"a batch never ends: {told}, step {batch.step}, next {batch.next_start_at}"
            if item.state == RetryItem.State.WAITING:
                assert batch.state in (RetryBatch.State.SUSPENDED, RetryBatch.State.STOPPED)
            elif item.state == RetryItem.State.UNKNOWN:
                assert attempt is not None
                # Of a run that goes on for long it is not known yet either.
                assert attempt.state in (RetryAttempt.State.UNKNOWN, RetryAttempt.State.ACCEPTED)
            else:
                assert item.state in ENDED, f"an item without an end: {item.state}"

    def _is_anything_on_its_way(self) -> bool:
        goes_on = own(RetryBatch).filter(state__in=(RetryBatch.State.QUEUED, RetryBatch.State.RUNNING)).exists()
        goes_on = goes_on or own(RetryItem).filter(state=RetryItem.State.STARTED).exists()
        return goes_on or self._wishes_of_policies().exists()

    def _wishes_of_policies(self) -> QuerySet[RetryAttempt]:
        """Those that are not sent yet; of what was sent some may stay unknown."""
        unsent = (RetryAttempt.State.REQUESTED, RetryAttempt.State.SENDING)
        return own(RetryAttempt).filter(client_token__startswith=POLICY_TOKEN, state__in=unsent)


@pytest.mark.property
@pytest.mark.django_db
@pytest.mark.parametrize("dialect", ["new", "same", "silent", "echo", "lies"])
def test_whatever_happens_no_wish_of_a_batch_or_policy_runs_the_work_twice_and_every_item_ends(dialect: str) -> None:
    machine = type(f"BatchesOf{dialect.title()}", (Batches,), {"dialect": dialect})
    run_state_machine_as_test(machine, settings=SCHEDULES)
