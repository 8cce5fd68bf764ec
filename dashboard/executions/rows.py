"""Paints the rows of a table of executions: a template that does so cell by cell takes ten times as long. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta, tzinfo
from html import escape
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop

from dashboard import formats, paint, status_labels
from dashboard.masked import masked
from monitor.languages import gettext as _
from monitor.models import ChainMark, Execution, Failure
from monitor.models.addresses import address_of
from monitor.queries.execution import specific_error
from monitor.queries.run_status import standing

USUAL = frozenset({"status", "flow", "time", "error", "id"})
MADE_GOOD, RETRY = ChainMark.Kind.MADE_GOOD, ChainMark.Kind.RETRY
_FATES = dict(Failure.Fate.choices)
_OF_CHAIN = {
    MADE_GOOD: (gettext_noop("fixed by a retry"), gettext_noop("Counted as a success")),
    RETRY: (gettext_noop("retry"), gettext_noop("Counted with the run that was retried")),
}


def rows(
    runs: Iterable[Execution],
    now: datetime,
    zone: tzinfo,
    *,
    with_flow: bool = True,
    chooses: str = "",
    columns: Collection[str] = USUAL,
) -> SafeString:
    """Paints the rows of a table of runs.

    Args:
        runs: as `monitor.queries.executions` reads them.
        now: the page's time.
        zone: the viewer's.
        with_flow: whether the table says of which flow each is.
        chooses: the id of a form that takes ticked rows; empty where none does.
        columns: the codes of those that are shown.
    """
    year = now.astimezone(zone).year
    flows = _Flows() if with_flow and "flow" in columns else None
    form = escape(chooses)
    return paint.safe("\n".join([_row(run, now, zone, year, flows, form, columns) for run in runs]))


class _Flows(dict[int, str]):
    """Holds the cells of flows: a list has mostly a few of them."""

    def of(self, run: Execution) -> str:
        """Paints the cell of a run's flow."""
        if run.flow_id not in self:
            flow = run.flow
            link = f'<a href="{flow.get_absolute_url()}">{escape(flow.shown_name)}</a>'
            self[run.flow_id] = f'<td class="wrap" data-label="{_("Flow")}">{link}</td>'
        return self[run.flow_id]


def _row(
    run: Execution, now: datetime, zone: tzinfo, year: int, flows: _Flows | None, form: str, columns: Collection[str]
) -> str:
    zohos_id = escape(run.execution_id)
    started = paint.when(run.started_time, zone, year) if run.started_time else _("not known")
    choose = _("Choose %(id)s") % {"id": zohos_id}
    box = f'<input type="checkbox" name="run" value="{run.pk}" form="{form}" aria-label="{choose}">'
    before = f'<td class="fit tick">{box}</td>' if form else ""
    cells = [f'<tr>{before}<th class="fit number" scope="row"><a href="{run.get_absolute_url()}">{started}</a></th>']
    if "status" in columns:
        cells.append(f'<td class="fit">{_status(run, now, zone, year)}</td>')
    if flows is not None:
        cells.append(flows.of(run))
    if "time" in columns:
        cells.append(f'<td class="num" data-label="{_("Run time")}">{formats.duration(run.duration_ms)}</td>')
    if "ended" in columns:
        ended = paint.when(run.completed_time, zone, year) if run.completed_time else "–"
        cells.append(f'<td class="fit" data-label="{_("Ended")}">{ended}</td>')
    if "error" in columns:
        tooltip, error = _error(run)
        cells.append(f'<td class="clip"{tooltip}>{error}</td>')
    if "id" in columns:
        cells.append(f'<td class="fit mono muted wide-only">{zohos_id}</td>')
    return "".join(cells) + "</tr>"


def _error(run: Any) -> tuple[str, str]:
    """Paints what Zoho said of a failure, masked: a tooltip, and its code and most telling line, with its problem."""
    if not (run.problem or run.error_message or run.error_details or run.error_code):
        return "", ""
    message, specific = masked(run.error_message, run.people), masked(specific_error(run), run.people)
    code = paint.tag(masked(run.error_code, run.people)) if run.error_code else ""
    words = escape(specific)
    if run.problem:
        words = f'<a href="{address_of("problem", run.problem)}">{words or _("Its problem")}</a>'
    return f' title="{escape(message)}"' if message else "", f"{code}\n{words}"


def _status(run: Any, now: datetime, zone: tzinfo, year: int) -> str:
    parts = [paint.zohos_pill("run", run.status or "")]
    if run.rerun_count:
        parts.append(paint.tag(_("re-run"), _("Its status changed after the first result")))
    if run.mark in _OF_CHAIN:
        words, meaning = _OF_CHAIN[run.mark]
        parts.append(paint.tag(_(words), _(meaning)))
    if run.fate and run.mark != MADE_GOOD:
        words = escape(_(_FATES[run.fate])) if run.fate in _FATES else escape(run.fate)
        parts.append(f'<span class="tag tag--fate" title="{_("How the failure ended")}">{words}</span>')
    if run.retry_state and run.retry_state != "succeeded":
        parts.append(
            paint.tag(
                _("retry: %(state)s") % {"state": status_labels.look(run.retry_state).label.lower()},
                _("Its newest retry"),
            )
        )
    ahead = run.zoho_ahead or timedelta(0)
    later = standing(run, now, was_retried=bool(run.was_retried), zoho_ahead=ahead)
    if later.tag:
        at = f" {paint.when(later.at, zone, year)}" if later.code == "retry" and later.at else ""
        words = f"{escape(later.tag)}{at}"
        parts.append(f'<span class="tag tag--below" title="{escape(later.text)}">{words}</span>')
    return "\n".join(parts)
