"""Every method of our client, once, against the stand-in: two readings of the documents that never met.

The walks go through a recorder, which notes for each method what endpoints answered it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx

from monitor.zoho import CrmClient, FixedToken, FlowClient, OAuthClient, Origins, Transport
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.shapes.channels import WatchWish
from monitor.zoho.shapes.definitions import Action, PollingTrigger, WebhookTrigger
from standin.build import App, Credentials
from tests.conformance.places import BEGINNING, Endpoint, answered

HOST = "http://127.0.0.1:8765"
TODAY = date(2025, 6, 3)
WEEK_AGO = TODAY - timedelta(days=6)
ACTION = Action(app="slack", action="send_message", config={"channel": "#sales"})
RULE = {
    "name": "Fresh rule",
    "module": {"api_name": "Leads"},
    "execute_when": {"type": "create", "details": {"trigger_module": {"api_name": "Leads"}}},
    "conditions": [{"instant_actions": {"actions": [{"type": "add_tags", "details": {"over_write": False}}]}}],
}
PARTS: dict[ActionKind, dict[str, object]] = {
    ActionKind.TASKS: {"field_mappings": [{"field": {"api_name": "Subject"}, "type": "static", "value": "Call"}]},
    ActionKind.FIELD_UPDATES: {"field": {"api_name": "Phone"}},
    ActionKind.WEBHOOKS: {"url": "https://hook.example.com/in", "http_method": "POST"},
    ActionKind.EMAIL_NOTIFICATIONS: {"template": {"id": "1"}},
}


class Recorder:
    """A client whose calls are noted: `seen` maps "FlowClient.get_flow" to the endpoints that answered."""

    def __init__(self, client: object, app: App, seen: dict[str, set[Endpoint]]) -> None:
        self._client = client
        self._app = app
        self._seen = seen

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def noted(*args: object, **kwargs: object) -> object:
            self._app.ledger.clear()
            result = method(*args, **kwargs)
            key = f"{type(self._client).__name__}.{name}"
            self._seen.setdefault(key, set()).update(answered(self._app))
            return result

        return noted


def walk(app: App) -> dict[str, set[Endpoint]]:
    """All walks; what answered each method."""
    seen: dict[str, set[Endpoint]] = {}
    known = Credentials()
    with Transport(http=httpx.WSGITransport(app)) as transport:
        plain = OAuthClient(transport, Origins(HOST, HOST, HOST), known.client_id, known.client_secret)
        oauth = Recorder(plain, app, seen)
        walk_oauth(oauth, app)
        token = FixedToken(oauth.refresh(known.refresh_token).access_token)
        flow = Recorder(FlowClient(transport, HOST, token), app, seen)
        walk_flows(flow)
        walk_executions(flow, app)
        walk_connections_and_webhooks(flow)
        crm = Recorder(CrmClient(transport, HOST, token), app, seen)
        walk_rules(crm)
        walk_actions(crm)
        walk_connected_workflows(crm)
        walk_organisation(crm)
        walk_records(crm, app)
        walk_channels(crm)
    return seen


def walk_oauth(oauth: Any, app: App) -> None:
    url = oauth.authorization_url("http://127.0.0.1:9/back", ["ZohoFlow.flows.ALL"], "abc")
    with httpx.Client(transport=httpx.WSGITransport(app)) as browser:
        back = httpx.URL(browser.get(url).headers["location"])
    grant = oauth.exchange_code(back.params["code"], "http://127.0.0.1:9/back")
    assert (grant.scope, grant.api_domain) == ("ZohoFlow.flows.ALL", HOST)
    oauth.revoke(grant.refresh_token)


def walk_flows(flow: Any) -> None:
    trigger = WebhookTrigger(type="webhook", app="shopify", event="order_created")
    made = flow.create_flow("Orders to Slack", trigger, [ACTION], "Tells the team").id
    assert made in {row.flow_id for row in flow.list_flows(1, 20).flows}
    flow.update_flow(made, {"flow_name": "Orders to the team"})
    flow.enable(made)
    assert flow.get_flow(made).status == "active"
    flow.disable(made)
    flow.configure_trigger(made, PollingTrigger(type="polling", app="zohocrm"))
    flow.update_trigger(made, trigger)
    assert flow.test_trigger(made).passed
    added = flow.add_action(made, ACTION).id
    flow.update_action(made, added, ACTION)
    assert flow.test_action(made, {"Email": "ann@example.com"}).passed
    flow.remove_action(made, added)
    shown = flow.get_flow(made)
    assert (shown.flow_name, shown.status, len(shown.actions)) == ("Orders to the team", "inactive", 1)
    flow.delete_flow(made)
    triggers, actions = flow.list_triggers(), flow.list_actions()
    assert flow.get_trigger(triggers.entries[0].id) == triggers.entries[0]
    assert flow.get_action(actions.entries[0].id) == actions.entries[0]


def walk_executions(flow: Any, app: App) -> None:
    sick = app.world.role("sick")
    assert sick is not None
    failed = app.world.do("add_executions", flow_id=sick.flow_id, status="failed", kind="email", duration_ms=0)[0]
    rows = flow.list_executions(sick.flow_id, status="failed", per_page=5).rows
    assert (rows[0].execution_id, rows[0].status) == (failed, "failed")
    assert flow.flow_history(sick.flow_id, 1, 5).rows[0].execution_id == failed
    assert flow.get_execution(sick.flow_id, failed).error_code
    assert flow.execution_stats(sick.flow_id, "last_7_days").total
    new = flow.retry_execution(sick.flow_id, failed).new_execution_id
    assert new not in (None, failed)
    assert flow.get_execution(sick.flow_id, new).execution_id == new


def walk_connections_and_webhooks(flow: Any) -> None:
    made = flow.create_connection("Mine", "github", {"client_id": "x", "scopes": ["a.b.READ"]}).id
    assert made in {row.connection_id for row in flow.list_connections().connections}
    flow.update_connection(made, {"connection_name": "Ours"})
    assert flow.get_connection(made).connection_name == "Ours"
    assert flow.test_connection(made).passed
    flow.delete_connection(made)
    flow_id = flow.list_flows(1, 20).flows[0].flow_id
    hook = flow.create_webhook("Pay", flow_id)
    assert hook.webhook_url.startswith("http")
    assert hook.webhook_id in {row.webhook_id for row in flow.list_webhooks().webhooks}
    assert flow.get_webhook(hook.webhook_id).webhook_name == "Pay"
    assert flow.webhook_logs(hook.webhook_id).rejected == []
    flow.delete_webhook(hook.webhook_id)


def walk_rules(crm: Any) -> None:
    before = crm.list_workflow_rules(sort_by="modified_time", sort_order="desc", include_inner_details=True).rules
    rule = before[0]
    assert crm.get_workflow_rule(rule.id).name == rule.name
    assert crm.rule_usage(rule.id, WEEK_AGO, TODAY).rule_id == rule.id
    assert crm.rules_count().total_rules_configured == len(before)
    assert sum(one.total_rules_configured for one in crm.module_rule_counts()) == len(before)
    assert {one.rule_id for one in crm.actions_counts([rule.id])} == {rule.id}
    assert crm.workflow_configurations("Leads").triggers
    made = [crm.create_workflow_rule({**RULE, "name": f"Fresh {number}"}).id for number in range(4)]
    crm.update_workflow_rule(made[0], {"description": "one"})
    crm.update_workflow_rules({"id": made[1], "description": "two"})
    crm.set_rule_active(made[1], active=False)
    assert [crm.get_workflow_rule(one).active for one in made[:2]] == [True, False]
    crm.reorder_workflow_rules("Leads", {made[0]: 2, made[1]: 1})
    crm.delete_workflow_rule(made[0])
    mixed = crm.delete_workflow_rules([made[1], "1"])
    assert [one.ok for one in mixed] == [True, False]
    assert all(one.ok for one in crm.delete_workflow_rules(made[2:]))
    assert len(crm.list_workflow_rules(name_contains="Fresh").rules) == 0


def walk_actions(crm: Any) -> None:
    for kind, parts in PARTS.items():
        made = [
            crm.create_action(kind, {"name": f"Fresh {n}", "module": {"api_name": "Leads"}, **parts}).id
            for n in range(3)
        ]
        whole = {"module": {"api_name": "Leads"}, **parts}
        crm.update_action(kind, made[0], {"name": "Newer", **whole})
        assert crm.replace_action(kind, {"id": made[1], "name": "Newest", **whole}).ok
        assert [one.id for one in crm.list_actions(kind, name_contains="Newer").items] == [made[0]]
        assert crm.get_action(kind, made[0]).name == "Newer"
        crm.delete_action(kind, made[0])
        assert all(one.ok for one in crm.delete_actions(kind, made[1:]))
    assert crm.list_webhooks().items[0].url
    assert "Deals" in {one.api_name for one in crm.webhook_modules().items}
    failures = crm.list_webhook_failures(from_day=TODAY - timedelta(days=29), to_day=TODAY)
    assert failures.items[0].workflow_rule.name
    assert crm.daily_use(ActionKind.WEBHOOKS, WEEK_AGO, TODAY).items
    assert crm.daily_use(ActionKind.EMAIL_NOTIFICATIONS, WEEK_AGO, TODAY).rejected == []


def walk_connected_workflows(crm: Any) -> None:
    made = crm.create_connected_workflow("contacts-process", "Contacts", "Their life").id
    crm.update_connected_workflow(made, {"name": "renamed"})
    crm.activate_connected_workflow(made)
    assert crm.get_connected_workflow(made).status == "active"
    crm.deactivate_connected_workflow(made)
    rule = crm.create_connected_rule(made, {"name": "new", "module": {"api_name": "Contacts"}}).id
    crm.update_connected_rule(made, rule, {"name": "newer"})
    assert crm.get_connected_rule(made, rule).name == "newer"
    assert [one.id for one in crm.list_connected_rules(made, "Contacts").items] == [rule]
    assert crm.delete_connected_rule(made, rule).id == rule
    assert made in {one.id for one in crm.list_connected_workflows().items}
    assert crm.connected_workflow_limits().connected_workflows_limit
    crm.delete_connected_workflow(made)


def walk_organisation(crm: Any) -> None:
    assert crm.org().time_zone
    me = crm.current_user()
    assert me.id in {one.id for one in crm.list_users().items}
    assert crm.get_user(me.id).email == me.email
    assert "Leads" in {one.api_name for one in crm.list_modules().items}
    assert crm.get_module("Deals").api_name == "Deals"
    for ask in (crm.list_fields, crm.list_layouts, crm.list_custom_views, crm.list_related_lists):
        assert ask("Leads").items


def walk_records(crm: Any, app: App) -> None:
    first = crm.list_records("Leads", ["Email", "Company"])
    assert len(crm.list_records("Leads", ["Email"], page_token=first.next_page_token).items) == 50
    lead = first.items[0]
    assert crm.get_record("Leads", lead.id).id == lead.id
    assert lead.id in {one.id for one in crm.search_records("Leads", email=lead.fields["Email"]).items}
    assert len(crm.coql("select id, Email from Leads limit 3").rows) == 3
    parts = crm.composite([("/crm/v8/org", {}), ("/crm/v8/Leads", {"fields": "Email", "per_page": 1})])
    assert [one.status for one in parts] == [200, 200]
    deals = crm.list_records("Deals", ["Stage"]).items[:8]
    assert any(crm.record_timeline("Deals", deal.id).items for deal in deals)
    job = crm.create_bulk_read("Leads", ["Email"]).id
    app.world.clock.advance(30)  # type: ignore[attr-defined]
    assert crm.bulk_read_job(job).state == "completed"
    assert crm.bulk_read_result(job).startswith(b"PK")


def walk_channels(crm: Any) -> None:
    wish = WatchWish(
        channel_id="1000000068001",
        events=("Leads.create",),
        notify_url="https://monitor.example.com/in",
        token="t",
        channel_expiry=BEGINNING + timedelta(days=3),
    )
    assert crm.subscribe([wish])[0].channel_expiry == wish.channel_expiry
    assert [one.channel_id for one in crm.list_channels().items] == [wish.channel_id]
    assert crm.replace_channels([wish])[0].ok
    assert crm.change_channels([{"channel_id": wish.channel_id, "events": ["Leads.edit"]}])[0].ok
    mixed = crm.unsubscribe([wish.channel_id, "2"])
    assert [one.ok for one in mixed] == [True, False]
