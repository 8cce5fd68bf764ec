"""Shows alerts: the open ones and what happened; takes acknowledgements."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists
from dashboard.access import get_or_404
from dashboard.alerts.forms import AcknowledgeForm, AlertFilterForm
from dashboard.context import age_of
from monitor.access import may
from monitor.alerting import actions
from monitor.queries import alerts as queries


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Lists open alerts, then every event."""
    form = AlertFilterForm(request.GET)

    def find(account_id: int | None) -> dict[str, Any]:
        found = {"open_states": queries.open_states(account_id), "checks": queries.checks(account_id)}
        return found | lists.numbered(queries.recent_transitions(account_id), form)

    return lists.show(request, "alerts/list.html", form, find, nouns="events")


@require_safe
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one alert: its rule, its figures, its history and the mails about it."""
    state = get_or_404(request.user, queries.states(), pk)
    return render(request, "alerts/alert.html", _context(request, state, AcknowledgeForm()))


@require_POST
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledges an open alert. Doing it twice changes nothing."""
    state = get_or_404(request.user, queries.states(), pk, action="acknowledge")
    form = AcknowledgeForm(request.POST)
    if not form.is_valid():
        return render(request, "alerts/alert.html", _context(request, state, form), status=400)
    if actions.acknowledge(state, request.user, form.cleaned_data["note"], timezone.now()):
        messages.success(request, "The alert is acknowledged.")
    else:
        messages.warning(request, "Nothing was changed: the incident is over, or somebody was faster.")
    return redirect(state)


def _context(request: HttpRequest, state: queries.AlertState, form: AcknowledgeForm) -> dict[str, object]:
    may_do = may(request.user, "acknowledge", state.rule.account)
    return age_of(state.rule.account_id) | {
        "state": state,
        "detail": queries.detail(state),
        "form": form,
        "may_acknowledge": may_do,
        "may_see_mails": may(request.user, "mails"),
        "may_edit_rule": may(request.user, "rules"),
    }
