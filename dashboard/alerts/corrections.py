"""Shows the times that are left out of the rates, adds one, and takes one back."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404, requires
from dashboard.alerts.correction_forms import CorrectionForm, IncidentCorrectionForm
from dashboard.alerts.forms import AlertFilterForm
from monitor.access import may
from monitor.alerting.actions import AlertActRefused
from monitor.alerting.corrections import leave_out, take_back
from monitor.models import Incident
from monitor.queries import corrections as queries
from monitor.queries.incidents import incidents

LONGEST_KEY = 18  # digits that every database takes for a number


@require_safe
def corrections(request: HttpRequest) -> HttpResponse:
    """Lists the times that are left out, and those that were taken back."""
    return _show(request, CorrectionForm(auto_id="correction_%s"))


@require_POST
@requires("correct")
def correction_add(request: HttpRequest) -> HttpResponse:
    """Leaves a time out of the rates; with `incident` that of an incident, from whose page it came."""
    now, incident = timezone.now(), _incident(request)
    form: CorrectionForm | IncidentCorrectionForm = CorrectionForm(request.POST, auto_id="correction_%s")
    if incident is not None:
        form = IncidentCorrectionForm(request.POST, incident=incident, now=now, auto_id="correction_%s")
    if not form.is_valid():
        return _show(request, form, status=400)
    try:
        leave_out(request.user, now, **form.wanted())
    except AlertActRefused as refusal:
        return _show(request, form, refusal=refusal.message, status=409)
    messages.success(request, "These runs are left out of the rates. Alerts are looked at anew within a minute.")
    return redirect(incident) if incident is not None else redirect("corrections")


@require_POST
def correction_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Has the runs of a time counted in rates again."""
    row = get_or_404(request.user, queries.corrections(), pk, action="correct")
    try:
        take_back(row, request.user, timezone.now())
        messages.success(request, "These runs are in the rates again.")
    except AlertActRefused as refusal:
        messages.warning(request, refusal.message)
    return redirect("corrections")


def _incident(request: HttpRequest) -> Incident | None:
    """Opens the incident that a form names; None where it names none."""
    key = request.POST.get("incident", "")
    if not (key.isascii() and key.isdigit() and len(key) <= LONGEST_KEY):
        return None
    return get_or_404(request.user, incidents(), int(key), action="correct")


def _show(
    request: HttpRequest, form: CorrectionForm | IncidentCorrectionForm, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    filters = AlertFilterForm(request.GET)

    def find(account_id: int | None) -> dict[str, Any]:
        rows = queries.corrections()
        return lists.numbered(rows if account_id is None else rows.filter(account=account_id), filters)

    response = lists.show(
        request,
        "alerts/corrections.html",
        filters,
        find,
        nouns="corrections",
        own_url=reverse("corrections"),
        correction_form=form,
        refusal=refusal,
        may_correct=may(request.user, "correct"),
    )
    response.status_code = status
    return response
