"""Shows retries whose outcome nobody knows, with the evidence; a named person settles each."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.batches.forms import SettleForm, UnknownFilterForm
from monitor.access import may
from monitor.languages import gettext as _
from monitor.models import RetryAttempt
from monitor.queries import batches as queries
from monitor.retry import requests
from monitor.retry.candidates import traces_of
from monitor.sent_once.timing import BY_HAND_AFTER
from monitor.sentences import inside

PER_PAGE = 20  # the trigger data of each one's candidates is compared


@require_safe
def retries_unknown(request: HttpRequest) -> HttpResponse:
    """Lists retries whose outcome nobody knows: what was sent when, what was read since, and which run it may be."""
    return _show(request)


@require_POST
def retry_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Settles one: it ran as this run, or it did not run. 400 for the form, 409 where it cannot be."""
    attempts = RetryAttempt.objects.select_related("account", "execution").defer("account__client_secret")
    attempt = get_or_404(request.user, attempts, pk, action="retry.override")
    form = SettleForm(request.POST)
    if not form.is_valid():
        words = next(str(error) for errors in form.errors.values() for error in errors)
        return _show(request, refusal=words if "reason" not in form.errors else _("Say how you know."), status=400)
    reason, now = form.cleaned_data["reason"], timezone.now()
    try:
        if form.ran_as:
            settled = requests.resolve_ran_as(attempt, form.ran_as, request.user, reason, now)
        else:
            settled = requests.resolve_not_run(attempt, request.user, reason, now)
    except requests.RetryRefused as refusal:
        return _show(request, refusal=refusal.message, status=409)
    told = {"id": attempt.execution.execution_id, "state": inside(settled.get_state_display())}
    messages.success(request, _("The retry of %(id)s is settled: %(state)s.") % told)
    return redirect("retries_unknown")


def _show(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    form = UnknownFilterForm(request.GET)
    now = timezone.now()

    def find(account_id: int | None) -> dict[str, Any]:
        rows = queries.unknown()
        page = lists.numbered(rows if account_id is None else rows.filter(account=account_id), form, per_page=PER_PAGE)
        traces = traces_of(page["rows"])
        found = [(row, traces[row.attempt.pk], _is_young(row.attempt)) for row in queries.with_answers(page["rows"])]
        return page | {"rows": found}

    def _is_young(attempt: RetryAttempt) -> bool:
        return attempt.sent_at is not None and now < attempt.sent_at + BY_HAND_AFTER

    response = lists.show(
        request,
        "batches/unknown.html",
        form,
        find,
        nouns=_("retries"),
        own_url=reverse("retries_unknown"),
        may_override=may(request.user, "retry.override"),
        refusal=refusal,
    )
    if refusal:
        response.status_code = status
    return response
