"""A flow is found in filters by what people type, without a list of all flows on the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from hypothesis import example, given
from hypothesis import strategies as st

from dashboard.executions.forms import ExecutionFilterForm
from dashboard.turns import is_costly
from monitor.models import Flow, User, ZohoAccount
from monitor.queries import flow_names
from tests import factories
from tests.dashboard.soup import Page
from tests.depth import tried

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


FIRST = 5_000_007  # the primary key of the first flow of an example; no other test's flow comes near it
NAMES = st.sampled_from(
    [
        *("Invoice", "invoice", "INVOICE ", "in  voice", "Straße", "STRASSE", "", "(without a name)", "#5000008"),
        *("To anna@example.com", "To bert@example.com", "To [e-mail]", "[Prod] Leads", "[prod] leads"),
        *("2024", "5000008", "5000009", " 5000007", "٣", "id-5000008", "ID-5000009", "Z 1"),
        *("Invoice #5000008", "invoice #5000007", "(without a name) #5000009", "To [e-mail] #5000007"),
        "a@example.com " * 35,
    ]
) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)  # fmt: skip


def address_then_form(flow: Flow, query: str = "") -> tuple[str, int | None]:
    """What the field shows of a flow that an address names by its key, and the flow that is found when it is sent."""
    shown = str(ExecutionFilterForm(QueryDict(f"flow={flow.pk}{query}"))["flow"].value())
    data = QueryDict(query, mutable=True)
    data["flow"] = shown
    form = ExecutionFilterForm(data)
    return shown, form.wanted().flow_id if form.is_valid() else None


@tried(15, 150)
@example(["Invoice", "invoice"])
@example(["Invoice #5000008", "Invoice", "invoice"])
@example(["5000008", "Leads"])
@example(["To anna@example.com", "To [e-mail]", "To bert@example.com"])
@given(names=st.lists(NAMES, min_size=1, max_size=4))
def test_what_the_field_shows_of_a_flow_is_that_flow_when_the_form_is_sent_again(
    account: ZohoAccount, names: list[str]
) -> None:
    with transaction.atomic():
        flows = [
            factories.make_flow(account, pk=FIRST + number, flow_name=name, flow_id=f"id-{FIRST + number}")
            for number, name in enumerate(names)
        ]
        found = [(*address_then_form(flow), flow.pk) for flow in flows]
        shown = [flow_names.look_up(words).named for words, _, _ in found]
        transaction.set_rollback(True)
    assert [sent for _, sent, _ in found] == [flow.pk for flow in flows]
    # What is suggested is called as it is in the field.
    assert [[(one.pk, one.words) for one in named] for named in shown] == [[(pk, words)] for words, _, pk in found]


def test_names_that_differ_in_case_alone_are_told_by_their_numbers(named: Any) -> None:
    upper, lower = named("Invoice"), named("invoice")
    assert address_then_form(upper) == (f"Invoice #{upper.pk}", upper.pk)
    assert address_then_form(lower) == (f"invoice #{lower.pk}", lower.pk)


def test_a_name_that_reads_as_a_key_or_as_another_flow_s_id_has_its_number(named: Any) -> None:
    other = named("Leads", flow_id="LEAD-1")
    digits, looks_like_id, of_year = named(str(other.pk)), named("lead-1"), named("2024")
    own_id = named("own-1", flow_id="own-1")
    assert address_then_form(digits) == (f"{other.pk} #{digits.pk}", digits.pk)
    assert address_then_form(looks_like_id) == (f"lead-1 #{looks_like_id.pk}", looks_like_id.pk)
    assert address_then_form(of_year) == (f"2024 #{of_year.pk}", of_year.pk)
    assert address_then_form(own_id) == ("own-1", own_id.pk)
    assert address_then_form(other) == ("Leads", other.pk)


def test_a_typed_name_that_could_be_another_flow_s_number_is_asked_about(named: Any) -> None:
    plain = named("Leads")
    looks_like_it = named(f"Leads #{plain.pk}")
    error = form_of(f"flow=Leads+%23{plain.pk}").errors["flow"][0]
    assert f"?flow={plain.pk}" in error
    assert f"Leads #{plain.pk} #{looks_like_it.pk}" in error
    assert address_then_form(plain) == ("Leads", plain.pk)


def links_of_error(client: Any, path: str, sent: dict[str, str]) -> list[str | None]:
    page = Page(client.post(path, sent).content.decode())
    return [link.get("href") for link in page.root.iter("a") if page.has(link, id="id_flow_error")]


@pytest.mark.parametrize("typed", ["leads", "lea"])
def test_what_is_sought_unmasked_and_why_stand_in_no_link(named: Any, ada: User, signed_in: Any, typed: str) -> None:
    first, second = named("Leads"), named("LEADS")
    private = {"sought": "anna@example.com", "reason": "Anna asks", "csrfmiddlewaretoken": "t0ken", "text": "anna"}
    sent = {"flow": typed, "status": "failed", "account": "", "after": "n-7", "note": "x"} | private
    links = links_of_error(signed_in(ada), "/executions/unmasked/", sent)
    assert links == [f"?flow={flow.pk}&status=failed" for flow in (first, second)]


@pytest.mark.parametrize(
    ("path", "filters"), [("/executions/", "status=failed&text=x"), ("/webhook-failures/", "module=Leads&text=x")]
)
def test_a_get_of_an_unmasked_search_passes_on_filters_alone(
    account: ZohoAccount, ada: User, signed_in: Any, path: str, filters: str
) -> None:
    client = signed_in(ada)
    private = "sought=anna%40example.com&reason=Anna+asks&csrfmiddlewaretoken=t0ken&account="
    assert client.get(f"{path}unmasked/?{private}&{filters}")["Location"] == f"{path}?{filters}"
    assert client.get(f"{path}unmasked/?{private}")["Location"] == path


@pytest.mark.parametrize(("name", "typed"), [("Leads", "leads"), ("Old leads {}", "leads")])
def test_a_choice_among_many_flows_names_twenty_and_says_how_many_more_there_are(
    named: Any, name: str, typed: str
) -> None:
    for number in range(flow_names.MOST_SUGGESTED):
        named(name.format(number))
    error = form_of(f"flow={typed}").errors["flow"][0]
    assert (error.count("<a "), " more" in error) == (flow_names.MOST_SUGGESTED, False)
    named(name.format("x")), named(name.format("y"))
    error = form_of(f"flow={typed}").errors["flow"][0]
    assert error.count("<a ") == flow_names.MOST_SUGGESTED
    assert " and 2 more" in error


def test_suggestions_take_turns_as_searches_do() -> None:
    request = RequestFactory().get("/flows/suggest/?flow=lea")
    request.resolver_match = resolve(request.path)
    assert is_costly(request)
