"""Reads what the page of a problem of CRM shows: its ledger, what failed, and of which rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, Sum

from monitor.models import CrmFailure, FailureGroup, Problem, ProblemAct
from monitor.models.addresses import address_of
from monitor.privacy import mask_name, mask_text
from monitor.queries.problems import LOG, MOST_ACTS, Ledger

NEWEST = 50
MOST_RULES = 20


@dataclass(frozen=True)
class RuleShare:
    """Holds what failed of one workflow rule within a problem; name and address are "" where it is not mirrored."""

    name: str
    url: str
    open: int
    failed: int
    last_failed_at: datetime


@dataclass(frozen=True)
class CrmProblemDetail:
    """Holds what the page shows. Texts are masked; `accepted_at` is when something of it was accepted last."""

    title: str
    ledger: Ledger
    groups: list[FailureGroup]
    templates: list[str]
    rules: list[RuleShare]
    rule_count: int
    newest: list[CrmFailure]
    entries: int
    accepted_at: datetime | None
    acts: list[ProblemAct]
    has_older_acts: bool


def detail(problem: Problem, *, whole: str = "") -> CrmProblemDetail:
    """Returns everything about one problem of CRM. Four statements.

    Args:
        problem: from `problems()`.
        whole: `problems.LOG`, where all of its log is wanted.
    """
    of_it = CrmFailure.objects.filter(group__problem=problem)
    groups = list(problem.groups.order_by("first_seen_at", "pk"))
    accepted = Q(fate=CrmFailure.Fate.WRITTEN_OFF)
    by_rule = list(
        of_it.order_by()
        .values("rule", "rule__name", "rule__rule_id")
        .annotate(
            open=Sum("count", filter=~accepted, default=0),
            failed=Sum("count"),
            last=Max("failed_at"),
            entries=Count("pk"),
            accepted_at=Max("fate_at", filter=accepted),
        )
        .order_by("-open", "-failed", "rule")
    )
    newest = of_it.select_related("webhook_failure", "rule").defer("rule__raw", "webhook_failure__search_text")
    acts = list(problem.acts.select_related("actor")[: None if whole == LOG else MOST_ACTS + 1])
    open_ones = sum(row["open"] for row in by_rule)
    return CrmProblemDetail(
        title=mask_text(problem.title),
        ledger=Ledger(open=open_ones, written_off=sum(row["failed"] for row in by_rule) - open_ones),
        groups=groups,
        templates=[mask_text(group.template) for group in groups],
        rules=[
            RuleShare(
                (mask_name(row["rule__name"]) or row["rule__rule_id"]) if row["rule"] else "",
                address_of("rule", int(row["rule"])) if row["rule"] else "",
                row["open"],
                row["failed"],
                row["last"],
            )
            for row in by_rule[:MOST_RULES]
        ],
        rule_count=len(by_rule),
        newest=list(newest.order_by("-failed_at", "-pk")[:NEWEST]),
        entries=sum(row["entries"] for row in by_rule),
        accepted_at=max((row["accepted_at"] for row in by_rule if row["accepted_at"]), default=None),
        acts=acts if whole == LOG else acts[:MOST_ACTS],
        has_older_acts=len(acts) > MOST_ACTS and whole != LOG,
    )
