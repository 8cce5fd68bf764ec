"""What needs somebody is found in each of the tables, and only there where it is so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from dashboard.overview.views import verdict_facts
from monitor.models import Connection, Edit, RetryAttempt, UsageSnapshot, User, WorkflowRule, ZohoAccount
from monitor.periods import CHOICES
from monitor.queries import freshness, overview, problems, tallies
from monitor.queries.needs import Level, Need, Thing
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_attempt

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
pytestmark = pytest.mark.django_db


def needs(account: ZohoAccount, now: datetime) -> dict[Thing, Need]:
    """What of an account needs somebody; a bystander's stands beside it."""
    mirror = freshness.mirror(now, {**tallies.in_menu(), **problems.to_count(now, UTC)})
    found = overview.read(now, CHOICES[7], mirror).needs.rows
    return {need.thing: need for need in found if need.account == account.name and need.thing.kind != "account"}


def test_a_rule_whose_actions_and_webhooks_fail_is_one_line_with_its_owner(
    account: ZohoAccount, now: datetime, vera: User
) -> None:
    rule = factories.make_rule(account, name="Big deals", active=True)
    factories.own_thing(rule=rule, owner=vera)
    for days, failed in ((0, 3), (1, 2), (2, 9)):
        UsageSnapshot.objects.create(
            rule=rule,
            day=(now - days * DAY).date(),
            taken_at=now - days * DAY,
            counted_from=now - days * DAY - HOUR,
            failed=failed,
        )
    factories.make_webhook_failure(account, rule=rule, failure_time=now - 2 * HOUR)
    factories.make_webhook_failure(account, rule=rule, failure_time=now - 25 * HOUR)
    (found,) = needs(account, now).values()
    assert (found.thing, found.level, found.owner) == (Thing("rule", rule.pk), Level.CRM, "vera")
    assert found.cause == "CRM rule: 5 actions failed, 1 webhook failed since yesterday"
    assert found.since == now - DAY - HOUR
    assert found.url == rule.get_absolute_url()


def test_webhooks_of_no_known_rule_are_one_line_of_their_account(account: ZohoAccount, now: datetime) -> None:
    for hours in (1, 2):
        factories.make_webhook_failure(account, rule=None, failure_time=now - hours * HOUR)
    (found,) = needs(account, now).values()
    assert (found.thing, found.cause) == (Thing("webhooks", account.pk), "2 webhooks failed since yesterday")


def test_rules_that_are_gone_or_did_not_fail_lately_need_nobody(account: ZohoAccount, now: datetime) -> None:
    gone: WorkflowRule = factories.make_rule(account, gone_at=now)
    fine = factories.make_rule(account)
    for rule, days, failed in ((gone, 0, 3), (fine, 0, 0), (fine, 2, 3)):
        UsageSnapshot.objects.create(rule=rule, day=(now - days * DAY).date(), taken_at=now, failed=failed)
    assert needs(account, now) == {}


@pytest.mark.parametrize(("status", "level"), [("expired", Level.BROKEN), ("resting", Level.KNOWN), ("active", None)])
def test_a_connection_is_called_broken_only_by_words_that_say_so(
    account: ZohoAccount, now: datetime, status: str, level: Level | None
) -> None:
    Connection.objects.create(
        account=account,
        connection_id="1",
        connection_name="Books main",
        app="Zoho Books",
        status=status,
        status_since=now - DAY,
        first_seen_at=now,
        seen_at=now,
    )
    found = needs(account, now)
    assert [one.level for one in found.values()] == ([] if level is None else [level])
    if level == Level.BROKEN:
        assert [one.cause for one in found.values()] == ["The connection to Zoho Books does not work"]


@pytest.mark.parametrize(
    ("plan", "a_day", "is_told"), [("free", 40, True), ("free", 20, False), ("standard", 40, False), ("", 4000, False)]
)
def test_a_plan_that_will_not_last_the_month_is_told_before_it_is_used_up(
    account: ZohoAccount, now: datetime, plan: str, a_day: int, is_told: bool
) -> None:
    """On 22 November, of 1,000 executions a month: 21 days of 40, and eight and a half more at that pace."""
    ZohoAccount.objects.filter(pk=account.pk).update(plan=plan)
    flow = factories.make_flow(account, status="inactive")
    for days in range(1, 60):
        factories.make_day(flow, (now - days * DAY).date(), succeeded=a_day - 1, failed=1)
    found = needs(account, now)
    assert (Thing("quota", account.pk) in found) == is_told
    if is_told:
        told = found[Thing("quota", account.pk)]
        assert told.cause == "About 1,180 by the end of the month, of 1,000: 840 so far"
        assert (told.level, told.state) == (Level.QUOTA, "running_out")


def test_an_alert_about_a_connection_a_rule_or_a_silent_flow_is_told_in_its_line(
    account: ZohoAccount, now: datetime
) -> None:
    rule = factories.make_alert_rule(account)
    crm = factories.make_rule(account)
    UsageSnapshot.objects.create(rule=crm, day=now.date(), taken_at=now, failed=1)
    times = {"status_since": now, "first_seen_at": now, "seen_at": now}
    link = Connection.objects.create(account=account, connection_id="1", app="zoho_books", status="expired", **times)
    known: dict[str, Any] = {"state": "firing", "is_open": True, "since": now, "evaluated_at": now, "episode": 1}
    for kind, key in (("connection", link.pk), ("crm_rule", crm.pk)):
        alert = rule.states.create(subject_kind=kind, subject_key=str(key), **known)
        factories.make_incident(alert)
    of_app = factories.make_flow(account).alert_states.create(rule=rule, **known)
    factories.make_incident(of_app, cause="connection", cause_key="Zoho Books")
    found = needs(account, now)
    assert set(found) == {Thing("connection", link.pk), Thing("rule", crm.pk)}
    assert all(one.level == Level.FIRING and one.alert is not None for one in found.values())
    other = factories.make_incident(
        factories.make_flow(account).alert_states.create(rule=rule, **known), cause="connection", cause_key="Slack"
    )
    assert Thing("incident", other.pk) in needs(account, now)


def lost_edit(account: ZohoAccount, by: User, now: datetime, **more: Any) -> Edit:
    given = {"subject": "rule", "subject_id": "77", "subject_key": "rule:77", "name": "Rule of jane@example.com"}
    given |= {"act": "deactivate", "state": "unknown", "sent_at": now, "requested_at": now, "client_token": "e"} | more
    return Edit.objects.create(account=account, requested_by=by, **given)


def test_a_change_of_unknown_outcome_is_a_line_of_who_asked_for_it(
    account: ZohoAccount, now: datetime, ada: User
) -> None:
    edit = lost_edit(account, ada, now - HOUR)
    for place, state in enumerate(("done", "refused", "settled_done", "cancelled")):
        lost_edit(account, ada, now, state=state, client_token=f"e{place}", subject_key=f"rule:{place}")
    (found,) = needs(account, now).values()
    assert (found.thing, found.level, found.owner) == (Thing("edit", edit.pk), Level.UNSETTLED, "ada")
    assert (found.since, found.url, found.state) == (now - HOUR, edit.get_absolute_url(), "unknown")
    assert found.cause.startswith("Deactivate (workflow rule): the answer was lost;")
    assert "jane@example.com" not in found.title


def test_retries_that_stay_unknown_are_one_line_of_their_account_once_a_person_has_to_look(
    account: ZohoAccount, now: datetime, otto: User, ada: User
) -> None:
    flow = factories.make_flow(account)
    for minutes, by, state in (
        (14, otto, "unknown"),
        (15, otto, "unknown"),
        (99, otto, "unknown"),
        (99, ada, "failed_again"),
    ):
        run = factories.make_execution(flow, "failed")
        sent = now - timedelta(minutes=minutes)
        make_attempt(run, by, sent, state=state, sent_at=sent, client_token=f"t{run.pk}")
    found = needs(account, now)[Thing("retries", account.pk)]
    assert (found.title, found.owner) == (f"2 retries of {account.name}", "otto")
    assert (found.level, found.since) == (Level.UNSETTLED, now - timedelta(minutes=99))
    assert found.url == f"{reverse('retries_unknown')}?account={account.pk}"
    own(RetryAttempt).filter(state="failed_again").update(state="unknown")
    assert needs(account, now)[Thing("retries", account.pk)].owner == ""


def test_whatever_is_listed_is_in_the_sentence_too(account: ZohoAccount, now: datetime, ada: User) -> None:
    """A line below a sentence that says that nothing needs anybody would be a contradiction."""
    link = Connection.objects.create(
        account=account, connection_id="1", status="resting", status_since=now, first_seen_at=now, seen_at=now
    )
    hook = factories.make_webhook_failure(account, rule=None, failure_time=now - HOUR)
    rule = factories.make_rule(account)
    day = UsageSnapshot.objects.create(rule=rule, day=now.date(), taken_at=now, failed=1)
    edit = lost_edit(account, ada, now - HOUR)
    for row in (link, hook, day, edit):
        mirror = freshness.mirror(now, {**tallies.in_menu(), **problems.to_count(now, UTC)})
        facts = replace(verdict_facts(overview.read(now, CHOICES[7], mirror)), doubt="", is_unread=False)
        assert not facts.is_calm
        assert len(needs(account, now)) == facts.doubtful + facts.webhooks + facts.rules + facts.changes
        row.delete()
    assert needs(account, now) == {}
