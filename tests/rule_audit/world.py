"""Builds rules for audits: quiet ones that nothing is wrong with, and planted defects."""

from datetime import UTC, date, datetime, timedelta

from monitor.rule_audit.facts import (
    AccountFacts,
    AuditedAction,
    AuditedRule,
    AuditFacts,
    DraftWorkflow,
    FieldWrite,
    ListRead,
    WebhookTrouble,
)
from monitor.zoho.shapes.rule_definition import read_rule_definition
from monitor.zoho.shapes.rule_limits import rule_configuration, rule_limits

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TRIGGERS = ("create", "edit", "create_or_edit", "field_update", "section_update", "delete")
ACTIONS = ("field_updates", "tasks", "email_notifications", "webhooks", "add_tags", "assign_owner", "flow")


def equal(field, value, comparator="equal"):
    return {"field": {"api_name": field}, "comparator": comparator, "type": "value", "value": value}


def both(*parts):
    return {"group_operator": "AND", "group": list(parts)}


def action(kind, number, **details):
    return {"type": kind, "id": str(number), "name": f"{kind} {number}", **({"details": details} if details else {})}


def definition(module="Deals", trigger="create", conditions=(), details=None, **more):
    """A rule's definition; `conditions` are pairs of criteria and actions."""
    return read_rule_definition(
        {
            "module": {"api_name": module},
            "execute_when": {"type": trigger, "details": {"trigger_module": {"api_name": module}} | (details or {})},
            "conditions": [
                {
                    "criteria_details": {"criteria": criteria} if criteria else None,
                    "instant_actions": {"actions": list(actions)},
                    **more,
                }
                for criteria, actions in conditions
            ],
        }
    )


def rule(key, trigger="create", module="Deals", conditions=None, details=None, parts=None, **fields):
    """A healthy rule, unlike every other one, unless told otherwise."""
    if conditions is None:
        conditions = [(equal("Source", f"Source {key}"), [action("tasks", key)])]
    values = {
        "rule_id": f"9{key:05d}", "account_id": 1, "name": f"Rule {key}", "page": f"/rules/{key}/", "active": True,
        "last_run": NOW - DAY, "changed_at": NOW - 90 * DAY, "counted_from": date(2026, 9, 10),
        "uses": [AuditedAction(str(key), "", "tasks", 100, 1)],
        "definition": definition(module, trigger, conditions, details, **(parts or {})),
    } | fields  # fmt: skip
    return AuditedRule(key=key, module=module, trigger=trigger, **values)


def configuration():
    triggers = [
        {
            "api_name": name,
            "scheduled_actions_supported": name != "delete",
            "actions": [one for one in ACTIONS if name != "delete" or one not in ("assign_owner", "add_tags")],
        }
        for name in TRIGGERS
    ]
    actions = [{"api_name": "webhooks", "limit": 1}, {"api_name": "tasks", "limit": 10}]
    related = [{"api_name": "Notes", "triggers": [one for one in triggers if one["api_name"] != "create"]}]
    about = {"triggers": triggers, "actions": actions, "related_triggers_details": related}
    return rule_configuration({"workflow_configurations": about})


def limits(**numbers):
    counts = {
        "total_rules_limit": 2500, "active_rules_limit": 2000, "total_rules_limit_per_module": 125,
        "active_rules_limit_per_module": 75, "total_actions_per_rule_limit": 50, "total_rules_configured": 100,
        "active_rules_configured": 90, "scheduled_actions_per_rule_limit": 5,
    } | numbers  # fmt: skip
    return rule_limits({"rules_count": counts})


WRITES = {"501": FieldWrite("Stage", "Won"), "502": FieldWrite("Grade", "A"), "503": FieldWrite("Stage"),
          "504": FieldWrite("Rank", "1"), "505": FieldWrite("Phase", "1"), "506": FieldWrite("Level", "1")}  # fmt: skip


def account(**fields):
    values = {
        "account_id": 1, "name": "Acme", "rules_page": "/rules/?account=1", "limits": limits(),
        "modules": {"Deals": (60, 50), "Leads": (40, 40)},
        "configurations": {"Deals": configuration(), "Leads": configuration()},
        "writes": WRITES, "hosts": {"801": "erp.example.com", "802": "chat.example.com"},
        "connected_limit": 20, "connected": 4,
        "rules_read": ListRead(NOW), "workflows_read": ListRead(NOW), "failures_read": ListRead(NOW),
    } | fields  # fmt: skip
    return AccountFacts(**values)


def facts(*rules, **fields):
    return AuditFacts({1: account(**fields)}, list(rules))


def trouble(webhook="801", rule_key=70, failed=5, reasons=("page_notfound",)):
    return WebhookTrouble(webhook, f"Webhook {webhook}", rule_key, failed, frozenset(reasons), NOW - DAY)


def draft(number=1, days=40):
    return DraftWorkflow(f"66{number}", f"Workflow {number}", f"/connected/{number}/", NOW - days * DAY)
