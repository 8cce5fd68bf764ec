"""What has happened between the preview of a batch and the moment in which an item is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from monitor.models import (
    ApiBudget,
    Execution,
    Flow,
    FlowVersion,
    RetryAttempt,
    RetryBatch,
    RetryItem,
    Role,
    User,
    ZohoAccount,
)
from monitor.queries.export import exports
from monitor.retry.batches import cancel_batch, resume, suspend
from monitor.retry.requests import request_retry
from monitor.retry.run_batches import run_batches
from monitor.retry.set_pin import set_pin
from monitor.retry.settle import sweep
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS, TRANSIENT
from tests.retry.floor import Floor, fresh, states

pytestmark = pytest.mark.django_db
State, Item = RetryBatch.State, RetryItem.State


class TestSkippedSinceThePreview:
    """What has happened to a run between the preview and its turn."""

    def skipped(self, floor: Floor, meanwhile: Callable[[Execution], object]) -> str:
        keys = floor.fail(2)
        batch = floor.ask(keys)
        floor.clock.forward(seconds=1)
        meanwhile(Execution.objects.get(pk=keys[0]))
        floor.work(60)
        item = RetryItem.objects.get(batch=batch, execution=keys[0])
        other = RetryItem.objects.get(batch=batch, execution=keys[1])
        assert item.state == Item.SKIPPED
        assert item.note.endswith(".")
        assert item.ended_at is not None
        assert other.state in (Item.SUCCEEDED, Item.SKIPPED)
        return item.code

    def test_it_has_succeeded(self, floor: Floor) -> None:
        assert self.skipped(floor, lambda run: Execution.objects.filter(pk=run.pk).update(status="success")) == (
            "not_failed"
        )
        assert len(floor.zoho.posts) == 1

    def test_zoho_has_run_it_again_and_the_mirror_does_not_know_yet(self, floor: Floor) -> None:
        def rerun(run: Execution) -> None:
            floor.zoho.runs[run.execution_id].status = "success"

        assert self.skipped(floor, rerun) == "cancelled"
        assert len(floor.zoho.posts) == 1

    def test_somebody_has_retried_it(self, floor: Floor) -> None:
        eve = factories.make_user("eve", Role.ADMIN)

        def by_eve(run: Execution) -> None:
            request_retry(
                execution=run, user=eve, reason="mine", client_token="eve", accept_risk=False, now=floor.clock()
            )

        assert self.skipped(floor, by_eve) == "retried_meanwhile"
        assert len(floor.zoho.posts) == 2

    def test_what_another_batch_called_back_before_it_was_sent_was_retried_by_nobody(self, floor: Floor) -> None:
        keys = floor.fail(2)
        held = floor.ask(keys, "first", canary=2, per_minute=600)
        overlapping = floor.ask(keys, "second", canary=2, per_minute=600)
        for _ in range(2):
            run_batches(floor.clock())
            floor.clock.forward(seconds=1)
        assert states(held) == {"started": 2}
        suspend(held, floor.user, floor.clock())
        floor.work(60)
        assert (states(held), states(overlapping)) == ({"waiting": 2}, {"succeeded": 2})

    def test_its_flow_was_changed(self, floor: Floor) -> None:
        def change(run: Execution) -> None:
            Flow.objects.filter(pk=run.flow_id).update(modified_time=floor.clock())

        assert self.skipped(floor, change) == "flow_changed"
        assert not floor.zoho.posts

    def test_its_flow_was_changed_and_only_its_definition_tells(self, floor: Floor) -> None:
        def change(run: Execution) -> None:
            factories.make_version(run.flow, number=1, first_seen_at=floor.clock() - timedelta(days=9))
            factories.make_version(run.flow, number=2, first_seen_at=floor.clock(), modified_time=floor.clock())

        assert self.skipped(floor, change) == "flow_changed"
        assert FlowVersion.objects.filter(flow=floor.flow).count() == 2

    def test_its_flow_is_gone(self, floor: Floor) -> None:
        def delete(run: Execution) -> None:
            Flow.objects.filter(pk=run.flow_id).update(gone_at=floor.clock())

        assert self.skipped(floor, delete) == "flow_gone"

    def test_it_was_written_off_or_superseded(self, floor: Floor) -> None:
        assert self.skipped(floor, lambda run: factories.make_failure(run, fate="written_off")) == "written_off"

    def test_a_later_run_for_the_same_record_has_succeeded(self, floor: Floor) -> None:
        assert self.skipped(floor, lambda run: factories.make_failure(run, fate="superseded")) == "risk_not_accepted"


class TestNotYetSent:
    """Wishes of a batch that are made and have not left for Zoho."""

    def asked(self, floor: Floor) -> RetryBatch:
        batch = floor.ask(floor.fail(4), canary=3)
        for _ in range(2):
            run_batches(floor.clock())
            floor.clock.forward(seconds=1)
        assert states(batch) == {"started": 3, "waiting": 1}
        assert not floor.zoho.posts
        return batch

    def test_are_not_sent_once_it_is_cancelled(self, floor: Floor) -> None:
        batch = self.asked(floor)
        cancel_batch(batch, floor.user, floor.clock())
        floor.work(120)
        assert states(batch) == {"skipped": 4}
        assert not floor.zoho.posts
        assert {row.state for row in own(RetryAttempt)} == {"cancelled"}

    def test_wait_while_it_is_suspended_and_are_sent_once_afterwards(self, floor: Floor) -> None:
        batch = self.asked(floor)
        suspend(batch, floor.user, floor.clock())
        floor.work(60)
        assert states(batch) == {"waiting": 4}
        assert not floor.zoho.posts
        resume(fresh(batch), floor.user, floor.clock())
        floor.work(120)
        assert states(batch) == {"succeeded": 4}
        assert len(floor.zoho.posts) == 4

    def test_wait_while_zoho_wants_to_be_left_alone_or_the_account_is_paused(self, floor: Floor) -> None:
        batch = self.asked(floor)
        until = floor.clock() + timedelta(hours=3)
        ApiBudget.objects.filter(account=floor.account, product="flow").update(blocked_until=until)
        floor.work(60)
        assert states(batch) == {"waiting": 4}
        floor.clock.forward(hours=3)
        run_batches(floor.clock())
        ZohoAccount.objects.filter(pk=floor.account.pk).update(is_active=False)
        floor.work(60)
        assert states(batch) == {"waiting": 4}
        ZohoAccount.objects.filter(pk=floor.account.pk).update(is_active=True)
        floor.work(120)
        assert states(batch) == {"succeeded": 4}
        assert len(floor.zoho.posts) == 4

    def test_are_judged_by_what_has_happened_since(self, floor: Floor) -> None:
        batch = self.asked(floor)
        floor.clock.forward(seconds=1)
        Flow.objects.filter(pk=floor.flow.pk).update(modified_time=floor.clock())
        floor.work(60)
        assert states(batch) == {"skipped": 4}
        assert not floor.zoho.posts

    def test_are_not_sent_for_somebody_who_lost_the_right(self, floor: Floor) -> None:
        batch = self.asked(floor)
        User.objects.filter(pk=floor.user.pk).update(role=Role.OPERATOR)
        floor.work(60)
        assert not floor.zoho.posts
        assert (fresh(batch).state, states(batch)) == (State.STOPPED, Counter(waiting=4))

    def test_what_zoho_has_run_again_and_failed_again_is_not_the_failure_that_was_confirmed(self, floor: Floor) -> None:
        batch = self.asked(floor)
        for run in floor.zoho.runs.values():
            floor.zoho.rerun_by_itself(run, success=False)
        floor.work(60)
        assert not floor.zoho.posts
        assert states(batch) == {"skipped": 4}
        assert "failed again" in RetryItem.objects.filter(batch=batch)[0].note

    def test_say_in_the_export_of_retries_why_their_batch_skipped_them(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(1))
        run_batches(floor.clock())
        Flow.objects.filter(pk=floor.flow.pk).update(modified_time=floor.clock() + timedelta(minutes=1))
        floor.work(10)
        Flow.objects.filter(pk=floor.flow.pk).update(modified_time=None)
        good = floor.ask(floor.fail(1), token="another")
        floor.work(60)
        own_accounts = {floor.account.name}
        rows = [row for row in exports()["retries"].records(None) if row["account"] in own_accounts]
        assert [(row["batch"], row["state"], row["skip_reason"]) for row in rows] == [
            (batch.pk, "cancelled", "flow_changed"),
            (good.pk, "succeeded", ""),
        ]
        [item] = [row for row in exports()["retry_items"].records(None) if row["batch"] == batch.pk]
        assert item["skip_reason"] == "flow_changed"

    def test_a_persons_own_click_is_sent_before_them(self, floor: Floor) -> None:
        self.asked(floor)
        eve = factories.make_user("eve", Role.ADMIN)
        run = Execution.objects.get(pk=floor.fail(1)[0])
        mine = request_retry(
            execution=run, user=eve, reason="mine", client_token="eve", accept_risk=False, now=floor.clock()
        )
        sweep(floor.clock, open_account=floor.zoho.open_account, limit=1)
        assert [post.attempt for post in floor.zoho.posts] == [mine.pk]


class TestRisks:
    def test_a_risk_that_came_up_later_is_not_the_one_that_was_accepted(self, floor: Floor) -> None:
        safe, risky = floor.fail(1), floor.fail(1, error=TRANSIENT)
        batch = floor.ask([*safe, *risky], accept_risk=True)
        factories.make_failure(Execution.objects.get(pk=safe[0]), fate="superseded")
        floor.work(60)
        assert RetryItem.objects.get(batch=batch, execution=safe[0]).code == "new_risk"
        assert RetryItem.objects.get(batch=batch, execution=risky[0]).state == Item.SUCCEEDED
        assert len(floor.zoho.posts) == 1

    def test_a_risk_that_an_admins_word_stands_before_is_a_new_one_all_the_same(self, floor: Floor) -> None:
        set_pin(floor.flow, "unsafe", [], floor.user, "it sends money", floor.clock())
        known, later = floor.fail(2)
        batch = floor.ask([known, later], accept_risk=True)
        factories.make_failure(Execution.objects.get(pk=later), fate="superseded")
        floor.work()
        found = {item.execution_id: (item.state, item.code) for item in batch.items.all()}
        assert found == {known: ("succeeded", ""), later: ("skipped", "new_risk")}

    def test_a_risk_that_zohos_clock_shows_right_before_the_post_is_not_the_one_that_was_accepted(
        self, floor: Floor
    ) -> None:
        """A failure that looked old by our clock is fresh by Zoho's, which is two days behind."""
        [known], [looks_old] = floor.fail(1, error=TRANSIENT), floor.fail(1, error=TRANSIENT)
        old = floor.clock() - timedelta(hours=40)
        times = {"started_time": old, "completed_time": old, "first_failed_at": old}
        Execution.objects.filter(pk=looks_old).update(**times)
        run = floor.zoho.runs[Execution.objects.get(pk=looks_old).execution_id]
        run.started = run.completed = old
        floor.zoho.ahead = timedelta(hours=-38)
        batch = floor.ask([looks_old, known], accept_risk=True, canary=2)
        floor.work(60)
        found = {item.execution_id: (item.state, item.code) for item in batch.items.all()}
        assert found[looks_old] == ("skipped", "new_risk")
        assert found[known][0] != "skipped"

    @pytest.mark.parametrize("held_back", ["rate", "no_connection"])
    def test_what_zoho_held_back_is_not_sent_while_the_batch_is_suspended(self, floor: Floor, held_back: str) -> None:
        batch = floor.ask(floor.fail(1))
        floor.zoho.post_faults.append(FAULTS[held_back])
        floor.zoho.during_post = lambda: suspend(fresh(batch), floor.user, floor.clock())
        floor.work(300)
        assert (len(floor.zoho.posts), states(batch)) == (1, {"waiting": 1})
        resume(fresh(batch), floor.user, floor.clock())
        floor.work(60)
        assert (len(floor.zoho.posts), states(batch)) == (2, {"succeeded": 1})

    def test_what_zoho_held_back_is_not_sent_after_the_batch_was_cancelled(self, floor: Floor) -> None:
        batch = floor.ask(floor.fail(1))
        floor.zoho.post_faults.append(FAULTS["rate"])
        floor.zoho.during_post = lambda: cancel_batch(fresh(batch), floor.user, floor.clock())
        floor.work(300)
        assert (len(floor.zoho.posts), states(batch)) == (1, {"skipped": 1})

    def test_what_changed_between_preview_and_confirmation_is_skipped(self, floor: Floor) -> None:
        keys, seen_at = floor.fail(2), floor.clock()
        floor.clock.forward(minutes=3)
        Flow.objects.filter(pk=floor.flow.pk).update(modified_time=floor.clock())
        floor.clock.forward(minutes=3)
        batch = floor.ask(keys, seen_at=seen_at)
        floor.work(60)
        assert set(RetryItem.objects.filter(batch=batch).values_list("code", flat=True)) == {"flow_changed"}

    def test_after_a_repair_of_the_flow_whoever_goes_on_confirms_anew(self, floor: Floor) -> None:
        floor.zoho.luck = False
        batch = floor.ask(floor.fail(3))
        floor.work(60)
        floor.zoho.luck = True
        Flow.objects.filter(pk=floor.flow.pk).update(modified_time=floor.clock())
        floor.clock.forward(seconds=30)
        resume(fresh(batch), floor.user, floor.clock())
        floor.work(120)
        assert states(batch) == {"failed": 1, "succeeded": 2}
