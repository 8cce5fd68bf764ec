"""Builds the main menu: what it offers to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from monitor.access import may


@dataclass(frozen=True)
class Entry:
    """Describes one line of the menu.

    Attributes:
        sections: URL names whose pages belong to it.
        counts: what its number counts, "alerts" or "problems".
    """

    name: str
    label: str
    icon: str
    sections: tuple[str, ...] = ()
    right: str = "view"
    counts: str = ""


MENU = (
    Entry("overview", "Overview", "layout-dashboard"),
    Entry("flows", "Flows", "workflow", ("flow", "flow_version")),
    Entry("executions", "Executions", "list", ("execution",)),
    Entry("problems", "Problems", "bug", ("problem", "problem_compared", "write_off"), counts="problems"),
    Entry(
        "batches",
        "Retries",
        "rotate-ccw",
        (
            "batch",
            "batch_preview",
            "batch_confirm",
            "retries_unknown",
            "retry_policies",
            "retry_policy",
            "retry_policy_retries",
        ),
    ),
    Entry("rules", "Workflow rules", "git-branch", ("rule", "rule_version")),
    Entry("connected_workflows", "Connected workflows", "waypoints", ("connected_workflow", "connected_version")),
    Entry("webhook_failures", "Webhook failures", "webhook"),
    Entry("connections", "Connections", "plug", ("connection",)),
    Entry("alerts", "Alerts", "bell", ("alert", "alert_rules", "alert_routes", "corrections"), counts="alerts"),
    Entry(
        "accounts",
        "Accounts",
        "building-2",
        ("account", "connect", "push", "hook", "hook_add", "hook_rotate"),
        right="accounts",
    ),
    Entry("people", "People", "users", right="users"),
    Entry(
        "channels",
        "Channels",
        "send",
        ("channel", "channel_services", "channel_add", "channel_edit", "channel_rotate"),
        right="channels",
    ),
    Entry("mails", "Mails", "mail", ("mail", "channel_message"), right="mails"),
    Entry("audit", "Audit trail", "scroll-text", right="users"),
)


def menu_for(user: Any, url_name: str) -> list[dict[str, Any]]:
    """Builds the menu's entries for a person.

    Args:
        user: who looks.
        url_name: of the page that is open, to mark its entry.
    """
    entries = []
    for entry in MENU:
        if not may(user, entry.right):
            continue
        is_current = url_name == entry.name or url_name in entry.sections
        entries.append({"entry": entry, "url": reverse(entry.name), "is_current": is_current})
    return entries
