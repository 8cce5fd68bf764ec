"""Gives templates their tags: times, durations, rates, status pills, icons."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import formats, paint, status_labels, svg, widgets
from dashboard.charts import Chart
from dashboard.executions import rows as execution_rows
from dashboard.flows import rows as flow_rows
from dashboard.flows.rows import FlowRow, paint_standing
from dashboard.masked import masked
from dashboard.problems import rows as problem_rows
from dashboard.problems.rows import ProblemLine
from dashboard.rules.rows import ListedRule, paint_readings, paint_rows, paint_state
from monitor import access
from monitor.batch_outcomes import Progress
from monitor.languages import gettext as _
from monitor.models import (
    Execution,
    Notice,
    Problem,
    RetryBatch,
    RetryPolicy,
    WebhookFailure,
    ZohoAccount,
)
from monitor.notify.left_out import fate_of
from monitor.periods import Window
from monitor.privacy import mask_name
from monitor.queries import audit, links
from monitor.queries.problems import ProblemRow
from monitor.retry import words as retry
from monitor.rule_words.failure_reasons import is_zohos_word, reason_words
from monitor.rule_words.vocabulary import module_name, trigger_name, zohos_word
from monitor.zoho.own_pages import own_page

register = template.Library()
register.simple_tag(paint.icon, name="icon")
register.simple_tag(paint.table_rows, name="table_rows")
register.simple_tag(paint_readings, name="usage_readings")
register.simple_tag(widgets.paint_field, name="field")
register.simple_tag(paint_standing, name="flow_standing")
register.simple_tag(paint_state, name="rule_state")
register.filter("rate", formats.rate)
register.filter("number", formats.number)
register.filter("duration", formats.duration)
register.filter("points", formats.points)
register.filter("change", formats.change)
register.filter("capped", formats.capped)
register.filter("window", formats.window)
register.filter("pace", formats.pace)
register.filter("trigger_name", trigger_name)
register.filter("module_name", module_name)


@register.filter
def span(value: Any) -> str:
    """Writes a timedelta or seconds as "3 d 4 h"."""
    return formats.span(formats.total_seconds(value))


@register.filter
def of(table: dict[Any, Any], key: Any) -> Any:
    """Returns what a table holds of a key."""
    return table[key]


@register.filter
def alert_mails(person: Any) -> str:
    """Says whether a person gets alert mails, and why not: the same on the list of people and in the profile."""
    if not access.may(person, "alert_mails"):
        return _("no: they go to operators and admins") if person.is_active else _("no: the person is disabled")
    if not person.wants_mail:
        return _("opted out")
    return _("yes") if person.email else _("no: there is no address")


@register.filter
def known(value: int | None, age: Any) -> str:
    """Writes a number of what is mirrored; a dash where it is none because nothing was read yet (`age.is_unread`)."""
    return formats.number(None if not value and (age is None or age.is_unread) else value)


@register.simple_tag
def failure_reason(failure: WebhookFailure) -> str:
    """Says in words why a webhook failed; a word of Zoho's that has none is shown as such, and its sentences masked."""
    if words := reason_words(failure.reason):
        return _(words)
    shown = masked(failure.reason, failure.people)
    if not shown:
        return formats.DASH
    return zohos_word(shown) if is_zohos_word(failure.reason) else shown


@register.filter
def said(text: Any) -> str:
    """Says words of ours that are stored, or stand in a table, in the reader's language; others stay as they are."""
    return _(str(text)) if text else ""


@register.filter
def retry_words(sentence: str) -> str:
    """Says what is stored of a retry, a batch or a policy: `{{ attempt.answer|retry_words }}`."""
    return retry.say(str(sentence or ""))


@register.filter(name="masked")
def masked_line(text: str, people: Sequence[str] = ()) -> str:
    """Writes a line of what Zoho sent, masked and cut: `{{ text|masked:run.people }}`."""
    return masked(str(text or ""), people)


@register.filter
def masked_name(name: str) -> str:
    """Writes the name that people gave to a thing, or a person's who changed it, with addresses and secrets hidden."""
    return mask_name(str(name or ""))


@register.filter
def phrases(detail: Any) -> list[str]:
    """Writes what an entry of the audit trail holds besides, as short phrases."""
    return audit.words(detail)


@register.simple_tag
def notice_words(notice: Notice) -> str:
    """Says why a mail of an incident waits, or was not written."""
    return status_labels.why_silent(notice.why_silent, is_waiting=notice.dispatch_state == "new")


@register.simple_tag(takes_context=True)
def may(context: Context, action: str) -> bool:
    """Says whether the viewer has a right: `{% may "accounts" as may_connect %}`."""
    return access.may(context.get("user"), action)


@register.simple_tag
def pill(status: str, label: str = "") -> SafeString:
    """Shows a status of ours: icon, word and colour. `{% pill mail.state %}`, `{% pill "stale" "3 h old" %}`."""
    return paint.pill(str(status or ""), str(label or ""))


@register.simple_tag
def fate_pill(state: str, reason: str) -> SafeString:
    """Shows what became of a message, quietly where it is no fault: `{% fate_pill mail.state mail.last_error %}`."""
    return paint.pill(fate_of(state, reason))


@register.simple_tag
def zohos_pill(kind: str, status: str) -> SafeString:
    """Shows a status in Zoho's words: `{% zohos_pill "run" execution.status %}`."""
    return paint.zohos_pill(kind, str(status or ""))


@register.simple_tag(takes_context=True)
def ago(context: Context, at: datetime | None, missing: str = formats.DASH) -> SafeString | str:
    """Writes "5 min ago" with the exact time, in the viewer's zone, in the tooltip. Uses the page's `now`."""
    if not at:
        return missing
    now = context.get("now") or timezone.now()
    return paint.ago(at, now, timezone.get_current_timezone())


@register.simple_tag(takes_context=True)
def run_rows(
    context: Context, runs: Iterable[Execution], *, with_flow: bool, chooses: str = "", columns: Collection[str] = ()
) -> SafeString:
    """Paints the rows of a table of runs: `{% run_rows rows with_flow=True %}`. Uses the page's `now`."""
    now, zone = context.get("now") or timezone.now(), timezone.get_current_timezone()
    return execution_rows.rows(
        runs, now, zone, with_flow=with_flow, chooses=str(chooses or ""), columns=columns or execution_rows.USUAL
    )


@register.simple_tag(takes_context=True)
def flow_lines(
    context: Context, rows: Iterable[FlowRow], window: Window, columns: Collection[str] = flow_rows.USUAL
) -> SafeString:
    """Paints the flows of a list as rows of its table: `{% flow_lines rows window %}`. Uses the page's `now`."""
    now = context.get("now") or timezone.now()
    return flow_rows.rows(rows, window, now, timezone.get_current_timezone(), columns)


@register.simple_tag(takes_context=True)
def rule_rows(context: Context, rows: Iterable[ListedRule]) -> SafeString:
    """Paints the rows of the list of workflow rules: `{% rule_rows rows %}`. Uses the page's `now`."""
    now = context.get("now") or timezone.now()
    return paint_rows(rows, now, timezone.get_current_timezone())


@register.simple_tag(takes_context=True)
def problem_lines(context: Context, rows: Iterable[ProblemRow], ticked: Collection[int]) -> list[ProblemLine]:
    """Puts the problems of a list into words: `{% problem_lines rows ticked as lines %}`. Uses the page's `now`."""
    now = context.get("now") or timezone.now()
    return problem_rows.lines(rows, now, timezone.get_current_timezone(), ticked or ())


@register.simple_tag
def runs(count: int | None, window: Window, status: str, **more: Any) -> SafeString | str:
    """Writes a number of runs as a link to the list of exactly these: `{% runs n window "failed" flow_id=flow.pk %}`.

    Args:
        count: how many; none are no link.
        window: in which they began.
        status: as the list's filter names it.
        more: `flow_id`, `account_id` and `listed_from` as `links.runs` takes them; `tone` is a class of the link.
    """
    tone = more.pop("tone", "")
    href = links.runs(window, status, **{name: value or None for name, value in more.items()}) if count else ""
    return paint.count(count, href, tone)


@register.simple_tag
def failures(count: int, **wanted: Any) -> SafeString | str:
    """Writes a number of failed runs as a link to exactly these: `{% failures n outcome="open" problem_id=p.pk %}`.

    Args:
        count: how many; none are no link.
        wanted: as `links.failures` takes it; `tone` is a class of the link.
    """
    tone = wanted.pop("tone", "")
    href = links.failures(**{name: value or None for name, value in wanted.items()}) if count else ""
    return paint.count(count, href, tone)


@register.simple_tag
def zoho_page(what: str, account: ZohoAccount) -> str:
    """Returns the address of the list in Zoho that a thing of an account stands in; "" where none is documented."""
    return own_page(what, account.data_center)


@register.simple_tag
def new_problems_url(first_seen: datetime) -> str:
    """Returns the address of the unresolved problems that were seen first at a time or later."""
    return links.problems_since(first_seen)


@register.simple_tag
def when(at: datetime | None, missing: str = formats.DASH) -> SafeString | str:
    """Writes "22 Nov 12:00:05", in the viewer's zone, with the whole date and the zone in the tooltip."""
    return paint.when(at, timezone.get_current_timezone(), timezone.localtime().year) if at else missing


@register.filter
def day_words(day: date | None) -> str:
    """Writes "22 Nov 2026" for a day that belongs to no zone; nothing where there is none."""
    return formats.date(day) if day is not None else ""


@register.simple_tag
def day(at: datetime | None, missing: str = formats.DASH) -> SafeString | str:
    """Writes "22 Nov 2026" in the viewer's zone."""
    return paint.day(at, timezone.get_current_timezone()) if at else missing


@register.inclusion_tag("parts/sort_head.html", takes_context=True)
def sort_head(context: Context, by: str, label: str, *, rising: bool = False, numeric: bool = False) -> dict[str, Any]:
    """Shows a column's head that sorts the list by it: `{% sort_head "name" "Flow" rising=True %}`.

    Args:
        context: of a list page.
        by: the order's name in the address.
        label: the head's words.
        rising: whether the order begins with the least.
        numeric: whether the column holds numbers.
    """
    form = context["form"]
    query = context["request"].GET.copy()
    query[form.sort_name] = by
    query.pop("page", None)
    return {
        "url": f"?{query.urlencode()}",
        "label": label,
        "rising": rising,
        "numeric": numeric,
        "is_sorted": form.sorted_by == by,
    }


@register.simple_tag(name="paint")
def paint_chart(chart: Chart) -> SafeString:
    """Paints a chart as the SVG that stands until plotly takes over."""
    return svg.paint(chart.figure, title=chart.title, summary=chart.summary, id=f"{chart.id}-svg")


@register.simple_tag
def items_link(batch: RetryBatch, count: int, state: str, why: str = "") -> SafeString | str:
    """Writes a number of a batch's items as a link to exactly these; none are no link.

    Args:
        batch: whose.
        count: how many.
        state: as the list's filter names it; empty for all.
        why: which of the reasons for skipping it was.
    """
    text = formats.number(count)
    wanted = urlencode({name: value for name, value in (("state", state), ("why", why)) if value})
    return format_html('<a href="{}?{}">{}</a>', reverse("batch", args=[batch.pk]), wanted, text) if count else text


@register.simple_tag
def compared(problem: Problem, count: int, runs: str, difference: str = "") -> SafeString | str:
    """Writes a number of the runs that a problem's page compares as a link to exactly these; none are no link.

    Args:
        problem: whose.
        count: how many.
        runs: "good" for the good ones.
        difference: only those with the value of this difference.
    """
    wanted = urlencode({name: value for name, value in (("runs", runs), ("difference", difference)) if value})
    text, address = formats.number(count), reverse("problem_compared", args=[problem.pk])
    return format_html('<a href="{}?{}">{}</a>', address, wanted, text) if count else text


@register.simple_tag
def policy_retries(policy: RetryPolicy, count: int, which: str) -> SafeString | str:
    """Writes a number of a policy's retries as a link to exactly these; none are no link."""
    text, address = formats.number(count), reverse("retry_policy_retries", args=[policy.pk])
    return format_html('<a href="{}?which={}">{}</a>', address, which, text) if count else text


@register.simple_tag
def progress_bar(progress: Progress) -> SafeString:
    """Paints how far a batch is as one bar: succeeded, failed, unknown, skipped, started, and what waits left empty."""
    parts = [
        (progress.succeeded, "good"),
        (progress.failed, "bad"),
        (progress.unknown, "first"),
        (progress.skipped, "other"),
        (progress.started, "info"),
        (progress.waiting, ""),
    ]
    words = _("%(ended)s of %(total)s ended")
    words %= {"ended": formats.number(progress.ended), "total": formats.number(progress.total)}
    return format_html('<span title="{0}">{1}<span class="visually-hidden">{0}</span></span>', words, svg.shares(parts))
