"""Puts the rows of a table of executions into words: what the template prints of each, finished. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from html import escape

from django.utils.safestring import SafeString

from dashboard import formats, paint, status_labels
from dashboard.masked import masked
from monitor.models import ChainMark, Execution, Failure
from monitor.queries.execution import specific_error
from monitor.queries.run_status import standing

MADE_GOOD, RETRY = ChainMark.Kind.MADE_GOOD, ChainMark.Kind.RETRY
_FATES = dict(Failure.Fate.choices)
_RERUN = paint.tag("re-run", "Its status changed after the first result")
_OF_CHAIN = {
    MADE_GOOD: paint.tag("fixed by a retry", "Counted as a success"),
    RETRY: paint.tag("retry", "Counted with the run that was retried"),
}
_NOTHING, _NOT_KNOWN = SafeString(""), SafeString("not known")


@dataclass(frozen=True, slots=True)
class RunRow:
    """Holds what a table shows of a run.

    Attributes:
        pk: its primary key, for a box to tick.
        url: of its page.
        started: when it began.
        status: its status, and in tags what became and may become of it.
        flow_url: of its flow's page; empty where the table has no such column.
        flow: its flow's name, as it is shown.
        run_time: how long it ran.
        tooltip: what Zoho said of its failure, masked, as an attribute; empty where it said nothing.
        error: Zoho's code of its failure as a tag, and the line that tells most of it, masked.
        zohos_id: Zoho's id of it.
    """

    pk: int
    url: str
    started: SafeString
    status: SafeString
    flow_url: str
    flow: str
    run_time: str
    tooltip: SafeString
    error: SafeString
    zohos_id: str


def rows(runs: Iterable[Execution], now: datetime, zone: tzinfo, *, with_flow: bool = True) -> list[RunRow]:
    """Puts runs into words.

    Args:
        runs: as `monitor.queries.executions` reads them.
        now: the page's time.
        zone: the viewer's.
        with_flow: whether the table says of which flow each is.
    """
    year = now.astimezone(zone).year
    return [_row(run, now, zone, year, with_flow=with_flow) for run in runs]


def _row(run: Execution, now: datetime, zone: tzinfo, year: int, *, with_flow: bool) -> RunRow:
    tooltip, error = _error(run)
    return RunRow(
        pk=run.pk,
        url=run.get_absolute_url(),
        started=paint.when(run.started_time, zone, year) if run.started_time else _NOT_KNOWN,
        status=_status(run, now, zone, year),
        flow_url=run.flow.get_absolute_url() if with_flow else "",
        flow=run.flow.shown_name if with_flow else "",
        run_time=formats.duration(run.duration_ms),
        tooltip=tooltip,
        error=error,
        zohos_id=run.execution_id,
    )


def _error(run: Execution) -> tuple[SafeString, SafeString]:
    if not (run.error_message or run.error_details or run.error_code):
        return _NOTHING, _NOTHING
    message, specific = masked(run.error_message, run.people), masked(specific_error(run), run.people)
    code = paint.tag(masked(run.error_code, run.people)) if run.error_code else ""
    tooltip = paint.safe(f' title="{escape(message)}"') if message else _NOTHING
    return tooltip, paint.safe(f"{code}\n{escape(specific)}")


def _status(run: Execution, now: datetime, zone: tzinfo, year: int) -> SafeString:
    parts = [paint.zohos_pill("run", run.status or "")]
    if run.rerun_count:
        parts.append(_RERUN)
    kind = run.chain_mark.kind if hasattr(run, "chain_mark") else ""
    if kind in _OF_CHAIN:
        parts.append(_OF_CHAIN[kind])
    fate = run.failure.fate if kind != MADE_GOOD and hasattr(run, "failure") else ""
    if fate:
        parts.append(paint.tag(_FATES.get(fate, fate), "How the failure ended"))
    retry = getattr(run, "retry_state", None)
    if retry and retry != "succeeded":
        parts.append(paint.tag(f"retry: {status_labels.look(retry).label.lower()}", "Its newest retry"))
    ahead = getattr(run, "zoho_ahead", None) or timedelta(0)
    later = standing(run, now, was_retried=getattr(run, "was_retried", False), zoho_ahead=ahead)
    if later.tag:
        at = f" {paint.when(later.at, zone, year)}" if later.code == "retry" and later.at else ""
        words = f"{escape(later.tag)}{at}"
        parts.append(paint.safe(f'<span class="tag tag--below" title="{escape(later.text)}">{words}</span>'))
    return paint.safe("\n".join(parts))
