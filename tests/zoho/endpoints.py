"""Every call of the client: method, address and body on the wire, and the reply it is tested with.

One table for the tests of requests, the fuzzing of replies and the table in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.shapes.channels import WatchWish
from monitor.zoho.shapes.definitions import Action, WebhookTrigger

TRIGGER = WebhookTrigger(type="webhook", app="zohocrm", module="Leads", event="create")
ACTION = Action(app="zohocampaigns", action="add_contact", config={"list_key": "x"})
WISH = WatchWish(
    channel_id="1000000068001",
    events=("Leads.create",),
    notify_url="https://monitor.example.com/zoho",
    token="t",
    channel_expiry=datetime(2026, 3, 1, 13, tzinfo=UTC),
)
FROM, TILL = date(2026, 2, 1), date(2026, 3, 1)


@dataclass(frozen=True)
class Endpoint:
    """`name` of the client's method; `target` the address as sent, without origin; `sample` its reply."""

    name: str
    call: Callable[[Any], object]
    method: str
    target: str
    sample: str
    body: object = None

    def __str__(self) -> str:
        return f"{self.name} {self.sample}"


def get(name: str, call: Callable[[Any], object], target: str, sample: str) -> Endpoint:
    return Endpoint(name, call, "GET", target, sample)


V1 = "/api/v1"
FLOW = [
    get("list_flows", lambda c: c.list_flows(2, 100), f"{V1}/flows?page=2&per_page=100", "flow-list"),
    get("get_flow", lambda c: c.get_flow("7"), f"{V1}/flows/7", "flow-detail"),
    Endpoint("enable", lambda c: c.enable("7"), "POST", f"{V1}/flows/7/enable", "flow-written", {}),
    Endpoint("disable", lambda c: c.disable("7"), "POST", f"{V1}/flows/7/disable", "flow-written", {}),
    Endpoint(
        "create_flow", lambda c: c.create_flow("n", TRIGGER, [ACTION], "d"), "POST", f"{V1}/flows", "flow-written",
        {"flow_name": "n", "description": "d", "trigger": TRIGGER.as_json(), "actions": [ACTION.as_json()]},
    ),
    Endpoint("update_flow", lambda c: c.update_flow("7", {"a": 1}), "PUT", f"{V1}/flows/7", "flow-written", {"a": 1}),
    Endpoint("delete_flow", lambda c: c.delete_flow("7"), "DELETE", f"{V1}/flows/7", "flow-written"),
    get("flow_history", lambda c: c.flow_history("7"), f"{V1}/flows/7/history?page=1", "execution-list"),
    get(
        "list_executions", lambda c: c.list_executions("7", status="failed", per_page=50),
        f"{V1}/flows/7/executions?status=failed&page=1&per_page=50", "execution-list",
    ),
    get("get_execution", lambda c: c.get_execution("7", "1"), f"{V1}/flows/7/executions/1", "execution-detail"),
    get(
        "execution_stats", lambda c: c.execution_stats("7", "last_7_days"),
        f"{V1}/flows/7/executions/stats?period=last_7_days", "execution-stats",
    ),
    Endpoint(
        "retry_execution", lambda c: c.retry_execution("7", "1"),
        "POST", f"{V1}/flows/7/executions/1/retry", "execution-retry-new-id",
    ),
    get("list_triggers", lambda c: c.list_triggers(), f"{V1}/triggers", "trigger-list"),
    get("get_trigger", lambda c: c.get_trigger("t"), f"{V1}/triggers/t", "trigger-entry"),
    Endpoint(
        "configure_trigger", lambda c: c.configure_trigger("7", TRIGGER),
        "POST", f"{V1}/flows/7/trigger", "flow-written", TRIGGER.as_json(),
    ),
    Endpoint(
        "update_trigger", lambda c: c.update_trigger("7", TRIGGER),
        "PUT", f"{V1}/flows/7/trigger", "flow-written", TRIGGER.as_json(),
    ),
    get("test_trigger", lambda c: c.test_trigger("7"), f"{V1}/flows/7/trigger/test", "trigger-test"),
    get("list_actions", lambda c: c.list_actions(), f"{V1}/actions", "action-list"),
    get("get_action", lambda c: c.get_action("a"), f"{V1}/actions/a", "action-entry"),
    Endpoint(
        "add_action", lambda c: c.add_action("7", ACTION),
        "POST", f"{V1}/flows/7/actions", "action-written", ACTION.as_json(),
    ),
    Endpoint(
        "update_action", lambda c: c.update_action("7", "9", ACTION),
        "PUT", f"{V1}/flows/7/actions/9", "action-written", ACTION.as_json(),
    ),
    Endpoint("remove_action", lambda c: c.remove_action("7", "9"), "DELETE", f"{V1}/flows/7/actions/9", "flow-written"),
    Endpoint(
        "test_action", lambda c: c.test_action("7", {"a": 1}),
        "POST", f"{V1}/flows/7/actions/test", "action-test", {"sample_data": {"a": 1}},
    ),
    get("list_connections", lambda c: c.list_connections(), f"{V1}/connections", "connection-list"),
    get("get_connection", lambda c: c.get_connection("5"), f"{V1}/connections/5", "connection-detail"),
    Endpoint(
        "test_connection", lambda c: c.test_connection("5"), "POST", f"{V1}/connections/5/test", "connection-test"
    ),
    Endpoint(
        "create_connection", lambda c: c.create_connection("n", "zohocrm", {"client_id": "x"}),
        "POST", f"{V1}/connections", "connection-detail",
        {"connection_name": "n", "app": "zohocrm", "auth_type": "oauth2", "config": {"client_id": "x"}},
    ),
    Endpoint(
        "update_connection", lambda c: c.update_connection("5", {"a": 1}),
        "PUT", f"{V1}/connections/5", "connection-detail", {"a": 1},
    ),
    Endpoint(
        "delete_connection", lambda c: c.delete_connection("5"), "DELETE", f"{V1}/connections/5", "flow-written"
    ),
    get("list_webhooks", lambda c: c.list_webhooks(), f"{V1}/webhooks", "webhook-list"),
    get("get_webhook", lambda c: c.get_webhook("9"), f"{V1}/webhooks/9", "webhook-created"),
    Endpoint(
        "create_webhook", lambda c: c.create_webhook("n", "7"), "POST", f"{V1}/webhooks", "webhook-created",
        {"webhook_name": "n", "flow_id": "7", "method": "POST", "response_format": "json"},
    ),
    Endpoint("delete_webhook", lambda c: c.delete_webhook("9"), "DELETE", f"{V1}/webhooks/9", "flow-written"),
    get("webhook_logs", lambda c: c.webhook_logs("9"), f"{V1}/webhooks/9/logs", "webhook-logs"),
]  # fmt: skip

V8 = "/crm/v8"
RULES = f"{V8}/settings/automation/workflow_rules"
AUTO = f"{V8}/settings/automation"
CONN = f"{V8}/settings/connected_workflows"
WATCH = f"{V8}/actions/watch"
BULK = "/crm/bulk/v8/read"
P1 = "page=1&per_page=200"
FILTER = "%7B%22field%22%3A%7B%22api_name%22%3A%22{0}%22%7D%2C%22comparator%22%3A%22{1}%22%2C%22value%22%3A%22{2}%22%7D"

CRM_RULES = [
    get("list_workflow_rules", lambda c: c.list_workflow_rules(), f"{RULES}?{P1}", "crm-rules"),
    get("get_workflow_rule", lambda c: c.get_workflow_rule("7"), f"{RULES}/7", "crm-rules"),
    get(
        "rule_usage", lambda c: c.rule_usage("7", FROM, TILL),
        f"{RULES}/7/actions/usage?executed_from=2026-02-01&executed_till=2026-03-01", "crm-rule-usage",
    ),
    get("rules_count", lambda c: c.rules_count(), f"{RULES}/actions/rules_count", "crm-rules-count"),
    get(
        "module_rule_counts", lambda c: c.module_rule_counts("Leads"),
        f"{RULES}/actions/module_specific_count?module=Leads", "crm-module-counts",
    ),
    get(
        "actions_counts", lambda c: c.actions_counts(["1", "2"]),
        f"{RULES}/actions/actions_count?ids=1%2C2", "crm-actions-count",
    ),
    get(
        "workflow_configurations", lambda c: c.workflow_configurations("Deals"),
        f"{V8}/workflow_configurations?module=Deals", "crm-configurations",
    ),
    Endpoint(
        "create_workflow_rule", lambda c: c.create_workflow_rule({"name": "n"}),
        "POST", RULES, "crm-rule-created", {"workflow_rules": [{"name": "n"}]},
    ),
    Endpoint(
        "update_workflow_rule", lambda c: c.update_workflow_rule("7", {"name": "n"}),
        "PUT", f"{RULES}/7", "crm-rule-updated", {"workflow_rules": [{"name": "n"}]},
    ),
    Endpoint(
        "update_workflow_rules", lambda c: c.update_workflow_rules({"id": "7", "name": "n"}),
        "PUT", RULES, "crm-rule-updated", {"workflow_rules": [{"id": "7", "name": "n"}]},
    ),
    Endpoint(
        "set_rule_active", lambda c: c.set_rule_active("7", active=False),
        "PUT", f"{RULES}/7", "crm-rule-updated", {"workflow_rules": [{"status": {"active": False}}]},
    ),
    Endpoint("delete_workflow_rule", lambda c: c.delete_workflow_rule("7"), "DELETE", f"{RULES}/7", "crm-rule-deleted"),
    Endpoint(
        "delete_workflow_rules", lambda c: c.delete_workflow_rules(["1", "2"]),
        "DELETE", f"{RULES}?ids=1%2C2", "crm-rules-deleted-mixed",
    ),
    Endpoint(
        "reorder_workflow_rules", lambda c: c.reorder_workflow_rules("Leads", {"1": 2}),
        "PUT", f"{RULES}/actions/reorder?module=Leads", "crm-rules-reordered",
        {"reorder": {"workflow_rules": [{"id": "1", "module_specific_sequence": 2}]}},
    ),
]  # fmt: skip

CRM_CONNECTED = [
    get("list_connected_workflows", lambda c: c.list_connected_workflows(), CONN, "crm-connected"),
    get(
        "get_connected_workflow", lambda c: c.get_connected_workflow("7", "a.b"),
        f"{CONN}/7?include_inner_details=a.b", "crm-connected",
    ),
    Endpoint(
        "create_connected_workflow", lambda c: c.create_connected_workflow("n", "Contacts", "d"),
        "POST", CONN, "crm-connected-created",
        {"connected_workflows": [{"name": "n", "primary_module": {"api_name": "Contacts"}, "description": "d"}]},
    ),
    Endpoint(
        "update_connected_workflow", lambda c: c.update_connected_workflow("7", {"name": "n"}),
        "PUT", f"{CONN}/7", "crm-connected-created", {"connected_workflows": [{"name": "n"}]},
    ),
    Endpoint(
        "delete_connected_workflow", lambda c: c.delete_connected_workflow("7"),
        "DELETE", f"{CONN}/7", "crm-connected-created",
    ),
    Endpoint(
        "activate_connected_workflow", lambda c: c.activate_connected_workflow("7"),
        "PUT", f"{CONN}/7/actions/activate", "crm-connected-created",
    ),
    Endpoint(
        "deactivate_connected_workflow", lambda c: c.deactivate_connected_workflow("7"),
        "PUT", f"{CONN}/7/actions/deactivate", "crm-connected-created",
    ),
    get(
        "connected_workflow_limits", lambda c: c.connected_workflow_limits(),
        f"{CONN}/actions/configurations", "crm-connected-limits",
    ),
    get(
        "list_connected_rules", lambda c: c.list_connected_rules("7", "Deals"),
        f"{CONN}/7/rules?module=Deals", "crm-connected-rules",
    ),
    get(
        "get_connected_rule", lambda c: c.get_connected_rule("7", "9"), f"{CONN}/7/rules/9", "crm-connected-rules"
    ),
    Endpoint(
        "create_connected_rule", lambda c: c.create_connected_rule("7", {"a": 1}),
        "POST", f"{CONN}/7/rules", "crm-connected-rule-created", {"rules": [{"a": 1}]},
    ),
    Endpoint(
        "update_connected_rule", lambda c: c.update_connected_rule("7", "9", {"a": 1}),
        "PUT", f"{CONN}/7/rules/9", "crm-connected-rule-created", {"rules": [{"a": 1}]},
    ),
    Endpoint(
        "delete_connected_rule", lambda c: c.delete_connected_rule("7", "9"),
        "DELETE", f"{CONN}/7/rules/9", "crm-connected-rule-created",
    ),
]  # fmt: skip

CRM_AUTOMATION = [
    get("list_actions", lambda c: c.list_actions(ActionKind.TASKS), f"{AUTO}/tasks?{P1}", "crm-tasks"),
    get(
        "list_actions", lambda c: c.list_actions(ActionKind.WEBHOOKS, name_contains="N"),
        f"{AUTO}/webhooks?{P1}&filters={FILTER.format('name', 'contains', 'N')}", "crm-webhooks",
    ),
    get(
        "list_actions", lambda c: c.list_actions(ActionKind.FIELD_UPDATES, name_contains="N"),
        f"{AUTO}/field_updates?{P1}&filter={FILTER.format('name', 'contains', 'N')}", "crm-field-updates",
    ),
    get(
        "list_actions", lambda c: c.list_actions(ActionKind.EMAIL_NOTIFICATIONS, module="Deals"),
        f"{AUTO}/email_notifications?{P1}&module=Deals", "crm-email-notifications",
    ),
    get(
        "get_action", lambda c: c.get_action(ActionKind.FIELD_UPDATES, "7"),
        f"{AUTO}/field_updates/7?include_inner_details=field_label", "crm-field-updates",
    ),
    get("get_action", lambda c: c.get_action(ActionKind.TASKS, "7"), f"{AUTO}/tasks/7", "crm-tasks"),
    Endpoint(
        "create_action", lambda c: c.create_action(ActionKind.TASKS, {"name": "n"}),
        "POST", f"{AUTO}/tasks", "crm-task-created", {"tasks": [{"name": "n"}]},
    ),
    Endpoint(
        "update_action", lambda c: c.update_action(ActionKind.TASKS, "7", {"name": "n"}),
        "PUT", f"{AUTO}/tasks/7", "crm-task-created", {"tasks": [{"name": "n"}]},
    ),
    Endpoint(
        "replace_action", lambda c: c.replace_action(ActionKind.TASKS, {"id": "7", "name": "n"}),
        "PUT", f"{AUTO}/tasks", "crm-task-created", {"tasks": [{"id": "7", "name": "n"}]},
    ),
    Endpoint(
        "delete_action", lambda c: c.delete_action(ActionKind.TASKS, "7"),
        "DELETE", f"{AUTO}/tasks/7", "crm-tasks-deleted",
    ),
    Endpoint(
        "delete_actions", lambda c: c.delete_actions(ActionKind.TASKS, ["7", "8"]),
        "DELETE", f"{AUTO}/tasks?ids=7%2C8", "crm-tasks-deleted",
    ),
    get("list_webhooks", lambda c: c.list_webhooks(), f"{AUTO}/webhooks?{P1}", "crm-webhooks"),
    get(
        "webhook_modules", lambda c: c.webhook_modules(),
        f"{AUTO}/webhooks/actions/associated_modules", "crm-webhook-modules",
    ),
    get(
        "list_webhook_failures", lambda c: c.list_webhook_failures(from_day=FROM, to_day=TILL, module="Leads"),
        f"{AUTO}/webhook_failures?{P1}&from=2026-02-01&to=2026-03-01&module=Leads", "crm-webhook-failures",
    ),
    get(
        "daily_use", lambda c: c.daily_use(ActionKind.WEBHOOKS, FROM, TILL, group_by="date,resource"),
        f"{AUTO}/webhooks/actions/usage_reports?group_by=date%2Cresource&from=2026-02-01&to=2026-03-01&page=1",
        "crm-webhook-use",
    ),
]  # fmt: skip

CRM_DATA = [
    get("org", lambda c: c.org(), f"{V8}/org", "crm-org"),
    get("current_user", lambda c: c.current_user(), f"{V8}/users?type=CurrentUser", "crm-current-user"),
    get("list_users", lambda c: c.list_users(), f"{V8}/users?type=AllUsers&{P1}", "crm-users"),
    get("get_user", lambda c: c.get_user("7"), f"{V8}/users/7", "crm-users"),
    get("list_modules", lambda c: c.list_modules(), f"{V8}/settings/modules", "crm-modules"),
    get("get_module", lambda c: c.get_module("Leads"), f"{V8}/settings/modules/Leads", "crm-modules"),
    get("list_fields", lambda c: c.list_fields("Deals"), f"{V8}/settings/fields?module=Deals", "crm-fields"),
    get("list_layouts", lambda c: c.list_layouts("Leads"), f"{V8}/settings/layouts?module=Leads", "crm-layouts"),
    get(
        "list_custom_views", lambda c: c.list_custom_views("Leads"),
        f"{V8}/settings/custom_views?module=Leads&{P1}", "crm-views",
    ),
    get(
        "list_related_lists", lambda c: c.list_related_lists("Leads"),
        f"{V8}/settings/related_lists?module=Leads", "crm-related-lists",
    ),
    get(
        "list_records", lambda c: c.list_records("Leads", ["Last_Name", "Email"], page=1),
        f"{V8}/Leads?fields=Last_Name%2CEmail&{P1}", "crm-records",
    ),
    get("get_record", lambda c: c.get_record("Leads", "7"), f"{V8}/Leads/7", "crm-records"),
    get(
        "search_records", lambda c: c.search_records("Leads", email="jane.doe@example.com"),
        f"{V8}/Leads/search?email=jane.doe%40example.com&{P1}", "crm-records",
    ),
    Endpoint(
        "coql", lambda c: c.coql("SELECT id FROM Leads"), "POST", f"{V8}/coql", "crm-coql",
        {"select_query": "SELECT id FROM Leads"},
    ),
    Endpoint(
        "composite", lambda c: c.composite([("/crm/v8/Leads", {"fields": "id"})]),
        "POST", f"{V8}/__composite_requests", "crm-composite",
        {"parallel_execution": True, "__composite_requests": [
            {"sub_request_id": "1", "method": "GET", "uri": "/crm/v8/Leads", "params": {"fields": "id"}},
        ]},
    ),
    get(
        "record_timeline", lambda c: c.record_timeline("Leads", "7", source="workflow"),
        f"{V8}/Leads/7/__timeline?filters={FILTER.format('source', 'equal', 'workflow')}", "crm-timeline",
    ),
    Endpoint(
        "create_bulk_read", lambda c: c.create_bulk_read("Leads", ["Email"], callback_url="https://m.example.com"),
        "POST", BULK, "crm-bulk-created",
        {"query": {"module": {"api_name": "Leads"}, "page": 1, "fields": ["Email"]},
         "callback": {"url": "https://m.example.com", "method": "post"}},
    ),
    Endpoint(
        "create_bulk_read", lambda c: c.create_bulk_read("Leads"), "POST", BULK, "crm-bulk-created-seed",
        {"query": {"module": {"api_name": "Leads"}, "page": 1}},
    ),
    get("bulk_read_job", lambda c: c.bulk_read_job("7"), f"{BULK}/7", "crm-bulk-job"),
    get("bulk_read_result", lambda c: c.bulk_read_result("7"), f"{BULK}/7/result", "crm-bulk-file"),
    Endpoint(
        "subscribe", lambda c: c.subscribe([WISH]), "POST", WATCH, "crm-watch-opened", {"watch": [WISH.as_json()]}
    ),
    get("list_channels", lambda c: c.list_channels(), f"{WATCH}?{P1}", "crm-watch-list"),
    Endpoint(
        "replace_channels", lambda c: c.replace_channels([WISH]),
        "PUT", WATCH, "crm-watch-opened", {"watch": [WISH.as_json()]},
    ),
    Endpoint(
        "change_channels", lambda c: c.change_channels([{"channel_id": "1", "_delete_events": True}]),
        "PATCH", WATCH, "crm-watch-mixed", {"watch": [{"channel_id": "1", "_delete_events": True}]},
    ),
    Endpoint(
        "unsubscribe", lambda c: c.unsubscribe(["1", "2"]), "DELETE", f"{WATCH}?channel_ids=1%2C2", "crm-watch-mixed"
    ),
]  # fmt: skip

CRM = [*CRM_RULES, *CRM_CONNECTED, *CRM_AUTOMATION, *CRM_DATA]
