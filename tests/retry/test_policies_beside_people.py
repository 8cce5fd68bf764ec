"""What policies want beside what people want, and while people and Zoho change what a policy is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from monitor.models import Execution, Failure, Flow, Problem, RetryAttempt, RetryPolicy, Role, User
from monitor.retry import run_policies as runner
from monitor.retry.policies import add_policy, switch_on
from monitor.retry.requests import request_retry
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from monitor.triage.acts import merge, split
from tests import factories
from tests.bystander import own
from tests.retry.floor import Floor

HOUR = timedelta(hours=1)


def set_policy(floor: Floor, thing: Flow | Problem | None = None, **settings: Any) -> RetryPolicy:
    """On since an hour ago, so that what the floor lets fail is its business."""
    given = {"name": "Missing tax", "tries": 2, "wait_minutes": 1, "per_day": 50} | settings
    at = floor.clock() - HOUR
    policy = add_policy(thing or floor.flow, floor.user, at, **given)
    switch_on(policy, floor.user, at)
    return policy


def fail(floor: Floor, count: int = 1, **more: Any) -> list[Failure]:
    return [factories.make_failure(Execution.objects.get(pk=key)) for key in floor.fail(count, **more)]


def click(floor: Floor, key: int) -> RetryAttempt:
    return request_retry(
        execution=Execution.objects.get(pk=key), user=floor.user, reason="by hand", client_token=f"form-{key}",
        accept_risk=False, now=floor.clock(),
    )  # fmt: skip


def send(floor: Floor, limit: int = 20) -> list[int]:
    """What one sweep sends, as the attempts of its POSTs in their order."""
    before = len(floor.zoho.posts)
    sweep(floor.clock, open_account=floor.zoho.open_account, limit=limit)
    return [post.attempt for post in floor.zoho.posts[before:]]


def wishes() -> list[RetryAttempt]:
    return list(own(RetryAttempt).filter(policy__isnull=False).order_by("pk"))


class TestPeopleFirst:
    def test_a_click_that_came_later_goes_before_what_a_policy_wants(self, floor: Floor) -> None:
        set_policy(floor)
        fail(floor, 3)
        run_policies(floor.clock())
        floor.clock.forward(seconds=5)
        [key] = floor.fail(1)
        clicked = click(floor, key)
        sent = send(floor)
        assert sent == [clicked.pk, *(one.pk for one in wishes())]

    def test_policies_have_half_of_a_sweep_at_most_and_none_of_what_clicks_take(self, floor: Floor) -> None:
        set_policy(floor)
        fail(floor, 5)
        run_policies(floor.clock())
        assert len(wishes()) == 5
        clicked = [click(floor, key).pk for key in floor.fail(2)]
        floor.clock.forward(seconds=1)
        assert send(floor, limit=6) == [*clicked, wishes()[0].pk]
        more = [click(floor, key).pk for key in floor.fail(3, flow=factories.make_flow(floor.account))]
        assert send(floor, limit=6) == more

    def test_what_batches_and_policies_want_goes_in_the_order_of_the_wishes(self, floor: Floor) -> None:
        set_policy(floor)
        fail(floor, 1)
        run_policies(floor.clock())
        floor.clock.forward(seconds=5)
        batch = floor.ask(floor.fail(2))
        [wish] = wishes()
        floor.work(5)
        assert [post.attempt for post in floor.zoho.posts] == [wish.pk, batch.items.get(position=1).attempt_id]

    def test_policies_leave_room_for_people_in_a_full_queue(self, floor: Floor) -> None:
        """No policy has more than five wishes waiting, however many failures there are."""
        set_policy(floor)
        fail(floor, 8)
        for _ in range(3):
            run_policies(floor.clock())
        assert len(wishes()) == runner.MOST_UNSENT

    @pytest.mark.parametrize("is_click", [True, False])
    def test_the_room_of_a_flow_is_shared(self, floor: Floor, is_click: bool) -> None:
        for key in floor.fail(8):
            click(floor, key)
        assert floor.zoho.posts == []
        set_policy(floor)
        fail(floor, 5)
        run_policies(floor.clock())
        assert len(wishes()) == 2
        [key] = floor.fail(1)
        if is_click:  # a person's own is never kept waiting for a policy's
            assert click(floor, key).state == "requested"
        else:
            batch = floor.ask([key])
            floor.work(0)
            assert batch.items.get().state == "waiting"


class TestWhileAPolicyHasItsTurn:
    @pytest.fixture
    def between(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
        """Has something happen between the policy's look at what is due and its first wish."""

        def arrange(act: Callable[[], object]) -> None:
            acts, ask = [act], runner._ask

            def late(*args: Any) -> int:
                while acts:
                    acts.pop()()
                return ask(*args)

            monkeypatch.setattr(runner, "_ask", late)

        return arrange

    def test_a_flow_that_is_deleted_in_zoho_gets_no_retries(self, floor: Floor, between: Any) -> None:
        set_policy(floor)
        fail(floor, 2)
        between(lambda: own(Flow).filter(pk=floor.flow.pk).update(gone_at=floor.clock()))
        assert run_policies(floor.clock()) == {"asked": 0, "errors": 0}
        assert wishes() == []

    def test_a_flow_that_is_deleted_before_the_post_gets_none_either(self, floor: Floor) -> None:
        set_policy(floor)
        fail(floor)
        run_policies(floor.clock())
        own(Flow).filter(pk=floor.flow.pk).update(gone_at=floor.clock())
        assert send(floor) == []
        assert [one.state for one in wishes()] == ["cancelled"]

    def test_a_problem_that_is_merged_away_gets_no_retries(self, floor: Floor, otto: User, between: Any) -> None:
        """Not even those that this turn had seen: its failures are another problem's by now."""
        [mine, other] = fail(floor, 2)
        policy = set_policy(floor, mine.group.problem)
        between(lambda: merge([mine.group.problem], other.group.problem, otto, floor.clock()))
        run_policies(floor.clock())
        assert send(floor) == []
        run_policies(floor.clock())
        policy.refresh_from_db()
        assert not policy.is_on
        assert {one.state for one in wishes()} == {"cancelled"}

    def test_a_failure_that_is_split_off_before_the_post_is_not_sent(self, floor: Floor, otto: User) -> None:
        [mine, other] = fail(floor, 2)
        merge([other.group.problem], mine.group.problem, otto, floor.clock() - 2 * HOUR)
        set_policy(floor, mine.group.problem)
        assert run_policies(floor.clock())["asked"] == 2
        other.group.refresh_from_db()
        split(Problem.objects.get(pk=mine.group.problem_id), other.group, otto, floor.clock())
        sent = send(floor)
        assert [own(RetryAttempt).get(pk=pk).execution_id for pk in sent] == [mine.pk]
        [off] = own(RetryAttempt).filter(state="cancelled")
        assert off.answer == "Its failure no longer belongs to its policy's problem: nothing was sent."

    def test_a_problem_that_is_deleted_takes_its_policy_and_its_unsent_wishes(self, floor: Floor) -> None:
        [mine] = fail(floor)
        set_policy(floor, mine.group.problem)
        run_policies(floor.clock())
        own(Problem).filter(pk=mine.group.problem_id).delete()
        assert not own(RetryPolicy).exists()
        assert send(floor) == []
        assert own(RetryAttempt).get().answer == "Its policy was switched off: nothing was sent."

    def test_who_may_no_longer_set_policies_has_nothing_sent_for_him(self, floor: Floor) -> None:
        """He may still retry by hand."""
        set_policy(floor)
        fail(floor)
        run_policies(floor.clock())
        own(User).filter(pk=floor.user.pk).update(role=Role.OPERATOR)
        assert send(floor) == []
        assert own(RetryAttempt).get().answer == "The person who set its policy may no longer do so: nothing was sent."
