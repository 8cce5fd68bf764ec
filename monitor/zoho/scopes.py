"""Lists the least scopes that the product's features need, and none that could write a CRM record."""

from __future__ import annotations

import re

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


def scopes_for(*, flow: bool, crm: bool, watches: bool = False) -> tuple[str, ...]:
    """Chooses the least scopes for the products that there are, and for callbacks of CRM where a person wants them."""
    return (FLOW_SCOPES if flow else ()) + (CRM_SCOPES + (WATCH_SCOPES if watches else ()) if crm else ())


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
