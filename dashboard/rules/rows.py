"""Puts the rows of the list of workflow rules into words: what the template prints of each, finished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.utils.safestring import SafeString

from dashboard import formats, paint
from monitor.models import WorkflowRule
from monitor.ownership import Owned


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Holds what the list shows of a workflow rule.

    Attributes:
        url: of its page.
        name: as it is shown.
        owned: who looks after it.
        module: of CRM, whose records start it.
        state: whether it runs, as a pill.
        last_run: when it ran last.
        triggered: how often it ran.
        done: how many of its actions were done.
        failed: how many of them failed.
        has_failed: whether any did.
        counted_over: the days of these counts.
    """

    url: str
    name: str
    owned: Owned
    module: str
    state: SafeString
    last_run: SafeString
    triggered: str
    done: str
    failed: str
    has_failed: bool
    counted_over: str


def lines(rules: Iterable[tuple[WorkflowRule, Owned]], now: datetime, zone: tzinfo) -> list[RuleLine]:
    """Puts rules into words.

    Args:
        rules: each with who looks after it.
        now: the page's time.
        zone: the viewer's.
    """
    return [_line(rule, owned, now, zone) for rule, owned in rules]


def paint_state(rule: WorkflowRule) -> SafeString:
    """Paints whether a rule runs."""
    if rule.gone_at is not None:
        return paint.pill("gone")
    if rule.active is None:
        return paint.pill("unknown", "Not known")
    return paint.pill("active" if rule.active else "inactive")


def _line(rule: WorkflowRule, owned: Owned, now: datetime, zone: tzinfo) -> RuleLine:
    ran = rule.last_executed_time
    return RuleLine(
        url=rule.get_absolute_url(),
        name=rule.shown_name,
        owned=owned,
        module=rule.module or formats.DASH,
        state=paint_state(rule),
        last_run=paint.ago(ran, now, zone) if ran is not None else paint.pill("never", "Never ran"),
        triggered=formats.number(rule.trigger_count),
        done=formats.number(rule.success_count),
        failed=formats.number(rule.failure_count),
        has_failed=bool(rule.failure_count),
        counted_over=_counted_over(rule),
    )


def _counted_over(rule: WorkflowRule) -> str:
    first, last = rule.usage_from, rule.usage_till
    if first is None:
        return "not read yet"
    return f"{formats.short_date(first)} – {formats.date(last) if last is not None else ''}"
