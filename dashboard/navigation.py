"""Builds the main menu: what it offers to whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse

from monitor.access import may
from monitor.languages import gettext_lazy


@dataclass(frozen=True)
class Entry:
    """Describes one line of the menu.

    Attributes:
        sections: URL names whose pages belong to it.
        counts: what its number counts, "alerts" or "problems".
        key: the letter that leads there after g.
    """

    name: str
    label: str
    icon: str
    sections: tuple[str, ...] = ()
    right: str = "view"
    counts: str = ""
    key: str = ""


@dataclass(frozen=True)
class MenuPlace:
    """Describes a page that is found by its name."""

    label: str
    icon: str
    url: str


@dataclass(frozen=True, eq=False)
class MenuLine:
    """Describes a line of the menu as one person sees it on one page: the same one for all of the same rights."""

    entry: Entry
    url: str
    is_current: bool


MENU = (
    Entry("overview", gettext_lazy("Overview"), "layout-dashboard", key="o"),
    Entry(
        "flows", gettext_lazy("Flows"), "workflow", ("flow", "flow_version", "flow_edit", "flow_webhook_logs"), key="f"
    ),
    Entry(
        "executions",
        gettext_lazy("Executions"),
        "list",
        ("execution", "executions_view_add", "executions_view_edit"),
        key="e",
    ),
    Entry(
        "problems",
        gettext_lazy("Problems"),
        "bug",
        ("problem", "problem_compared", "write_off"),
        counts="problems",
        key="p",
    ),
    Entry(
        "batches",
        gettext_lazy("Retries"),
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
        key="t",
    ),
    Entry(
        "rules",
        gettext_lazy("Workflow rules"),
        "git-branch",
        (
            *("rule", "rule_version", "rule_edit", "rule_new", "rule_form", "rule_order", "edits", "edit", "edit_undo"),
            *("rule_audit", "rule_finding", "rule_what_if", "rule_why_not"),
        ),
        key="r",
    ),
    Entry(
        "connected_workflows",
        gettext_lazy("Connected workflows"),
        "waypoints",
        ("connected_workflow", "connected_version", "connected_edit", "connected_new"),
        key="w",
    ),
    Entry("webhook_failures", gettext_lazy("Webhook failures"), "webhook", key="h"),
    Entry("connections", gettext_lazy("Connections"), "plug", ("connection",), key="n"),
    Entry("changes", gettext_lazy("Changes"), "history", ("compare",), key="c"),
    Entry(
        "alerts",
        gettext_lazy("Alerts"),
        "bell",
        ("alert", "alert_rules", "alert_routes", "corrections"),
        counts="alerts",
        key="a",
    ),
    Entry(
        "accounts",
        gettext_lazy("Accounts"),
        "building-2",
        ("account", "connect", "push", "hook", "hook_add", "hook_rotate", "status_links", "status_link_add"),
        right="accounts",
        key="z",
    ),
    Entry("people", gettext_lazy("People"), "users", right="users"),
    Entry(
        "channels",
        gettext_lazy("Channels"),
        "send",
        ("channel", "channel_services", "channel_add", "channel_edit", "channel_rotate"),
        right="channels",
    ),
    Entry("mails", gettext_lazy("Mails"), "mail", ("mail", "channel_message"), right="mails"),
    Entry("audit", gettext_lazy("Audit trail"), "scroll-text", right="users"),
)

_RIGHTS = frozenset(entry.right for entry in MENU)

# Pages below those of the menu that people look for by name.
FURTHER = (
    Entry("rule_audit", gettext_lazy("Audit of workflow rules"), "git-branch"),
    Entry("alert_rules", gettext_lazy("Alert rules"), "bell"),
    Entry("alert_coverage", gettext_lazy("Coverage of alerts"), "bell"),
    Entry("alert_routes", gettext_lazy("Routes and escalation"), "bell"),
    Entry("corrections", gettext_lazy("Corrections of success rates"), "bell"),
    Entry("alert_rule_add", gettext_lazy("Add an alert rule"), "plus", right="rules"),
    Entry("compare", gettext_lazy("Compare two accounts"), "history"),
    Entry("retries_unknown", gettext_lazy("Retries of unknown outcome"), "rotate-ccw"),
    Entry("retry_policies", gettext_lazy("Retry policies"), "rotate-ccw"),
    Entry("edits", gettext_lazy("Changes made from here"), "pencil"),
    Entry("rule_form", gettext_lazy("Create a workflow rule"), "plus", right="edits"),
    Entry("connect", gettext_lazy("Connect a Zoho account"), "plus", right="accounts"),
    Entry("person_add", gettext_lazy("Add a person"), "plus", right="users"),
    Entry("status_links", gettext_lazy("Status page by secret link"), "link", right="status_links"),
    Entry("channel_services", gettext_lazy("Add a channel"), "plus", right="channels"),
    Entry("profile", gettext_lazy("Profile: time zone, mails, keys"), "user"),
    Entry("account_change_password", gettext_lazy("Change the password"), "key-round"),
)


def places_for(user: Any) -> list[MenuPlace]:
    """Returns the pages that a person may open by name, those of the menu first."""
    return [MenuPlace(str(one.label), one.icon, reverse(one.name)) for one in (*MENU, *FURTHER) if may(user, one.right)]


def menu_for(user: Any, url_name: str) -> tuple[MenuLine, ...]:
    """Builds the menu's entries for a person.

    Args:
        user: who looks.
        url_name: of the page that is open, to mark its entry.
    """
    rights = frozenset(right for right in _RIGHTS if may(user, right))
    return _menu(rights, url_name, get_script_prefix())


@lru_cache(maxsize=1024)
def _menu(rights: frozenset[str], url_name: str, prefix: str) -> tuple[MenuLine, ...]:
    return tuple(
        MenuLine(entry, reverse(entry.name), url_name == entry.name or url_name in entry.sections)
        for entry in MENU
        if entry.right in rights
    )
