"""Paints the rows of the list of flows: a template that does so cell by cell takes several times as long. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, tzinfo
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from dashboard import formats, paint, svg
from monitor.languages import gettext as _
from monitor.models import Flow
from monitor.ownership import Owned
from monitor.periods import Window
from monitor.privacy import mask_name
from monitor.queries import links
from monitor.queries.freshness import AccountFreshness
from monitor.standing.judge import HEALTHY, FlowStanding

USUAL = frozenset({"standing", "failed", "runs", "success", "days", "last_run", "mirror"})


# A flow as `monitor.queries.flows.rows` reads it, how it stands, its succeeded and failed runs of the last days,
# oldest first, how fresh its account's mirror is, its gap as `monitor.standing.completeness` names it, and its owner.
FlowRow = tuple[Any, FlowStanding, Sequence[tuple[int, int]] | None, AccountFreshness | None, str, Owned]


def rows(
    listed: Iterable[FlowRow], window: Window, now: datetime, zone: tzinfo, columns: Collection[str] = USUAL
) -> SafeString:
    """Paints the rows of the table of flows.

    Args:
        listed: what the list knows of each.
        window: of which its runs are counted.
        now: the page's time.
        zone: the viewer's.
        columns: the codes of those that are shown.
    """
    return paint.safe("\n".join([_row(one, window, now, zone, columns) for one in listed]))


def _row(one: FlowRow, window: Window, now: datetime, zone: tzinfo, columns: Collection[str]) -> str:
    flow, standing, daily, account, gap, owned = one
    is_read = flow.progress.executions_read_at is not None
    app, where = mask_name(flow.trigger_app or ""), escape(flow.account.name)
    stands = _quiet(_(standing.label)) if standing.code == HEALTHY else paint_standing(standing)
    failed = _runs(flow, flow.failures, "failed", window, "bad strong") if flow.failures or is_read else _not_known()
    finished = _runs(flow, flow.runs, "finished", window) if flow.runs or is_read else _not_known()
    left_out = flow.counts.left_out
    beside = (
        f'<br><span class="muted small">{_("%(runs)s left out") % {"runs": formats.number(left_out)}}</span>'
        if left_out
        else ""
    )
    last_run = _last_run(flow.last_run, now, zone, is_read=is_read)
    head = (
        f'<tr><th class="grow" scope="row"><a href="{flow.get_absolute_url()}">{escape(flow.shown_name)}</a>'
        f'<div class="small muted">{f"{escape(app)} · {where}" if app else where}</div>{paint.owned_line(owned)}</th>'
    )
    cells = {
        "standing": f'<td class="fit" data-label="{_("Standing")}">{stands}</td>',
        "failed": f'<td class="num" data-label="{_("Failed")}">{failed}</td>',
        "runs": f'<td class="num" data-label="{_("Runs")}">{finished}</td>',
        "success": f'<td class="num" data-label="{_("Success")}">{formats.rate(flow.counts.rate)}{beside}</td>',
        "days": f'<td class="fit" data-label="{_("14 days")}">{days(daily)}</td>',
        "last_run": f'<td class="fit" data-label="{_("Last run")}">{last_run}</td>',
        "mirror": f'<td class="fit" data-label="{_("Mirror")}">{_mirror(flow, account, gap)}</td>',
    }
    return "".join([head, *(cell for code, cell in cells.items() if code in columns), "</tr>"])


def days(daily: Sequence[tuple[int, int]] | None) -> SafeString:
    """Paints bars of succeeded and failed runs a day, with the same in words."""
    pairs = daily or []
    good, bad = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    counts = {"good": formats.number(good), "bad": formats.number(bad), "days": len(pairs)}
    words = _("%(good)s succeeded, %(bad)s failed in %(days)s days") % counts if pairs else _("no runs")
    bars = svg.sparkline(pairs)
    return paint.safe(f'<span title="{words}">{bars}<span class="visually-hidden">{words}</span></span>')


def paint_standing(standing: FlowStanding) -> SafeString:
    """Paints how a flow stands, with the reason in the tooltip."""
    tooltip = f' title="{escape(_(standing.reason))}"' if standing.reason else ""
    return paint.safe(f"<span{tooltip}>{paint.pill(standing.code, _(standing.label))}</span>")


def _runs(flow: Flow, count: int | None, status: str, window: Window, tone: str = "") -> SafeString:
    if not count:
        return paint.count(count, "")
    href = links.runs(window, status, flow_id=flow.pk, listed_from=flow.progress.pruned_before)
    return paint.count(count, href, tone)


def _last_run(at: datetime | None, now: datetime, zone: tzinfo, *, is_read: bool) -> SafeString:
    if at is not None:
        return paint.ago(at, now, zone)
    return SafeString(_("never")) if is_read else _not_known()


def _not_known() -> SafeString:
    return paint.safe(f'<span class="muted">{_("not known")}</span>')


def _mirror(flow: Any, account: AccountFreshness | None, gap: str) -> SafeString:
    progress, is_gone = flow.progress, flow.gone_at is not None
    if progress.hole_reason:
        return _incomplete(progress.hole_reason, _("Hole"))
    if progress.executions_read_at is None:
        return paint.pill("reading" if progress.covered_from else "never")
    if gap == "uncounted" and not is_gone:
        return _incomplete(_("Zoho names no counters of it: whether runs are missing is not known"), _("No counters"))
    if gap == "moved" and not is_gone:
        return _incomplete(_("Its counters moved since it was read"), _("Newer runs"))
    if account is not None and account.is_behind:
        return paint.pill(account.state)
    return _quiet(_("Complete"))


def _quiet(words: str) -> SafeString:
    """Paints what is as it should be: a page of badges that say so hides the few that say otherwise."""
    return paint.safe(f'<span class="calm">{words}</span>')


def _incomplete(why: str, words: str) -> SafeString:
    return paint.safe(f'<span title="{escape(why)}">{paint.pill("incomplete", words)}</span>')
