"""What has changed between a policy's wish and the POST."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from monitor.models import Failure, RetryAttempt, RetryPolicy, Role, User
from monitor.retry.policies import delete_policy, switch_off
from monitor.retry.requests import cancel, request_retry
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from monitor.triage.acts import merge
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import FAULTS
from tests.retry.floor import Floor
from tests.retry.policy_world import PASSING, fail, later, set_policy

__all__ = ["set_policy"]
MINUTES = timedelta(minutes=1)


class TestBeforeItIsSent:
    """What has changed between the wish and the POST."""

    @pytest.fixture
    def asked(self, floor: Floor, set_policy: Any) -> tuple[RetryPolicy, Failure]:
        """A policy that has asked for a retry of which nothing is sent yet."""
        policy = set_policy()
        [failure] = fail(floor)
        floor.clock.forward(minutes=20)
        assert run_policies(floor.clock())["asked"] == 1
        return policy, failure

    def test_what_was_written_off_is_not_sent(self, floor: Floor, asked: Any) -> None:
        Failure.objects.filter(pk=asked[1].pk).update(fate="written_off")
        assert [one.state for one in later(floor, 30)] == ["cancelled"]
        assert floor.zoho.posts == []

    def test_what_zoho_ran_again_itself_is_not_sent(self, floor: Floor, asked: Any) -> None:
        run = floor.zoho.runs[asked[1].execution.execution_id]
        floor.zoho.rerun_by_itself(run, success=False)
        run.error = PASSING
        later(floor, 1)
        assert floor.zoho.posts == []

    @pytest.mark.parametrize("how", ["off", "deleted"])
    def test_one_that_zoho_held_back_is_not_sent_once_the_policy_is_off(
        self, floor: Floor, set_policy: Any, ada: User, how: str
    ) -> None:
        policy = set_policy()
        fail(floor)
        floor.zoho.post_faults.append(FAULTS["rate"])
        floor.clock.forward(minutes=20)
        run_policies(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
        [attempt] = own(RetryAttempt)
        assert (attempt.state, len(floor.zoho.posts)) == ("requested", 1)
        RetryAttempt.objects.filter(pk=attempt.pk).update(sends=1)
        {"off": switch_off, "deleted": delete_policy}[how](policy, ada, floor.clock())
        assert [one.state for one in later(floor, 30)] == ["cancelled"]
        assert len(floor.zoho.posts) == 1

    @pytest.mark.parametrize("how", ["off", "deleted"])
    @pytest.mark.parametrize(("moment", "posts"), [("during_look", 0), ("during_post", 1)])
    def test_one_that_zoho_refuses_for_its_token_does_not_go_again_once_the_policy_is_off(
        self, floor: Floor, asked: Any, ada: User, how: str, moment: str, posts: int
    ) -> None:
        act = {"off": switch_off, "deleted": delete_policy}[how]
        floor.zoho.post_faults.append(FAULTS["token"])
        setattr(floor.zoho, moment, lambda: act(asked[0], ada, floor.clock()))
        assert [one.state for one in later(floor, 30)] == ["cancelled"]
        assert len(floor.zoho.posts) == posts

    @pytest.mark.parametrize("how", ["off", "deleted"])
    def test_a_wish_that_the_call_back_missed_is_not_sent(self, floor: Floor, asked: Any, how: str) -> None:
        policy, _ = asked
        rows = RetryPolicy.objects.filter(pk=policy.pk)
        rows.update(is_on=False) if how == "off" else rows.delete()
        assert [one.state for one in later(floor, 30)] == ["cancelled"]
        assert floor.zoho.posts == []

    def test_what_a_person_calls_off_stays_so(self, floor: Floor, asked: Any) -> None:
        [attempt] = own(RetryAttempt)
        cancel(attempt, factories.make_user("otto", Role.OPERATOR), floor.clock())
        assert [one.state for one in later(floor, 300)] == ["cancelled"]
        assert floor.zoho.posts == []

    def test_a_persons_word_is_written_at_once_or_not_at_all(
        self, floor: Floor, asked: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A process that dies after it has called one off leaves it the person's, not the policy's."""
        [attempt] = own(RetryAttempt)

        honest, written = QuerySet.update, []

        def update(rows: Any, **changes: Any) -> int:
            written.append(changes)
            if len(written) > 1:
                raise KeyboardInterrupt
            return honest(rows, **changes)

        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            patched.setattr(QuerySet, "update", update)
            cancel(attempt, factories.make_user("otto", Role.OPERATOR), floor.clock())
        assert own(RetryAttempt).values_list("state", "policy").get() == ("cancelled", None)

    def test_what_its_problem_took_in_meanwhile_is_not_sent(self, floor: Floor, set_policy: Any) -> None:
        """Whose failures they are is read in two steps: a merge may come between."""
        [mine, other] = fail(floor, 2)
        policy = set_policy(mine.group.problem)
        Failure.objects.filter(pk=mine.pk).update(failed_at=floor.clock() + MINUTES)
        Failure.objects.filter(pk=other.pk).update(failed_at=floor.clock() + MINUTES)
        floor.clock.forward(minutes=20)
        merge([other.group.problem], mine.group.problem, factories.make_user("otto", Role.OPERATOR), floor.clock())
        request_retry(
            execution=other.execution, user=policy.set_by, reason="Policy", accept_risk=False, now=floor.clock(),
            client_token=f"policy-{policy.pk}-{other.pk}-0", policy=policy,
        )  # fmt: skip
        sweep(floor.clock, open_account=floor.zoho.open_account)
        [attempt] = own(RetryAttempt)
        assert (attempt.state, attempt.code) == ("cancelled", "policy_off")
        assert "merged into its own" in attempt.answer
        assert floor.zoho.posts == []
