"""A flow is chosen in forms by what people type, without a list of all flows on the page; of some forms several are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from monitor.models import AlertRule, Correction, Flow, Silence, User, ZohoAccount
from monitor.queries.corrections import corrections
from tests import factories
from tests.bystander import own
from tests.dashboard.test_rule_forms import add, form_of

pytestmark = pytest.mark.django_db
Maker = Callable[..., Flow]
PAGES = {
    "silences": {},
    "corrections": {},
    "alert_routes": {},
    "alert_rule_add": {"kind": "in_a_row"},
    "push": {},
}


@pytest.fixture
def named(account: ZohoAccount) -> Maker:
    """`named("Leads")`: a flow of that name."""
    return lambda name, **fields: factories.make_flow(account, flow_name=name, **fields)


@pytest.fixture
def client(signed_in: Any, ada: User) -> Client:
    found: Client = signed_in(ada)
    return found


def address_of(name: str, account: ZohoAccount) -> str:
    of = [account.pk] if name == "push" else []
    return reverse(name, args=of, query=PAGES[name])


@pytest.mark.parametrize("name", PAGES)
def test_a_form_holds_no_list_of_flows_and_suggests_them(
    name: str, client: Client, named: Maker, account: ZohoAccount
) -> None:
    named("Lead sync")
    before = client.get(address_of(name, account)).content.decode()
    assert reverse("flow_suggest") in before
    assert '<select name="flow"' not in before
    for number in range(20):
        named(f"Another flow {number}")
    after = client.get(address_of(name, account)).content.decode()
    assert "Another flow" not in after
    assert abs(len(after) - len(before)) < 200


def silence(client: Client, **sent: Any) -> Any:
    times = {"ends_at": "2027-11-22T10:40", "why": "Moving house"}
    return client.post(reverse("silence_add"), times | sent)


@pytest.mark.parametrize("typed", ["lead SYNC", "987654321000123", "{pk}", "Lead sync #{pk}"])
def test_a_silence_is_for_the_flow_that_is_named_by_name_id_or_key(client: Client, named: Maker, typed: str) -> None:
    flow = named("Lead sync", flow_id="987654321000123")
    named("Lead sync of old")
    assert silence(client, flow=typed.format(pk=flow.pk)).status_code == 302
    assert own(Silence).get().flow == flow


@pytest.mark.parametrize(
    ("typed", "said"), [("Leads", "Several flows have this name or id: “Leads #"), ("Lea", "Did you mean: “Leads #")]
)
def test_what_may_mean_several_is_asked_back_without_losing_what_was_filled_in(
    client: Client, named: Maker, typed: str, said: str
) -> None:
    named("Leads")
    named("Leads")
    refused = silence(client, flow=typed)
    page = refused.content.decode()
    assert refused.status_code == 400
    assert said in page
    assert "?flow=" not in page
    assert f'value="{typed}"' in page
    assert "Moving house" in page
    assert not own(Silence).exists()


def test_a_flow_that_is_gone_or_of_another_account_cannot_be_chosen(client: Client, named: Maker, now: Any) -> None:
    gone, elsewhere = named("Old", gone_at=now), factories.make_flow(factories.make_account("Elsewhere"))
    assert silence(client, flow=gone.pk).status_code == 400
    assert silence(client, flow=elsewhere.pk, account=gone.account_id).status_code == 400
    hook = reverse("hook_add", args=[gone.account_id])
    assert client.post(hook, {"name": "A", "per_minute": "5", "flow": elsewhere.pk}).status_code == 400
    assert not own(Silence).exists()


def test_an_alert_rule_is_for_the_flow_that_is_typed_and_shows_it_where_the_address_names_it(
    client: Client, named: Maker, account: ZohoAccount
) -> None:
    flow = named("Lead sync")
    sent = form_of(client, add("in_a_row", account=account.pk, flow=flow.pk))
    assert sent["flow"] == "Lead sync"
    assert client.post(reverse("alert_rule_add"), sent | {"flow": "lead sync"}).status_code == 302
    assert own(AlertRule).get().flow == flow


def leave_out(client: Client, account: ZohoAccount, *flows: str) -> Any:
    sent = {"starts_at": "2026-11-20T09:30", "ends_at": "2026-11-20T10:50", "why": "A known outage"}
    return client.post(reverse("correction_add"), sent | {"account": account.pk, "flow": list(flows)})


def test_a_time_is_left_out_of_several_flows_each_once(
    client: Client, named: Maker, account: ZohoAccount, at_noon: Any
) -> None:
    first, second, third = (named(name, executions_read_at=at_noon) for name in ("Leads", "Orders", "Bills"))
    assert leave_out(client, account, "leads", str(second.pk), "", "Leads").status_code == 302
    assert {row.flow for row in own(Correction)} == {first, second}
    assert corrections().filter(account=account).count() == 1
    assert third.pk not in {row.flow_id for row in own(Correction)}


def test_one_that_is_not_known_keeps_all_that_were_typed(
    client: Client, named: Maker, account: ZohoAccount, at_noon: Any
) -> None:
    named("Leads")
    refused = leave_out(client, account, "Leads", "Nonsense")
    page = refused.content.decode()
    assert refused.status_code == 400
    assert 'value="Leads"' in page
    assert 'value="Nonsense"' in page
    assert "<details open>" in page
    assert "No flow has this name or id." in page
    assert not own(Correction).exists()
