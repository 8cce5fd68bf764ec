"""Owner and tags on the pages of flows and workflow rules, and the lists that are narrowed by them."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from monitor.models import AuditEntry, Flow, User, WorkflowRule
from monitor.ownership import Owned, ownership_of
from tests import factories

pytestmark = pytest.mark.usefixtures("at_noon")


@pytest.fixture(params=["flow", "rule"])
def thing(request: pytest.FixtureRequest, healthy: Any) -> Flow | WorkflowRule:
    if request.param == "flow":
        return factories.make_flow(healthy, flow_name="Lead to campaign")
    return factories.make_rule(healthy, name="Lead to campaign")


def address(thing: Flow | WorkflowRule) -> str:
    return reverse("flow_ownership" if isinstance(thing, Flow) else "rule_ownership", args=[thing.pk])


def card_of(thing: Flow | WorkflowRule) -> str:
    return f"{thing.get_absolute_url()}?tab=alerts" if isinstance(thing, Flow) else thing.get_absolute_url()


def list_of(thing: Flow | WorkflowRule) -> str:
    return reverse("flows" if isinstance(thing, Flow) else "rules")


def anew(thing: Any) -> Any:
    return type(thing).objects.get(pk=thing.pk)


def words(client: Any, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_an_operator_sets_them_and_everybody_sees_them_with_links_to_the_list(
    thing: Any, signed_in: Any, otto: User, vera: User
) -> None:
    client = signed_in(otto)
    sent = {"owner": str(otto.pk), "tags": "Orders, <b>"}
    refused = client.post(address(thing), sent)
    assert refused.status_code == 400
    assert "“&lt;b&gt;” is no tag" in refused.content.decode()
    assert 'value="Orders, &lt;b&gt;"' in refused.content.decode(), "what was typed is kept"
    for _ in range(2):  # a double click
        answer = client.post(address(thing), sent | {"tags": "Orders #billing"})
        assert answer["Location"] == card_of(thing)
    assert AuditEntry.objects.filter(action="ownership.set").count() == 1
    page = words(signed_in(vera), thing.get_absolute_url())
    assert f'<a href="{list_of(thing)}?owner={otto.pk}">otto</a>' in page
    assert f'<a class="tag" href="{list_of(thing)}?tag=orders">orders</a>' in page
    assert "Set it" not in page


def test_a_form_that_lacks_a_field_empties_nothing(thing: Any, signed_in: Any, otto: User) -> None:
    label = "flow" if isinstance(thing, Flow) else "rule"
    factories.own_thing(**{label: thing}, owner=otto, tags=["orders"])
    for sent in ({}, {"owner": ""}, {"tags": ""}, {"owner": "99999", "tags": ""}, {"owner": "x", "tags": ""}):
        assert signed_in(otto).post(address(thing), sent).status_code == 400
    assert ownership_of(anew(thing)) == Owned(otto, ("orders",))
    assert signed_in(otto).post(address(thing), {"owner": "", "tags": ""}).status_code == 302
    assert ownership_of(anew(thing)) == Owned()


def test_an_owner_who_is_disabled_is_shown_as_gone_and_may_stay_in_the_form(
    thing: Any, signed_in: Any, otto: User, ada: User
) -> None:
    label = "flow" if isinstance(thing, Flow) else "rule"
    factories.own_thing(**{label: thing}, owner=ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    page = words(signed_in(otto), card_of(thing))
    assert "may not work on alerts any more" in page
    assert f'<option value="{ada.pk}" selected>ada</option>' in page
    assert "ada (gone)" in words(signed_in(otto), list_of(thing))
    assert signed_in(otto).post(address(thing), {"owner": ada.pk, "tags": "orders"}).status_code == 302
    assert ownership_of(anew(thing)).tags == ("orders",)


def test_the_list_is_narrowed_by_owner_and_by_tag(thing: Any, signed_in: Any, otto: User) -> None:
    is_flow = isinstance(thing, Flow)
    make, label, name = (factories.make_flow, "flow", "flow_name") if is_flow else (factories.make_rule, "rule", "name")
    owned = make(thing.account, **{name: "Owned one"})
    factories.own_thing(**{label: owned}, owner=otto, tags=["orders", "billing"])
    client = signed_in(otto)

    def shown(query: str) -> tuple[bool, bool]:
        page = words(client, list_of(thing) + query)
        return "Lead to campaign</a>" in page, "Owned one</a>" in page

    assert shown("") == (True, True)
    assert shown(f"?owner={otto.pk}") == (False, True)
    assert shown("?owner=nobody") == (True, False)
    assert shown("?tag=orders") == (False, True)
    assert shown("?tag=%23ORDERS") == (False, True), "as people write it"
    assert shown("?tag=unknown") == (False, False)
    assert shown(f"?tag=billing&owner={otto.pk}") == (False, True)
    for bad in ("?tag=%3Cb%3E", "?owner=x"):
        assert client.get(list_of(thing) + bad).status_code == 400


def test_what_to_know_is_set_in_the_same_form_and_what_the_form_lacks_stays(
    thing: Any, signed_in: Any, otto: User, vera: User
) -> None:
    client, sent = signed_in(otto), {"owner": "", "tags": ""}
    known = {"runbook": "https://wiki.example.com/?a=1&b=2", "value": "<b>one order</b>", "note": "Ask\nfinance."}
    assert client.post(address(thing), sent | known).status_code == 302
    assert client.post(address(thing), sent | {"tags": "orders"}).status_code == 302
    page = words(signed_in(vera), thing.get_absolute_url())
    assert '<a href="https://wiki.example.com/?a=1&amp;b=2" rel="noreferrer noopener">' in page
    assert "&lt;b&gt;one order&lt;/b&gt;" in page
    assert "Ask<br>finance." in page
    for bad in ({"runbook": "javascript:alert(1)"}, {"note": "x" * 501}, {"value": "x" * 201}):
        refused = client.post(address(thing), sent | bad)
        assert refused.status_code == 400, bad
    assert "begins with https" in client.post(address(thing), sent | {"runbook": "javascript:x"}).content.decode()
    assert ownership_of(anew(thing)).guidance.value == "<b>one order</b>"
    assert client.post(address(thing), sent | {"runbook": "", "note": "", "value": ""}).status_code == 302
    assert ownership_of(anew(thing)) == Owned()
