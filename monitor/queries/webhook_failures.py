"""Reads CRM's failed webhooks. The name of the record is personal and never shown; its id is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet, Window

from monitor.models import WebhookFailure, WorkflowRule
from monitor.models.asking import Asking, answered, ask
from monitor.models.masked_text import says, stale
from monitor.models.prepared import Prepared
from monitor.rule_words.failure_reasons import reasons_saying

ON_A_RULE = 10


@dataclass(frozen=True)
class FailureFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the rule's or webhook's name or of the reason as they are masked, or the whole of Zoho's id of
            one of them.
        is_unmasked: a part of them as Zoho sent them; only for a person who may unmask and gave a reason.
        start: failed at or after; end: failed before. Both drop failures without a time.
        rule_id: the mirrored rule's primary key.
    """

    text: str = ""
    is_unmasked: bool = False
    module: str = ""
    start: datetime | None = None
    end: datetime | None = None
    rule_id: int | None = None
    account_id: int | None = None


def search(wanted: FailureFilter) -> QuerySet[WebhookFailure]:
    """Finds the failures that fit, the newest first."""
    rows = WebhookFailure.objects.select_related("rule", "account").defer(
        "account__client_secret", "rule__raw", "rule__description", "search_text"
    )
    if wanted.text:
        ids = Q(rule_zoho_id=wanted.text) | Q(webhook_id=wanted.text) | Q(record_id=wanted.text)
        names = Q(rule_name__icontains=wanted.text) | Q(webhook_name__icontains=wanted.text)
        found = names | Q(reason__icontains=wanted.text) if wanted.is_unmasked else says(wanted.text)
        in_words = Q(reason__in=reasons_saying(wanted.text))
        rows = rows.filter(ids | Q(failure_id=wanted.text) | found | in_words)
    if wanted.module:
        rows = rows.filter(module=wanted.module)
    if wanted.start is not None:
        rows = rows.filter(failure_time__gte=wanted.start)
    if wanted.end is not None:
        rows = rows.filter(failure_time__lt=wanted.end)
    if wanted.rule_id is not None:
        rows = rows.filter(rule_id=wanted.rule_id)
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    return rows.order_by(F("failure_time").desc(nulls_last=True), "-pk")


def rule_of(wanted: FailureFilter) -> WorkflowRule | None:
    """Finds the rule that the list is narrowed to, if it is and there is one."""
    if wanted.rule_id is None:
        return None
    return WorkflowRule.objects.filter(pk=wanted.rule_id).only("name", "rule_id").first()


def is_masked_in_part() -> bool:
    """Says whether the text of some failures waits to be masked anew, so that no search finds them by it."""
    return WebhookFailure.objects.filter(stale()).exists()


def modules() -> list[str]:
    """Lists every module that a webhook failed for."""
    names = WebhookFailure.objects.exclude(module="").order_by("module").values_list("module", flat=True)
    return list(names.distinct())


def of_rule(rule: WorkflowRule) -> tuple[list[WebhookFailure], int]:
    """Finds a rule's newest failures and counts all that are mirrored. One statement."""
    return answered(ask_of_rule(rule))


def ask_of_rule(rule: WorkflowRule) -> Asking[tuple[list[WebhookFailure], int]]:
    """Asks for what `of_rule` returns."""
    newest = yield from ask(_OF_RULE.question(rule.pk))
    return newest, newest[0].total if newest else 0


_OF_RULE = Prepared(lambda pk: search(FailureFilter(rule_id=pk)).annotate(total=Window(Count("pk")))[:ON_A_RULE], int)
