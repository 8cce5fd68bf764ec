"""The connections of all accounts, and the page of one."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from monitor.models import AuditEntry, Connection, Flow, User, ZohoAccount
from monitor.queries.connection_runs import FoundRun, runs_around
from tests import factories
from tests.dashboard.soup import Page, words
from tests.dashboard.world import make_state, make_world

HOUR = timedelta(hours=1)
Signed = Callable[[User], Client]


@pytest.fixture
def some(account: ZohoAccount, at_noon: datetime) -> dict[str, Connection]:
    """One of each state in an account, and one elsewhere."""
    ago = [at_noon - n * HOUR for n in range(6)]
    make = factories.make_connection
    return {
        "works": make(account, connection_name="Mail", app="Zoho Mail", status_since=ago[5]),
        "broken": make(account, connection_name="CRM", status="expired", status_since=ago[3], status_after=ago[4]),
        "odd": make(account, connection_name="Desk", app="Zoho Desk", status="resting", status_since=ago[1]),
        "gone": make(account, connection_name="Old", status="revoked", gone_at=at_noon, status_since=ago[2]),
        "elsewhere": make(connection_name="CRM of others", app="zoho_crm", connection_id="8899", status_since=ago[2]),
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["CRM", "Desk", "CRM of others", "Mail"]),
        ({"sort": "name"}, ["CRM", "CRM of others", "Desk", "Mail"]),
        ({"sort": "since"}, ["Desk", "CRM of others", "CRM", "Mail"]),
        ({"state": "broken"}, ["CRM"]),
        ({"state": "active"}, ["CRM of others", "Mail"]),
        ({"state": "other"}, ["Desk"]),
        ({"state": "gone"}, ["Old"]),
        ({"app": "zohocrm"}, ["CRM", "CRM of others"]),
        ({"app": "nothing"}, []),
        ({"text": "crm"}, ["CRM", "CRM of others"]),
        ({"text": "ZOHO d"}, ["Desk"]),
        ({"text": "8899"}, ["CRM of others"]),
        ({"text": "889"}, []),
    ],
)
def test_the_list_is_narrowed_and_sorted_by_what_the_address_says(
    query: dict[str, str], names: list[str], some: dict[str, Connection], signed_in: Signed, vera: User
) -> None:
    shown = signed_in(vera).get(reverse("connections"), query).context["rows"]
    assert [row.connection.connection_name for row in shown] == names


def test_the_list_is_narrowed_to_an_account(some: Any, account: ZohoAccount, signed_in: Signed, vera: User) -> None:
    shown = signed_in(vera).get(reverse("connections"), {"account": account.pk}).context["rows"]
    assert {row.connection.account_id for row in shown} == {account.pk}


@pytest.mark.parametrize("query", [{"state": "nonsense"}, {"account": "x"}, {"page": "0"}, {"sort": "app"}])
def test_a_filter_that_cannot_be_read_is_a_400_for_the_list_and_its_file(
    query: dict[str, str], some: Any, signed_in: Signed, ada: User
) -> None:
    client = signed_in(ada)
    assert client.get(reverse("connections"), query).status_code == 400
    address = f"{reverse('connections_csv')}?{next(iter(query))}={next(iter(query.values()))}"
    assert client.post(address).status_code == 400
    assert not AuditEntry.objects.filter(action="export").exists()


def test_a_broken_one_shows_when_its_flows_ran_well_last_and_failed_first(
    some: dict[str, Connection], account: ZohoAccount, at_noon: datetime, signed_in: Signed, vera: User
) -> None:
    """What failed before the last list that still had it working is not due to it; nor what uses another app."""
    crm = factories.make_flow(account, flow_name="Uses it", trigger_app="Zoho CRM")
    other = factories.make_flow(account, flow_name="Another app", trigger_app="Zoho Desk")
    since = some["broken"].failures_from
    make = factories.make_execution
    good = make(crm, "success", started_time=since - 3 * HOUR)
    make(crm, "failed", started_time=since - timedelta(minutes=1))
    first = make(crm, "failed", started_time=since + timedelta(minutes=1))
    make(crm, "failed", started_time=since + HOUR)
    make(other, "success", started_time=at_noon - timedelta(minutes=5))
    factories.make_hour(crm, since - 3 * HOUR, succeeded=1)
    factories.make_hour(crm, since - HOUR, failed=1)
    factories.make_hour(crm, since, failed=1)
    factories.make_hour(crm, since + HOUR, failed=1)
    factories.make_hour(other, at_noon - HOUR, succeeded=1)
    client = signed_in(vera)
    row, odd, *_ = client.get(reverse("connections")).context["rows"]
    assert row.runs.last_good == FoundRun(good.started_time, good.pk)
    assert row.runs.first_bad == FoundRun(first.started_time, first.pk)
    assert (row.flows, odd.flows) == (1, 1)
    assert odd.runs.first_bad is None
    page = Page(client.get(some["broken"].get_absolute_url()).content.decode())
    links = {link.get("href") for link in page.root.iter("a")}
    assert {good.get_absolute_url(), first.get_absolute_url(), crm.get_absolute_url()} <= links
    assert other.get_absolute_url() not in links


@pytest.mark.django_db
def test_of_the_hour_in_which_it_broke_only_later_failures_count(account: ZohoAccount, at_noon: datetime) -> None:
    flow, since = factories.make_flow(account), at_noon + timedelta(minutes=30)
    factories.make_execution(flow, "failed", started_time=at_noon + timedelta(minutes=10))
    factories.make_hour(flow, at_noon, failed=1)
    assert runs_around([(1, [flow.pk], since)])[1].first_bad is None
    later = factories.make_execution(flow, "failed", started_time=at_noon + 2 * HOUR + timedelta(minutes=3))
    factories.make_hour(flow, at_noon + 2 * HOUR, failed=1)
    found = runs_around([(1, [flow.pk], since), (2, [], since), (3, [flow.pk], at_noon + 3 * HOUR)])
    assert found[1].first_bad == FoundRun(later.started_time, later.pk)
    assert (found[2].first_bad, found[3].first_bad) == (None, None)


@pytest.mark.django_db
def test_of_runs_that_are_pruned_their_hour_is_told(account: ZohoAccount, at_noon: datetime) -> None:
    flow = factories.make_flow(account)
    factories.make_hour(flow, at_noon - 9 * HOUR, succeeded=2)
    factories.make_hour(flow, at_noon - 3 * HOUR, failed=2)
    found = runs_around([(7, [flow.pk], at_noon - 5 * HOUR)])[7]
    assert (found.last_good, found.first_bad) == (
        FoundRun(at_noon - 9 * HOUR, None),
        FoundRun(at_noon - 3 * HOUR, None),
    )


def test_the_number_of_flows_leads_to_exactly_these(
    some: dict[str, Connection], account: ZohoAccount, signed_in: Signed, vera: User
) -> None:
    mine = [factories.make_flow(account, trigger_app=app, flow_name=app) for app in ("zoho_crm", "Zoho CRM")]
    branch = factories.make_flow(account, trigger_app="Slack", flow_name="Slack")
    action = {"action_id": "1", "app": "Zoho Crm"}
    factories.make_version(branch, content={"actions": [{"app": "custom", "config": {"if_true": [action]}}]})
    factories.make_flow(account, trigger_app="Zoho CRM", gone_at=account.created_at)
    factories.make_flow(some["elsewhere"].account, trigger_app="Zoho CRM")
    client = signed_in(vera)
    assert client.get(reverse("connections")).context["rows"][0].flows == 3
    listed = client.get(reverse("flows"), {"connection": some["broken"].pk}).context["rows"]
    assert {row[0].pk for row in listed} == {branch.pk, *(flow.pk for flow in mine)}
    assert client.get(reverse("flows"), {"connection": "987654321"}).context["rows"] == []


def test_names_are_shown_masked_in_pages_filters_and_the_file(
    account: ZohoAccount, at_noon: datetime, signed_in: Signed, ada: User
) -> None:
    hidden = "quilla.zorn@example.com"
    made = factories.make_connection(
        account, connection_name=f"Of {hidden}", app=f"App {hidden}", auth_type=hidden, status=f"x {hidden}"[:32]
    )
    client = signed_in(ada)
    for address in (reverse("connections"), made.get_absolute_url(), f"{reverse('flows')}?connection={made.pk}"):
        page = client.get(address).content.decode()
        assert "quilla" not in page, address
    sent = b"".join(client.post(reverse("connections_csv")).streaming_content).decode()
    assert "quilla" not in sent
    assert client.get(reverse("connections"), {"text": "quilla"}).context["rows"] == []


def test_the_file_holds_every_row_of_the_list_and_that_it_was_taken_is_written_down(
    some: dict[str, Connection], signed_in: Signed, otto: User
) -> None:
    response = signed_in(otto).post(f"{reverse('connections_csv')}?app=zohocrm&page=9")
    rows = list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode())))
    assert [row["connection_name"] for row in rows] == ["CRM", "CRM of others"]
    assert (rows[0]["status"], rows[0]["flows"], rows[1]["connection_id"]) == ("expired", "0", "8899")
    entry = AuditEntry.objects.get(action="export")
    assert (entry.actor, entry.detail["what"], entry.detail["filters"]) == (otto, "connections", "app, page")


def test_the_page_says_what_the_lists_showed_and_how_to_reconnect(
    some: dict[str, Connection], at_noon: datetime, signed_in: Signed, vera: User
) -> None:
    broken = some["broken"]
    factories.make_connection_change(broken, kind="came", before="", status="active", at=at_noon - 90 * HOUR)
    factories.make_connection_change(broken, at=broken.status_since, seen_before=broken.status_after)
    page = Page(signed_in(vera).get(broken.get_absolute_url()).content.decode())
    (title,) = [one for one in page.root.iter("h2") if one.get("id") == "history-title"]
    section = page.section(title)
    assert section is not None
    history = words(section)
    assert history.index("Expired") < history.index("Active first seen")
    assert "Reconnect it, and sign in to the app" in words(page.root)


def test_a_deleted_one_still_has_its_page_and_is_not_called_broken(
    some: dict[str, Connection], signed_in: Signed, vera: User
) -> None:
    page = signed_in(vera).get(some["gone"].get_absolute_url()).content.decode()
    assert "Deleted in Zoho" in page
    assert "does not work" not in page
    assert "reconnect-title" not in page


@pytest.mark.django_db
def test_its_open_incident_is_linked_from_the_list_and_its_page(
    at_noon: datetime, signed_in: Signed, vera: User
) -> None:
    world = make_world(at_noon)
    rule = factories.make_alert_rule(world.account, kind="connection", name="Sign-ins")
    alert = make_state(rule, None, at_noon, subject_kind="connection", subject_key=str(world.connection.pk))
    incident = factories.make_incident(alert)
    client = signed_in(vera)
    link = f'href="{incident.get_absolute_url()}"'
    assert link in client.get(reverse("connections")).content.decode()
    assert link in client.get(world.connection.get_absolute_url()).content.decode()
    assert alert.subject_url == world.connection.get_absolute_url()
    assert world.connection.get_absolute_url() in client.get("/").content.decode()


@pytest.mark.django_db
def test_list_and_page_cost_a_fixed_number_of_statements(at_noon: datetime, signed_in: Signed, vera: User) -> None:
    world = make_world(at_noon)
    client = signed_in(vera)

    def cost(address: str) -> int:
        with CaptureQueriesContext(database) as asked:
            assert client.get(address).status_code == 200
        return sum(one["sql"].startswith("SELECT") for one in asked.captured_queries)

    pages = {"list": reverse("connections"), "page": world.connection.get_absolute_url()}
    before = {name: cost(address) for name, address in pages.items()}
    for number in range(30):
        flow = factories.make_flow(world.account, trigger_app="Zoho CRM")
        factories.make_hour(flow, at_noon - number * HOUR, succeeded=1, failed=1)
        factories.make_connection(world.account, status="expired", status_since=at_noon - number * HOUR)
    assert {name: cost(address) for name, address in pages.items()} == before
    # Two of each are what every page shows around its own, which is read once in a few seconds.
    assert before == {"list": 7, "page": 7}
    assert Flow.objects.filter(account=world.account).count() == 31
