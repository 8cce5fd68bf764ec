"""Shows an incident, and takes what people do about it. What cannot be done is shown on its page: 409, or 400."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import charts
from dashboard.access import get_or_404
from dashboard.alerts import incident_chart
from dashboard.alerts.correction_forms import IncidentCorrectionForm
from dashboard.alerts.forms import AcknowledgeForm, CommentForm, HandOverForm, SnoozeForm, WhyForm
from dashboard.context import age_of, frame_at
from dashboard.widgets import offer_rows
from monitor.access import may
from monitor.alerting import actions
from monitor.alerting.actions import AlertActRefused
from monitor.languages import gettext as _
from monitor.models import Incident, IncidentAlert, Snooze, User
from monitor.models.asking import answered, ask, in_step
from monitor.queries import corrections
from monitor.queries import incidents as queries
from monitor.triage.remedy import REMEDIES


@require_safe
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one incident: why it is, its alerts, what was mailed, what people did, and what they can do.

    `?chart=1` draws its flows too; a script asks for that part alone once the page is there.
    """
    row = get_or_404(request.user, queries.incidents(), pk)
    if request.GET.get("chart") and request.htmx:  # type: ignore[attr-defined]
        return render(request, "alerts/incident_chart.html", {"chart": _chart(row, queries.members_of(row))})
    context = _context(request, row)
    if request.GET.get("chart"):
        context["chart"] = _chart(row, context["detail"].row.members)
    return render(request, "alerts/incident.html", context)


def _chart(row: Incident, members: Sequence[IncidentAlert]) -> charts.Chart | None:
    now = timezone.now()
    mirror = frame_at(now)["mirror"]
    return incident_chart.chart_of(row, members, mirror, now, timezone.get_current_timezone())


@require_POST
def incident_acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledges an incident for the person who asks."""

    def do(row: Incident, form: Form, now: datetime) -> None:
        actions.acknowledge(row, request.user, form.cleaned_data["note"], now)

    return _by_form(request, pk, AcknowledgeForm, do, _("The incident is acknowledged."))


@require_POST
def incident_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes the acknowledgement back."""

    def do(row: Incident, __: Form, now: datetime) -> None:
        actions.take_back(row, request.user, now)

    return _by_form(request, pk, Form, do, _("It is acknowledged no longer."))


@require_POST
def incident_hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Gives an incident to a person, or to nobody."""

    def do(row: Incident, form: Form, now: datetime) -> None:
        actions.hand_over(row, form.cleaned_data["owner"], request.user, now)

    return _by_form(request, pk, HandOverForm, do, _("The owner is set."))


@require_POST
def incident_comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Adds a note to the timeline."""

    def do(row: Incident, form: Form, now: datetime) -> None:
        actions.comment(row, form.cleaned_data["text"], request.user, now)

    return _by_form(request, pk, CommentForm, do, _("The note is added."))


@require_POST
def incident_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Closes an incident by hand."""

    def do(row: Incident, form: Form, now: datetime) -> None:
        actions.close_by_hand(row, form.cleaned_data["why"], request.user, now)

    return _by_form(request, pk, WhyForm, do, _("The incident is closed."))


@require_POST
def incident_snooze(request: HttpRequest, pk: int) -> HttpResponse:
    """Has nothing mailed of one of the incident's subjects until a time."""

    def do(row: Incident, form: Form, now: datetime) -> None:
        data = form.cleaned_data
        actions.snooze(row, data["alert"], data["until"], data["why"], request.user, now)

    return _by_form(request, pk, SnoozeForm, do, _("Nothing is mailed of it until then."))


@require_POST
def snooze_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends a snooze now."""
    row = get_or_404(request.user, Snooze.objects.select_related("account"), pk, action="acknowledge")
    try:
        actions.end_snooze(row, request.user, timezone.now())
        messages.success(request, _("The snooze is ended."))
    except AlertActRefused as refusal:
        messages.warning(request, refusal.message)
    return redirect("silences")


def _by_form(
    request: HttpRequest, pk: int, kind: type[Form], do: Callable[[Incident, Any, Any], None], done: str
) -> HttpResponse:
    row = get_or_404(request.user, queries.incidents(), pk, action="acknowledge")
    form = _form(kind, row, request.POST)
    if not form.is_valid():
        return _refused(request, row, _("Fix what the form says."), status=400, form=form)
    try:
        do(row, form, timezone.now())
    except AlertActRefused as refusal:
        return _refused(request, queries.incidents().get(pk=pk), refusal.message, status=409, form=form)
    messages.success(request, done)
    return redirect(row)


def _refused(request: HttpRequest, row: Incident, words: str, *, status: int, form: Form) -> HttpResponse:
    context = _context(request, row, form) | {"refusal": words}
    return render(request, "alerts/incident.html", context, status=status)


def _form(kind: type[Form], row: Incident, data: Any = None) -> Form:
    more = {"incident": row} if kind is SnoozeForm else {}
    return kind(data, auto_id=f"{kind.__name__.lower()}_%s", **more)


def _context(request: HttpRequest, row: Incident, given: Form | None = None) -> dict[str, Any]:
    kinds = {"form": AcknowledgeForm, "owner_form": HandOverForm, "comment_form": CommentForm}
    kinds |= {"close_form": WhyForm, "snooze_form": SnoozeForm}
    forms = {name: given if type(given) is kind else _form(kind, row) for name, kind in kinds.items()}
    now = timezone.now()
    may_act = may(request.user, "acknowledge", row.account)
    owners = forms["owner_form"].fields["owner"].queryset if may_act and row.is_open else User.objects.none()
    asking = queries.ask_detail(row, now), corrections.ask_of_incident(row.pk), ask(owners)
    detail, corrected, people = answered(in_step(*asking))
    alerts = {member.alert_id: member.alert for member in detail.row.members}
    offer_rows(forms["owner_form"].fields["owner"], people)
    if len(detail.row.members) < queries.MEMBERS_SHOWN:
        offer_rows(forms["snooze_form"].fields["alert"], [alert for _, alert in sorted(alerts.items())])
    errors = detail.story.why.errors
    return age_of(row.account_id) | {
        "what_to_do": REMEDIES.get(errors[0].remedy, "") if detail.story.why.is_one else "",
        "has_flows": any(member.alert.flow_id is not None for member in detail.row.members),
        "corrections": corrected,
        "correction_form": IncidentCorrectionForm(
            incident=row, members=detail.row.members, now=now, auto_id="correction_%s"
        ),
        "may_correct": may(request.user, "correct", row.account),
        "incident": row,
        "detail": detail,
        "forms": forms,
        "may_act": may_act,
        "may_see_mails": may(request.user, "mails"),
        "may_see_channels": may(request.user, "channels"),
    }
