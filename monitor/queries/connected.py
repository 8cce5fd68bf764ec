"""Reads the connected workflows of CRM: the list, and what the page of one shows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from monitor.models import ConnectedVersion, ConnectedWorkflow
from monitor.privacy import mask_text
from monitor.queries import versions
from monitor.queries.rule_sentences import RuleInWords, rules_within
from monitor.queries.shown_names import by_shown_name, shows
from monitor.queries.versions import Versions


@dataclass(frozen=True)
class ConnectedFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the name or the module, or the whole of Zoho's id.
        status: as Zoho says it (active, inactive, draft), or "gone".
    """

    text: str = ""
    status: str = ""
    account_id: int | None = None


def search(wanted: ConnectedFilter) -> QuerySet[ConnectedWorkflow]:
    """Finds those that fit, with `version_count`; those deleted in Zoho are among them, marked by `gone_at`."""
    rows = ConnectedWorkflow.objects.select_related("account").defer("account__client_secret", "description")
    if wanted.text:
        named = shows(ConnectedWorkflow.objects.all(), wanted.text, "name", "primary_module")
        rows = rows.filter(named | Q(workflow_id=wanted.text))
    if wanted.status == "gone":
        rows = rows.exclude(gone_at=None)
    elif wanted.status:
        rows = rows.filter(status=wanted.status, gone_at=None)
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    return rows.annotate(version_count=Count("versions")).order_by(
        *by_shown_name(ConnectedWorkflow.objects.all(), "name")
    )


def all_of_them() -> QuerySet[ConnectedWorkflow]:
    """Joins to connected workflows what one's page needs; `content` is the newest definition, or None."""
    newest = ConnectedVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number").values("content")[:1]
    joined = ConnectedWorkflow.objects.select_related("account").defer("account__client_secret")
    return joined.annotate(content=Subquery(newest))


@dataclass(frozen=True)
class ConnectedDetail:
    """Holds one connected workflow, its versions, its description, masked, and its rules in words."""

    workflow: ConnectedWorkflow
    versions: Versions
    description: str
    rules: list[RuleInWords]


def detail(workflow: ConnectedWorkflow) -> ConnectedDetail:
    """Reads what the page of a connected workflow shows. Two statements.

    Args:
        workflow: from `all_of_them()`.
    """
    description = mask_text(workflow.description, definition=True)
    rules = rules_within(getattr(workflow, "content", None))
    return ConnectedDetail(workflow, versions.of(workflow), description, rules)
