"""Every call on the wire, and what it makes of its documented reply."""

from __future__ import annotations

import inspect
import json

import httpx
import pytest

from monitor.zoho import CrmClient, FlowClient, ZohoError

from .endpoints import CRM, FLOW, Endpoint
from .helpers import SAMPLES, Script, crm_client, flow_client


def client_for(endpoint: Endpoint, *replies: object) -> tuple[object, Script]:
    make = flow_client if endpoint in FLOW else crm_client
    return make(*(replies or (endpoint.sample,)))  # type: ignore[arg-type]


@pytest.mark.parametrize("endpoint", [*FLOW, *CRM], ids=str)
def test_a_call_is_sent_as_documented_and_its_reply_is_read(endpoint):
    client, script = client_for(endpoint)
    endpoint.call(client)
    request = script.requests[0]
    assert request.method == endpoint.method
    assert request.url.raw_path.decode() == endpoint.target
    assert (json.loads(request.content) if request.content else None) == endpoint.body
    assert request.headers.get("content-type") == (None if endpoint.body is None else "application/json")
    assert len(script.requests) == 1


@pytest.mark.parametrize("endpoint", [*FLOW, *CRM], ids=str)
def test_only_reads_are_repeated(endpoint):
    client, script = client_for(endpoint, httpx.Response(500))
    with pytest.raises(ZohoError):
        endpoint.call(client)
    has_effect = endpoint.method != "GET" or endpoint.name == "test_trigger"
    assert len(script.requests) == (1 if has_effect else 5)


@pytest.mark.parametrize("endpoint", [*FLOW, *CRM], ids=str)
def test_a_web_page_or_nothing_at_all_is_never_taken_for_an_answer(endpoint):
    client, _ = client_for(endpoint, "html-page")
    with pytest.raises(ZohoError):
        endpoint.call(client)


@pytest.mark.parametrize(("client", "table"), [(FlowClient, FLOW), (CrmClient, CRM)])
def test_the_table_holds_every_public_method_of_the_client(client, table):
    methods = {name for name, _ in inspect.getmembers(client, inspect.isfunction) if not name.startswith("_")}
    assert methods == {endpoint.name for endpoint in table}


def test_every_sample_names_its_source_and_holds_invented_people_only():
    folders = [folder for folder in SAMPLES.iterdir() if (folder / "meta.json").exists()]
    assert len(folders) > 80
    for folder in folders:
        meta = json.loads((folder / "meta.json").read_text())
        assert len(meta["source"]) > 15, folder.name
        for body in folder.glob("body.*"):
            text = body.read_text()
            assert "@" not in text.replace("@example.com", ""), folder.name
