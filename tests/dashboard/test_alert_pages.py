"""Alerts and their rules."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from monitor.alerting.evaluate import evaluate_account
from monitor.models import AlertRule, AlertState, AuditEntry, SyncState
from tests import factories
from tests.bystander import own
from tests.dashboard.world import make_state, make_transition


@pytest.fixture
def alert(account: Any) -> AlertState:
    flow = factories.make_flow(account, flow_name="Lead to campaign")
    return make_state(factories.make_alert_rule(account), flow, timezone.now())


def rule_data(account: Any, **fields: Any) -> dict[str, Any]:
    data = {
        "name": "Strict",
        "account": account.pk,
        "flow": "",
        "threshold": "99",
        "recover_at": "99.5",
        "window_hours": "24",
        "min_runs": "5",
        "is_active": "on",
    }
    return data | fields


def test_open_alerts_come_first_and_the_unacknowledged_before_the_others(nobody_else, alert, signed_in, vera, otto):
    now = timezone.now()
    seen = make_state(alert.rule, factories.make_flow(alert.rule.account), now)
    older = make_state(alert.rule, factories.make_flow(alert.rule.account), now, since=now - timedelta(days=1))
    make_state(alert.rule, factories.make_flow(alert.rule.account), now, is_open=False, state="ok")
    for state, fields in (
        (alert, {}),
        (seen, {"acknowledged_at": now}),
        (older, {"opened_at": now - timedelta(days=1)}),
    ):
        factories.make_incident(state, **({"opened_at": now} | fields))
    response = signed_in(vera).get(reverse("alerts"))
    assert [row.members[0].alert for row in response.context["open_incidents"]] == [alert, older, seen]
    assert response.context["lone"] == []


def test_an_alert_that_waits_for_data_is_still_open(nobody_else, alert, signed_in, vera):
    own(AlertState).update(state="no_data")
    factories.make_incident(alert)
    (row,) = signed_in(vera).get(reverse("alerts")).context["open_incidents"]
    assert [member.alert for member in row.firing] == [alert]


def test_blind_is_not_green(nobody_else, account, signed_in, vera):
    now = timezone.now()
    client = signed_in(vera)
    assert "Nothing read yet" in client.get(reverse("alerts")).content.decode()
    own(SyncState).update(state="unreachable", last_complete_at=now, last_finished_at=now)
    assert "as far as is known" in client.get(reverse("alerts")).content.decode()
    own(SyncState).update(
        state="ok", last_complete_at=now, last_finished_at=now, next_due_at=now + timedelta(minutes=1)
    )
    page = client.get(reverse("alerts")).content.decode()
    assert "No open alerts" in page
    assert "as far as is known" not in page


def test_the_page_tells_figures_rule_transitions_and_leads_to_the_incident(alert, signed_in, vera):
    make_transition(alert, timezone.now())
    incident = factories.make_incident(alert)
    page = signed_in(vera).get(alert.get_absolute_url()).content.decode()
    for text in ("81.2 %", "75.0 %", "the last 7 days", "at least 20 finished runs", incident.get_absolute_url()):
        assert text in page


def test_an_alert_that_fires_on_after_its_incident_was_closed_is_still_listed(nobody_else, alert, signed_in, vera):
    incident = factories.make_incident(alert)
    incident.members.update(left_at=timezone.now(), left_how="by_hand")
    type(incident).objects.update(closed_at=timezone.now(), closed_how="by_hand")
    context = signed_in(vera).get(reverse("alerts")).context
    assert (context["open_incidents"], context["lone"]) == ([], [alert])


def test_an_operator_acknowledges_with_a_note(alert, signed_in, otto):
    incident = factories.make_incident(alert)
    response = signed_in(otto).post(reverse("alert_acknowledge", args=[alert.pk]), {"note": "I look at it"})
    assert response.status_code == 302
    incident.refresh_from_db()
    assert (incident.acknowledged_by, incident.acknowledge_note) == (otto, "I look at it")


def test_a_viewer_cannot_acknowledge(alert, signed_in, vera):
    incident = factories.make_incident(alert)
    assert signed_in(vera).post(reverse("alert_acknowledge", args=[alert.pk]), {"note": ""}).status_code == 403
    incident.refresh_from_db()
    assert incident.acknowledged_at is None


def test_the_second_to_acknowledge_is_told_so(alert, signed_in, otto, ada):
    incident, url = factories.make_incident(alert), reverse("alert_acknowledge", args=[alert.pk])
    signed_in(otto).post(url, {"note": "mine"})
    page = signed_in(ada).post(url, {"note": "no, mine"}, follow=True).content.decode()
    incident.refresh_from_db()
    assert incident.acknowledge_note == "mine"
    assert "somebody was faster" in page


def test_an_admin_adds_a_rule_and_it_is_audited(account, signed_in, ada):
    assert signed_in(ada).post(reverse("alert_rule_add"), rule_data(account)).status_code == 302
    rule = own(AlertRule).get()
    assert (rule.threshold, rule.recover_at, rule.is_default) == (99, 99.5, False)
    entry = own(AuditEntry).get(action="alert_rule.add")
    assert (entry.object_type, entry.account) == ("alert_rule", account)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"recover_at": "98.9"}, "recover_at"),
        ({"threshold": "100.1", "recover_at": "100.1"}, "threshold"),
        ({"threshold": "-1"}, "threshold"),
        ({"threshold": "nan"}, "threshold"),
        ({"window_hours": "0"}, "window_hours"),
        ({"window_hours": "2161"}, "window_hours"),
        ({"min_runs": "0"}, "min_runs"),
        ({"name": ""}, "name"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_at_its_field(fields, wrong, account, signed_in, ada):
    response = signed_in(ada).post(reverse("alert_rule_add"), rule_data(account, **fields))
    assert response.status_code == 400
    assert wrong in response.context["form"].errors
    assert not own(AlertRule).exists()


@pytest.mark.parametrize("fields", [{"window_hours": "1"}, {"window_hours": "2160"}, {"recover_at": "99"}])
def test_the_edges_of_what_makes_sense_are_allowed(fields, account, signed_in, ada):
    assert signed_in(ada).post(reverse("alert_rule_add"), rule_data(account, **fields)).status_code == 302


def test_a_rule_for_a_flow_of_another_account_is_refused(account, signed_in, ada):
    stranger = factories.make_flow()
    response = signed_in(ada).post(reverse("alert_rule_add"), rule_data(account, flow=stranger.pk))
    assert "flow" in response.context["form"].errors


def test_a_default_rule_is_edited_but_neither_doubled_nor_deleted(account, signed_in, ada):
    rule = factories.make_alert_rule(account, is_default=True)
    client = signed_in(ada)
    data = rule_data(account, is_default="on")
    assert client.post(reverse("alert_rule_edit", args=[rule.pk]), data).status_code == 302
    client.post(reverse("alert_rule_add"), data)
    client.post(reverse("alert_rule_delete", args=[rule.pk]))
    rule.refresh_from_db()
    assert rule.threshold == 99
    assert own(AlertRule).filter(is_default=True).count() == 1
    change = own(AuditEntry).get(action="alert_rule.change")
    assert change.detail["threshold"] == {"from": 95.0, "to": 99.0}


def test_an_edited_rule_keeps_its_account(account, signed_in, ada):
    rule, other = factories.make_alert_rule(account), factories.make_account()
    signed_in(ada).post(reverse("alert_rule_edit", args=[rule.pk]), rule_data(other))
    rule.refresh_from_db()
    assert rule.account == account


def test_a_deleted_rule_closes_its_alerts_with_that_reason_and_their_history_stays(alert, signed_in, ada):
    client = signed_in(ada)
    assert client.post(reverse("alert_rule_delete", args=[alert.rule.pk])).status_code == 302
    (closed,) = evaluate_account(alert.rule.account, timezone.now())
    alert.refresh_from_db()
    assert (closed.kind, closed.reason, closed.dispatch_state) == ("closed", "the rule is deleted", "new")
    assert (alert.is_open, alert.reason) == (False, "the rule is deleted")
    assert "the rule is deleted" in client.get(alert.get_absolute_url()).content.decode()
    assert reverse("alert_rule_edit", args=[alert.rule.pk]) not in client.get(reverse("alert_rules")).content.decode()
    assert client.get(reverse("alert_rule_edit", args=[alert.rule.pk])).status_code == 404
    assert own(AuditEntry).get(action="alert_rule.delete").detail["name"] == "Success rate"


def test_the_lists_cost_a_fixed_number_of_statements(alert, signed_in, vera, django_assert_max_num_queries):
    for _ in range(15):
        state = make_state(alert.rule, factories.make_flow(alert.rule.account), timezone.now())
        make_transition(state, timezone.now())
        factories.make_incident(state)
    client = signed_in(vera)
    # Three of the page of alerts are for what keeps its incidents quiet: snoozes, silences, the account's own incident.
    for name, statements in (("alerts", 16), ("alert_rules", 14)):
        with django_assert_max_num_queries(statements):
            client.get(reverse(name))


def test_rates_of_a_rule_are_entered_to_a_tenth_of_a_percent(account: Any, signed_in, ada) -> None:
    body = signed_in(ada).get(reverse("alert_rule_add")).content.decode()
    for name in ("threshold", "recover_at"):
        (field,) = re.findall(rf'<input[^>]*name="{name}"[^>]*>', body)
        assert 'step="0.1"' in field
    assert "Each flow" in body


def test_an_alert_of_a_deleted_rule_says_so_and_offers_no_edit(alert, signed_in, ada):
    client = signed_in(ada)
    assert "Edit" in client.get(alert.get_absolute_url()).content.decode()
    client.post(reverse("alert_rule_delete", args=[alert.rule.pk]))
    page = client.get(alert.get_absolute_url()).content.decode()
    assert "no: the rule is deleted" in page
    assert reverse("alert_rule_edit", args=[alert.rule.pk]) not in page
