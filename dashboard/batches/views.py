"""Shows batches of retries and what becomes of them; suspends, resumes and cancels them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.batches.forms import BatchFilterForm, ItemFilterForm
from dashboard.context import age_of
from dashboard.csv_files import csv_file
from monitor import audit
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import RetryBatch, User
from monitor.queries import batches as queries
from monitor.queries.export import exports
from monitor.queries.quota import calls_a_minute
from monitor.retry import batches as acts
from monitor.retry.requests import RetryRefused
from monitor.retry.steps import pace_within, time_needed

POLL_SECONDS = 5
Act = Callable[[RetryBatch, User, datetime], None]


@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """Lists batches, the newest first."""
    form = BatchFilterForm(request.GET)

    def find(account_id: int | None) -> dict[str, Any]:
        rows = queries.batches()
        page = lists.numbered(rows if account_id is None else rows.filter(account=account_id), form)
        return page | {"rows": queries.with_progress(page["rows"]), "unknown_count": queries.unknown().count()}

    return lists.show(request, "batches/list.html", form, find, nouns=_("batches"))


@require_safe
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one batch: how far it is, and the result of each item."""
    return _show(request, get_or_404(request.user, queries.batches(), pk))


@require_safe
def batch_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with the part of the page that changes, for its own refreshing; the whole page once nothing moves."""
    row = get_or_404(request.user, queries.batches(), pk)
    detail = queries.detail(row)
    if detail.is_moving and request.GET.get("seen") == detail.mark:
        return HttpResponse(status=204)
    response = render(request, "batches/progress.html", _parts(request, row, detail))
    if not detail.is_moving:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def batch_items(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Sends the items of a batch as CSV, masked as on the page, under the names of `manage.py export retry_items`.

    By POST: that somebody took them out stands in the audit trail.
    """
    row = get_or_404(request.user, queries.batches(), pk, action="export")
    detail = {"what": "retry_items", "batch": row.pk, "format": "csv"}
    audit.record(request.user, "export", row, now=timezone.now(), account=row.account, detail=detail)
    export = exports()["retry_items"]
    items = export.rows.filter(batch=row).order_by("position").iterator(chunk_size=500)
    cells = ([get(item) for get in export.columns.values()] for item in items)
    return csv_file(f"batch-{row.pk}", list(export.columns), cells)


@require_POST
def batch_suspend(request: HttpRequest, pk: int) -> HttpResponse:
    """Starts nothing more of a batch until somebody resumes it."""
    return _act(request, pk, acts.suspend, _("The batch is suspended. What was sent is followed to its end."))


@require_POST
def batch_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Goes on with a batch that was suspended, or that stopped by itself."""
    return _act(request, pk, acts.resume, _("The batch goes on when its turn comes."))


@require_POST
def batch_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a batch: what waits is skipped."""
    return _act(request, pk, acts.cancel_batch, _("The batch is cancelled. What was sent is followed to its end."))


def _show(request: HttpRequest, row: RetryBatch, *, refusal: str = "", status: int = 200) -> HttpResponse:
    form = ItemFilterForm(request.GET)
    detail = queries.detail(row)
    parts = _parts(request, row, detail)

    def find(wanted: tuple[str, str]) -> dict[str, Any]:
        state, why = wanted
        page = lists.numbered(queries.items(row, state, detail.skipped_for(why) if why else None), form)
        return page | {"rows": queries.with_notes(page["rows"])}

    age = age_of(row.account_id)
    response = lists.show(
        request,
        "batches/batch.html",
        form,
        find,
        nouns=_("items"),
        own_url=row.get_absolute_url(),
        refusal=refusal,
        **age,
        **parts,
    )
    if refusal:
        response.status_code = status
    return response


def _parts(request: HttpRequest, row: RetryBatch, detail: queries.BatchDetail) -> dict[str, Any]:
    return {
        "batch": row,
        "detail": detail,
        "left": time_left(row, detail.progress.waiting, timezone.now(), _calls_a_minute(row)),
        "poll_seconds": POLL_SECONDS,
        "may_change": may(request.user, "retry.bulk", row.account),
        "may_export": may(request.user, "export", row.account),
    }


def _calls_a_minute(row: Any) -> int | None:
    return calls_a_minute(row.account, row.limit_seen)


def time_left(row: RetryBatch, waiting: int, now: datetime, calls: int | None) -> timedelta | None:
    """Returns how long the items that wait take at the batch's pace, at least; None where nothing more is started.

    Args:
        row: the batch.
        waiting: items that wait.
        now: the present.
        calls: that its account may make in a minute; None where that is not known.
    """
    if row.state not in (RetryBatch.State.QUEUED, RetryBatch.State.RUNNING) or not waiting:
        return None
    until_next = max(row.next_start_at - now, timedelta(0)) if row.next_start_at is not None else timedelta(0)
    return until_next + time_needed(waiting, pace_within(row.per_minute, calls))


def _act(request: HttpRequest, pk: int, act: Act, done: str) -> HttpResponse:
    row = get_or_404(request.user, queries.batches(), pk, action="retry.bulk")
    try:
        act(row, request.user, timezone.now())
    except RetryRefused as refusal:
        return _show(request, row, refusal=refusal.message, status=409)
    messages.success(request, done)
    return redirect("batch", row.pk)
