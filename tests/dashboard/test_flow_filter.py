"""A flow is found in filters by what people type, without a list of all flows on the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from dashboard.executions.forms import ExecutionFilterForm
from monitor.models import User, ZohoAccount
from monitor.queries import flow_names
from tests import factories
from tests.dashboard.soup import Page

pytestmark = pytest.mark.django_db


def form_of(query: str) -> ExecutionFilterForm:
    return ExecutionFilterForm(QueryDict(query))


@pytest.fixture
def named(account: ZohoAccount) -> Any:
    """`named("Leads")`: a flow of that name."""
    return lambda name, **fields: factories.make_flow(account, flow_name=name, **fields)


@pytest.mark.parametrize("typed", ["Lead sync", "lead SYNC", "  Lead sync ", "987654321000123", "Lead+sync+%23{pk}"])
@pytest.mark.parametrize("path", ["/executions/", "/problems/"])
def test_a_name_or_an_id_becomes_the_key_in_the_address(
    named: Any, otto: User, signed_in: Any, typed: str, path: str
) -> None:
    flow = named("Lead sync", flow_id="987654321000123")
    query = f"?account=&flow={typed.format(pk=flow.pk).replace(' ', '+')}"
    answer = signed_in(otto).get(f"{path}{query}")
    assert answer.status_code == 302
    assert answer["Location"] == f"{path}?account=&flow={flow.pk}"


def test_an_address_with_a_key_stays_and_shows_the_name(named: Any, otto: User, signed_in: Any) -> None:
    flow = named("Lead sync")
    answer = signed_in(otto).get(f"/executions/?flow={flow.pk}")
    assert answer.status_code == 200
    assert 'value="Lead sync"' in answer.content.decode()


def test_more_flows_make_the_page_no_longer(named: Any, otto: User, signed_in: Any) -> None:
    client = signed_in(otto)
    before = len(client.get("/executions/").content)
    for number in range(30):
        named(f"Flow {number}")
    assert len(client.get("/executions/").content) - before < 100


def test_one_of_several_of_a_name_is_told_by_its_number_and_chosen_by_a_link(
    named: Any, otto: User, signed_in: Any
) -> None:
    first, second = named("Leads"), named("LEADS")
    client = signed_in(otto)
    answer = client.get("/executions/?flow=leads&status=failed&after=n-7")
    assert answer.status_code == 400
    page = Page(answer.content.decode())
    errors = [link for link in page.root.iter("a") if page.has(link, id="id_flow_error")]
    links = {link.get("href"): link.text for link in errors}
    assert links == {
        f"?flow={first.pk}&status=failed": f"Leads #{first.pk}",
        f"?flow={second.pk}&status=failed": f"LEADS #{second.pk}",
    }
    twin = named("Leads")
    assert f'value="Leads #{twin.pk}"' in str(form_of(f"flow={twin.pk}")["flow"])
    form = form_of(f"flow=Leads+%23{twin.pk}")
    assert form.is_valid()
    assert form.wanted().flow_id == twin.pk


def test_of_two_accounts_with_a_name_the_chosen_one_is_meant(named: Any) -> None:
    mine, other = named("Leads"), factories.make_flow(factories.make_account(), flow_name="Leads")
    for flow in (mine, other):
        form = form_of(f"flow=leads&account={flow.account_id}")
        assert form.is_valid()
        assert form.wanted().flow_id == flow.pk


def test_what_is_no_name_is_answered_with_what_is_near(named: Any, otto: User, signed_in: Any) -> None:
    lead, other = named("Lead <b>sync</b>"), named("Invoices")
    text = signed_in(otto).get("/executions/?flow=sync").content.decode()
    assert f'<a href="?flow={lead.pk}">Lead &lt;b&gt;sync&lt;/b&gt;</a>' in text
    assert other.flow_name not in text
    assert form_of("flow=nothing").errors == {"flow": ["No flow has this name or id."]}
    assert form_of("flow=no%00thing").errors


def test_the_key_of_a_flow_that_is_gone_lists_nothing(named: Any) -> None:
    named("Leads")
    form = form_of("flow=7000000")
    assert form.is_valid()
    assert form.wanted().flow_id == 7000000
    assert 'value="7000000"' in str(form["flow"])


@pytest.mark.parametrize("typed", ["anna", "example.com", "anna@example.com"])
def test_what_is_hidden_in_a_name_finds_nothing(named: Any, otto: User, signed_in: Any, typed: str) -> None:
    flow = named("To anna@example.com")
    client = signed_in(otto)
    assert client.get("/flows/suggest/", {"q": typed}).content == b""
    assert client.get("/executions/", {"flow": typed}).status_code == 400
    # Two names may look alike where something is hidden: the number tells which.
    assert f'value="To [e-mail] #{flow.pk}"' in str(form_of(f"flow={flow.pk}")["flow"])


def suggested(client: Any, **query: str) -> list[str]:
    page = Page(client.get("/flows/suggest/", query).content.decode())
    return [option.get("value", "") for option in page.root.iter("option")]


def test_suggestions_begin_with_what_begins_so_and_are_twenty_at_most(named: Any, otto: User, signed_in: Any) -> None:
    for name in ("My leads", "Leads of May", "Orders", "leads", *(f"Old leads {n}" for n in range(25))):
        named(name)
    client = signed_in(otto)
    found = suggested(client, flow="LEADS")
    assert found[:3] == ["leads", "Leads of May", "My leads"]
    assert len(found) == flow_names.MOST_SUGGESTED
    assert suggested(client, q="orders") == ["Orders"]


def test_suggestions_are_of_the_chosen_account_and_escaped(named: Any, otto: User, signed_in: Any) -> None:
    named('"><script>')
    elsewhere = factories.make_flow(factories.make_account(), flow_name="Leads")
    client = signed_in(otto)
    assert suggested(client, account=str(elsewhere.account_id)) == ["Leads"]
    assert b"<script>" not in client.get("/flows/suggest/", {"q": "script"}).content
    assert suggested(client, q=elsewhere.flow_id, account="x") == ["Leads"]


def test_flows_are_looked_up_by_one_statement(named: Any) -> None:
    flow = named("Leads")
    with CaptureQueriesContext(connection) as asked:
        flow_names.look_up("leads")
        flow_names.by_key(flow.pk)
    assert len(asked) == 2
