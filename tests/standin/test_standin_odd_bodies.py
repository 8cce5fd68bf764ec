"""Bodies that are right but for one value: refused or taken, and everything can still be read."""

import copy
import json

import pytest

FLOW = {
    "flow_name": "x",
    "description": "d",
    "trigger": {"type": "webhook", "app": "a"},
    "actions": [{"app": "slack", "action": "b", "config": {"c": 1}}],
}
RULE = {
    "name": "L",
    "module": {"api_name": "Deals"},
    "status": {"active": True},
    "execute_when": {"type": "create", "details": {}},
    "conditions": [
        {
            "id": "1",
            "instant_actions": {"actions": [{"type": "tasks", "id": "1"}]},
            "scheduled_actions": [{"id": "2", "actions": [{"type": "tasks"}]}],
        }
    ],
}
CHANNEL = {"channel_id": "1", "events": ["Leads.create"], "notify_url": "https://a.example.com", "token": "t"}
PART = {"sub_request_id": "1", "method": "GET", "uri": "/crm/v8/org", "params": {"a": "b"}, "body": {}}
AUTOMATION = "/crm/v8/settings/automation"
BODIES = {
    ("POST", "/api/v1/flows"): FLOW,
    ("PUT", "/api/v1/flows/{flow}"): FLOW,
    ("POST", "/api/v1/flows/{flow}/trigger"): FLOW["trigger"],
    ("PUT", "/api/v1/flows/{flow}/trigger"): FLOW["trigger"],
    ("POST", "/api/v1/flows/{flow}/actions"): FLOW["actions"][0],
    ("POST", "/api/v1/connections"): {
        "connection_name": "a",
        "app": "b",
        "auth_type": "o",
        "config": {"scopes": ["x"]},
    },
    ("PUT", "/api/v1/connections/{connection}"): {"connection_name": "a", "config": {"scopes": ["x"]}},
    ("POST", "/api/v1/webhooks"): {"webhook_name": "n", "flow_id": "{flow}", "authentication": {"type": "header"}},
    ("POST", AUTOMATION + "/workflow_rules"): {"workflow_rules": [RULE]},
    ("PUT", AUTOMATION + "/workflow_rules/{rule}"): {"workflow_rules": [RULE]},
    ("PUT", AUTOMATION + "/workflow_rules/actions/reorder?module=Deals"): {
        "reorder": {"workflow_rules": [{"id": "{rule}", "module_specific_sequence": 1}]}
    },
    ("POST", AUTOMATION + "/tasks"): {"tasks": [{"name": "w", "module": {"api_name": "Leads"}}]},
    ("POST", "/crm/v8/settings/connected_workflows"): {
        "connected_workflows": [
            {"name": "n", "description": "d", "primary_module": {"api_name": "Contacts", "id": "1"}}
        ]
    },
    ("PUT", "/crm/v8/settings/connected_workflows/{connected}"): {
        "connected_workflows": [{"name": "n", "description": "d"}]
    },
    ("POST", "/crm/v8/settings/connected_workflows/{connected}/rules"): {
        "rules": [{"name": "n", "module": {"api_name": "Leads"}}]
    },
    ("POST", "/crm/v8/actions/watch"): {"watch": [CHANNEL]},
    ("PATCH", "/crm/v8/actions/watch"): {"watch": [CHANNEL]},
    ("POST", "/crm/v8/coql"): {"select_query": "select id from Leads where Email = 'x'"},
    ("POST", "/crm/v8/__composite_requests"): {"__composite_requests": [PART]},
    ("POST", "/crm/bulk/v8/read"): {"query": {"module": {"api_name": "Leads"}, "fields": ["Email"]}},
}
ODD = (None, True, "", "\ud800", [None], {"a": None})


def places(value, path=()):
    """Every place in a body, the body itself first."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from places(one, (*path, name))


def with_odd(body, path, odd):
    """A copy of the body with one value replaced."""
    if not path:
        return odd
    changed = copy.deepcopy(body)
    place = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = odd
    return changed


def read_everything(client, app):
    """Each list that can be read without an id, each rule, each flow's history."""
    for method, path in app.routes():
        if method == "GET" and "{" not in path and path.startswith(("/api/", "/crm/v8/settings", "/crm/v8/actions")):
            assert client.get(path, params={"module": "Leads", "fields": "id", "ids": "1"}).status_code < 500
    for rule in app.world.rules.rules:
        assert client.get(f"{AUTOMATION}/workflow_rules/{rule}").status_code == 200
    for flow in [*app.world.flows]:
        client.do("add_executions", flow_id=flow, status="failed", duration_ms=0)
        assert client.rows(flow, status="failed")


@pytest.mark.parametrize(("method", "path"), BODIES)
def test_one_odd_value_in_a_body_is_refused_or_taken_and_spoils_nothing(client, app, method, path):
    names = {
        "flow": next(iter(app.world.flows)),
        "connection": next(iter(app.world.connections)),
        "rule": [*app.world.rules.rules][1],
        "connected": next(iter(app.world.store.collection("connected_workflows"))),
    }
    for place in places(BODIES[method, path]):
        for odd in ODD:
            content = json.dumps(with_odd(BODIES[method, path], place, odd))
            answer = client.request(method, path.format(**names), content=content)
            assert answer.status_code in {200, 201, 204, 207, 400, 404}, (place, odd)
    read_everything(client, app)
