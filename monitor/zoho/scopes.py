"""Lists the least scopes that the product's features need, and none that could write a CRM record."""

from __future__ import annotations

import re

# What each scope is for, in words for the person who consents.
REASONS: dict[str, str] = {
    # Only .ALL is known for Flow (docs/reference/zoho-flow.md, "Scopes"), so nothing narrower can be asked for.
    # `ZohoFlow.actions.ALL` is left out: the product reads no action catalogue and adds none.
    "ZohoFlow.flows.ALL": "flows, their runs and counters; also to retry a run, where a person here asks for it",
    "ZohoFlow.connections.ALL": "whether connections work",
    "ZohoCRM.settings.workflow_rules.READ": "workflow rules, how often they fire, and what they may do",
    "ZohoCRM.settings.automation_actions.READ": "webhooks and their failures, use of mails and webhooks",
    "ZohoCRM.settings.connected_workflows.READ": "connected workflows",
    "ZohoCRM.settings.modules.READ": "names of modules",
    "ZohoCRM.org.READ": "the edition, for its API credits, and the time zone",
    "ZohoCRM.users.READ": "whose sign-in this is",
    # Only asked for where a person wants Zoho CRM to call back.
    "ZohoCRM.notifications.CREATE": "to open callbacks about records",
    "ZohoCRM.notifications.UPDATE": "to renew them",
    "ZohoCRM.notifications.DELETE": "to close them",
    # Only asked for where admins are to change automation from here.
    "ZohoCRM.settings.workflow_rules.CREATE": "to create workflow rules from here",
    "ZohoCRM.settings.workflow_rules.UPDATE": "to change, switch and reorder them",
    "ZohoCRM.settings.workflow_rules.DELETE": "to delete them",
    "ZohoCRM.settings.connected_workflows.CREATE": "to create connected workflows from here",
    "ZohoCRM.settings.connected_workflows.UPDATE": "to rename and switch them",
    "ZohoCRM.settings.connected_workflows.DELETE": "to delete them",
}
FLOW_SCOPES: tuple[str, ...] = tuple(name for name in REASONS if name.startswith("ZohoFlow."))
WATCH_SCOPES: tuple[str, ...] = tuple(name for name in REASONS if name.startswith("ZohoCRM.notifications."))
EDIT_SCOPES: tuple[str, ...] = tuple(
    name for name in REASONS if "_workflow" in name or ".workflow" in name if not name.endswith(".READ")
)
CRM_SCOPES: tuple[str, ...] = tuple(name for name in REASONS if name not in FLOW_SCOPES + WATCH_SCOPES + EDIT_SCOPES)


def scopes_for(*, flow: bool, crm: bool, watches: bool = False, edits: bool = False) -> tuple[str, ...]:
    """Chooses the least scopes for the products that there are; more only where a person wants what they are for.

    Args:
        flow, crm: which products there are.
        watches: CRM is to call back.
        edits: rules and connected workflows of CRM are to be changed from here.
    """
    of_crm = CRM_SCOPES + (WATCH_SCOPES if watches else ()) + (EDIT_SCOPES if edits else ())
    return (FLOW_SCOPES if flow else ()) + (of_crm if crm else ())


def missing_scopes(wanted: tuple[str, ...], granted: str | None) -> list[str]:
    """Returns the scopes that a grant lacks, by what the token reply says; none where it says nothing.

    Args:
        wanted: names.
        granted: as Zoho wrote them, with spaces or commas between.
    """
    given = [scope.casefold() for scope in re.split(r"[\s,]+", granted or "") if scope]
    return [scope for scope in wanted if given and not any(_covers(one, scope.casefold()) for one in given)]


def _covers(given: str, wanted: str) -> bool:
    """Returns whether a scope grants another: the same, or `.ALL` of it or of what it is a part of."""
    return given == wanted or (given.endswith(".all") and wanted.startswith(given.removesuffix("all")))
