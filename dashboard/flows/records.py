"""Takes the choice of the field by which a flow's records are known, and takes it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from dashboard.access import get_or_404
from dashboard.flows.forms import RecordFieldForm
from dashboard.flows.page import show
from monitor.queries import flow as one
from monitor.triage import choose_record
from monitor.triage.acts import ActRefused


@require_POST
def flow_record_field(request: HttpRequest, pk: int) -> HttpResponse:
    """Has a flow's records known by the field that an admin names. 400 for the form, 409 where it tells none apart."""
    now = timezone.now()
    row = get_or_404(request.user, one.flows(now), pk, action="record_field")
    form = RecordFieldForm(request.POST, auto_id="record_%s")
    if not form.is_valid():
        return show(request, row, tab="definition", refusal="Name the field.", status=400, record_form=form)
    try:
        choose_record.choose(row, form.cleaned_data["path"], request.user, now)
    except ActRefused as refusal:
        return show(request, row, tab="definition", refusal=refusal.message, status=409, record_form=form)
    messages.success(request, "The field is set. What is open is read anew by it.")
    return redirect(f"{row.get_absolute_url()}?tab=definition")


@require_POST
def flow_record_take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Has a flow's records known again by what is found by itself."""
    now = timezone.now()
    row = get_or_404(request.user, one.flows(now), pk, action="record_field")
    try:
        choose_record.take_back(row, request.user, now)
    except ActRefused as refusal:
        return show(request, row, tab="definition", refusal=refusal.message, status=409)
    messages.success(request, "The choice is taken back: the field is found by itself again.")
    return redirect(f"{row.get_absolute_url()}?tab=definition")
