"""Lists the least scopes that the product's features need, and none that could write a CRM record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from monitor.zoho.marked import gettext_noop

# What each scope is for, in words for the person who consents.
REASONS: dict[str, str] = {
    # Only .ALL is known for Flow (docs/reference/zoho-flow.md, "Scopes"), so nothing narrower can be asked for.
    "ZohoFlow.flows.ALL": gettext_noop(
        "flows, their runs and counters; also to retry a run, where a person here asks for it"
    ),
    "ZohoFlow.connections.ALL": gettext_noop("whether connections work"),
    "ZohoCRM.settings.workflow_rules.READ": gettext_noop("workflow rules, how often they fire, and what they may do"),
    "ZohoCRM.settings.automation_actions.READ": gettext_noop("webhooks and their failures, use of mails and webhooks"),
    "ZohoCRM.settings.connected_workflows.READ": gettext_noop("connected workflows"),
    "ZohoCRM.org.READ": gettext_noop("the edition, for its API credits, and the time zone"),
    # Only asked for where people want to ask what a rule's criteria match.
    "ZohoCRM.coql.READ": gettext_noop("to count the records that a rule's criteria match"),
    "ZohoCRM.modules.READ": gettext_noop(
        "to look at one record that somebody names, and to count; nothing of it is kept"
    ),
    "ZohoCRM.settings.fields.READ": gettext_noop("of which kind the fields of a module are"),
    # Only asked for where a person wants Zoho CRM to call back.
    "ZohoCRM.notifications.CREATE": gettext_noop("to open callbacks about records"),
    "ZohoCRM.notifications.UPDATE": gettext_noop("to renew callbacks"),
    "ZohoCRM.notifications.DELETE": gettext_noop("to close callbacks"),
    "ZohoCRM.notifications.READ": gettext_noop("to see whether a callback is open, where an answer was lost"),
    # Only asked for where admins are to change automation from here.
    "ZohoCRM.settings.workflow_rules.CREATE": gettext_noop("to create workflow rules from here"),
    "ZohoCRM.settings.workflow_rules.UPDATE": gettext_noop("to change, switch and reorder workflow rules"),
    "ZohoCRM.settings.workflow_rules.DELETE": gettext_noop("to delete workflow rules"),
    "ZohoCRM.settings.connected_workflows.CREATE": gettext_noop("to create connected workflows from here"),
    "ZohoCRM.settings.connected_workflows.UPDATE": gettext_noop("to rename and switch connected workflows"),
    "ZohoCRM.settings.connected_workflows.DELETE": gettext_noop("to delete connected workflows"),
    "ZohoFlow.actions.ALL": gettext_noop("to have the actions of a flow tested from here"),
}
FLOW_SCOPES: tuple[str, ...] = ("ZohoFlow.flows.ALL", "ZohoFlow.connections.ALL")
FLOW_EDIT_SCOPES: tuple[str, ...] = ("ZohoFlow.actions.ALL",)
QUESTION_SCOPES: tuple[str, ...] = ("ZohoCRM.coql.READ", "ZohoCRM.modules.READ", "ZohoCRM.settings.fields.READ")
WATCH_SCOPES: tuple[str, ...] = tuple(name for name in REASONS if name.startswith("ZohoCRM.notifications."))
EDIT_SCOPES: tuple[str, ...] = tuple(
    name for name in REASONS if "_workflow" in name or ".workflow" in name if not name.endswith(".READ")
)
CRM_SCOPES: tuple[str, ...] = tuple(
    name
    for name in REASONS
    if name not in FLOW_SCOPES + FLOW_EDIT_SCOPES + QUESTION_SCOPES + WATCH_SCOPES + EDIT_SCOPES
)


@dataclass(frozen=True, slots=True)
class ScopeChoice:
    """Describes what a person may allow besides reading: its name, its label on the form, what for, and its scopes."""

    name: str
    label: str
    what_for: str
    scopes: tuple[str, ...]


CHOICES: dict[str, ScopeChoice] = {
    choice.name: choice
    for choice in (
        ScopeChoice(
            "questions",
            gettext_noop("Ask what a rule's criteria match"),
            gettext_noop(
                "For “What would match?” and “Why not?”: records are counted, and one that somebody names is looked at."
            ),
            QUESTION_SCOPES,
        ),
        ScopeChoice(
            "watches",
            gettext_noop("Let Zoho CRM call back when records change"),
            gettext_noop("Channels are opened, renewed and closed on the page “Callbacks”. No record is read for it."),
            WATCH_SCOPES,
        ),
        ScopeChoice(
            "edits",
            gettext_noop("Change automation from here"),
            gettext_noop(
                "Admins change workflow rules and connected workflows, and have the actions of a flow tested."
            ),
            EDIT_SCOPES + FLOW_EDIT_SCOPES,
        ),
    )
}

# What each call needs that the product makes, by the client's method. What is not here is not called.
NEEDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("list_flows", "get_flow", "enable", "disable", "list_executions", "get_execution", "execution_stats"),
            *("retry_execution", "test_trigger", "list_webhooks", "get_webhook", "webhook_logs"),
        ),
        ("ZohoFlow.flows.ALL",),
    ),
    **dict.fromkeys(("list_connections", "test_connection"), ("ZohoFlow.connections.ALL",)),
    "test_action": ("ZohoFlow.actions.ALL",),
    **dict.fromkeys(
        (
            *("list_workflow_rules", "get_workflow_rule", "rule_usage", "rules_count", "module_rule_counts"),
            "workflow_configurations",
        ),
        ("ZohoCRM.settings.workflow_rules.READ",),
    ),
    "create_workflow_rule": ("ZohoCRM.settings.workflow_rules.CREATE",),
    **dict.fromkeys(
        ("update_workflow_rule", "reorder_workflow_rules"),
        ("ZohoCRM.settings.workflow_rules.UPDATE",),
    ),
    "delete_workflow_rule": ("ZohoCRM.settings.workflow_rules.DELETE",),
    **dict.fromkeys(
        ("list_actions", "list_webhook_failures"),
        ("ZohoCRM.settings.automation_actions.READ",),
    ),
    **dict.fromkeys(
        ("list_connected_workflows", "get_connected_workflow", "connected_workflow_limits"),
        ("ZohoCRM.settings.connected_workflows.READ",),
    ),
    "create_connected_workflow": ("ZohoCRM.settings.connected_workflows.CREATE",),
    **dict.fromkeys(
        ("update_connected_workflow", "activate_connected_workflow", "deactivate_connected_workflow"),
        ("ZohoCRM.settings.connected_workflows.UPDATE",),
    ),
    "delete_connected_workflow": ("ZohoCRM.settings.connected_workflows.DELETE",),
    "list_fields": ("ZohoCRM.settings.fields.READ",),
    "coql": ("ZohoCRM.coql.READ", "ZohoCRM.modules.READ"),
    "get_record": ("ZohoCRM.modules.READ",),
    "org": ("ZohoCRM.org.READ",),
    "subscribe": ("ZohoCRM.notifications.CREATE",),
    "replace_channels": ("ZohoCRM.notifications.UPDATE",),
    "unsubscribe": ("ZohoCRM.notifications.DELETE",),
    "list_channels": ("ZohoCRM.notifications.READ",),
}


def scopes_for(
    *, flow: bool, crm: bool, watches: bool = False, edits: bool = False, questions: bool = False
) -> tuple[str, ...]:
    """Chooses the least scopes for the products that there are; more only where a person wants what they are for.

    Args:
        flow, crm: which products there are.
        watches: CRM is to call back.
        edits: automation is to be changed from here.
        questions: people are to ask what the criteria of a rule match.
    """
    of_flow = FLOW_SCOPES + (FLOW_EDIT_SCOPES if edits else ())
    of_crm = CRM_SCOPES + (QUESTION_SCOPES if questions else ())
    of_crm += (WATCH_SCOPES if watches else ()) + (EDIT_SCOPES if edits else ())
    return (of_flow if flow else ()) + (of_crm if crm else ())


def missing_scopes(wanted: tuple[str, ...], granted: str | None) -> list[str]:
    """Returns the scopes that a grant lacks, by what the token reply says; none where it says nothing.

    Args:
        wanted: names.
        granted: as Zoho wrote them, with spaces or commas between.
    """
    given = [scope.casefold() for scope in re.split(r"[\s,]+", granted or "") if scope]
    return [scope for scope in wanted if given and not any(_covers(one, scope.casefold()) for one in given)]


def surely_missing(wanted: tuple[str, ...], granted: str | None) -> list[str]:
    """Returns the scopes that a grant lacks even where it names a part of one.

    `ZohoCRM.modules.Deals.READ` is a part of `ZohoCRM.modules.READ`: for some modules it is enough.

    Args:
        wanted: names.
        granted: as for `missing_scopes`.
    """
    given = [scope.casefold() for scope in re.split(r"[\s,]+", granted or "") if scope]
    areas = {scope: scope.casefold().rpartition(".")[0] + "." for scope in wanted}
    return [
        scope
        for scope in missing_scopes(wanted, granted)
        if not any(one.startswith(areas[scope]) and one.count(".") > scope.count(".") for one in given)
    ]


def _covers(given: str, wanted: str) -> bool:
    """Returns whether a scope grants another: the same, or `.ALL` of it or of what it is a part of."""
    return given == wanted or (given.endswith(".all") and wanted.startswith(given.removesuffix("all")))
