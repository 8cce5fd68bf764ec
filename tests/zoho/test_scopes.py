"""Which scopes a grant lacks, by Zoho's own word."""

from __future__ import annotations

import pytest

from monitor.zoho.scopes import CRM_SCOPES, EDIT_SCOPES, FLOW_SCOPES, WATCH_SCOPES, missing_scopes, scopes_for


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
    whole = "ZohoCRM.settings.ALL ZohoCRM.org.READ ZohoCRM.users.READ"
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
