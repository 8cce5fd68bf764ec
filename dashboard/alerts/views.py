"""Shows alerts: the open ones and what happened; takes acknowledgements at their old address."""

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
from dashboard.news import MOST_NEW, News, newest_key, read_key
from monitor.access import may
from monitor.alerting import actions
from monitor.alerting.actions import AlertActRefused
from monitor.languages import gettext as _
from monitor.languages import gettext_lazy
from monitor.models import Incident
from monitor.models.asking import Asking, answered, ask, in_step
from monitor.queries import alerts as queries
from monitor.queries import incidents
from monitor.queries.incidents import IncidentRow
from monitor.queries.quiet import QuietReason

INCIDENTS_SHOWN = 5


def _newer(account_id: int | None, mark: str) -> int:
    newer = queries.recent_transitions(account_id).filter(pk__gt=read_key(mark))
    return newer.order_by()[: MOST_NEW + 1].count()


def _ask_incidents(account_id: int | None) -> Asking[tuple[list[IncidentRow], dict[int, list[QuietReason]]]]:
    """Asks for the open incidents, and for what keeps them quiet."""
    opened = yield from incidents.ask_open_incidents(account_id)
    return opened, (yield from incidents.ask_quiet_now(opened, timezone.now()))


EVENTS = News(gettext_lazy("event"), gettext_lazy("events"), newest_key, _newer)


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """Lists open incidents with their alerts, then every event."""
    form = AlertFilterForm(request.GET)

    def find(account_id: int | None) -> dict[str, Any]:
        (opened, quiet), states, checks, page = answered(
            in_step(
                _ask_incidents(account_id),
                queries.ask_open_states(account_id),
                queries.ask_checks(account_id),
                lists.ask_numbered(queries.recent_transitions(account_id), form),
            )
        )
        held = {member.alert_id for row in opened for member in row.firing}
        lone = [state for state in states if state.pk not in held]
        return page | {"open_incidents": opened, "quiet": quiet, "lone": lone, "checks": checks}

    return lists.show(request, "alerts/list.html", form, find, nouns=_("events"), news=EVENTS)


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
    incident = _open_incident(state)
    try:
        if incident is None:
            raise AlertActRefused("the incident is over", "over")
        actions.acknowledge(incident, request.user, form.cleaned_data["note"], timezone.now())
        messages.success(request, _("The alert is acknowledged."))
    except AlertActRefused:
        messages.warning(request, _("Nothing was changed: the incident is over, or somebody was faster."))
    return redirect(state)


def _open_incident(state: queries.AlertState) -> Incident | None:
    return incidents.of_alert(state.pk).filter(closed_at=None).first()


def _context(request: HttpRequest, state: queries.AlertState, form: AcknowledgeForm) -> dict[str, object]:
    newest, detail = answered(in_step(ask(incidents.of_alert(state.pk)[:INCIDENTS_SHOWN]), queries.ask_detail(state)))
    return age_of(state.rule.account_id) | {
        "state": state,
        "detail": detail,
        "incidents": newest,
        "quiet": incidents.quiet_of_alert(state, newest, timezone.now()),
        "form": form,
        "is_acknowledged": any(one.is_open and one.acknowledged_at is not None for one in newest),
        "may_be_acknowledged": any(one.is_open and one.acknowledged_at is None for one in newest),
        "may_acknowledge": may(request.user, "acknowledge", state.rule.account),
        "may_edit_rule": state.rule.deleted_at is None and may(request.user, "rules"),
    }
