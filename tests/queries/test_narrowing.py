"""Each narrowing of a list alone lets through what it names and keeps out a row that differs in nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import (
    AuditEntry,
    HookEndpoint,
    HookTraffic,
    HourBucket,
    PushEvent,
    Retention,
    Role,
    StreamState,
    UsageSnapshot,
    User,
    WatchChannel,
    WorkflowRule,
    ZohoAccount,
    system_user,
)
from monitor.queries import (
    alerts,
    audit,
    connected,
    hooks,
    incidents,
    mails,
    people,
    retention,
    rule_list,
    rule_usage,
    rules,
    webhook_failures,
)
from monitor.queries.audit import AuditFilter
from monitor.queries.connected import ConnectedFilter
from monitor.queries.mails import MailFilter
from monitor.queries.rule_list import RuleFilter
from monitor.queries.webhook_failures import FailureFilter
from tests import factories
from tests.dashboard.world import make_mail, make_state, make_transition

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def other(account: ZohoAccount) -> ZohoAccount:
    return factories.make_account("Zulu")


def names(rows: Iterable[Any]) -> list[str]:
    return [row.name for row in rows]


# -- rules


@pytest.fixture
def three_rules(account: ZohoAccount, other: ZohoAccount, now: datetime) -> None:
    factories.make_rule(account, name="Alpha", module="Leads", active=True, failure_count=1, last_executed_time=now)
    WorkflowRule.objects.filter(name="Alpha").update(action_kinds="\nfunctions\ntasks\n")
    factories.make_rule(account, name="Beta", module="Deals", active=False, failure_count=5, execute_when="edit")
    factories.make_rule(account, name="Gone", module="", active=True, gone_at=now, last_executed_time=now - HOUR)
    factories.make_rule(other, name="Zeta", module="Leads", active=True, failure_count=3, last_executed_time=now + HOUR)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, ["Alpha", "Beta", "Gone", "Zeta"]),
        ({"text": "ET"}, ["Beta", "Zeta"]),
        ({"module": "Leads"}, ["Alpha", "Zeta"]),
        ({"active": "yes"}, ["Alpha", "Zeta"]),
        ({"active": "no"}, ["Beta"]),
        ({"executed": "never"}, ["Beta"]),
        ({"trigger": "edit"}, ["Beta"]),
        ({"action": "tasks"}, ["Alpha"]),
        ({"action": "task"}, []),
        ({"state": "active"}, ["Alpha", "Zeta"]),
        ({"state": "inactive"}, ["Beta"]),
        ({"state": "never"}, []),
        ({"state": "failing"}, ["Alpha", "Zeta"]),
        ({"state": "gone"}, ["Gone"]),
        ({"executed": "7d"}, ["Alpha", "Gone", "Zeta"]),
        ({"executed": "not-7d"}, ["Beta"]),
        ({"failed": "yes"}, ["Alpha", "Beta", "Zeta"]),
        ({"order": "last"}, ["Zeta", "Alpha", "Gone", "Beta"]),
        ({"order": "failures"}, ["Beta", "Zeta", "Alpha", "Gone"]),
        ({"order": "nothing"}, ["Alpha", "Beta", "Gone", "Zeta"]),
    ],
)
def test_rules_are_narrowed_and_ordered(
    three_rules: None, wanted: dict[str, Any], found: list[str], now: datetime
) -> None:
    WorkflowRule.objects.filter(name="Gone").update(failure_count=None)
    assert listed(now, **wanted) == found


def listed(now: datetime, **wanted: Any) -> list[str]:
    """The names of the list of rules, in its order."""
    return [row.name for row in rule_list.rows(rule_list.in_order(RuleFilter(**wanted), now))]


def test_rules_of_one_account_or_of_one_id(three_rules: None, account: ZohoAccount, now: datetime) -> None:
    assert listed(now, account_id=account.pk) == ["Alpha", "Beta", "Gone"]
    beta = WorkflowRule.objects.get(name="Beta")
    assert listed(now, text=beta.rule_id) == ["Beta"]
    assert listed(now, text=beta.rule_id[:-1]) == []
    assert rule_list.choices() == (["Deals", "Leads"], ["create", "edit"], ["functions", "tasks"], set())


def test_what_rules_did_in_a_period_stands_beside_the_period_before(account: ZohoAccount, now: datetime) -> None:
    known, late, unread = (factories.make_rule(account) for _ in range(3))
    for rule, days in ((known, (0, 6, 7, 13, 14)), (late, (3, 5))):
        for back in days:
            values = {"triggered": 1, "succeeded": 10 + back, "failed": back}
            UsageSnapshot.objects.create(rule=rule, day=(now - back * DAY).date(), taken_at=now, **values)
    found = rule_list.use_of([known.pk, late.pk, unread.pk], now, 7)
    assert (found[known.pk].done, found[known.pk].failed, found[known.pk].triggered) == (26, 6, 2)
    assert (found[known.pk].done_before, found[known.pk].failed_before) == (40, 20)
    assert found[known.pk].known_from is None
    assert (found[late.pk].done, found[late.pk].done_before) == (28, None)
    assert found[late.pk].known_from == (now - 5 * DAY).date()
    assert (found[unread.pk].done, found[unread.pk].first_day) == (None, None)


def test_the_page_of_a_rule_has_its_own_days_the_newest_first_and_its_own_failures(
    account: ZohoAccount, now: datetime
) -> None:
    rule, twin = factories.make_rule(account), factories.make_rule(account)
    for one, failed in ((rule, 1), (twin, 9)):
        for days in (3, 0, 1):
            UsageSnapshot.objects.create(
                rule=one,
                day=(now - days * DAY).date(),
                succeeded=4 - days,
                failed=failed,
                taken_at=now,
                actions=[{"type": "webhook", "name": f"of day {days}", "success": days, "failure": failed}],
            )
        factories.make_webhook_failure(account, rule=one)
    used = rule_usage.read(rule, now, 7)
    assert [(now.date() - one.day).days for one in used.newest] == [0, 1, 3]
    assert [(one.done, one.failed) for one in used.days] == [(1, 1), (3, 1), (4, 1)]
    assert [action.name for action in used.actions] == ["of day 0"]
    found = rules.detail(rules.all_rules().get(pk=rule.pk))
    assert ([one.rule for one in found.failures], found.failure_total) == ([rule], 1)


# -- failures of webhooks


def test_failures_of_webhooks_are_narrowed_the_newest_first(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    rule = factories.make_rule(account)
    first = factories.make_webhook_failure(
        account,
        rule=rule,
        failure_time=now,
        module="Leads",
        rule_name="Big deals",
        webhook_name="Tell the shop",
        reason="page_notfound",
        rule_zoho_id="1",
        webhook_id="2",
        record_id="3",
    )
    second = factories.make_webhook_failure(
        other,
        failure_time=now - HOUR,
        module="Deals",
        rule_name="Other",
        webhook_name="Nothing",
        reason="timeout",
        rule_zoho_id="4",
        webhook_id="5",
        record_id="6",
    )
    timeless = factories.make_webhook_failure(
        other, failure_time=None, module="", rule_name="", webhook_name="", reason="", webhook_id="7", rule_zoho_id="8"
    )

    def found(**wanted: Any) -> list[Any]:
        return list(webhook_failures.search(FailureFilter(**wanted)))

    assert found() == [first, second, timeless]
    for text in ("big DEALS", "the shop", "NOTFOUND", "1", "2", "3", first.failure_id):
        assert found(text=text) == [first], text
    assert found(text=first.failure_id[:-1]) == []
    assert found(module="Deals") == [second]
    assert found(start=now) == [first]
    assert found(end=now) == [second]
    assert found(rule_id=rule.pk) == found(account_id=account.pk) == [first]
    assert webhook_failures.modules() == ["Deals", "Leads"]
    assert webhook_failures.rule_of(FailureFilter(rule_id=rule.pk)) == rule
    assert webhook_failures.rule_of(FailureFilter()) is None
    assert webhook_failures.of_rule(rule) == ([first], 1)


# -- connected workflows


def test_connected_workflows_are_narrowed(account: ZohoAccount, other: ZohoAccount, now: datetime) -> None:
    alpha = factories.make_connected(account, name="Alpha", primary_module="Leads")
    factories.make_connected(account, name="Beta", primary_module="Deals", status="draft")
    factories.make_connected(account, name="Gone", primary_module="Deals", gone_at=now)
    factories.make_connected(other, name="Zeta", primary_module="Deals")
    for number in (1, 2):
        factories.make_version(alpha, number=number)

    def found(**wanted: Any) -> list[str]:
        return names(connected.search(ConnectedFilter(**wanted)))

    assert found() == ["Alpha", "Beta", "Gone", "Zeta"]
    assert found(text="ETA") == ["Beta", "Zeta"]
    assert found(text="lead") == found(text=alpha.workflow_id) == ["Alpha"]
    assert found(text=alpha.workflow_id[:-1]) == []
    assert found(status="active") == ["Alpha", "Zeta"]
    assert found(status="draft") == ["Beta"]
    assert found(status="gone") == ["Gone"]
    assert found(account_id=other.pk) == ["Zeta"]
    assert [row.version_count for row in connected.search(ConnectedFilter())] == [2, 0, 0, 0]


# -- the audit trail


def test_the_audit_trail_is_narrowed_the_newest_first(ada: User, otto: User, now: datetime) -> None:
    def entry(actor: User, action: str, object_type: str, object_id: str, hours: int) -> AuditEntry:
        values = {"actor": actor, "actor_name": actor.username, "action": action, "object_type": object_type}
        return AuditEntry.objects.create(**values, object_id=object_id, at=now - hours * HOUR)

    first = entry(ada, "unmask", "execution", "1", 0)
    second = entry(otto, "retry", "retry", "2", 1)

    def found(**wanted: Any) -> list[AuditEntry]:
        return list(audit.entries(AuditFilter(**wanted)))

    assert found() == [first, second]
    assert found(action="retry") == found(actor="OTT") == found(object_type="retry") == found(object_id="2") == [second]
    assert found(start=now) == [first]
    assert found(end=now) == [second]
    assert audit.actions() == ["retry", "unmask"]


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"old_name": {"from": "", "to": "b"}}, ["old name: nothing → b"]),
        ({"on": True, "off": False, "none": None, "text": "", "more": {}}, ["on: yes", "off: no"]),
        ({"notes": ["a", "b"]}, ["notes: a", "notes: b"]),
        ({"half": {"from": 1}}, ["half: {'from': 1}"]),
        ("word", ["word"]),
        ("", []),
        (None, []),
    ],
)
def test_what_an_entry_holds_is_told_in_phrases(detail: Any, said: list[str]) -> None:
    assert audit.words(detail) == said


# -- alerts


def test_alerts_and_their_changes_are_those_of_the_account(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    rule = factories.make_alert_rule(account)
    flows = [factories.make_flow(account) for _ in range(4)]
    known = make_state(rule, flows[0], now, since=now)
    factories.make_incident(known, acknowledged_at=now)
    old = make_state(rule, flows[1], now, since=now - DAY)
    young = make_state(rule, flows[2], now, since=now - HOUR)
    make_state(rule, flows[3], now, is_open=False)
    theirs = make_state(factories.make_alert_rule(other), factories.make_flow(other), now, since=now - 2 * DAY)
    assert alerts.open_states() == [young, old, theirs, known]
    assert alerts.open_states(account.pk) == [young, old, known]
    mine = [make_transition(young, now), make_transition(young, now, kind="resolved", at=now)]
    strange = make_transition(theirs, now, at=now - DAY)
    assert list(alerts.recent_transitions()) == [mine[1], mine[0], strange]
    assert list(alerts.recent_transitions(account.pk)) == [mine[1], mine[0]]
    assert {row.account_id: row.open_count for row in alerts.rules()} == {account.pk: 1, other.pk: 0}, "incidents"


def test_the_page_of_an_incident_has_its_own_mails_by_address(account: ZohoAccount, now: datetime) -> None:
    rule = factories.make_alert_rule(account)
    mine, theirs = (make_state(rule, factories.make_flow(account), now) for _ in range(2))
    edge = make_transition(mine, now)
    make_transition(theirs, now)
    incident, other = factories.make_incident(mine), factories.make_incident(theirs)
    readers = [factories.make_user(name) for name in ("zoe", "abe")]
    for one in (incident, other):
        for reader in readers:
            make_mail(one.notices.get(), reader, now)
    assert alerts.detail(mine).transitions == [edge]
    (notice,) = incidents.detail(incident, now).notices
    assert [mail.address for mail in notice.sent_mails] == ["abe@example.com", "zoe@example.com"]  # type: ignore[attr-defined]
    assert [row.incident for row in incidents.open_incidents(account.pk)] == [other, incident]
    assert list(incidents.of_alert(mine.pk)) == [incident]


def test_mails_are_narrowed_by_state_and_text(account: ZohoAccount, now: datetime) -> None:
    state = make_state(factories.make_alert_rule(account), factories.make_flow(account), now)
    edge = factories.make_incident(state).notices.get()
    sent = make_mail(edge, factories.make_user("abe"), now, subject="Lead sync is failing")
    dead = make_mail(edge, factories.make_user("zoe"), now, state="dead", subject="Other")

    message = factories.make_channel_message(edge, factories.make_channel("Duty"), title="Other", state="dead")

    def found(**wanted: Any) -> set[tuple[str, int]]:
        return {(row["way"], row["pk"]) for row in mails.mails(MailFilter(**wanted))}

    first, second, third = ("mail", sent.pk), ("mail", dead.pk), ("channel", message.pk)
    assert found() == {first, second, third}
    assert found(state="dead") == found(text="other") == {second, third}
    assert found(text="ZOE@") == found(way="mail", state="dead") == {second}
    assert found(text="lead SYNC") == found(state="sent") == {first}
    assert found(text="duty") == found(way="channel") == found(channel=message.channel_id) == {third}
    assert found(channel=message.channel_id, way="mail") == set()


# -- people


def test_people_are_everybody_but_the_system_and_other_admins_are_active_ones(ada: User, otto: User) -> None:
    system_user()
    left = factories.make_user("abe", Role.ADMIN, is_active=False)
    assert list(people.people()) == [ada, otto, left]
    assert list(people.other_admins(otto)) == [ada]
    assert list(people.other_admins(ada)) == []


# -- callbacks


def test_the_callbacks_of_an_account_are_its_own(account: ZohoAccount, other: ZohoAccount, now: datetime) -> None:
    made: list[HookEndpoint] = []
    for place, owner in enumerate((account, other)):
        hook = HookEndpoint.objects.create(
            account=owner, name="Errors", key_hash=str(place), secrets="[]", created_at=now
        )
        HookTraffic.objects.create(endpoint=hook, accepted=place + 1)
        channel = {"module": "Leads", "token": "t", "notify_url": "", "expires_at": now + (1 - place) * SECOND}
        WatchChannel.objects.create(account=owner, channel_id=str(place), **channel)
        StreamState.objects.create(account=owner, stream="channels", state="ok", reason=f"reason {place}")
        StreamState.objects.create(account=owner, stream="flows", state="ok")
        for age in (2, 1):
            PushEvent.objects.create(account=owner, endpoint=hook, digest=f"{age}", received_at=now - age * HOUR)
        made.append(hook)
    mine, theirs = hooks.push_state(account, now), hooks.push_state(other, now)
    assert [(line.endpoint, line.traffic.accepted) for line in mine.hooks] == [(made[0], 1)]
    assert [(line.channel.channel_id, line.health.state) for line in mine.channels] == [("0", "active")]
    assert [line.health.state for line in theirs.channels] == ["expired"]
    assert (mine.trouble, theirs.trouble) == ("reason 0", "reason 1")
    assert [event.digest for event in hooks.hook_detail(made[0]).events] == ["1", "2"]
    assert {event.account_id for event in hooks.hook_detail(made[0]).events} == {account.pk}
    WatchChannel.objects.update(expires_at=None)
    assert [line.health.state for line in hooks.push_state(account, now).channels] == ["not_open"]


# -- what pruning took


def test_what_is_kept_and_was_removed_is_told_by_account_and_flow(
    account: ZohoAccount, other: ZohoAccount, now: datetime
) -> None:
    assert retention.removed() is None
    edge = now - 400 * DAY
    flow = factories.make_flow(account, pruned_success=1, pruned_failed=2, pruned_before=edge)
    factories.make_flow(account, pruned_success=10, pruned_failed=20, pruned_before=edge - DAY)
    theirs = factories.make_flow(other, pruned_success=100, pruned_failed=200, pruned_before=edge + DAY)
    for one, days in ((flow, 500), (flow, 1), (theirs, 600)):
        factories.make_execution(one, started_time=now - days * DAY)
        HourBucket.objects.create(flow=one, hour=now - (days + 100) * DAY)
    for place, owner in enumerate((account, other), start=1):
        Retention.objects.create(
            account=owner, payloads_removed=place, looked_at=now - place * HOUR, is_behind=place == 2
        )
    mine = retention.kept(account, now)
    assert (mine.payloads_removed, mine.rows_removed, mine.waiting) == (1, 33, 1)
    assert (mine.oldest_row, mine.oldest_hour) == (now - 500 * DAY, now - 600 * DAY)
    assert (mine.looked_at, mine.is_behind) == (now - HOUR, False)
    everything, of_account, of_flow = (
        retention.removed(),
        retention.removed(account_id=account.pk),
        retention.removed(flow_id=flow.pk),
    )
    assert everything is not None
    assert of_account is not None
    assert of_flow is not None
    assert (everything.runs, everything.before) == (333, edge + DAY)
    assert (of_account.runs, of_account.before) == (33, edge)
    assert (of_flow.runs, of_flow.before) == (3, edge)
