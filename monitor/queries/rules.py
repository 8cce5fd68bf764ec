"""Reads one CRM workflow rule: what it does, and how often it ran; `rule_list` reads many."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from monitor.models import UsageSnapshot, WebhookFailure, WorkflowRule
from monitor.privacy import mask_text
from monitor.queries import versions, webhook_failures
from monitor.queries.rule_actions import ActionLine, action_line
from monitor.queries.rule_sentences import RuleInWords, in_words
from monitor.queries.versions import Versions

SNAPSHOTS_SHOWN = 120


def all_rules() -> QuerySet[WorkflowRule]:
    """Rules with the joins that one rule's page needs."""
    return WorkflowRule.objects.select_related("account", "ownership__owner").defer("account__client_secret")


@dataclass(frozen=True)
class Bar:
    """Holds a day's bar of the chart: `left`, `height` and `failed_height` in units of a 100 high view box."""

    snapshot: UsageSnapshot
    left: int
    height: float
    failed_height: float

    @property
    def top(self) -> float:
        return 100 - self.height

    @property
    def failed_top(self) -> float:
        return 100 - self.failed_height


@dataclass(frozen=True)
class RuleDetail:
    """Holds one rule: its days, the newest first, bars of the same, the oldest first, and what it does in words."""

    rule: WorkflowRule
    snapshots: list[UsageSnapshot]
    bars: list[Bar]
    actions: list[ActionLine]
    versions: Versions
    failures: list[WebhookFailure]
    failure_total: int
    description: str
    words: RuleInWords | None

    @property
    def chart_width(self) -> int:
        """Returns the width in the units of a bar's `left`; never so narrow that few bars look like a wall."""
        return max(300, max((bar.left for bar in self.bars), default=0) + 10)


def detail(rule: WorkflowRule) -> RuleDetail:
    """Returns one rule with what it does, its newest days, versions and failed webhooks. Six statements."""
    snapshots = list(rule.snapshots.order_by("-day").defer("actions")[:SNAPSHOTS_SHOWN])
    newest = rule.snapshots.order_by("-day").values_list("actions", flat=True).first()
    content = rule.versions.order_by("-number").values_list("content", flat=True).first() or rule.raw
    failures, failure_total = webhook_failures.of_rule(rule)
    return RuleDetail(
        rule=rule,
        snapshots=snapshots,
        bars=bars(snapshots[::-1]),
        actions=[action_line(item) for item in newest or []],
        versions=versions.of(rule),
        failures=failures,
        failure_total=failure_total,
        description=mask_text(rule.description, definition=True),
        words=in_words(content) if content else None,
    )


def bars(snapshots: list[UsageSnapshot]) -> list[Bar]:
    """Bars of what each day added, scaled to the highest; a day of which that is not known has none. Pure.

    Args:
        snapshots: in the order of their days; days without one leave a gap.
    """
    totals = [(s.succeeded or 0) + (s.failed or 0) for s in snapshots]
    top = max(totals, default=0) or 1
    return [
        Bar(
            snapshot=snapshot,
            left=(snapshot.day - snapshots[0].day).days * 10,
            height=round(100 * total / top, 2),
            failed_height=round(100 * (snapshot.failed or 0) / top, 2),
        )
        for snapshot, total in zip(snapshots, totals, strict=True)
    ]
