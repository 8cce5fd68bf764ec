"""The rest of Flow: flows made and changed, their parts, connections, webhooks."""

from __future__ import annotations

import json

import httpx
import pytest

from monitor.zoho import AnswerLost, BadAnswer, NotFound, Refused
from monitor.zoho.shapes import definitions as shapes

from .helpers import Script, flow_client, sample

DONE = httpx.Response(200, json={"status": "success"})
LEAD_CREATED = shapes.WebhookTrigger(type="webhook", app="zohocrm", module="Leads", event="create")
ADD_CONTACT = shapes.Action(app="zohocampaigns", action="add_contact", config={"list_key": "x"})


def sent(script: Script, at: int = 0) -> tuple[str, str, object]:
    request = script.requests[at]
    return request.method, request.url.path, json.loads(request.content) if request.content else None


def test_a_flow_is_made_of_typed_parts():
    flow, script = flow_client("flow-written")
    assert flow.create_flow("New flow", LEAD_CREATED, [ADD_CONTACT], "why").id == "12345000000123499"
    assert sent(script) == (
        "POST",
        "/api/v1/flows",
        {
            "flow_name": "New flow",
            "description": "why",
            "trigger": {"type": "webhook", "app": "zohocrm", "module": "Leads", "event": "create"},
            "actions": [{"app": "zohocampaigns", "action": "add_contact", "config": {"list_key": "x"}}],
        },
    )


def test_a_flow_is_changed_and_deleted():
    flow, script = flow_client("flow-written", httpx.Response(204))
    flow.update_flow("7", {"description": "new"})
    flow.delete_flow("7")
    assert sent(script, 0) == ("PUT", "/api/v1/flows/7", {"description": "new"})
    assert sent(script, 1) == ("DELETE", "/api/v1/flows/7", None)


@pytest.mark.parametrize("name", ["history", "executions"])
def test_history_is_read_under_either_name(name):
    rows = sample("execution-list").json["data"]["executions"]  # type: ignore[index]
    flow, script = flow_client(httpx.Response(200, json={"status": "success", "data": {name: rows}}))
    assert [row.status for row in flow.flow_history("7", page=2, per_page=10).rows] == ["success", "failed"]
    assert script.paths == ["/api/v1/flows/7/history?page=2&per_page=10"]


def test_what_flow_offers_is_listed():
    one = httpx.Response(200, json={"status": "success", "data": {"trigger_id": "t", "name": "n"}})
    flow, script = flow_client("trigger-list", "action-list", one, one)
    assert [entry.name for entry in flow.list_triggers().entries] == ["Lead created", "Schedule"]
    assert [(entry.id, entry.type) for entry in flow.list_actions().entries] == [
        ("campaigns_add_contact", "add_contact")
    ]
    assert flow.get_trigger("t").id == "t"
    assert flow.get_action("t").name == "n"
    assert script.paths == ["/api/v1/triggers", "/api/v1/actions", "/api/v1/triggers/t", "/api/v1/actions/t"]


def test_the_parts_of_a_flow_are_set_and_taken_away():
    flow, script = flow_client(DONE)
    flow.configure_trigger("7", LEAD_CREATED)
    flow.update_trigger("7", LEAD_CREATED)
    flow.add_action("7", ADD_CONTACT)
    flow.update_action("7", "9", ADD_CONTACT)
    flow.remove_action("7", "9")
    assert [sent(script, at)[:2] for at in range(5)] == [
        ("POST", "/api/v1/flows/7/trigger"),
        ("PUT", "/api/v1/flows/7/trigger"),
        ("POST", "/api/v1/flows/7/actions"),
        ("PUT", "/api/v1/flows/7/actions/9"),
        ("DELETE", "/api/v1/flows/7/actions/9"),
    ]
    assert sent(script, 2)[2] == ADD_CONTACT.as_json()


def test_a_trigger_is_tested_by_a_get_that_is_never_repeated():
    flow, script = flow_client("trigger-test", httpx.Response(500))
    tested = flow.test_trigger("7")
    assert (tested.passed, tested.execution_id) == (True, "12345000000345678")
    assert "Jane" not in repr(tested)
    with pytest.raises(AnswerLost):
        flow.test_trigger("7")
    assert script.paths == ["/api/v1/flows/7/trigger/test"] * 2
    assert script.requests[0].method == "GET"


def test_actions_are_tested_with_sample_data():
    flow, script = flow_client("action-test", httpx.Response(200, json={"status": "success", "data": {}}))
    assert flow.test_action("7", {"Email": "jane.doe@example.com"}).passed is True
    assert sent(script)[2] == {"sample_data": {"Email": "jane.doe@example.com"}}
    with pytest.raises(BadAnswer):
        flow.test_action("7", {})


def test_connections_are_made_changed_and_deleted():
    made = httpx.Response(201, json={"status": "success", "data": {"connection_id": "5"}})
    flow, script = flow_client(made, DONE, DONE)
    assert flow.create_connection("CRM", "zohocrm", {"client_id": "1000.X"}).id == "5"
    flow.update_connection("5", {"connection_name": "CRM 2"})
    flow.delete_connection("5")
    assert sent(script) == (
        "POST",
        "/api/v1/connections",
        {"connection_name": "CRM", "app": "zohocrm", "auth_type": "oauth2", "config": {"client_id": "1000.X"}},
    )
    assert sent(script, 1)[:2] == ("PUT", "/api/v1/connections/5")
    assert sent(script, 2)[:2] == ("DELETE", "/api/v1/connections/5")


def test_webhooks_are_listed_and_their_address_is_a_secret():
    flow, script = flow_client("webhook-list", "webhook-created")
    page = flow.list_webhooks()
    assert (page.webhooks[0].flow_id, page.webhooks[0].method) == ("12345000000123456", "POST")
    assert flow.get_webhook("12345000000456789").webhook_name == "Payment Gateway Webhook"
    assert "abc123def456" not in repr(page)
    assert script.paths == ["/api/v1/webhooks", "/api/v1/webhooks/12345000000456789"]


def test_a_webhook_is_made_and_deleted():
    flow, script = flow_client("webhook-created", DONE)
    made = flow.create_webhook("Payments", "7", authentication={"type": "header", "key": "X-Secret", "value": "s"})
    assert made.webhook_url.endswith("abc123def456")
    flow.delete_webhook("9")
    assert sent(script)[2] == {
        "webhook_name": "Payments",
        "flow_id": "7",
        "method": "POST",
        "response_format": "json",
        "authentication": {"type": "header", "key": "X-Secret", "value": "s"},
    }
    assert sent(script, 1)[:2] == ("DELETE", "/api/v1/webhooks/9")


def test_the_calls_of_a_webhook_are_read():
    flow, script = flow_client("webhook-logs")
    log = flow.webhook_logs("9").logs[0]
    assert (log.status, log.status_code, log.execution_id) == ("success", 200, "12345000000567890")
    assert log.received_time is not None
    assert script.paths == ["/api/v1/webhooks/9/logs"]


@pytest.mark.parametrize(
    ("case", "kind"), [("flow-error-not-found", NotFound), ("flow-error-invalid-request", Refused)]
)
def test_a_refused_change_is_an_error_and_is_sent_once(case, kind):
    for change in (
        lambda flow: flow.create_flow("x", LEAD_CREATED, []),
        lambda flow: flow.update_flow("7", {}),
        lambda flow: flow.delete_flow("7"),
        lambda flow: flow.remove_action("7", "9"),
        lambda flow: flow.delete_webhook("7"),
        lambda flow: flow.create_connection("x", "y", {}),
    ):
        flow, script = flow_client(case)
        with pytest.raises(kind):
            change(flow)
        assert len(script.requests) == 1


@pytest.mark.parametrize("fault", [httpx.Response(500), httpx.ReadTimeout("x"), httpx.Response(503)])
def test_a_change_whose_answer_is_lost_is_not_sent_again(fault):
    flow, script = flow_client(fault)
    with pytest.raises(AnswerLost):
        flow.create_flow("x", LEAD_CREATED, [])
    assert len(script.requests) == 1
