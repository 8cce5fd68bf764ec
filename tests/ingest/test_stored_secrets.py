"""Secrets that stand in a flow, a rule, a connected workflow or a connection are not kept as such."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.forms.models import model_to_dict

from monitor.models import ConnectedWorkflow, Connection, Flow, WorkflowRule, ZohoAccount
from monitor.queries.export import exports
from tests.bystander import own
from tests.factories import make_flow, make_rule
from tests.fake_zoho import FakeFlow, Zoho, a_connected, a_rule, sync

SECRET = "1001.4f9c0de1a2b3c4d5e6f708192a3b4c5d"
TOLD = f"Calls https://hooks.example.com/in?zapikey={SECRET} each night"


@pytest.fixture
def told(zoho: Zoho, monkeypatch: pytest.MonkeyPatch) -> Zoho:
    """One of each, with a secret in its description and in a field of Zoho's own."""
    original = FakeFlow.summary
    more = {"description": TOLD, "webhook": {"apiKey": SECRET}}
    monkeypatch.setattr(FakeFlow, "summary", lambda flow: original(flow) | more)
    zoho.flows, zoho.rules, zoho.connected = [FakeFlow()], [a_rule() | more], [a_connected() | more]
    return zoho


def test_neither_descriptions_nor_zohos_own_rows_keep_a_secret(account: ZohoAccount, told: Zoho) -> None:
    sync(account, told)
    rows: list[Any] = [own(Flow).get(), own(WorkflowRule).get(), own(ConnectedWorkflow).get()]

    for row in rows:
        assert "each night" in row.description
        assert SECRET not in json.dumps(model_to_dict(row), default=str)
    before = [row.description for row in rows]
    sync(account, told)
    for row in rows:
        row.refresh_from_db()
    assert [row.description for row in rows] == before, "the same secret has the same mark"


def test_a_connections_own_row_keeps_no_secret(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.connections = [
        {"connection_id": "88001", "connection_name": "CRM", "status": "active", "app": "crm", "apiKey": SECRET}
    ]
    sync(account, zoho)
    row = own(Connection).get()

    assert row.raw["connection_name"] == "CRM"
    assert SECRET not in json.dumps(model_to_dict(row), default=str)
    before = row.raw
    sync(account, zoho)
    row.refresh_from_db()
    assert row.raw == before, "the same secret has the same mark"


@pytest.mark.parametrize("what", ["flows", "rules"])
def test_an_export_has_no_secret_of_rows_that_an_older_version_stored(
    nobody_else: None, account: ZohoAccount, what: str
) -> None:
    make_flow(account, description=TOLD)
    make_rule(account, description=TOLD)

    told = [row["description"] for row in exports()[what].records(None)]

    assert told == ["Calls https://hooks.example.com/in?zapikey=[hidden] each night"]
