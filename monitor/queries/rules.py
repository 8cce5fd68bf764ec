"""CRM workflow rules and how often they ran."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy

from monitor.models import UsageSnapshot, WebhookFailure, WorkflowRule
from monitor.privacy import mask_text
from monitor.queries import versions, webhook_failures
from monitor.queries.rule_actions import ActionLine, action_line
from monitor.queries.rule_sentences import RuleInWords, in_words
from monitor.queries.shown_names import by_shown_name, shows
from monitor.queries.versions import Versions

SNAPSHOTS_SHOWN = 120
# What is not known comes last on both databases: PostgreSQL would put it first.
# Before the name, which decides between equals.
ORDERS: dict[str, tuple[OrderBy, ...]] = {
    "name": (),
    "last": (F("last_executed_time").desc(nulls_last=True),),
    "failures": (F("failure_count").desc(nulls_last=True),),
}


@dataclass(frozen=True)
class RuleFilter:
    """Holds what a person looks for; empty values do not narrow.

    Attributes:
        active: "yes", "no" or "".
        executed: "never" for rules that never ran, or "".
        failed: "yes" for rules of which an action failed in the time of their usage report, or "".
        order: a key of `ORDERS`.
        owner_id: 0 for those that nobody looks after.
    """

    text: str = ""
    module: str = ""
    active: str = ""
    executed: str = ""
    failed: str = ""
    account_id: int | None = None
    order: str = "name"
    owner_id: int | None = None
    tag: str = ""


def search(wanted: RuleFilter) -> QuerySet[WorkflowRule]:
    """Returns the rules that fit; those deleted in Zoho stand among them, marked by `gone_at`."""
    rows = WorkflowRule.objects.select_related("account", "ownership__owner").prefetch_related("ownership__tags")
    rows = rows.defer("account__client_secret", "raw", "description")
    if wanted.text:
        rows = rows.filter(shows(WorkflowRule.objects.all(), wanted.text, "name") | Q(rule_id=wanted.text))
    if wanted.module:
        rows = rows.filter(module=wanted.module)
    if wanted.active:
        rows = rows.filter(active=wanted.active == "yes", gone_at=None)
    if wanted.executed == "never":
        rows = rows.filter(last_executed_time=None)
    if wanted.failed == "yes":
        rows = rows.filter(failure_count__gt=0)
    if wanted.owner_id is not None:
        rows = rows.filter(ownership__owner=wanted.owner_id or None)
    if wanted.tag:
        rows = rows.filter(ownership__tags__name=wanted.tag)
    if wanted.account_id is not None:
        rows = rows.filter(account_id=wanted.account_id)
    return rows.order_by(*ORDERS.get(wanted.order, ()), *by_shown_name(WorkflowRule.objects.all(), "name"))


def modules() -> list[str]:
    """Returns every module that a mirrored rule belongs to."""
    names = WorkflowRule.objects.exclude(module="").order_by("module").values_list("module", flat=True)
    return list(names.distinct())


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
