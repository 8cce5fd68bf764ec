"""Which states, hours and counts an evaluation is about: those beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from monitor.alerting import evaluate, load
from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.rules import ensure_default_rules
from monitor.alerting.state_machine import Decision, rest
from monitor.alerting.write import begin, write
from monitor.models import AlertRule, AlertState, DirtyHour, Flow, SyncState, ZohoAccount
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR, MS = timedelta(hours=1), timedelta(milliseconds=1)


@pytest.fixture
def rule(account: ZohoAccount, now: datetime) -> AlertRule:
    SyncState.objects.filter(account=account).update(state="ok", since=now, last_finished_at=now)
    return factories.make_alert_rule(account, min_runs=20)


def count(flow: Flow, succeeded: int, failed: int, at: datetime) -> None:
    factories.make_hour(flow, at - HOUR / 60, succeeded, failed)


def case_of(account: ZohoAccount, flow: Flow, now: datetime) -> load.Case:
    (found,) = (case for case in load.work_of(account, now).due if case.row.flow_id == flow.pk)
    return found


def decided(case: load.Case, now: datetime) -> Decision:
    return rest(case.standing, "ours", now, is_over=False)


def test_a_state_that_another_evaluator_has_written_meanwhile_is_left_as_it_wrote_it(
    account: ZohoAccount, rule: AlertRule, now: datetime
) -> None:
    flow = factories.make_flow(account)
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    factories.count_again(flow)
    case = case_of(account, flow, now)
    AlertState.objects.filter(pk=case.row.pk).update(version=case.row.version + 1, reason="the other's")

    written = write([(case, decided(case, now))], now + HOUR)

    assert (written.lost, written.transitions) == (1, [])
    assert own(AlertState).get().reason == "the other's"


def test_a_change_that_another_evaluator_may_not_have_seen_is_looked_at_once_more(
    account: ZohoAccount, rule: AlertRule, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = factories.make_flow(account)
    count(flow, 40, 0, now)
    evaluate_account(account, now)
    load_work = load.work_of

    def load_and_be_overtaken_by_one_that_knew_less(*args: Any) -> Any:
        count(flow, 0, 40, now)
        found = load_work(*args)
        AlertState.objects.filter(flow=flow).update(version=F("version") + 1)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "work_of", load_and_be_overtaken_by_one_that_knew_less)
        assert evaluate_account(account, now) == []
    assert [edge.kind for edge in evaluate_account(account, now)] == ["firing"]


def test_a_state_is_written_to_one_row_though_others_have_the_same_version(
    account: ZohoAccount, rule: AlertRule, now: datetime
) -> None:
    first, second = factories.make_flow(account), factories.make_flow(account)
    for flow in (first, second):
        count(flow, 40, 0, now)
    evaluate_account(account, now)

    factories.count_again(first)
    case = case_of(account, first, now)
    assert write([(case, decided(case, now))], now + HOUR).lost == 0

    other = AlertState.objects.get(flow=second)
    assert (AlertState.objects.get(flow=first).reason, other.reason == "ours", other.version) == ("ours", False, 1)


def test_a_state_that_another_evaluator_began_meanwhile_is_not_begun_again(
    account: ZohoAccount, rule: AlertRule, now: datetime
) -> None:
    theirs, ours = factories.make_flow(account), factories.make_flow(account)
    for flow in (theirs, ours):
        count(flow, 0, 40, now)
    rows = [case_of(account, flow, now).row for flow in (theirs, ours)]
    known = {"state": "firing", "since": now, "evaluated_at": now}
    AlertState.objects.create(rule=rule, flow=theirs, version=1, **known)

    begin(rows)

    assert rows[0].pk is None, "it is the other's to fire"
    assert rows[1].pk == AlertState.objects.get(flow=ours).pk


def test_an_hour_before_the_window_that_waits_to_be_counted_holds_no_first_evaluation_up(
    account: ZohoAccount, rule: AlertRule, now: datetime
) -> None:
    flow, waiting = factories.make_flow(account), factories.make_flow(account)
    for one in (flow, waiting):
        count(one, 40, 0, now)
    hours = rule.window_hours
    DirtyHour.objects.create(flow=flow, hour=now - (hours + 5) * HOUR)
    DirtyHour.objects.create(flow=waiting, hour=now - HOUR)

    evaluate_account(account, now)

    assert [state.flow for state in own(AlertState)] == [flow]


def test_an_hour_that_has_not_begun_yet_is_not_judged(account: ZohoAccount, rule: AlertRule, now: datetime) -> None:
    """A Zoho whose clock is ahead gives runs of the next hours."""
    flow = factories.make_flow(account)
    count(flow, 40, 0, now)
    count(flow, 0, 400, now + 2 * HOUR)

    assert evaluate_account(account, now) == []
    assert own(AlertState).get().again_at == now + 2 * HOUR - HOUR / 60 + MS
    assert own(AlertState).get().rate == 100.0


def test_an_account_with_a_rule_of_its_own_is_given_the_default_ones_beside_it_once(account: ZohoAccount) -> None:
    custom = factories.make_alert_rule(account, name="Laxer", threshold=90.0)
    made = ensure_default_rules(account)
    assert [rule.kind for rule in made] == ["success_rate", "failing_now", "connection", "crm", "mirror"]
    assert {(rule.account, rule.is_default, rule.severity) for rule in made} == {(account, True, "notify")}
    assert custom not in made
    assert ensure_default_rules(account) == made


def test_an_hour_of_the_longest_window_that_waits_to_be_counted_holds_a_first_evaluation_up(
    account: ZohoAccount, rule: AlertRule, now: datetime
) -> None:
    factories.make_alert_rule(account, name="Short", window_hours=24, min_runs=20)
    flow = factories.make_flow(account)
    count(flow, 40, 0, now)
    DirtyHour.objects.create(flow=flow, hour=now - 100 * HOUR)
    evaluate_account(account, now)
    assert list(own(AlertState)) == []
