"""An admin's word about retries of a flow: taken with a reason, used by the verdict, taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AuditEntry, Execution, Flow, RetryAttempt, RetryPin, RetryPolicy, Role, User
from monitor.retry.facts import facts_for, facts_of
from monitor.retry.policies import add_policy, switch_on
from monitor.retry.preview import preview
from monitor.retry.requests import RetryRefused
from monitor.retry.run_policies import run_policies
from monitor.retry.safety import Verdict, judge
from monitor.retry.set_pin import set_pin, take_pin_back
from monitor.retry.settle import sweep
from tests import factories
from tests.bystander import own
from tests.fake_zoho.retrying import PERMANENT
from tests.retry.floor import Floor

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
FLOW = {
    "actions": [
        {"action_id": "1", "app": "CRM", "action": "Create record"},
        {"branch": [{"action_id": "2", "app": "Books", "action": "Create invoice"}]},
    ]
}


@pytest.fixture
def flow(failed: Execution, now: datetime) -> Flow:
    factories.make_version(failed.flow, content=FLOW, first_seen_at=now - timedelta(days=9))
    error = dict(zip(("error_code", "error_message", "error_details"), PERMANENT, strict=True))
    Execution.objects.filter(pk=failed.pk).update(error_action_id="2", **error)
    return failed.flow


def verdict(run: Execution, now: datetime) -> Verdict:
    row = Execution.objects.select_related("account", "flow").get(pk=run.pk)
    return judge(facts_for(row, now), now)


def refusal(act: Any, *args: Any) -> str:
    before = list(own(RetryPin).values())
    with pytest.raises(RetryRefused) as caught:
        act(*args)
    assert list(own(RetryPin).values()) == before
    return caught.value.code


def test_what_an_admin_says_is_written_down_used_and_taken_back(
    flow: Flow, failed: Execution, ada: User, now: datetime
) -> None:
    assert verdict(failed, now).kind == "safe"
    set_pin(flow, "unsafe", ["1"], ada, " it sends\nmoney ", now)
    pin = own(RetryPin).get()
    assert (pin.retry_class, pin.repeatable, pin.known, pin.version) == ("unsafe", ["1"], ["1", "2"], 1)
    assert (pin.reason, pin.by, pin.at) == ("it sends money", ada, now)
    entry = own(AuditEntry).get()
    assert (entry.action, entry.actor, entry.object_id) == ("retry_pin.set", ada, str(flow.pk))
    assert entry.detail == {"class": "unsafe", "repeatable": ["1"], "version": 1, "reason": "it sends money"}
    assert verdict(failed, now).code == "pinned_unsafe"
    set_pin(flow, "unsafe", ["2", "1"], ada, "it looks first", now)
    assert verdict(failed, now).kind == "safe"
    take_pin_back(flow, ada, "it was wrong", now)
    assert not own(RetryPin).exists()
    last = own(AuditEntry).get(action="retry_pin.take_back")
    assert last.detail == {"class": "unsafe", "reason": "it was wrong"}
    assert verdict(failed, now).code == "safe"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_else_says_or_takes_back(flow: Flow, now: datetime, role: Role) -> None:
    person = factories.make_user(role=role)
    assert refusal(set_pin, flow, "safe", [], person, "so", now) == "not_permitted"
    assert refusal(take_pin_back, flow, person, "so", now) == "not_permitted"


def test_what_cannot_be_said_is_refused(flow: Flow, ada: User, now: datetime) -> None:
    assert refusal(set_pin, flow, "safe", [], ada, " ", now) == "reason_missing"
    assert refusal(set_pin, flow, "harmless", [], ada, "so", now) == "bad_class"
    assert refusal(set_pin, flow, "safe", ["3"], ada, "so", now) == "no_such_action"
    assert refusal(take_pin_back, flow, ada, "so", now) == "not_pinned"
    assert not own(AuditEntry).exists()


def test_a_new_version_with_another_action_is_said_and_the_word_does_not_count_for_it(
    flow: Flow, failed: Execution, ada: User, now: datetime
) -> None:
    set_pin(flow, "safe", [], ada, "it looks first", now)
    assert verdict(failed, now).code == "pinned_safe"
    more = {"actions": [*FLOW["actions"], {"action_id": "3", "app": "Bank", "action": "Pay"}]}
    factories.make_version(flow, number=2, content=more, first_seen_at=now + timedelta(hours=1))
    found = verdict(failed, now)
    assert found.code == "safe"
    assert "of its new actions nothing is said: Bank: Pay." in found.reasons[-2]


@pytest.mark.parametrize(("read", "kind"), [(False, "risky"), (True, "safe")])
def test_an_edit_counts_as_a_change_until_its_definition_is_read(
    flow: Flow, failed: Execution, ada: User, now: datetime, read: bool, kind: str
) -> None:
    set_pin(flow, "safe", [], ada, "it looks first", now)
    Execution.objects.filter(pk=failed.pk).update(error_code="", error_message="", error_details="")
    edited = now + timedelta(minutes=5)
    factories.change_flow(flow, modified_time=edited, definition_read_at=edited + timedelta(seconds=read or -9))
    assert verdict(failed, now).kind == kind


def test_a_definition_that_is_read_for_the_first_time_later_is_the_one_that_was_meant(
    failed: Execution, ada: User, now: datetime
) -> None:
    set_pin(failed.flow, "safe", [], ada, "it looks first", now)
    factories.make_version(failed.flow, content=FLOW, first_seen_at=now + timedelta(hours=1))
    assert verdict(failed, now).code == "pinned_safe"
    factories.change_flow(
        failed.flow, modified_time=now + timedelta(minutes=1), definition_read_at=now + timedelta(hours=1)
    )
    assert verdict(failed, now).code != "pinned_safe"


def test_what_people_wrote_is_masked_and_other_flows_are_as_they_were(
    flow: Flow, failed: Execution, ada: User, now: datetime
) -> None:
    set_pin(flow, "unsafe", [], ada, "ask quilla@example.com", now)
    assert "quilla" not in " ".join(verdict(failed, now).reasons)
    other = factories.make_execution(
        factories.make_flow(failed.account), "failed", started_time=now - timedelta(days=9)
    )
    assert verdict(other, now).kind == "safe"


def test_a_preview_counts_by_what_was_said_and_costs_no_more_for_more_runs(
    flow: Flow, failed: Execution, ada: User, now: datetime, django_assert_max_num_queries: Any
) -> None:
    set_pin(flow, "safe", [], ada, "it looks first", now)
    keys = [failed.pk, *(factories.make_execution(flow, "failed", error_action_id="2").pk for _ in range(40))]
    with django_assert_max_num_queries(9):
        few = preview(keys[:2], now)
    with django_assert_max_num_queries(9):
        found = preview(keys, now)
    assert (few.safe, found.safe) == (2, 41)
    assert list(found.said.values()) == [41]
    set_pin(flow, "unsafe", [], ada, "it sends money", now)
    assert preview(keys, now).risky == 41
    some = list(Execution.objects.filter(pk__in=keys).select_related("account", "flow"))
    assert {one.pinned.kind for one in facts_of(some, now).values() if one.pinned} == {"unsafe"}


class TestWhatARunHasDone:
    """Up to the action that failed, as long as it was tried once."""

    @pytest.fixture
    def ticked(self, flow: Flow, ada: User, now: datetime) -> Flow:
        """Of three actions the first two may be repeated; the run failed at the second."""
        third = {"action_id": "3", "app": "Payments", "action": "Charge"}
        content = {"actions": [*FLOW["actions"], third]}
        factories.make_version(flow, number=2, content=content, first_seen_at=now - timedelta(days=8))
        set_pin(flow, "unsafe", ["1", "2"], ada, "it charges", now)
        return flow

    def test_is_known_of_its_first_try(self, ticked: Flow, failed: Execution, now: datetime) -> None:
        assert verdict(failed, now).kind == "safe"

    def test_is_not_known_once_a_retry_of_it_was_sent(
        self, ticked: Flow, failed: Execution, ada: User, now: datetime
    ) -> None:
        RetryAttempt.objects.create(
            account=failed.account,
            execution=failed,
            requested_by=ada,
            requested_at=now,
            reason="by hand",
            client_token="form",
            state="failed_again",
            sent_at=now,
        )
        assert verdict(failed, now).code == "pinned_unsafe"

    @pytest.mark.parametrize("seen", [{"rerun_count": 1}, {"first_failed_at": factories.NOON - timedelta(days=30)}])
    def test_is_not_known_once_zoho_ran_it_again(
        self, ticked: Flow, failed: Execution, now: datetime, seen: dict[str, Any]
    ) -> None:
        Execution.objects.filter(pk=failed.pk).update(**seen)
        assert verdict(failed, now).code == "pinned_unsafe"


def test_a_word_about_a_flow_that_was_edited_and_is_not_read_yet_does_not_count(
    flow: Flow, failed: Execution, ada: User, now: datetime
) -> None:
    minute = timedelta(minutes=1)
    Flow.objects.filter(pk=flow.pk).update(modified_time=now - 10 * minute, definition_read_at=now - 60 * minute)
    set_pin(Flow.objects.get(pk=flow.pk), "safe", [], ada, "it only reads", now)
    assert verdict(failed, now).code != "pinned_safe"
    Flow.objects.filter(pk=flow.pk).update(definition_read_at=now)
    assert verdict(failed, now).code == "pinned_safe"


class TestPolicies:
    """No person looks when a policy retries: it waits for Zoho also where an admin said that twice does no harm."""

    BUSY = ("ACTION_FAILED", "The app answered 503", "HTTP 503")

    def turn(self, floor: Floor) -> list[RetryAttempt]:
        run_policies(floor.clock())
        sweep(floor.clock, open_account=floor.zoho.open_account)
        return list(own(RetryAttempt).order_by("pk"))

    def set_up(self, floor: Floor, error: tuple[str, str, str]) -> Execution:
        before = floor.clock() - timedelta(hours=2)
        policy = add_policy(floor.flow, floor.user, before, name="Tax", tries=1, wait_minutes=1, per_day=9)
        switch_on(policy, floor.user, before)
        set_pin(floor.flow, "safe", [], floor.user, "it only looks things up", floor.clock())
        run = Execution.objects.get(pk=floor.fail(error=error)[0])
        factories.make_failure(run)
        assert verdict(run, floor.clock()).code == "pinned_safe"  # for a person it is safe
        return run

    def test_wait_while_zoho_may_run_it_again_by_itself(self, floor: Floor) -> None:
        self.set_up(floor, self.BUSY)
        assert self.turn(floor) == []
        floor.clock.forward(hours=24)
        assert self.turn(floor) == []
        floor.clock.forward(hours=2)
        assert [one.state for one in self.turn(floor)] == ["accepted"]

    def test_do_not_send_what_turns_out_after_the_wish_to_be_run_again_and_that_is_no_try(self, floor: Floor) -> None:
        run = self.set_up(floor, PERMANENT)
        run_policies(floor.clock())
        Execution.objects.filter(pk=run.pk).update(error_message="The app answered 503", error_details="HTTP 503")
        [attempt] = self.turn(floor)
        assert (attempt.state, attempt.code, floor.zoho.posts) == ("cancelled", "could_run_twice", [])
        for _ in range(3):
            assert len(self.turn(floor)) == 1
        floor.clock.forward(hours=26)
        assert [one.state for one in self.turn(floor)] == ["cancelled", "accepted"]

    def test_do_not_repeat_what_a_person_thinks_did_not_run(self, floor: Floor) -> None:
        run = self.set_up(floor, PERMANENT)
        policy = RetryPolicy.objects.get(name="Tax")
        RetryPolicy.objects.filter(pk=policy.pk).update(tries=3)
        RetryAttempt.objects.create(
            account=floor.account, execution=run, requested_by=floor.user, requested_at=floor.clock() - HOUR,
            reason="Tax", client_token="policy-0-0-0", state="not_run", settled_at=floor.clock() - HOUR, policy=policy,
        )  # fmt: skip
        assert len(self.turn(floor)) == 1
