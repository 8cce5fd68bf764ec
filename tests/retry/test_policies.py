"""A policy retries by itself only what it was set for, only where that is safe, and no more than it was allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.models import AuditEntry, Execution, Failure, Problem, RetryAttempt, RetryPolicy, Role, User
from monitor.queries.policies import use_of
from monitor.retry.policies import add_policy, change_policy, delete_policy, switch_off, switch_on
from monitor.retry.policy import due_at, room
from monitor.retry.requests import RetryRefused, request_retry
from monitor.retry.run_policies import run_policies
from monitor.retry.settle import sweep
from monitor.triage.acts import merge
from tests import factories
from tests.bystander import own
from tests.retry.floor import Floor
from tests.retry.policy_world import PASSING, fail, later, set_policy

__all__ = ["set_policy"]
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=1)


class TestWhen:
    """The pure part."""

    def test_the_wait_doubles_with_each_try(self) -> None:
        assert due_at(10 * MINUTES, 3, AT, []) == AT + 10 * MINUTES
        assert due_at(10 * MINUTES, 3, AT, [AT + 20 * MINUTES]) == AT + 40 * MINUTES
        assert due_at(10 * MINUTES, 3, AT, [AT, AT + 60 * MINUTES]) == AT + 100 * MINUTES

    def test_after_its_last_try_a_run_is_left_alone(self) -> None:
        assert due_at(MINUTES, 1, AT, [AT]) is None
        assert due_at(MINUTES, 2, AT, [AT, AT, AT]) is None

    def test_the_cap_holds_in_any_24_hours(self) -> None:
        assert room(3, [], AT) == 3
        assert room(3, [AT - timedelta(hours=25), AT - timedelta(hours=23)], AT) == 2
        assert room(1, [AT - MINUTES, AT], AT) == 0


def test_a_run_is_retried_once_its_wait_is_over_in_the_policys_name(floor: Floor, set_policy: Any, ada: User) -> None:
    policy = set_policy()
    [failure] = fail(floor)
    assert later(floor, 3) == []
    [attempt] = later(floor, 8)
    assert attempt.execution_id == failure.pk
    assert attempt.policy == policy
    assert attempt.requested_by == ada
    assert attempt.reason == "Policy “Missing tax”: retry 1 of 2"
    assert attempt.state == "succeeded"
    assert not attempt.accept_risk
    assert len(floor.zoho.posts) == 1


def test_what_is_none_of_its_business_is_left_alone(floor: Floor, set_policy: Any) -> None:
    [old] = fail(floor)
    floor.clock.forward(minutes=30)
    set_policy()
    other = factories.make_flow(floor.account)
    fail(floor, flow=other)
    [gone] = fail(floor)
    Failure.objects.filter(pk=gone.pk).update(fate="written_off")
    assert old.fate == "open"
    assert later(floor, 30) == []


def test_one_for_a_problem_takes_the_failures_of_that_problem_alone(floor: Floor, set_policy: Any) -> None:
    [first] = fail(floor)
    set_policy(first.group.problem)
    [mine, other] = fail(floor, 2)
    Failure.objects.filter(pk=mine.pk).update(group=first.group)
    assert [attempt.execution_id for attempt in later(floor, 12)] == [mine.pk]
    assert other.group != first.group


def test_what_zoho_may_still_run_again_waits_until_that_is_over(floor: Floor, set_policy: Any) -> None:
    set_policy()
    fail(floor, error=PASSING)
    assert later(floor, 60) == []
    floor.clock.forward(hours=26)
    assert len(later(floor, 1)) == 1


def test_a_run_that_fails_again_is_retried_as_often_as_was_said_each_time_later(floor: Floor, set_policy: Any) -> None:
    set_policy(tries=2)
    fail(floor)
    floor.zoho.luck = False
    attempts = later(floor, 110)
    assert [attempt.state for attempt in attempts] == ["failed_again", "failed_again"]
    assert attempts[1].requested_at - attempts[0].settled_at >= 20 * MINUTES
    assert len(floor.zoho.posts) == 2


def test_those_that_had_all_their_tries_do_not_stand_in_the_way(
    floor: Floor, set_policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.retry.run_policies.MOST_LOOKED_AT", 1)
    monkeypatch.setattr("monitor.retry.run_policies.AT_ONCE", 2)
    set_policy(tries=1)
    fail(floor, 2)
    floor.zoho.luck = False
    assert len(later(floor, 15)) == 2
    fail(floor)
    assert len(later(floor, 15)) == 3


def test_no_more_than_was_said_go_out_in_24_hours(floor: Floor, set_policy: Any) -> None:
    set_policy(per_day=3)
    fail(floor, 8)
    assert len(later(floor, 30)) == 3
    floor.clock.forward(hours=24)
    assert len(later(floor, 5)) == 6


def test_what_a_person_has_retried_is_theirs(floor: Floor, set_policy: Any, ada: User) -> None:
    set_policy()
    [failure] = fail(floor)
    made = {"account": floor.account, "execution": failure.execution, "requested_by": ada, "reason": "by hand"}
    RetryAttempt.objects.create(
        requested_at=floor.clock(), client_token="form", state="failed_again", settled_at=floor.clock(), **made
    )
    assert len(later(floor, 60)) == 1


def test_what_waits_in_a_batch_is_the_batchs(floor: Floor, set_policy: Any) -> None:
    set_policy()
    [failure] = fail(floor)
    batch = floor.ask([failure.pk])
    assert later(floor, 30) == []
    assert batch.items.get().state == "waiting"


def test_many_processes_ask_for_a_try_once(floor: Floor, set_policy: Any) -> None:
    set_policy()
    fail(floor, 3)
    floor.clock.forward(minutes=20)
    assert run_policies(floor.clock())["asked"] == 3
    assert run_policies(floor.clock())["asked"] == 0
    assert own(RetryAttempt).count() == 3


def test_what_cannot_be_sent_is_tried_no_more_often_than_was_said_and_holds_no_other_up(
    floor: Floor, set_policy: Any
) -> None:
    set_policy(tries=2, per_day=100)
    gone = fail(floor, 6)
    for failure in gone:
        del floor.zoho.runs[failure.execution.execution_id]
    [good] = fail(floor)
    attempts = later(floor, 120)
    assert len(attempts) == 6 * 2 + 1
    assert [one.execution_id for one in attempts if one.state == "succeeded"] == [good.pk]


def test_what_is_not_safe_does_not_stand_in_the_way_of_what_is(
    floor: Floor, set_policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.retry.run_policies.AT_ONCE", 2)
    set_policy()
    fail(floor, 5, error=PASSING)
    [good] = fail(floor)
    assert [one.execution_id for one in later(floor, 12)] == [good.pk]


def test_no_more_than_ten_runs_of_a_flow_are_on_their_way(floor: Floor, set_policy: Any) -> None:
    for number in range(4):
        set_policy(name=f"Policy {number}")
    fail(floor, 20)
    floor.clock.forward(minutes=20)
    assert run_policies(floor.clock())["asked"] == 10


def test_what_another_policy_asked_for_and_nobody_sent_is_not_taken_for_tried(
    floor: Floor, set_policy: Any, ada: User
) -> None:
    first = set_policy(name="First")
    fail(floor)
    second = set_policy(name="Second")
    fail(floor)
    floor.clock.forward(minutes=20)
    run_policies(floor.clock())
    switch_off(first, ada, floor.clock())
    attempts = later(floor, 5)
    assert [one.policy for one in attempts if one.state == "succeeded"] == [second]


@pytest.mark.parametrize("hours", [-2, 2])
def test_since_when_is_told_by_the_clock_that_the_failures_are_told_by(
    floor: Floor, set_policy: Any, ada: User, hours: int
) -> None:
    ahead = timedelta(hours=hours)
    earlier, later_on = fail(floor, 2)
    known = factories.make_execution(factories.make_flow(floor.account), "failed")
    RetryAttempt.objects.create(
        account=floor.account,
        execution=known,
        requested_by=ada,
        requested_at=floor.clock(),
        reason="by hand",
        client_token="form",
        state="failed_again",
        sent_at=floor.clock(),
        zoho_ahead=ahead,
    )
    set_policy()
    half = timedelta(minutes=30)
    for failure, at in ((earlier, floor.clock() - half), (later_on, floor.clock() + half)):
        Failure.objects.filter(pk=failure.pk).update(failed_at=at + ahead)
        Execution.objects.filter(pk=failure.pk).update(first_failed_at=at + ahead, completed_time=at + ahead)
    floor.clock.forward(minutes=45)
    assert run_policies(floor.clock())["asked"] == 1
    assert own(RetryAttempt).get(policy__isnull=False).execution_id == later_on.pk


class TestSwitching:
    """On, off, and by itself."""

    def test_it_begins_off_and_off_it_does_nothing(self, floor: Floor, ada: User) -> None:
        policy = add_policy(floor.flow, ada, floor.clock(), name="Tax", tries=1, wait_minutes=1, per_day=5)
        assert not policy.is_on
        fail(floor)
        assert later(floor, 20) == []

    def test_switched_off_it_calls_back_what_was_not_sent(self, floor: Floor, set_policy: Any, ada: User) -> None:
        policy = set_policy()
        [failure] = fail(floor)
        floor.clock.forward(minutes=20)
        run_policies(floor.clock())
        switch_off(policy, ada, floor.clock())
        [attempt] = later(floor, 30)
        assert attempt.state == "cancelled"
        assert len(floor.zoho.posts) == 0
        # What was called back is no try: switched on again, a new failure has all of them.
        switch_on(policy, ada, floor.clock())
        Failure.objects.filter(pk=failure.pk).update(failed_at=floor.clock())
        assert [one.state for one in later(floor, 12)] == ["cancelled", "succeeded"]

    def test_it_switches_itself_off_where_its_person_may_no_longer(
        self, floor: Floor, set_policy: Any, ada: User
    ) -> None:
        policy = set_policy()
        fail(floor)
        User.objects.filter(pk=ada.pk).update(role=Role.OPERATOR)
        assert later(floor, 20) == []
        policy.refresh_from_db()
        assert not policy.is_on
        assert policy.off_reason == "The person who set it may no longer do so."
        assert AuditEntry.objects.get(action="retry_policy.off").actor is None

    def test_it_switches_itself_off_where_its_problem_was_merged(self, floor: Floor, set_policy: Any) -> None:
        [first, other] = fail(floor, 2)
        policy = set_policy(first.group.problem)
        Problem.objects.filter(pk=first.group.problem_id).update(merged_into=other.group.problem)
        later(floor, 1)
        policy.refresh_from_db()
        assert not policy.is_on
        assert "merged" in policy.off_reason

    def test_it_switches_itself_off_where_others_failures_were_merged_into_its_problem(
        self, floor: Floor, set_policy: Any
    ) -> None:
        [first, other] = fail(floor, 2)
        policy = set_policy(first.group.problem)
        otto = factories.make_user("otto", Role.OPERATOR)
        merge([other.group.problem], first.group.problem, otto, floor.clock())
        [mine] = fail(floor)
        Failure.objects.filter(pk=mine.pk).update(group=other.group)
        assert later(floor, 20) == []
        policy.refresh_from_db()
        assert not policy.is_on
        assert "merged into" in policy.off_reason

    def test_while_the_account_is_paused_it_waits(self, floor: Floor, set_policy: Any) -> None:
        policy = set_policy()
        fail(floor)
        type(floor.account).objects.filter(pk=floor.account.pk).update(is_active=False)
        assert later(floor, 20) == []
        policy.refresh_from_db()
        assert policy.is_on

    def test_one_that_cannot_be_gone_on_with_keeps_no_other(
        self, floor: Floor, set_policy: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken, good = set_policy(name="Broken"), set_policy(name="Good")
        fail(floor)
        from monitor.retry import run_policies as module

        honest = module.why_off

        def why_off(policy: RetryPolicy) -> str:
            if policy.pk == broken.pk:
                raise ArithmeticError("a fault of ours")
            return honest(policy)

        monkeypatch.setattr(module, "why_off", why_off)
        assert [one.policy for one in later(floor, 20)] == [good]


class TestPeople:
    """Who may, and what is written down."""

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
    def test_only_admins_set_them(self, floor: Floor, set_policy: Any, role: Role) -> None:
        policy, person = set_policy(), factories.make_user("otto", role)
        given = {"name": "Mine", "tries": 1, "wait_minutes": 1, "per_day": 1}
        acts: list[Callable[[], object]] = [
            lambda: add_policy(floor.flow, person, floor.clock(), **given),
            lambda: change_policy(policy, person, floor.clock(), **given),
            lambda: switch_on(policy, person, floor.clock()),
            lambda: switch_off(policy, person, floor.clock()),
            lambda: delete_policy(policy, person, floor.clock()),
        ]
        for act in acts:
            with pytest.raises(RetryRefused):
                act()
        assert own(RetryPolicy).values("name", "is_on").get() == {"name": "Missing tax", "is_on": True}

    def test_each_act_stands_in_the_trail_and_a_deleted_ones_retries_stay(
        self, floor: Floor, set_policy: Any, ada: User
    ) -> None:
        policy = set_policy()
        fail(floor)
        later(floor, 12)
        change_policy(policy, ada, floor.clock(), name="Tax", tries=3, wait_minutes=5, per_day=9)
        delete_policy(policy, ada, floor.clock())
        entries = AuditEntry.objects.filter(object_type="retry_policy").order_by("pk")
        assert [entry.action.partition(".")[2] for entry in entries] == ["add", "on", "change", "delete"]
        assert entries[2].detail["per_day"] == {"from": 20, "to": 9}
        [attempt] = own(RetryAttempt)
        assert (attempt.policy, attempt.reason) == (None, "Policy “Missing tax”: retry 1 of 2")

    def test_a_change_leaves_what_somebody_switches_off_meanwhile_off(
        self, floor: Floor, set_policy: Any, ada: User
    ) -> None:
        stale = set_policy()
        switch_off(RetryPolicy.objects.get(pk=stale.pk), ada, floor.clock())
        change_policy(stale, ada, floor.clock(), name="Tax", tries=3, wait_minutes=5, per_day=9)
        assert own(RetryPolicy).values("name", "is_on").get() == {"name": "Tax", "is_on": False}

    def test_one_that_was_deleted_meanwhile_is_not_changed(self, floor: Floor, set_policy: Any, ada: User) -> None:
        stale = set_policy()
        RetryPolicy.objects.filter(pk=stale.pk).delete()
        with pytest.raises(RetryRefused, match="deleted meanwhile"):
            change_policy(stale, ada, floor.clock(), name="Tax", tries=3, wait_minutes=5, per_day=9)

    def test_two_of_one_account_have_two_names(self, floor: Floor, set_policy: Any) -> None:
        set_policy()
        with pytest.raises(RetryRefused, match="has that name"):
            set_policy()
        assert own(RetryPolicy).count() == 1

    def test_nobody_elses_form_may_look_like_one_of_its_own(self, floor: Floor, ada: User) -> None:

        [failure] = fail(floor)
        with pytest.raises(RetryRefused, match="no usable token"):
            request_retry(
                execution=failure.execution,
                user=ada,
                reason="by hand",
                client_token=f"policy-1-{failure.pk}-0",
                accept_risk=False,
                now=floor.clock(),
            )


def test_a_storm_that_is_not_safe_yet_keeps_those_behind_it_waiting_for_no_more_than_a_turn_each(
    floor: Floor, set_policy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.retry.run_policies.MOST_LOOKED_AT", 2)
    monkeypatch.setattr("monitor.retry.run_policies.AT_ONCE", 2)
    set_policy()
    storm = fail(floor, 5, error=PASSING)
    fail(floor)
    floor.clock.forward(minutes=20)
    asked = [run_policies(floor.clock())["asked"] for _ in range(4)]
    assert asked == [0, 0, 1, 0]
    # And the storm is not forgotten for it.
    floor.clock.forward(hours=26)
    for _ in range(6):
        run_policies(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
    tried = set(own(RetryAttempt).values_list("execution", flat=True))
    assert {failure.pk for failure in storm} <= tried


def test_what_runs_were_about_and_what_flows_are_made_of_is_not_read_to_judge_them(
    floor: Floor, set_policy: Any
) -> None:
    set_policy()
    fail(floor, 3)
    floor.clock.forward(minutes=20)
    with CaptureQueriesContext(connection) as read:
        assert run_policies(floor.clock())["asked"] == 3
    many = [one["sql"] for one in read if '"monitor_failure"' in one["sql"] and "LIMIT 200" in one["sql"]]
    assert len(many) == 1
    assert not [name for name in ("trigger_data", "search_text", '"raw"') if name in many[0]]
    # Nor one by one afterwards.
    assert not [
        one["sql"]
        for one in read
        if one["sql"].startswith('SELECT "monitor_execution"."id", "monitor_execution"."trigger_data"')
    ]


def test_the_page_counts_what_a_policy_has_used_as_its_limit_does(floor: Floor, set_policy: Any) -> None:
    """What was never sent, for whatever reason, takes no place of the day."""
    policy = set_policy(tries=1, per_day=2)
    for failure in fail(floor, 3):
        del floor.zoho.runs[failure.execution.execution_id]
    fail(floor, 3)
    attempts = later(floor, 20)
    assert Counter(one.state for one in attempts) == {"cancelled": 3, "succeeded": 2}
    assert use_of(policy, floor.clock()).today == 2
