"""Which scopes a grant lacks, by Zoho's own word."""

from __future__ import annotations

import ast
import inspect

import pytest

from monitor.zoho import CrmClient, FlowClient
from monitor.zoho.scopes import (
    CHOICES,
    CRM_SCOPES,
    EDIT_SCOPES,
    FLOW_EDIT_SCOPES,
    FLOW_SCOPES,
    NEEDED,
    QUESTION_SCOPES,
    REASONS,
    WATCH_SCOPES,
    missing_scopes,
    scopes_for,
    surely_missing,
)
from standin.web.routing import covers
from tests.conformance.places import endpoints, make_place
from tests.conformance.walk import walk
from tests.realprocess import ROOT


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        (None, []),
        ("", []),
        ("ZohoFlow.flows.ALL ZohoCRM.org.READ", []),
        ("zohoflow.flows.all,zohocrm.org.read", []),
        ("ZohoFlow.flows.ALL ZohoCRM.org.ALL", []),
        ("ZohoFlow.ALL, ZohoCRM.org.READ", []),
        ("ZohoFlow.flows.ALL", ["ZohoCRM.org.READ"]),
        ("ZohoFlow.flows.ALL ZohoCRM.org.UPDATE", ["ZohoCRM.org.READ"]),
        ("ZohoFlow.flows.ALL ZohoCRM.organisation.ALL", ["ZohoCRM.org.READ"]),
        ("ZohoCRM.modules.ALL", ["ZohoFlow.flows.ALL", "ZohoCRM.org.READ"]),
    ],
)
def test_scopes_that_are_not_granted_are_named(granted: str | None, missing: list[str]) -> None:
    assert missing_scopes(("ZohoFlow.flows.ALL", "ZohoCRM.org.READ"), granted) == missing


def test_settings_as_a_whole_cover_each_setting() -> None:
    whole = "ZohoCRM.settings.ALL ZohoCRM.org.READ"
    assert missing_scopes(CRM_SCOPES, whole) == []


def test_scopes_that_write_are_only_asked_for_where_automation_is_to_be_changed() -> None:
    assert scopes_for(flow=False, crm=True, edits=True) == CRM_SCOPES + EDIT_SCOPES
    assert {name.rpartition(".")[2] for name in EDIT_SCOPES} == {"CREATE", "UPDATE", "DELETE"}
    assert {name.rpartition(".")[2] for name in CRM_SCOPES} == {"READ"}
    assert len(EDIT_SCOPES) == 6


def test_only_scopes_of_products_that_are_there_are_asked_for() -> None:
    assert scopes_for(flow=True, crm=False) == FLOW_SCOPES
    assert scopes_for(flow=False, crm=True, watches=True) == CRM_SCOPES + WATCH_SCOPES
    assert scopes_for(flow=True, crm=True) == FLOW_SCOPES + CRM_SCOPES
    assert scopes_for(flow=False, crm=True, questions=True) == CRM_SCOPES + QUESTION_SCOPES
    assert scopes_for(flow=True, crm=False, edits=True, questions=True) == FLOW_SCOPES + FLOW_EDIT_SCOPES


def called() -> set[str]:
    """The methods of the clients that the product names anywhere outside of them."""
    clients = (CrmClient, FlowClient)
    methods = {name for one in clients for name, _ in inspect.getmembers(one, inspect.isfunction)}
    files = [*(ROOT / "monitor").rglob("*.py"), *(ROOT / "dashboard").rglob("*.py")]
    trees = [ast.parse(path.read_text()) for path in files if "zoho" not in path.relative_to(ROOT).parts]
    named = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return {name for name in methods & named if not name.startswith("_")}


def test_every_call_that_the_product_makes_has_its_scopes_and_connecting_asks_for_these_and_no_others() -> None:
    assert set(NEEDED) == called()
    needed = {scope for scopes in NEEDED.values() for scope in scopes}
    assert needed == set(REASONS)
    everything = scopes_for(flow=True, crm=True, **dict.fromkeys(CHOICES, True))
    assert set(everything) == needed


def test_the_scopes_of_a_call_are_those_that_zohos_documents_ask_for() -> None:
    """As the stand-in has them, which is read from the documents by itself."""
    app = make_place()
    answered, routes = walk(app), endpoints(app)
    for name, scopes in NEEDED.items():
        owner = "FlowClient" if scopes[0].startswith("ZohoFlow.") else "CrmClient"
        for endpoint in answered[f"{owner}.{name}"]:
            assert covers(",".join(scopes), routes[endpoint].scope, routes[endpoint].verb), (name, endpoint)


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("ZohoCRM.modules.Deals.READ ZohoCRM.coql.READ", ["ZohoCRM.settings.fields.READ"]),
        ("ZohoCRM.org.READ", list(QUESTION_SCOPES)),
        ("ZohoCRM.modules.ALL ZohoCRM.coql.READ ZohoCRM.settings.ALL", []),
        ("", []),
    ],
)
def test_a_scope_of_some_modules_is_not_surely_too_little(granted: str, missing: list[str]) -> None:
    assert surely_missing(QUESTION_SCOPES, granted) == missing
