"""Lists the least scopes that the product's features need, and none that could write a CRM record."""

from __future__ import annotations

FLOW_SCOPES: tuple[str, ...] = (
    # Only .ALL is known for Flow (docs/reference/zoho-flow.md, "Scopes"), so nothing narrower can be asked for. `flows`
    # covers flows and their executions, the retry included; `connections` their state and test.
    # `ZohoFlow.actions.ALL` is left out: the product reads no action catalogue and adds none.
    "ZohoFlow.flows.ALL",
    "ZohoFlow.connections.ALL",
)

CRM_SCOPES: tuple[str, ...] = (
    "ZohoCRM.settings.workflow_rules.READ",  # rules, their usage, configurations
    "ZohoCRM.settings.automation_actions.READ",  # webhooks and their failures, usage of mails and webhooks
    "ZohoCRM.settings.connected_workflows.READ",
    "ZohoCRM.settings.modules.READ",  # names of modules
    "ZohoCRM.org.READ",  # edition (for the API credits) and time zone
    "ZohoCRM.users.READ",  # whose token this is
)

# Only asked for where a person wants Zoho CRM to call back: channels are opened, renewed and closed.
WATCH_SCOPES: tuple[str, ...] = (
    "ZohoCRM.notifications.CREATE",
    "ZohoCRM.notifications.UPDATE",
    "ZohoCRM.notifications.DELETE",
)
