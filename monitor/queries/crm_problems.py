"""Reads what the page of a problem of CRM shows: its ledger, what failed, and of which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum

from monitor.models import AutomationFact, CrmFailure, Problem, ProblemAct
from monitor.models.addresses import address_of
from monitor.privacy import mask_name, mask_text
from monitor.queries.problems import LOG, MOST_ACTS, Ledger
from monitor.queries.together import Row, together

NEWEST = 50
MOST_RULES = 20
MOST_WEBHOOKS = 20


@dataclass(frozen=True)
class RuleShare:
    """Holds what failed of one workflow rule within a problem; name and address are "" where it is not mirrored."""

    name: str
    url: str
    open: int
    failed: int
    last_failed_at: datetime


@dataclass(frozen=True)
class ShownCause:
    """Holds one cause of a problem: its group's key, `monitor.triage.take_crm.WEBHOOK` or an action, its template."""

    pk: int
    action: str
    template: str


@dataclass(frozen=True)
class WebhookHost:
    """Holds where a webhook leads: its name, masked, and its address's host alone, "" where that is not known."""

    name: str
    host: str


@dataclass(frozen=True)
class CrmProblemDetail:
    """Holds what the page shows. Texts are masked; `accepted_at` is when something of it was accepted last."""

    title: str
    ledger: Ledger
    causes: list[ShownCause]
    webhooks: list[WebhookHost]
    rules: list[RuleShare]
    rule_count: int
    newest: list[CrmFailure]
    entries: int
    accepted_at: datetime | None
    acts: list[ProblemAct]
    has_older_acts: bool


def detail(problem: Problem, *, whole: str = "") -> CrmProblemDetail:
    """Returns everything about one problem of CRM. Three statements.

    Args:
        problem: from `problems()`.
        whole: `problems.LOG`, where all of its log is wanted.
    """
    of_it = CrmFailure.objects.filter(group__problem=problem)
    found = together(_parts(problem, of_it))
    shares = found["rules"]
    newest = of_it.select_related("webhook_failure", "rule").defer("rule__raw", "webhook_failure__search_text")
    acts = list(problem.acts.select_related("actor")[: None if whole == LOG else MOST_ACTS + 1])
    open_ones = sum(row[3] for row in shares)
    return CrmProblemDetail(
        title=mask_text(problem.title),
        ledger=Ledger(open=open_ones, written_off=sum(row[4] for row in shares) - open_ones),
        causes=[ShownCause(pk, action, mask_text(template)) for pk, action, template in found["groups"]],
        webhooks=_hosts(found["webhooks"], found["hosts"]),
        rules=[_share(*row[:6]) for row in shares[:MOST_RULES]],
        rule_count=len(shares),
        newest=list(newest.order_by("-failed_at", "-pk")[:NEWEST]),
        entries=sum(row[6] for row in shares),
        accepted_at=max((row[7] for row in shares if row[7]), default=None),
        acts=acts if whole == LOG else acts[:MOST_ACTS],
        has_older_acts=len(acts) > MOST_ACTS and whole != LOG,
    )


def _parts(problem: Problem, of_it: QuerySet[CrmFailure]) -> dict[str, QuerySet[Any, Any]]:
    accepted = Q(fate=CrmFailure.Fate.WRITTEN_OFF)
    by_rule = of_it.order_by().values_list("rule", "rule__name", "rule__rule_id")
    shares = by_rule.annotate(
        open=Sum("count", filter=~accepted, default=0),
        failed=Sum("count"),
        last=Max("failed_at"),
        entries=Count("pk"),
        accepted_at=Max("fate_at", filter=accepted),
    )
    webhooks = of_it.exclude(webhook_failure=None).order_by().values_list("webhook_failure__webhook_id")
    hosts = AutomationFact.objects.filter(account=problem.account_id, part=AutomationFact.Part.WEBHOOKS)
    return {
        "groups": problem.groups.order_by("first_seen_at", "pk").values_list("pk", "action", "template"),
        "rules": shares.order_by("-open", "-failed", "rule"),
        "webhooks": webhooks.annotate(name=Max("webhook_failure__webhook_name")).order_by(
            "webhook_failure__webhook_id"
        )[:MOST_WEBHOOKS],
        "hosts": hosts.order_by().values_list("facts"),
    }


def _share(key: int | None, name: str, rule_id: str, open_ones: int, failed: int, last: datetime) -> RuleShare:
    if key is None:
        return RuleShare("", "", open_ones, failed, last)
    return RuleShare(mask_name(name) or rule_id, address_of("rule", key), open_ones, failed, last)


def _hosts(webhooks: Sequence[Row], hosts: Sequence[Row]) -> list[WebhookHost]:
    known = (hosts[0][0] if hosts else None) or {}
    return [WebhookHost(mask_name(name) or webhook, known.get(webhook, "")) for webhook, name in webhooks]
