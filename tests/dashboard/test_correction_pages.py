"""The page of corrections, and the form on an incident's page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AlertState, Correction, Flow, Incident, User
from tests import factories
from tests.bystander import own

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def flow(at_noon: datetime) -> Flow:
    return factories.make_flow(factories.make_account("Acme"), flow_name="Lead sync", executions_read_at=at_noon)


@pytest.fixture
def incident(flow: Flow, at_noon: datetime) -> Incident:
    rule = factories.make_alert_rule(flow.account)
    alert = AlertState.objects.create(rule=rule, flow=flow, since=at_noon, evaluated_at=at_noon, episode=1)
    began, ended = at_noon - timedelta(minutes=150), at_noon - timedelta(minutes=70)
    return factories.make_incident(alert, began_at=began, closed_at=ended, closed_how="recovered")


def test_an_operator_leaves_a_time_out_and_takes_it_back(
    flow: Flow, otto: User, signed_in: Any, at_noon: datetime
) -> None:
    factories.make_hour(flow, at_noon - 2 * HOUR, 1, 9)
    factories.make_hour(flow, at_noon - 30 * HOUR, 99, 1)
    client = signed_in(otto)
    sent = {
        "account": flow.account_id,
        "starts_at": "2026-11-22T10:20",
        "ends_at": "2026-11-22T10:40",
        "why": "The books of jo@example.com were away",
    }
    assert client.post(reverse("correction_add"), sent).status_code == 302
    row = Correction.objects.get()
    assert (row.starts_at, row.ends_at, row.by) == (at_noon - 2 * HOUR, at_noon - HOUR, otto)
    for page in (reverse("overview"), flow.get_absolute_url()):
        text = client.get(page).content.decode()
        assert "10 runs are left out of the rates" in text
        assert "The books of" in text
        assert "jo@example.com" not in text
        assert "99.0 %" in text
    assert "10 left out" in client.get(reverse("flows")).content.decode()
    shown = client.get(reverse("corrections")).content.decode()
    assert "in force" in shown
    assert "jo@example.com" not in shown
    assert client.post(reverse("correction_take_back", args=[row.pk])).status_code == 302
    assert "left out of the rates" not in client.get(flow.get_absolute_url()).content.decode()
    assert "taken back by" in client.get(reverse("corrections")).content.decode()


def test_the_incident_page_offers_its_own_time_and_flows(
    incident: Incident, flow: Flow, otto: User, signed_in: Any, at_noon: datetime
) -> None:
    client = signed_in(otto)
    page = client.get(incident.get_absolute_url()).content.decode()
    assert "This was a known outage" in page
    assert 'value="2026-11-22T09:30"' in page
    assert 'value="2026-11-22T10:50"' in page
    sent = {
        "incident": incident.pk,
        "whose": "incident",
        "starts_at": "2026-11-22T09:30",
        "ends_at": "2026-11-22T10:50",
        "why": "A known outage",
    }
    assert client.post(reverse("correction_add"), sent).url == incident.get_absolute_url()
    row = Correction.objects.get()
    assert (row.flow, row.incident) == (flow, incident)
    assert (row.starts_at, row.ends_at) == (at_noon - 3 * HOUR, at_noon - HOUR)
    page = client.get(incident.get_absolute_url()).content.decode()
    assert "are in no rate" in page
    assert "Count them again" in page
    assert client.post(reverse("correction_add"), sent | {"whose": "account"}).status_code == 302
    assert Correction.objects.filter(flow=None).count() == 1


def test_the_flows_of_an_incident_are_one_row_on_pages_and_taken_back_with_one_button(
    incident: Incident, flow: Flow, otto: User, signed_in: Any, at_noon: datetime
) -> None:
    for name in ("Deal sync", "Bill sync"):
        other = factories.make_flow(flow.account, flow_name=name, executions_read_at=at_noon)
        alert = AlertState.objects.create(
            rule=incident.members.earliest("pk").alert.rule, flow=other, since=at_noon, evaluated_at=at_noon, episode=1
        )
        incident.members.create(alert=alert, episode=1, began_at=at_noon, joined_at=at_noon)
    client = signed_in(otto)
    sent = {
        "incident": incident.pk,
        "whose": "incident",
        "starts_at": "2026-11-22T09:30",
        "ends_at": "2026-11-22T10:50",
        "why": "A known outage",
    }
    assert client.post(reverse("correction_add"), sent).status_code == 302
    head = own(Correction).get(head=None)
    assert own(Correction).filter(head=head).count() == 2
    for page in (reverse("corrections"), incident.get_absolute_url()):
        text = client.get(page, {"account": flow.account_id}).content.decode()
        assert text.count(reverse("correction_take_back", args=[head.pk])) == 1
        assert text.count("/take-back/") == 1
        assert "and 2 more" in text
        assert "Deal sync, Bill sync" in text
    assert client.post(reverse("correction_take_back", args=[head.pk])).status_code == 302
    assert not own(Correction).in_force().exists()
    assert "are in no rate" not in client.get(incident.get_absolute_url()).content.decode()


def test_every_correction_can_be_taken_back_however_many_there_are(
    flow: Flow, otto: User, signed_in: Any, at_noon: datetime
) -> None:
    oldest = factories.make_correction(flow.account, now=at_noon - timedelta(days=3), why="The oldest")
    for _ in range(210):
        factories.make_correction(flow.account, now=at_noon)
    other = factories.make_correction(factories.make_account("Other"), now=at_noon, why="Of another account")
    client = signed_in(otto)
    first = client.get(reverse("corrections"))
    assert first.context["page_obj"].paginator.count == 212
    last = client.get(reverse("corrections"), {"page": 99}).content.decode()
    assert "The oldest" in last
    assert reverse("correction_take_back", args=[oldest.pk]) in last
    rows = client.get(reverse("corrections"), {"account": other.account_id}).context["rows"]
    assert [row.why for row in rows] == ["Of another account"]


def test_a_viewer_sees_what_is_left_out_and_no_form(
    incident: Incident, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    factories.make_correction(incident.account, now=at_noon, incident=incident)
    client = signed_in(vera)
    page = client.get(incident.get_absolute_url()).content.decode()
    assert "are in no rate" in page
    assert "This was a known outage" not in page
    assert "Leave it out" not in client.get(reverse("corrections")).content.decode()
    assert client.post(reverse("correction_add"), {"incident": incident.pk}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"why": ""}, 400),
        ({"starts_at": ""}, 400),
        ({"starts_at": "yesterday"}, 400),
        ({"account": "0"}, 400),
        ({"ends_at": "2026-11-22T23:00"}, 409),
        ({"starts_at": "2026-11-22T11:00"}, 409),
        ({"incident": "999999999"}, 404),
        ({"incident": "9" * 5000}, 400),
        ({"flow": "others"}, 400),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(
    flow: Flow, otto: User, signed_in: Any, wrong: dict[str, str], status: int
) -> None:
    others = factories.make_flow()
    sent = {
        "account": flow.account_id,
        "starts_at": "2026-11-22T09:30",
        "ends_at": "2026-11-22T10:50",
        "why": "A known outage",
    } | {name: str(others.pk) if value == "others" else value for name, value in wrong.items()}
    if "incident" in wrong and status == 400:
        sent["why"] = ""
    answer = signed_in(otto).post(reverse("correction_add"), sent)
    assert answer.status_code == status
    assert not Correction.objects.exists()
