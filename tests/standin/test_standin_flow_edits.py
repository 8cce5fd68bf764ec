"""Zoho Flow v1: building flows, triggers, actions, connections and webhooks."""

import pytest

from standin.build import make_app, make_world
from tests.standin.client import Client, flow_id

BODY = {
    "flow_name": "Orders to Slack",
    "description": "Tells the team",
    "trigger": {"type": "webhook", "app": "shopify", "event": "order_created", "filter": {"field": "total"}},
    "actions": [
        {"app": "slack", "action": "send_message", "config": {"channel": "#sales"}, "on_error": {"action": "slack"}},
        {"app": "custom", "action": "condition", "config": {"if_true": [], "if_false": []}},
    ],
}


def test_a_new_flow_is_inactive_and_keeps_every_field_it_was_given(client):
    made = client.flow("/flows", "POST", json=BODY)
    flow = client.flow(f"/flows/{made['flow_id']}")
    assert flow["status"] == "inactive"
    assert flow["trigger"] == BODY["trigger"]
    assert [{k: v for k, v in one.items() if k != "action_id"} for one in flow["actions"]] == BODY["actions"]
    assert client.flow("/flows")["total_count"] == 6
    assert client.rows(made["flow_id"]) == []


def test_a_new_flow_survives_a_restart(tmp_path, clock):
    state = tmp_path / "state"
    world = make_world(seed=7, clock=clock, flows=2, state=state)
    with Client(make_app(world)) as client:
        made = client.flow("/flows", "POST", json=BODY)
        client.do("add_executions", flow_id=made["flow_id"], status="failed", duration_ms=0)
        rows = client.rows(made["flow_id"])
    world.close()
    world = make_world(seed=7, clock=clock, flows=2, state=state)
    with Client(make_app(world)) as client:
        assert client.rows(made["flow_id"]) == rows
        assert client.flow(f"/flows/{made['flow_id']}")["actions"] == made["actions"]
    world.close()


def test_a_flow_is_changed_in_part_and_deleted_whole(client):
    made = client.flow("/flows", "POST", json=BODY)
    path = f"/flows/{made['flow_id']}"
    changed = client.flow(path, "PUT", json={"flow_name": "New name"})
    assert (changed["flow_name"], changed["trigger"]) == ("New name", BODY["trigger"])
    client.flow(path, "DELETE")
    assert client.get("/api/v1" + path).status_code == 404
    assert client.flow("/flows")["total_count"] == 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**BODY, "flow_name": " "},
        {**BODY, "trigger": "webhook"},
        {**BODY, "actions": ["send"]},
        {**BODY, "actions": [{"app": "slack"}]},
        {**BODY, "actions": [{"app": "a", "action": "b"}] * 51},
        {**BODY, "actions": [{"app": "a", "action": "custom_function"}] * 11},
    ],
)
def test_a_flow_that_is_not_right_is_refused(client, body):
    answer = client.post("/api/v1/flows", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    assert client.flow("/flows")["total_count"] == 5


def test_a_body_that_is_no_json_object_is_refused(client):
    for content in (b"{", b"[1]"):
        assert client.post("/api/v1/flows", content=content).status_code == 400


def test_a_plan_limits_the_number_of_flows(world):
    with Client(make_app(world, plan="free")) as client:
        answer = client.post("/api/v1/flows", json=BODY)
        assert answer.json()["error"]["message"] == "The plan allows no more flows"


def test_a_trigger_is_configured_changed_and_tested(client, app):
    path = f"/flows/{flow_id(app, 'sick')}/trigger"
    assert client.flow(path, "POST", json={"type": "polling", "app": "zohocrm", "poll_interval": 15})["trigger"] == {
        "type": "polling",
        "app": "zohocrm",
        "poll_interval": 15,
    }
    assert client.flow(path, "PUT", json={"poll_interval": 30})["trigger"]["poll_interval"] == 30
    tested = client.flow(path + "/test")
    assert tested["test_result"] == "passed"
    assert tested["sample_data"]["Email"].endswith("@example.com")
    assert client.post(f"/api/v1{path}", json={}).status_code == 400


def test_the_catalogues_of_triggers_and_actions_can_be_read(client):
    for name in ("trigger", "action"):
        rows = client.flow(f"/{name}s")[f"{name}s"]
        assert client.flow(f"/{name}s/{rows[0][name + '_id']}") == rows[0]
        assert client.get(f"/api/v1/{name}s/1").status_code == 404
    assert {"webhook", "polling", "schedule", "manual", "custom_webhook"} == {
        one["type"] for one in client.flow("/triggers")["triggers"]
    }


def test_actions_are_added_changed_removed_and_tested(client, app):
    path = f"/flows/{flow_id(app, 'sick')}/actions"
    added = client.flow(path, "POST", json={"app": "jira", "action": "create_issue"})
    changed = client.flow(f"{path}/{added['action_id']}", "PUT", json={"config": {"project": "OPS"}})
    assert changed == {**added, "config": {"project": "OPS"}}
    assert client.flow(path + "/test", "POST", json={"sample_data": {}})["test_result"] == "passed"
    client.flow(f"{path}/{added['action_id']}", "DELETE")
    assert client.delete(f"/api/v1{path}/{added['action_id']}").status_code == 404
    broken = client.flow(f"/flows/{flow_id(app, 'broken')}/actions/test", "POST", json={})
    assert (broken["test_result"], broken["error"]["code"]) == ("failed", "CONNECTION_FAILED")


def test_connections_are_made_repaired_and_deleted(client):
    config = {"client_id": "x", "client_secret": "very secret", "scopes": ["a.b.READ"]}
    made = client.flow("/connections", "POST", json={"connection_name": "Mine", "app": "github", "config": config})
    assert (made["status"], made["scopes"]) == ("active", ["a.b.READ"])
    assert "secret" not in str(made)
    expired = next(one for one in client.flow("/connections")["connections"] if one["status"] == "expired")
    path = f"/connections/{expired['connection_id']}"
    assert client.flow(path, "PUT", json={"config": config})["status"] == "active"
    client.flow(path, "DELETE")
    assert client.get("/api/v1" + path).status_code == 404
    assert client.post("/api/v1/connections", json={"app": "x"}).status_code == 400


@pytest.mark.parametrize(("dialect", "part"), [("zoho", "/flow/webhook/incoming?zapikey="), ("seed", "/webhook/")])
def test_webhooks_are_made_called_logged_and_deleted(client, app, clock, dialect, part):
    app.world.habits = app.world.habits.changed(dialect=dialect)
    flow = flow_id(app, "sick")
    made = client.flow("/webhooks", "POST", json={"webhook_name": "Pay", "flow_id": flow})
    assert part in made["webhook_url"]
    assert set(made) == {"webhook_id", "webhook_url", "webhook_name", "status", "created_time"}
    assert client.flow("/webhooks")["webhooks"] == [made]
    count = client.flow(f"/flows/{flow}")["execution_count"]
    assert client.post(made["webhook_url"], json={}).json() == {"status": "success"}
    assert client.flow(f"/flows/{flow}")["execution_count"] == count + 1
    key = app.world.webhooks[made["webhook_id"]].key
    assert client.post(made["webhook_url"].replace(key, "wrong"), json={}).status_code == 401
    clock.advance(86_400)
    logs = client.flow(f"/webhooks/{made['webhook_id']}/logs")["logs"]
    assert len(logs) > 5
    assert logs[0]["received_time"] > logs[-1]["received_time"]
    client.flow(f"/webhooks/{made['webhook_id']}", "DELETE")
    assert client.get(f"/api/v1/webhooks/{made['webhook_id']}").status_code == 404
