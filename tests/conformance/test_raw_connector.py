"""The SDK's raw connector over every address of CRM that the stand-in has, in the documents' own words.

The SDK has no classes for automation; its connector sends any request with its token and its own HTTP.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.util import APIHTTPConnector

from tests.conformance.places import answered, endpoints

V8 = "/crm/v8"
AUTOMATION = V8 + "/settings/automation"
RULES = AUTOMATION + "/workflow_rules"
CONNECTED = V8 + "/settings/connected_workflows"
WATCH = V8 + "/actions/watch"
BULK = "/crm/bulk/v8/read"
TODAY = date(2025, 6, 3)
RULE = {
    "name": "High value lead",
    "module": {"api_name": "Leads"},
    "execute_when": {"type": "create_or_edit", "details": {"trigger_module": {"api_name": "Leads"}}},
    "conditions": [{"instant_actions": {"actions": [{"type": "add_tags", "details": {"over_write": False}}]}}],
}
ACTIONS: dict[str, dict[str, Any]] = {
    "tasks": {"field_mappings": [{"field": {"api_name": "Subject"}, "type": "static", "value": "Call"}]},
    "field_updates": {"field": {"api_name": "Phone"}},
    "webhooks": {"url": "https://hook.example.com/in", "http_method": "POST"},
    "email_notifications": {"template": {"id": "1"}},
}


class AsJson:
    """What the connector wants of a converter: the body as it goes out."""

    def append_to_request(self, connector: object, body: object) -> str:
        return json.dumps(body)


class Raw:
    """Calls through the SDK; the reply must have the status that the documents give for success."""

    def __call__(
        self, method: str, path: str, status: int | set[int] = 200, body: object = None, **params: object
    ) -> Any:
        initializer = Initializer.get_initializer()
        connector = APIHTTPConnector()
        connector.url = initializer.environment.url + path
        connector.request_method = method
        for name, value in params.items():
            connector.add_param(name.rstrip("_"), str(value))
        if body is not None:
            connector.request_body = body
            connector.add_header("Content-Type", "application/json")
        initializer.token.authenticate(connector)
        answer = connector.fire_request(AsJson())
        wanted = status if isinstance(status, set) else {status}
        assert answer.status_code in wanted, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.headers.get("Content-Type", "").startswith("application/json") else answer

    def made(self, path: str, name: str, *rows: dict[str, Any]) -> list[str]:
        """Creates rows, of which Zoho's documents say 201 for some and 200 for others; their ids."""
        return [row["details"]["id"] for row in self("POST", path, {200, 201}, {name: list(rows)})[name]]


@pytest.fixture
def raw(sdk, refresh_token):
    sdk.start(refresh_token())
    yield Raw()
    assert sdk.url == sdk.base_url


def rules(raw: Raw) -> None:
    listed = raw("GET", RULES, page=1, per_page=2, sort_by="modified_time", sort_order="asc")
    assert listed["info"] == {"per_page": 2, "count": 2, "page": 1, "more_records": True}
    first = listed["workflow_rules"][0]["id"]
    raw("GET", f"{RULES}/{first}")
    raw("GET", f"{RULES}/1", 204)
    raw("GET", f"{RULES}/{first}/actions/usage", executed_from=TODAY - timedelta(days=90), executed_till=TODAY)
    raw("GET", RULES + "/actions/rules_count")
    raw("GET", RULES + "/actions/module_specific_count")
    raw("GET", RULES + "/actions/actions_count", ids=first)
    raw("GET", V8 + "/workflow_configurations", module="Leads")
    made = [raw.made(RULES, "workflow_rules", {**RULE, "name": f"New {number}"})[0] for number in range(3)]
    raw("PUT", f"{RULES}/{made[0]}", 200, {"workflow_rules": [{"status": {"active": False}}]})
    raw("PUT", RULES, 200, {"workflow_rules": [{"id": made[0], "description": "changed"}]})
    order = [{"id": one, "module_specific_sequence": place} for place, one in enumerate(made, start=1)]
    raw("PUT", RULES + "/actions/reorder", 200, {"reorder": {"workflow_rules": order}}, module="Leads")
    raw("DELETE", f"{RULES}/{made[0]}")
    raw("DELETE", RULES, 207, ids=f"{made[1]},1")
    raw("DELETE", RULES, 200, ids=made[2])


def actions(raw: Raw) -> None:
    for kind, parts in ACTIONS.items():
        base = f"{AUTOMATION}/{kind}"
        inner = {"include_inner_details": "field_label"} if kind == "field_updates" else {}
        rows = [{"name": f"New {number}", "module": {"api_name": "Leads"}, **parts} for number in range(2)]
        one, two = raw.made(base, kind, *rows)
        raw("GET", base, module="Leads", page=1)
        raw("GET", f"{base}/{one}", **inner)
        raw("PUT", f"{base}/{one}", 200, {kind: [{**rows[0], "name": "Newer"}]})
        raw("PUT", base, 200, {kind: [{**rows[1], "id": two, "name": "Newest"}]})
        raw("DELETE", f"{base}/{one}")
        raw("DELETE", base, ids=two)
    raw("GET", AUTOMATION + "/webhook_failures", from_=TODAY - timedelta(days=60), to=TODAY)
    raw("GET", AUTOMATION + "/webhooks/actions/associated_modules")
    for kind in ("webhooks", "email_notifications"):
        since = TODAY - timedelta(days=6)
        raw("GET", f"{AUTOMATION}/{kind}/actions/usage_reports", group_by="date", from_=since, to=TODAY)


def connected_workflows(raw: Raw) -> None:
    listed = raw("GET", CONNECTED)["connected_workflows"]
    assert raw("GET", CONNECTED, 400, page=1)["code"] == "INVALID_REQUEST"
    rule = raw("GET", f"{CONNECTED}/{listed[0]['id']}/rules", module="Deals")["rules"][0]["id"]
    raw("GET", f"{CONNECTED}/{listed[0]['id']}/rules/{rule}")
    raw("GET", CONNECTED + "/actions/configurations")
    body = {"name": "contacts-process", "primary_module": {"api_name": "Contacts"}}
    one = f"{CONNECTED}/{raw.made(CONNECTED, 'connected_workflows', body)[0]}"
    raw("GET", one)
    raw("PUT", one, 200, {"connected_workflows": [{"name": "renamed"}]})
    raw("PUT", one + "/actions/activate")
    raw("PUT", one + "/actions/deactivate")
    new = raw.made(one + "/rules", "rules", {"name": "new", "module": {"api_name": "Contacts"}})[0]
    raw("PUT", f"{one}/rules/{new}", 200, {"rules": [{"name": "newer"}]})
    raw("DELETE", f"{one}/rules/{new}")
    raw("DELETE", one)


def organisation(raw: Raw) -> None:
    raw("GET", V8 + "/org")
    user = raw("GET", V8 + "/users", type="AdminUsers")["users"][0]["id"]
    raw("GET", f"{V8}/users/{user}")
    raw("GET", V8 + "/settings/modules")
    raw("GET", V8 + "/settings/modules/Deals")
    for name in ("fields", "layouts", "custom_views", "related_lists"):
        assert raw("GET", f"{V8}/settings/{name}", module="Leads")[name]


def records(raw: Raw, app: Any) -> None:
    page = raw("GET", V8 + "/Deals", fields="Stage,Amount", per_page=20)
    deals = [row["id"] for row in page["data"]]
    whole = raw("GET", f"{V8}/Deals/{deals[0]}")["data"][0]
    raw("GET", V8 + "/Deals/search", criteria=f"(Stage:equals:{whole['Stage']})")
    raw("POST", V8 + "/coql", 200, {"select_query": "select id, Stage from Deals limit 2"})
    timelines = [raw("GET", f"{V8}/Deals/{row}/__timeline", {200, 204}) for row in deals[:8]]
    found = [timeline["__timeline"][0] for timeline in timelines if isinstance(timeline, dict)]
    assert {entry["source"] for entry in found} == {"workflow"}
    parts = [{"sub_request_id": "1", "method": "GET", "uri": "/crm/v8/org"}]
    raw("POST", V8 + "/__composite_requests", 200, {"__composite_requests": parts})
    query = {"module": {"api_name": "Leads"}, "fields": ["Email"]}
    job = raw("POST", BULK, 201, {"query": query})["data"][0]["details"]["id"]
    app.world.clock.advance(30)
    assert raw("GET", f"{BULK}/{job}")["data"][0]["state"] == "COMPLETED"
    assert raw("GET", f"{BULK}/{job}/result").content.startswith(b"PK")


def channels(raw: Raw) -> None:
    wish = {"channel_id": "7", "events": ["Leads.create"], "notify_url": "https://monitor.example.com/in", "token": "t"}
    raw("POST", WATCH, 201, {"watch": [wish]})
    raw("GET", WATCH, module="Leads")
    raw("PUT", WATCH, 200, {"watch": [wish]})
    raw("PATCH", WATCH, 200, {"watch": [{"channel_id": "7", "events": ["Leads.edit"]}]})
    raw("DELETE", WATCH, 200, channel_ids="7")


def test_the_raw_connector_reaches_every_address_of_crm(raw, app, refused_hosts):
    rules(raw)
    actions(raw)
    connected_workflows(raw)
    organisation(raw)
    records(raw, app)
    channels(raw)
    crm = {one for one in endpoints(app) if one.pattern.startswith("/crm/")}
    assert len(crm) > 75
    assert crm - answered(app) == set()
    assert {call.status for call in app.ledger.calls} <= {200, 201, 204, 207, 400}
    assert refused_hosts == []
