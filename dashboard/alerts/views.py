"""Alerts: what is open, what happened, and saying that somebody looks after it."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from dashboard.access import get_or_404
from dashboard.admin_filters import AccountFilterForm
from dashboard.alerts.forms import AcknowledgeForm
from monitor.access import may
from monitor.alerting import actions
from monitor.queries import alerts as queries
from monitor.queries import freshness

PER_PAGE = 50


@require_GET
def alerts(request: HttpRequest) -> HttpResponse:
    """Open alerts first, then every transition."""
    form = AccountFilterForm(request.GET)
    account_id = form.account_id
    page = Paginator(queries.recent_transitions(account_id), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "open_states": queries.open_states(account_id),
        "page_obj": page,
        "may_acknowledge": may(request.user, "acknowledge"),
    }
    return render(request, "alerts/list.html", context)


@require_GET
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """One alert: its rule, its figures, its history and the mails about it."""
    state = get_or_404(request.user, queries.states(), pk)
    return render(request, "alerts/alert.html", _context(request, state, AcknowledgeForm()))


@require_POST
def alert_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks an open alert as looked after. Doing it twice changes nothing."""
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
    mirror = freshness.mirror(timezone.now())
    return {
        "mirror": mirror,
        "freshness": mirror.of(state.rule.account_id),
        "state": state,
        "detail": queries.detail(state),
        "form": form,
        "may_acknowledge": may_do,
        "may_see_mails": may(request.user, "mails"),
        "may_edit_rule": may(request.user, "rules"),
    }
