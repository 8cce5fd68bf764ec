"""Connections, mirrors and CRM rules → alerts, which are about no flow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.evaluate import evaluate_account
from monitor.alerting.incidents import follow
from monitor.models import (
    AlertState,
    Connection,
    FailureGroup,
    Incident,
    IncidentAlert,
    Problem,
    Stream,
    StreamState,
    SyncState,
    Transition,
    UsageSnapshot,
    ZohoAccount,
)
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def account(db: None, now: datetime) -> ZohoAccount:
    account = factories.make_account("Acme")
    be_read(account, now)
    return account


def be_read(account: ZohoAccount, at: datetime, state: str = "ok", **fields: Any) -> None:
    """The account was swept at a moment, and its lists read."""
    known = {"state": state, "since": at, "last_finished_at": at, "last_complete_at": at, "next_due_at": at + MINUTE}
    SyncState.objects.filter(account=account).update(**(known | fields))
    for stream in (Stream.CONNECTIONS, Stream.RULES, Stream.USAGE, Stream.WEBHOOK_FAILURES):
        StreamState.objects.update_or_create(
            account=account, stream=stream, defaults={"state": "ok", "last_read_at": at, "next_due_at": at + MINUTE}
        )


def make_connection(account: ZohoAccount, now: datetime, **fields: Any) -> Connection:
    number = Connection.objects.count()
    known = {"connection_name": "Accounting", "app": "zoho_books", "status": "active", "status_since": now - HOUR}
    seen = {"connection_id": f"77{number}", "first_seen_at": now - HOUR, "seen_at": now}
    return Connection.objects.create(account=account, **(known | seen | fields))


def look(account: ZohoAccount, at: datetime) -> list[Transition]:
    """What is found of an account that is read all the time."""
    be_read(account, at)
    return evaluate_account(account, at)


def kinds(found: list[Transition]) -> list[str]:
    return [one.kind for one in found]


def test_a_connection_that_zoho_calls_expired_fires_names_its_flows_and_recovers(account, now):
    rule = factories.make_alert_rule(account, kind="connection", name="A connection does not work")
    factories.make_flow(account, flow_name="Orders", trigger_app="Zoho_Books ")
    invoices = factories.make_flow(account, flow_name="Invoices")
    action = {"action_id": "1", "app": "zoho_books", "action": "create_invoice"}
    factories.make_version(invoices, content={"actions": [{"app": "custom", "config": {"if_true": [action]}}]})
    factories.make_flow(account, flow_name="Chats", trigger_app="cliq")
    connection = make_connection(account, now)
    make_connection(account, now, connection_name="Chat", app="cliq")
    assert look(account, now) == []
    assert own(AlertState).filter(rule=rule, state="ok").count() == 2
    version = own(AlertState).get(subject_key=connection.pk).version
    assert look(account, now + MINUTE) == []
    assert own(AlertState).get(subject_key=connection.pk).version == version

    Connection.objects.filter(pk=connection.pk).update(status="expired", status_since=now + 2 * MINUTE)
    (fired,) = look(account, now + 5 * MINUTE)
    assert (fired.kind, fired.began_at, fired.alert.shown_name) == (
        "firing",
        now + 2 * MINUTE,
        "Accounting (zoho_books)",
    )
    assert "Zoho calls it “expired”" in fired.reason
    assert fired.reason.endswith("2 flows use its app: Invoices, Orders")
    assert look(account, now + 6 * MINUTE) == []

    Connection.objects.filter(pk=connection.pk).update(status="active", status_since=now + 7 * MINUTE)
    assert kinds(look(account, now + 8 * MINUTE)) == ["resolved"]


def test_old_data_is_no_recovery_of_a_connection(account, now):
    factories.make_alert_rule(account, kind="connection")
    connection = make_connection(account, now, status="revoked")
    look(account, now)
    Connection.objects.filter(pk=connection.pk).update(status="active")
    assert kinds(evaluate_account(account, now + 5 * HOUR)) == ["no_data"]
    state = own(AlertState).get()
    assert (state.state, state.is_open) == ("no_data", True)
    assert kinds(look(account, now + 6 * HOUR)) == ["resolved"]


def refuse(flow: Any, at: datetime, times: int) -> None:
    """So many runs of a flow fail because its app refuses the sign-in, a second apart."""
    for number in range(times):
        ended = at + timedelta(seconds=number)
        failed = factories.make_execution(
            flow, "failed", started_time=ended, completed_time=ended, error_code="INVALID_TOKEN"
        )
        made = factories.make_failure(failed, failed_at=ended)
        type(made.group).objects.filter(pk=made.group_id).update(app="Zoho_Books", remedy="connection")
    factories.make_hour(flow, at, 0, times)


def test_refused_sign_ins_tell_of_a_connection_that_zoho_calls_active_until_a_run_succeeds(account, now):
    factories.make_alert_rule(account, kind="connection")
    flow = factories.make_flow(account, trigger_app="zoho_books", flow_name="Orders")
    make_connection(account, now)
    factories.make_hour(flow, now - 9 * HOUR, 30, 0)
    look(account, now - HOUR)
    refuse(flow, now - 2 * MINUTE, 5)
    (fired,) = look(account, now)
    assert (fired.kind, fired.began_at) == ("firing", now - 2 * MINUTE)
    assert "the sign-in of 5 of 5 runs that failed at its app was refused" in fired.reason
    factories.make_hour(flow, now + HOUR, 1, 0)
    assert kinds(look(account, now + 2 * HOUR)) == ["resolved"]


def test_the_alert_of_a_connection_mutes_those_of_its_flows_also_where_they_fired_before_it(account, now):
    factories.make_alert_rule(account, kind="connection")
    factories.make_alert_rule(account, kind="in_a_row", name="Row")
    flows = [factories.make_flow(account, trigger_app="zoho_books") for _ in range(3)]
    other = factories.make_flow(account)
    connection = make_connection(account, now)
    for flow in (*flows, other):
        factories.make_hour(flow, now - 2 * HOUR, 5, 0)
    look(account, now - HOUR)
    follow(account, now - HOUR)
    refuse(flows[0], now - 9 * MINUTE, 3)
    factories.make_hour(other, now - 9 * MINUTE, 0, 3)
    assert kinds(look(account, now - 5 * MINUTE)) == ["firing", "firing"]
    follow(account, now - 5 * MINUTE)
    Connection.objects.filter(pk=connection.pk).update(status="invalid", status_since=now - 4 * MINUTE)
    refuse(flows[1], now - 3 * MINUTE, 3)
    refuse(flows[2], now - 3 * MINUTE, 3)
    assert kinds(look(account, now)) == ["firing"] * 3
    follow(account, now)

    incident = own(Incident).get(cause="connection")
    muted = dict(own(IncidentAlert).filter(incident=incident).values_list("alert__rule__kind", "muted"))
    assert own(IncidentAlert).filter(incident=incident).count() == 4
    assert muted["connection"] == ""
    assert muted["in_a_row"].casefold() == "the sign-in to zoho_books does not work"
    assert own(Incident).count() == 2


def test_a_connection_that_is_deleted_closes_its_alert(account, now):
    factories.make_alert_rule(account, kind="connection")
    connection = make_connection(account, now, status="failed")
    look(account, now)
    Connection.objects.filter(pk=connection.pk).update(gone_at=now)
    (closed,) = look(account, now + MINUTE)
    assert (closed.kind, closed.reason) == ("closed", "it is not there any more")
    assert look(account, now + 2 * MINUTE) == []


def test_a_rule_of_one_connection_replaces_that_of_the_account_for_it(account, now):
    factories.make_alert_rule(account, kind="connection", name="All")
    broken, other = (make_connection(account, now, status="failed") for _ in range(2))
    look(account, now)
    narrow = factories.make_alert_rule(account, kind="connection", name="One", subject_key=str(broken.pk))
    found = look(account, now + MINUTE)
    assert sorted((one.kind, one.alert.rule.name) for one in found) == [("closed", "All"), ("firing", "One")]
    assert own(AlertState).filter(is_open=True, rule=narrow).count() == 1
    assert own(AlertState).filter(is_open=True).exclude(rule=narrow).get().subject_key == str(other.pk)


def test_subjects_that_cannot_be_loaded_are_an_error_of_their_own_and_flows_are_evaluated(account, now, monkeypatch):
    factories.make_alert_rule(account, kind="connection")
    factories.make_alert_rule(account, kind="in_a_row")
    make_connection(account, now)
    flow = factories.make_flow(account)
    look(account, now)

    def fail(*_: Any) -> None:
        raise RuntimeError("down")

    monkeypatch.setattr("monitor.alerting.kinds.connection.load._why_unread", fail)
    factories.make_hour(flow, now, 0, 3)
    assert sorted(kinds(look(account, now + MINUTE))) == ["error", "firing"]


def test_a_mirror_that_zoho_refuses_fires_mutes_the_account_and_recovers(account, now):
    factories.make_alert_rule(account, kind="mirror", name="Mirror")
    be_read(account, now, "revoked", reason="Zoho refuses our credentials", since=now - 2 * HOUR)
    (fired,) = evaluate_account(account, now)
    assert (fired.kind, fired.began_at, fired.alert.shown_name) == ("firing", now - 2 * HOUR, "Acme")
    follow(account, now)
    assert own(Incident).get().cause == "account"
    assert evaluate_account(account, now + 2 * HOUR) == [], "an old mirror is its subject, and no want of data"
    assert kinds(look(account, now + 3 * HOUR)) == ["resolved"]


def test_a_mirror_that_stands_still_fires_after_its_time_though_nothing_comes(account, now):
    factories.make_alert_rule(account, kind="mirror", for_minutes=5)
    be_read(account, now)
    assert evaluate_account(account, now + MINUTE) == []
    assert own(AlertState).get().state == "ok"
    assert kinds(evaluate_account(account, now + 20 * MINUTE)) == ["pending"]
    (fired,) = evaluate_account(account, now + 25 * MINUTE)
    assert (fired.kind, fired.began_at) == ("firing", now)
    assert "no sweep has ended since, though one was due" in fired.reason


def test_gaps_of_a_mirror_are_no_cause_that_mutes_the_other_alerts_of_the_account(account, now):
    factories.make_alert_rule(account, kind="mirror")
    be_read(account, now, "incomplete", since=now - 25 * HOUR)
    assert kinds(evaluate_account(account, now)) == ["firing"]
    follow(account, now)
    assert own(Incident).get().cause == "first"


def test_the_mirror_of_an_account_that_a_person_switches_off_is_no_alert_any_more(account, now):
    factories.make_alert_rule(account, kind="mirror")
    be_read(account, now, "revoked")
    evaluate_account(account, now)
    ZohoAccount.objects.filter(pk=account.pk).update(is_active=False)
    (closed,) = evaluate_account(account, now + MINUTE)
    assert (closed.kind, closed.reason) == ("closed", "the account is not mirrored: a person switched it off")


def add_day(rule: Any, at: datetime, succeeded: int | None, failed: int | None) -> None:
    counts = {"taken_at": at, "counted_from": at - 24 * HOUR, "succeeded": succeeded, "failed": failed}
    UsageSnapshot.objects.update_or_create(rule=rule, day=at.date(), defaults=counts)


def test_a_workflow_rule_whose_actions_fail_fires_and_recovers_and_another_that_never_ran_does_not(account, now):
    factories.make_alert_rule(account, kind="crm", name="Actions")
    failing = factories.make_rule(account, name="Big deals")
    never = factories.make_rule(account, name="Never ran")
    add_day(failing, now, 20, 0)
    add_day(never, now, 0, 0)
    assert look(account, now) == []
    add_day(failing, now + 24 * HOUR, 5, 4)
    (fired,) = look(account, now + 24 * HOUR)
    assert (fired.kind, fired.alert.shown_name, fired.began_at) == ("firing", "Big deals", now)
    assert fired.reason.startswith("4 of 29 actions failed in the last 2 days")
    assert fired.alert.subject_url == failing.get_absolute_url()
    StreamState.objects.filter(account=account, stream=Stream.USAGE).update(last_read_at=now)
    assert [one.kind for one in evaluate_after_sweep(account, now + 40 * HOUR)] == ["no_data"]
    assert own(AlertState).get(subject_key=failing.pk).is_open
    add_day(failing, now + 48 * HOUR, 9, 0)
    assert kinds(look(account, now + 48 * HOUR)) == ["resolved"]
    assert look(account, now + 49 * HOUR) == []


def evaluate_after_sweep(account: ZohoAccount, at: datetime) -> list[Transition]:
    """What is found where all but the usage of rules is read."""
    usage = StreamState.objects.get(account=account, stream=Stream.USAGE)
    be_read(account, at)
    usage.save()
    return evaluate_account(account, at)


def test_webhooks_that_fail_and_a_rule_that_was_switched_off_are_alerts_of_their_rule(account, now):
    factories.make_alert_rule(account, kind="crm", name="Webhooks", finds="webhooks", window_hours=24)
    factories.make_alert_rule(account, kind="crm", name="Off", finds="switched_off")
    rule = factories.make_rule(account, name="Big deals")
    assert look(account, now) == []
    for number in range(3):
        factories.make_webhook_failure(account, rule=rule, failure_time=now + number * MINUTE)
    (fired,) = look(account, now + HOUR)
    assert (fired.kind, fired.alert.rule.name) == ("firing", "Webhooks")
    type(rule).objects.filter(pk=rule.pk).update(active=False, modified_time=now + HOUR)
    (fired,) = look(account, now + 2 * HOUR)
    assert (fired.kind, fired.alert.rule.name, fired.began_at) == ("firing", "Off", now + HOUR)
    assert kinds(look(account, now + 25 * HOUR)) == ["resolved"]


def test_a_rule_that_is_on_as_before_is_not_written_again(account, now):
    factories.make_alert_rule(account, kind="crm", name="Off", finds="switched_off")
    factories.make_rule(account, name="Big deals")
    look(account, now)
    versions = own(AlertState).values_list("version", flat=True)
    before = list(versions.all())
    look(account, now + MINUTE)
    assert list(versions.all()) == before


def test_a_narrower_rule_replaces_only_what_looks_for_the_same(account, now):
    factories.make_alert_rule(account, kind="crm", name="All")
    rule = factories.make_rule(account)
    add_day(rule, now, 0, 9)
    assert kinds(look(account, now)) == ["firing"]
    narrow = factories.make_alert_rule(account, kind="crm", finds="silent", subject_key=str(rule.pk))
    assert look(account, now + MINUTE) == []
    narrow.options = {"least": 20}
    narrow.save()
    (closed,) = look(account, now + 2 * MINUTE)
    assert (closed.kind, closed.alert.rule.name) == ("closed", "All")


def appear(flow: Any, at: datetime, **fields: Any) -> Problem:
    """A run of a flow fails by a problem of its own."""
    failed = factories.make_execution(flow, "failed", started_time=at, completed_time=at)
    problem: Problem = factories.make_failure(failed, failed_at=at).group.problem
    Problem.objects.filter(pk=problem.pk).update(first_seen_at=at, last_seen_at=at, **fields)
    return problem


def test_an_error_that_is_named_fires_when_it_appears_and_again_when_it_comes_back(account, now):
    factories.make_alert_rule(account, kind="error_appears", name="Mandatory", text="MANDATORY_NOT_FOUND")
    flow = factories.make_flow(account)
    appear(flow, now - 2 * MINUTE, title="Duplicate record")
    assert look(account, now) == []
    problem = appear(flow, now + MINUTE, title="Field is missing")
    FailureGroup.objects.filter(problem=problem).update(error_code="mandatory_not_found")
    (fired,) = look(account, now + 2 * MINUTE)
    assert (fired.kind, fired.began_at, fired.alert.shown_name) == ("firing", now + MINUTE, "Field is missing")
    assert fired.alert.subject_url == problem.get_absolute_url()
    Problem.objects.filter(pk=problem.pk).update(state="resolved", state_since=now + HOUR)
    assert kinds(look(account, now + HOUR)) == ["resolved"]
    seen = now + 2 * HOUR
    Problem.objects.filter(pk=problem.pk).update(state="regressed", state_since=seen, last_seen_at=seen)
    (fired,) = look(account, seen + MINUTE)
    assert (fired.kind, fired.episode, fired.began_at) == ("firing", 2, seen)
    assert kinds(look(account, seen + 25 * HOUR)) == ["resolved"]


def test_a_new_error_is_news_though_it_was_never_looked_at_before(account, now):
    factories.make_alert_rule(account, kind="error_appears")
    flow = factories.make_flow(account)
    appear(flow, now - HOUR)
    assert [one.is_first for one in look(account, now)] == [True]
    appear(flow, now)
    assert [one.is_first for one in look(account, now + MINUTE)] == [False]


def test_old_data_is_no_recovery_of_an_error(account, now):
    factories.make_alert_rule(account, kind="error_appears", when="often", times=2)
    flow = factories.make_flow(account)
    problem = appear(flow, now - MINUTE)
    second = factories.make_execution(flow, "failed", started_time=now, completed_time=now)
    group = FailureGroup.objects.get(problem=problem)
    factories.make_failure(second, failed_at=now, group=group)
    assert kinds(look(account, now)) == ["firing"]
    assert kinds(evaluate_account(account, now + 5 * HOUR)) == ["no_data"]
    assert kinds(look(account, now + 6 * HOUR)) == ["resolved"]


def test_a_months_executions_that_are_foretold_to_pass_the_plan_fire(account, now):
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    account.refresh_from_db()
    factories.make_alert_rule(account, kind="quota")
    factories.make_alert_rule(account, kind="quota", of="calls", share=95)
    flow = factories.make_flow(account)

    def add(days_ago: int, runs: int) -> None:
        factories.make_day(flow, (now - days_ago * 24 * HOUR).date(), succeeded=runs, failed=1)

    for days_ago in range(1, 9):
        add(days_ago, 29)
    assert look(account, now) == []
    assert own(AlertState).get(rule__options={}).reason == (
        "240 of 1,000 executions this month (UTC), 495 foretold by its end"
    )
    add(0, 600)
    (fired,) = look(account, now + HOUR)
    assert (fired.kind, fired.alert.shown_name) == ("firing", "Acme")


def test_what_keeps_flows_from_being_read_keeps_no_alert_of_crm_back_and_old_lists_of_crm_do(account, now):
    factories.make_alert_rule(account, kind="crm")
    rule = factories.make_rule(account)
    add_day(rule, now, 5, 0)
    look(account, now)
    add_day(rule, now + 24 * HOUR, 0, 9)
    be_read(account, now + 24 * HOUR)
    lost = {"state": "failing", "since": now, "last_read_at": now}
    StreamState.objects.update_or_create(account=account, stream=Stream.EXECUTIONS, defaults=lost)
    assert kinds(evaluate_account(account, now + 24 * HOUR)) == ["firing"]
    assert kinds(evaluate_account(account, now + 30 * HOUR)) == ["no_data"]
    assert own(AlertState).get().is_open
