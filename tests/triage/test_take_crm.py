"""What fails in CRM: entered once, by its cause, and accepted by people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from monitor.models import CrmFailure, Problem, ProblemAct, UsageSnapshot, User, WorkflowRule, ZohoAccount
from monitor.triage import acts
from monitor.triage.accept_crm import accept, take_back
from monitor.triage.acts import ActRefused
from monitor.triage.crm_shares import WHOLE, shares
from monitor.triage.judge import judge_problems
from monitor.triage.take_crm import take_crm
from tests.bystander import own
from tests.factories import NOON, make_account, make_execution, make_failure, make_flow, make_rule, make_webhook_failure

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> ZohoAccount:
    return make_account()


def mine() -> Any:
    return own(CrmFailure)


def counters(**failures: int) -> list[dict[str, Any]]:
    return [
        {"id": key, "name": f"Mail {key}", "type": "tasks", "success": 0, "failure": n} for key, n in failures.items()
    ]


def snapshot(rule: WorkflowRule, days: int, failed: int | None, actions: Any, **fields: Any) -> UsageSnapshot:
    at = NOON - days * DAY
    given = {"since": (NOON - 60 * DAY).date(), "taken_at": at, "failed": failed, "actions": actions} | fields
    made, _ = UsageSnapshot.objects.update_or_create(rule=rule, day=at.date(), defaults=given)
    return made


def test_failed_calls_of_a_webhook_for_one_reason_are_one_problem(account: ZohoAccount) -> None:
    rule = make_rule(account)
    for hours in (3, 2):
        make_webhook_failure(account, rule=rule, failure_time=NOON - timedelta(hours=hours))
    make_webhook_failure(account, reason="connection_timeout")
    make_webhook_failure(account, webhook_id="77", webhook_name="Tell the bank")
    assert take_crm(NOON) == 4
    problems = {problem.title: problem for problem in own(Problem)}
    assert set(problems) == {
        "Webhook Tell the shop: The address was not found (404)",
        "Webhook Tell the shop: No connection was made in time",
        "Webhook Tell the bank: The address was not found (404)",
    }
    one = problems["Webhook Tell the shop: The address was not found (404)"]
    assert (one.source, one.state, one.account) == ("crm", "new", account)
    assert (one.first_seen_at, one.last_seen_at) == (NOON - timedelta(hours=3), NOON - timedelta(hours=2))
    assert [entry.rule for entry in mine().filter(group__problem=one)] == [rule, rule]


def test_calls_that_were_taken_before_their_rule_was_mirrored_join_it_afterwards(account: ZohoAccount) -> None:
    early, never = make_webhook_failure(account), make_webhook_failure(account)
    assert take_crm(NOON) == 2
    rule = make_rule(account)
    early.rule = rule
    early.save(update_fields=["rule"])
    assert take_crm(NOON + MINUTE) == 0
    assert dict(mine().values_list("webhook_failure", "rule")) == {early.pk: rule.pk, never.pk: None}


def test_each_failed_call_is_taken_once_and_later_ones_join_their_problem(account: ZohoAccount) -> None:
    make_webhook_failure(account)
    make_webhook_failure(make_account())
    assert (take_crm(NOON), take_crm(NOON)) == (2, 0)
    make_webhook_failure(account)
    assert take_crm(NOON) == 1
    assert own(Problem).filter(account=account).count() == 1
    assert mine().filter(account=account).count() == 2


def test_people_in_a_reason_are_not_in_the_title(account: ZohoAccount) -> None:
    make_webhook_failure(account, record_name="Jo Example", reason="No answer for Jo Example at jo@example.com")
    take_crm(NOON)
    title = own(Problem).get().title
    assert "Example" not in title
    assert "jo@" not in title


def test_failed_actions_are_entered_by_action_as_their_counters_grow(account: ZohoAccount) -> None:
    rule = make_rule(account, name="Greet")
    snapshot(rule, 2, 0, counters(a=5, b=1))
    day = snapshot(rule, 1, 3, counters(a=7, b=2))
    assert take_crm(NOON) == 2
    assert dict(mine().values_list("action_id", "count")) == {"a": 2, "b": 1}
    assert {problem.title for problem in own(Problem)} == {
        "Action Mail a of the workflow rule Greet fails",
        "Action Mail b of the workflow rule Greet fails",
    }
    snapshot(rule, 1, 5, counters(a=9, b=2), taken_at=NOON)
    assert (take_crm(NOON), take_crm(NOON)) == (1, 0)
    assert mine().filter(snapshot=day).aggregate(all=Sum("count"))["all"] == 5
    assert own(Problem).count() == 2
    assert own(Problem).get(title__contains="Mail a").last_seen_at == NOON


@pytest.mark.parametrize(
    "before", [None, {"since": (NOON - 9 * DAY).date()}, {"reset_time": NOON - 3 * DAY}], ids=["none", "since", "reset"]
)
def test_failures_that_no_action_can_be_told_of_belong_to_the_rule(account: ZohoAccount, before: Any) -> None:
    rule = make_rule(account, name="Greet")
    if before is not None:
        snapshot(rule, 2, 0, counters(a=5), **before)
    snapshot(rule, 1, 2, counters(a=7))
    assert take_crm(NOON) == 1
    assert mine().get().count == 2
    assert own(Problem).get().title == "An action of the workflow rule Greet fails, Zoho does not say which"


def test_days_long_past_and_unknown_increments_are_not_taken_up(account: ZohoAccount) -> None:
    rule = make_rule(account)
    snapshot(rule, 9, 4, counters(a=4))
    snapshot(rule, 1, None, counters(a=9))
    assert take_crm(NOON) == 0


names = st.sampled_from(["a", "b", "c"])
counts = st.dictionaries(names, st.integers(0, 6))


@pytest.mark.property
@given(st.integers(0, 20), counts, st.none() | counts, counts)
def test_shares_are_together_what_is_left_and_never_more_than_an_action_grew(
    failed: int, now: dict[str, int], before: dict[str, int] | None, taken: dict[str, int]
) -> None:
    keys = {name: (name, "tasks", f"Mail {name}") for name in "abc"}
    earlier = counters(**before) if before is not None else None
    entered = {keys[name]: count for name, count in taken.items()}
    found = shares(failed, counters(**now), earlier, entered)
    assert sum(share.count for share in found) == max(failed - sum(taken.values()), 0)
    assert all(share.count > 0 for share in found)
    for share in found:
        if share.action != WHOLE:
            name = share.action[0]
            assert before is not None
            assert share.count + taken.get(name, 0) <= now[name] - before.get(name, 0)


def test_what_is_accepted_is_accounted_for_resolves_the_problem_and_can_be_taken_back(
    account: ZohoAccount, otto: User
) -> None:
    for _ in range(3):
        make_webhook_failure(account)
    take_crm(NOON)
    problem = own(Problem).get()
    assert accept(problem, otto, "the shop is closed", NOON) == 3
    problem.refresh_from_db()
    assert (problem.state, mine().filter(fate="written_off").count()) == ("resolved", 3)
    act = own(ProblemAct).get(kind="accepted")
    assert (act.text, act.detail, act.actor) == ("the shop is closed", {"failures": 3}, otto)
    assert take_back(problem, otto, NOON + MINUTE) == 3
    problem.refresh_from_db()
    assert (problem.is_unresolved, mine().filter(fate="open").count()) == (True, 3)


def test_what_fails_later_is_open_beside_what_was_accepted(account: ZohoAccount, otto: User) -> None:
    rule = make_rule(account)
    snapshot(rule, 1, 2, counters(a=2))
    take_crm(NOON)
    problem = own(Problem).get()
    accept(problem, otto, "known", NOON)
    snapshot(rule, 1, 5, counters(a=5), taken_at=NOON + MINUTE)
    take_crm(NOON + MINUTE)
    assert dict(mine().values_list("fate").annotate(all=Sum("count"))) == {"written_off": 2, "open": 3}
    judge_problems([], NOON + MINUTE)
    problem.refresh_from_db()
    assert problem.is_unresolved


def test_a_resolved_problem_comes_back_by_a_later_failure_and_not_by_an_earlier_one(
    account: ZohoAccount, otto: User
) -> None:
    make_webhook_failure(account, failure_time=NOON - DAY)
    take_crm(NOON)
    problem = own(Problem).get()
    acts.resolve(problem, otto, NOON)
    make_webhook_failure(account, failure_time=NOON - timedelta(hours=1))
    take_crm(NOON + MINUTE)
    judge_problems([], NOON + MINUTE)
    problem.refresh_from_db()
    assert problem.state == "resolved"
    make_webhook_failure(account, failure_time=NOON + MINUTE)
    take_crm(NOON + 2 * MINUTE)
    judge_problems([], NOON + 2 * MINUTE)
    problem.refresh_from_db()
    assert problem.state == "regressed"


def test_many_failures_within_an_hour_escalate(account: ZohoAccount) -> None:
    make_webhook_failure(account, failure_time=NOON - 9 * DAY)
    make_webhook_failure(account, failure_time=NOON - 2 * DAY)
    take_crm(NOON)
    for _ in range(40):
        make_webhook_failure(account, failure_time=NOON - MINUTE)
    take_crm(NOON)
    judge_problems([], NOON)
    assert own(Problem).get().state == "escalating"


def test_an_untouched_problem_whose_failures_are_gone_goes(account: ZohoAccount) -> None:
    make_webhook_failure(account)
    take_crm(NOON)
    account.webhook_failures.all().delete()
    own(Problem).update(unjudged=1)
    judge_problems([], NOON)
    assert not own(Problem).exists()


def test_a_problem_of_runs_takes_in_none_of_crm(account: ZohoAccount, otto: User) -> None:
    make_webhook_failure(account)
    take_crm(NOON)
    of_crm = own(Problem).get()
    of_runs = make_failure(make_execution(make_flow(account), "failed")).group.problem
    with pytest.raises(ActRefused, match="cannot be merged"):
        acts.merge([of_crm], of_runs, otto, NOON)


def test_two_of_crm_are_merged_and_split_again(account: ZohoAccount, otto: User) -> None:
    make_webhook_failure(account)
    make_webhook_failure(account, reason="timeout")
    take_crm(NOON)
    one, other = own(Problem).order_by("pk")
    acts.merge([other], one, otto, NOON)
    assert mine().filter(group__problem=one).count() == 2
    made = acts.split(one, one.groups.last(), otto, NOON)
    assert (made.source, mine().filter(group__problem=made).count()) == ("crm", 1)


@pytest.mark.parametrize(("reason", "code"), [("  ", "text_missing"), ("x" * 501, "text_long")])
def test_accepting_wants_a_reason(account: ZohoAccount, otto: User, reason: str, code: str) -> None:
    make_webhook_failure(account)
    take_crm(NOON)
    with pytest.raises(ActRefused) as refused:
        accept(own(Problem).get(), otto, reason, NOON)
    assert refused.value.code == code
    assert mine().get().fate == "open"


def test_a_viewer_accepts_nothing_and_after_ten_minutes_nothing_is_taken_back(
    account: ZohoAccount, otto: User, vera: User
) -> None:
    make_webhook_failure(account)
    take_crm(NOON)
    problem = own(Problem).get()
    with pytest.raises(ActRefused) as refused:
        accept(problem, vera, "why not", NOON)
    assert refused.value.code == "not_permitted"
    accept(problem, otto, "known", NOON)
    late: datetime = NOON + timedelta(minutes=11)
    with pytest.raises(ActRefused):
        take_back(problem, otto, late)
    with pytest.raises(ActRefused):
        accept(problem, otto, "again", NOON)
