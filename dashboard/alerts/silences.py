"""Shows what is not mailed for now: silences, maintenance windows, snoozes; adds silences and ends them."""

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
from dashboard.alerts.forms import SilenceForm
from monitor.access import may
from monitor.alerting import actions
from monitor.alerting.actions import AlertActRefused
from monitor.alerting.kinds.options_form import kind_forms
from monitor.models import Silence
from monitor.queries import incidents as queries

SHOWN = 200


@require_safe
def silences(request: HttpRequest) -> HttpResponse:
    """Lists silences and maintenance windows, and the snoozes that hold now."""
    return _show(request, SilenceForm(auto_id="silence_%s"))


@require_POST
@requires("silence")
def silence_add(request: HttpRequest) -> HttpResponse:
    """Adds a silence, or a maintenance window."""
    form = SilenceForm(request.POST, auto_id="silence_%s")
    if not form.is_valid():
        return _show(request, form, status=400)
    data, now = form.cleaned_data, timezone.now()
    try:
        actions.silence(request.user, now, **(data | {"starts_at": data["starts_at"] or now}))
    except AlertActRefused as refusal:
        return _show(request, form, refusal=refusal.message, status=409)
    messages.success(request, "Nothing is mailed of the alerts that fit. They are evaluated and shown all the same.")
    return redirect("silences")


@require_POST
def silence_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a silence now, or calls a planned one off."""
    row = get_or_404(request.user, queries.silences(), pk, action="silence")
    try:
        actions.end_silence(row, request.user, timezone.now())
        messages.success(request, "It is ended. What waited for its end is mailed.")
    except AlertActRefused as refusal:
        messages.warning(request, refusal.message)
    return redirect("silences")


def _kind_of(row: Silence) -> str:
    """Returns the kind of rule that a silence is for, in words; "" for each."""
    known = kind_forms().get(row.kind)
    return known.title if known is not None else row.kind


def _show(request: HttpRequest, form: SilenceForm, *, refusal: str = "", status: int = 200) -> HttpResponse:
    now = timezone.now()

    def find(_: Any) -> dict[str, Any]:
        found = [(row, row.state_at(now), _kind_of(row)) for row in queries.silences()[:SHOWN]]
        return {"rows": found, "snoozes": queries.snoozes(now)[:SHOWN]}

    response = lists.show(
        request,
        "alerts/silences.html",
        None,
        find,
        nouns="silences",
        own_url=reverse("silences"),
        silence_form=form,
        refusal=refusal,
        may_silence=may(request.user, "silence"),
    )
    response.status_code = status
    return response
