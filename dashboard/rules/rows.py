"""Puts the rows of the list of workflow rules into words: what the template prints of each, finished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from html import escape

from django.utils.safestring import SafeString

from dashboard import formats, paint
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, pgettext
from monitor.models import WorkflowRule
from monitor.models.crm import kinds_in
from monitor.ownership import Owned
from monitor.queries.rule_list import RuleUse
from monitor.queries.rule_usage import DayReading
from monitor.rule_words.vocabulary import action_name, module_name, trigger_name

# What a list knows of a rule: who looks after it, and what it did in the period.
ListedRule = tuple[WorkflowRule, Owned, RuleUse | None]
UNREAD = gettext_noop("not read yet")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """Holds what the list shows of a workflow rule.

    Attributes:
        url: of its page.
        name: as it is shown.
        account: whose it is.
        owned: who looks after it.
        module: of CRM, whose records start it.
        trigger: what starts it, in words.
        actions: kinds of what it does, in words.
        state: whether it runs, as a pill.
        state_word: the same as a word.
        last_run: when it ran last.
        ran_at: the same as a time.
        done: how many of its actions were done in the period.
        failed: how many of them failed.
        has_failed: whether any did.
        trend: what was done more or less than in the period before.
        trend_words: the period before, or why there is none, in words.
        reported: how many failed by Zoho's own report.
        has_reported: whether any did.
        counted_over: the days of that report.
    """

    url: str
    name: str
    account: str
    owned: Owned
    module: str
    trigger: str
    actions: str
    state: SafeString
    state_word: str
    last_run: SafeString
    ran_at: datetime | None
    done: str
    failed: str
    has_failed: bool
    trend: str
    trend_words: str
    reported: str
    has_reported: bool
    counted_over: str


def lines(rules: Iterable[ListedRule], now: datetime, zone: tzinfo) -> list[RuleLine]:
    """Puts rules into words.

    Args:
        rules: each with who looks after it and what it did.
        now: the page's time.
        zone: the viewer's.
    """
    return [_line(rule, owned, use, now, zone) for rule, owned, use in rules]


def paint_rows(rules: Iterable[ListedRule], now: datetime, zone: tzinfo) -> SafeString:
    """Paints the rows of the table of rules: a template that does so cell by cell takes several times as long.

    Args:
        rules: as `lines` takes them.
        now: the page's time.
        zone: the viewer's.
    """
    return paint.safe("\n".join(map(_row, lines(rules, now, zone))))


def _row(line: RuleLine) -> str:
    trend = ""
    if line.trend:
        words = f'<span class="visually-hidden">, {escape(line.trend_words)}</span>'
        trend = f'<div class="small muted">{line.trend}{words}</div>'
    done = f'<span title="{escape(line.trend_words)}">{line.done}</span>{trend}'
    return (
        f'<tr><th scope="row"><a href="{escape(line.url)}">{escape(line.name)}</a>{paint.owned_line(line.owned)}</th>'
        f'<td data-label="{_("Runs on")}">{escape(line.module)}'
        f'<div class="small muted">{escape(line.trigger)}</div></td>'
        f'<td data-label="{_("Does")}">{escape(line.actions)}</td>'
        f'<td data-label="{_("State")}">{line.state}</td><td data-label="{_("Last run")}">{line.last_run}</td>'
        f'<td class="num" data-label="{pgettext("actions", "Done")}">{done}</td>'
        f'<td class="num" data-label="{_("Failed")}">{_bad(line.failed, is_bad=line.has_failed)}</td>'
        f'<td class="num" data-label="{_("Failed, by Zoho")}">{_bad(line.reported, is_bad=line.has_reported)}'
        f'<div class="small muted">{line.counted_over}</div></td></tr>'
    )


def _bad(number: str, *, is_bad: bool) -> str:
    return f'<span class="bad strong">{number}</span>' if is_bad else f"<span>{number}</span>"


def paint_readings(readings: Iterable[DayReading]) -> SafeString:
    """Paints the rows of the table of readings of one rule's usage reports."""
    return paint.safe("\n".join(map(_reading, readings)))


def _reading(row: DayReading) -> str:
    at_least = f" {paint.pill('unknown', _('at least'))}" if row.is_reset else ""
    first = row.counts_from
    counted = " / ".join(map(formats.number, (row.success_count, row.failure_count)))
    since = " " + _("since %(day)s") % {"day": formats.short_date(first)} if first is not None else ""
    added = "".join(
        f'<td class="num">{formats.number(count)}</td>' for count in (row.triggered, row.succeeded, row.failed)
    )
    return (
        f'<tr><th scope="row">{formats.date(row.day)}{at_least}</th>{added}'
        f'<td class="num muted">{counted}{since}</td></tr>'
    )


def paint_state(rule: WorkflowRule) -> SafeString:
    """Paints whether a rule runs."""
    state = state_of(rule)
    return paint.pill(state, _("Not known")) if state == "unknown" else paint.pill(state)


def state_of(rule: WorkflowRule) -> str:
    """Says whether a rule runs: gone, unknown, active or inactive."""
    if rule.gone_at is not None:
        return "gone"
    if rule.active is None:
        return "unknown"
    return "active" if rule.active else "inactive"


def _line(rule: WorkflowRule, owned: Owned, use: RuleUse | None, now: datetime, zone: tzinfo) -> RuleLine:
    ran = rule.last_executed_time
    trend, trend_words = _trend(use)
    return RuleLine(
        url=rule.get_absolute_url(),
        name=rule.shown_name,
        account=rule.account.name,
        owned=owned,
        module=module_name(rule.module) or formats.DASH,
        trigger=trigger_name(rule.execute_when),
        actions=", ".join(action_name(kind) for kind in kinds_in(rule.action_kinds)) or formats.DASH,
        state=paint_state(rule),
        state_word=state_of(rule),
        last_run=paint.ago(ran, now, zone) if ran is not None else paint.pill("never", _("Never ran")),
        ran_at=ran,
        done=formats.number(use.done if use else None),
        failed=formats.number(use.failed if use else None),
        has_failed=bool(use and use.failed),
        trend=trend,
        trend_words=trend_words,
        reported=formats.number(rule.failure_count),
        has_reported=bool(rule.failure_count),
        counted_over=_counted_over(rule),
    )


def _trend(use: RuleUse | None) -> tuple[str, str]:
    if use is None or use.first_day is None:
        return "", _("no usage read yet")
    if use.known_from is not None:
        return "", _("known from %(first)s on") % {"first": formats.short_date(use.known_from)}
    if use.done_before is None:
        return "", _("the period before is not known in full")
    words = _("%(was)s in the period before") % {"was": formats.number(use.done_before)}
    return formats.change(use.done or 0, use.done_before), words


def _counted_over(rule: WorkflowRule) -> str:
    first, last = rule.usage_from, rule.usage_till
    if first is None:
        return _(UNREAD)
    return f"{formats.short_date(first)} – {formats.date(last) if last is not None else ''}"
