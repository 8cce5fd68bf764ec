"""Takes an admin's word on whether a flow's work may be repeated, and takes it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import get_or_404
from dashboard.flows.forms import PinForm
from dashboard.flows.page import show
from dashboard.reasons import ReasonForm
from monitor.languages import gettext as _
from monitor.queries import flow as one
from monitor.retry import set_pin
from monitor.retry.requests import RetryRefused


@require_POST
def flow_pin(request: HttpRequest, pk: int) -> HttpResponse:
    """Writes down what an admin says of retries of a flow. 400 for the form, 409 where it cannot be."""
    now = timezone.now()
    row = get_or_404(request.user, one.flows(now), pk, action="retry.pin")
    form = PinForm(request.POST, auto_id="pin_%s")
    if not form.is_valid():
        return show(
            request,
            row,
            tab="definition",
            refusal=_("Say whether its work may be repeated, and why."),
            status=400,
            pin_form=form,
        )
    said, actions = form.cleaned_data, list(dict.fromkeys(request.POST.getlist("action")))
    try:
        seen = request.POST.getlist("seen")
        set_pin.set_pin(row, said["retry_class"], actions, request.user, said["reason"], now, seen=seen)
    except RetryRefused as refusal:
        return show(request, row, tab="definition", refusal=refusal.message, status=409, pin_form=form)
    messages.success(request, _("It is written down: verdicts on retries of this flow go by it."))
    return redirect(f"{row.get_absolute_url()}?tab=definition")


@require_POST
def flow_pin_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Takes back what was said of retries of a flow."""
    now = timezone.now()
    row = get_or_404(request.user, one.flows(now), pk, action="retry.pin")
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return show(request, row, tab="definition", refusal=_("Say why it is taken back."), status=400)
    try:
        set_pin.take_pin_back(row, request.user, form.cleaned_data["reason"], now)
    except RetryRefused as refusal:
        return show(request, row, tab="definition", refusal=refusal.message, status=409)
    messages.success(request, _("It is taken back."))
    return redirect(f"{row.get_absolute_url()}?tab=definition")
