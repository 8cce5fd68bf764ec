"""For what a rule is, is chosen in its form once, said on its page, and shown with what it replaces."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from monitor.models import AlertRule, AuditEntry, Connection, Flow, Tag
from tests import factories
from tests.bystander import own
from tests.dashboard.soup import Page, words
from tests.dashboard.test_rule_forms import add, form_of


@pytest.fixture
def client(signed_in: Any, ada: Any, nobody_else: Any) -> Any:
    return signed_in(ada)


@pytest.fixture
def flow(account: Any, otto: Any) -> Flow:
    made = factories.make_flow(account, flow_name="Lead to campaign")
    factories.own_thing(flow=made, owner=otto, tags=["orders"])
    return made


def a_connection(account: Any) -> Connection:
    seen = {"first_seen_at": factories.NOON, "seen_at": factories.NOON, "status_since": factories.NOON}
    return Connection.objects.create(
        account=account, connection_id="7", connection_name="Books of Acme", status="active", **seen
    )


def page_of(client: Any, address: str) -> str:
    return words(Page(client.get(address).content.decode()).root)


def saved(client: Any, kind: str, **fields: Any) -> AlertRule:
    answer = client.post(add(kind), form_of(client, add(kind), **fields))
    assert answer.status_code == 302, words(Page(answer.content.decode()).root)
    found: AlertRule = own(AlertRule).latest("pk")
    return found


def test_a_rule_is_for_what_is_chosen_and_says_so(client, account, flow, otto):
    row, connection = factories.make_rule(account, module="Deals", name="Big deals"), a_connection(account)
    cases = [
        ("in_a_row", {"flow": flow.pk}, "flow", flow, "Lead to campaign"),
        ("in_a_row", {"tag": "#ORDERS"}, "tag", Tag.objects.get(name="orders"), "tag orders"),
        ("in_a_row", {"owner": otto.pk}, "owner", otto, "owner otto"),
        ("crm", {"module": "Deals"}, "module", "Deals", "module Deals"),
        ("crm", {"workflow_rule": row.pk}, "subject_key", str(row.pk), "Big deals"),
        ("connection", {"connection": connection.pk}, "subject_key", str(connection.pk), "Books of Acme"),
    ]
    for kind, fields, column, value, said in cases:
        rule = saved(client, kind, name=said.title(), **fields)
        assert getattr(rule, column) == value
        edit = reverse("alert_rule_edit", args=[rule.pk])
        assert f"{account.name} · {said} ·" in page_of(client, edit)
        kept = form_of(client, edit, name="Renamed", tag="", owner="", flow="", module="", workflow_rule="")
        assert client.post(edit, kept).status_code == 302
        rule.refresh_from_db()
        assert (rule.name, getattr(rule, column)) == ("Renamed", value), "its scope stays"
    listed = page_of(client, reverse("alert_rules"))
    for *_, said in cases:
        assert said in listed
    detail = AuditEntry.objects.filter(action="alert_rule.add", detail__has_key="tag").get().detail
    assert detail["tag"] == {"from": None, "to": "orders"}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("in_a_row", {"flow", "tag"}),
        ("in_a_row", {"tag", "owner"}),
        ("crm", {"workflow_rule", "module"}),
        ("crm", {"module", "tag"}),
    ],
)
def test_a_rule_is_for_one_of_them_alone(client, account, flow, otto, kind, fields):
    row = factories.make_rule(account, module="Deals")
    values = {"flow": flow.pk, "tag": "orders", "owner": otto.pk, "module": "Deals", "workflow_rule": row.pk}
    answer = client.post(add(kind), form_of(client, add(kind), **{name: values[name] for name in fields}))
    assert answer.status_code == 400
    assert "A rule is for one of these" in answer.content.decode()
    assert not own(AlertRule).exists()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("in_a_row", {"tag": "unknown"}),
        ("in_a_row", {"tag": "<b>"}),
        ("in_a_row", {"owner": "0"}),
        ("crm", {"module": "Unknown"}),
        ("crm", {"workflow_rule": "999"}),
        ("connection", {"connection": "x"}),
    ],
)
def test_what_is_not_there_cannot_be_chosen(client, account, flow, kind, fields):
    assert client.post(add(kind), form_of(client, add(kind), **fields)).status_code == 400
    assert not own(AlertRule).exists()


def test_a_subject_of_another_account_is_refused(client, account, flow):
    other = factories.make_account()
    row, connection = factories.make_rule(other), a_connection(other)
    for kind, fields in (("crm", {"workflow_rule": row.pk}), ("connection", {"connection": connection.pk})):
        answer = client.post(add(kind), form_of(client, add(kind), account=account.pk, **fields))
        assert answer.status_code == 400
        assert "belongs to another account" in answer.content.decode()
    assert not own(AlertRule).exists()


def test_a_viewer_who_looks_after_a_flow_is_no_choice_and_a_kind_offers_only_what_it_has(client, account, flow, vera):
    page = client.get(add("in_a_row")).content.decode()
    assert ">vera<" not in page
    assert 'name="module"' not in page
    for kind in ("quota", "mirror", "error_appears"):
        page = client.get(add(kind)).content.decode()
        assert 'name="tag"' not in page
        assert 'name="owner"' not in page


def test_the_database_takes_no_rule_for_two_of_them(account, flow, otto):
    with pytest.raises(IntegrityError, match="a_rule_has_one_scope"), transaction.atomic():
        factories.make_alert_rule(account, flow=flow, owner=otto)


def test_the_form_says_what_a_rule_for_a_tag_replaces_and_what_replaces_it(client, account, flow, otto):
    factories.make_alert_rule(account, kind="in_a_row", name="Every flow")
    factories.make_alert_rule(account, kind="in_a_row", name="Otto's", owner=otto)
    factories.make_alert_rule(account, kind="in_a_row", name="This flow", flow=flow)
    said = page_of(client, add("in_a_row", account=account.pk, tag="orders"))
    assert "For flows with the tag orders it replaces these wider rules: Every flow Otto's owner otto" in said
    assert "It is replaced for 1 by its own rule: This flow Lead to campaign" in said
    said = page_of(client, add("in_a_row", account=account.pk, owner=otto.pk))
    assert "For flows that otto owns it replaces what is set for each flow of the account: Every flow" in said
    said = page_of(client, add("in_a_row", account=account.pk))
    assert (
        "For what both cover it is replaced by 2 narrower rules: Otto's owner otto This flow Lead to campaign" in said
    )


def test_a_preview_of_a_tag_is_of_its_flows_without_those_that_have_a_rule_of_their_own(client, account, flow):
    other, own_rule = factories.make_flow(account), factories.make_flow(account, flow_name="Own rule")
    factories.own_thing(flow=other, tags=["billing"])
    factories.own_thing(flow=own_rule, tags=["orders"])
    factories.make_alert_rule(account, kind="in_a_row", flow=own_rule)
    data = form_of(client, add("in_a_row"), account=account.pk, tag="orders", preview="30")
    answer = client.post(add("in_a_row"), data)
    assert answer.status_code == 200
    assert answer.context["preview"].tried == 1
    assert own(AlertRule).count() == 1
