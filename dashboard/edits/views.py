"""Shows changes that were asked for here, calls one off, and settles one whose outcome stayed unknown."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.context import age_of
from dashboard.edits.forms import EditFilterForm, EditSettleForm
from monitor.access import may
from monitor.edits import requests
from monitor.edits.acts import kind_of, undo_of
from monitor.edits.refusals import UNLISTED, ChangeRefusal, explain_answer
from monitor.models import Edit
from monitor.queries import edits as queries
from monitor.sent_once.sending import is_expired
from monitor.sent_once.timing import BY_HAND_AFTER

POLL_SECONDS = 3


@require_safe
def edits(request: HttpRequest) -> HttpResponse:
    """Lists the changes that people asked for here."""
    form = EditFilterForm(request.GET)

    def find(wanted: queries.EditFilter) -> dict[str, Any]:
        found = lists.numbered(queries.search(wanted), form)
        rows = [(row, queries.shown_name(row), kind_of(row.subject, row.act)) for row in found["rows"]]
        return found | {"rows": rows}

    return lists.show(request, "edits/list.html", form, find, nouns="changes")


@require_safe
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one change: what it changes, what became of it, and what may be done about it."""
    return _show(request, get_or_404(request.user, queries.all_edits(), pk))


@require_safe
def edit_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Answers with the part of the page that changes, for its own refreshing; the whole page once it is over."""
    row = get_or_404(request.user, queries.all_edits(), pk)
    if row.is_open and request.GET.get("seen") == _mark(row):
        return HttpResponse(status=204)
    response = render(request, "edits/state.html", _context(request, row))
    if not row.is_open:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def edit_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Calls off a change that has not been sent."""
    row = get_or_404(request.user, queries.all_edits(), pk, action="edits")
    try:
        requests.cancel_edit(row, request.user, timezone.now())  # type: ignore[arg-type]
    except requests.EditRefused as refusal:
        return _show(request, row, refusal=refusal.message, status=409)
    messages.success(request, "The change is called off. Nothing was sent.")
    return redirect(row)


@require_POST
def edit_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Closes a change of unknown outcome: a named admin has looked at Zoho."""
    row = get_or_404(request.user, queries.all_edits(), pk, action="edits")
    form = EditSettleForm(request.POST)
    if not form.is_valid():
        return _show(request, row, settle_form=form, refusal="Say what you saw, and how you know.", status=400)
    said, now = form.cleaned_data, timezone.now()
    try:
        requests.settle_by_hand(row, request.user, said["reason"], now, was_done=said["was_done"] == "yes")  # type: ignore[arg-type]
    except requests.EditRefused as refusal:
        return _show(request, row, settle_form=form, refusal=refusal.message, status=409)
    messages.success(request, "The change is settled.")
    return redirect(row)


def _show(
    request: HttpRequest, row: Edit, *, settle_form: EditSettleForm | None = None, refusal: str = "", status: int = 200
) -> HttpResponse:
    context = _context(request, row, settle_form) | age_of(row.account_id) | {"refusal": refusal}
    return render(request, "edits/edit.html", context, status=status)


def _context(request: HttpRequest, row: Edit, settle_form: EditSettleForm | None = None) -> dict[str, Any]:
    may_edit = may(request.user, "edits", row.account)
    now = timezone.now()
    is_young = row.sent_at is None or now < row.sent_at + BY_HAND_AFTER
    until = row.not_before if row.state == Edit.State.WISHED else None
    waits_until = until if until is not None and until > now else None
    asks = row.state == Edit.State.UNKNOWN and may_edit and not is_young
    return {
        "detail": queries.detail(row),
        "edit": row,
        "kind": kind_of(row.subject, row.act),
        "advice": _advice(row),
        "may_edit": may_edit,
        "is_young": is_young,
        "settle_form": (settle_form or EditSettleForm()) if asks else None,
        "waits_until": waits_until,
        "gives_up": waits_until is not None and is_expired(row, waits_until),
        "has_undo": row.is_done and undo_of(row.subject, row.act) is not None,
        "mark": _mark(row),
        "poll_seconds": POLL_SECONDS,
    }


def _advice(row: Edit) -> ChangeRefusal | None:
    """Returns what Zoho's error means: of a refusal always, of a lost answer where Zoho's documents name its code."""
    if row.state not in (Edit.State.REFUSED, Edit.State.UNKNOWN):
        return None
    found = explain_answer(row.subject, row.code, row.answer)
    return found if row.state == Edit.State.REFUSED or found is not UNLISTED else None


def _mark(row: Edit) -> str:
    """Returns what changes whenever the part of the page does."""
    waits = f"-{row.not_before.timestamp():.0f}" if row.not_before is not None else ""
    return f"{row.state}-{row.fence}-{row.checks}{waits}"
