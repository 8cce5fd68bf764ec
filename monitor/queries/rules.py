"""Reads one CRM workflow rule: what it does, and how often it ran; `rule_list` reads many."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from monitor.models import RuleVersion, WebhookFailure, WorkflowRule
from monitor.models.asking import Asking, answered, in_step
from monitor.models.prepared import Prepared
from monitor.privacy import mask_text
from monitor.queries import shared_actions, versions, webhook_failures
from monitor.queries.rule_sentences import RuleInWords, in_words
from monitor.queries.versions import Versions


def all_rules() -> QuerySet[WorkflowRule]:
    """Joins to rules what one rule's page needs; `content` is the newest definition, None where none was read."""
    newest = RuleVersion.objects.filter(rule=OuterRef("pk")).order_by("-number").values("content")[:1]
    joined = WorkflowRule.objects.select_related("account", "ownership__owner").defer("account__client_secret")
    return joined.annotate(content=Subquery(newest))


BY_KEY = Prepared(lambda pk: all_rules().annotate(shared=shared_actions.of_account()).filter(pk=pk).order_by()[:1], int)


@dataclass(frozen=True)
class RuleDetail:
    """Holds one rule: what it does in words, its versions and its newest failed webhooks."""

    rule: WorkflowRule
    versions: Versions
    failures: list[WebhookFailure]
    failure_total: int
    description: str
    words: RuleInWords | None


def detail(rule: WorkflowRule) -> RuleDetail:
    """Returns what one rule's page shows beside its usage. At most two statements.

    Args:
        rule: from `BY_KEY`, or `all_rules()`, which knows nothing of shared actions.
    """
    return answered(ask_detail(rule))


def ask_detail(rule: WorkflowRule) -> Asking[RuleDetail]:
    """Asks for what `detail` returns."""
    content = rule.content or rule.raw  # type: ignore[attr-defined]
    (failures, failure_total), listed = yield from in_step(webhook_failures.ask_of_rule(rule), versions.ask_of(rule))
    return RuleDetail(
        rule=rule,
        versions=listed,
        failures=failures,
        failure_total=failure_total,
        description=mask_text(rule.description, definition=True),
        words=in_words(content, getattr(rule, "shared", None)) if content else None,
    )
