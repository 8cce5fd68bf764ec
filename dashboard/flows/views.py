"""Shows the list of flows and the page of one; has a flow read on demand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import lists, ownership
from dashboard.access import get_or_404
from dashboard.columns import NAME as COLUMNS
from dashboard.context import frame_at
from dashboard.flows import listed
from dashboard.flows.forms import FlowFilterForm
from dashboard.flows.page import show
from monitor import audit, pipeline
from monitor.languages import gettext as _
from monitor.periods import last_days
from monitor.queries import flow as one
from monitor.queries import flows as queries


@require_safe
def flows(request: HttpRequest) -> HttpResponse:
    """Lists flows by the filters in the address."""
    now = timezone.now()
    form = FlowFilterForm(request.GET)
    mirror = frame_at(now)["mirror"]

    def find(wanted: queries.FlowFilter) -> dict[str, Any]:
        of_all = listed.figures(now, mirror)
        found = lists.numbered(listed.in_order(wanted, of_all, now), form)
        return found | {"columns": form.cleaned_data[COLUMNS], "rows": listed.rows(found["rows"], of_all, mirror, now)}

    days = queries.LIST_DAYS
    more = {"now": now, "mirror": mirror, "days": days, "window": last_days(now, days)}
    return lists.show(request, "flows/list.html", form, find, nouns=_("flows"), **more)


@require_safe
def flow(request: HttpRequest, pk: int) -> HttpResponse:
    """Shows one flow: its first screen, or one of its tabs."""
    return show(request, get_or_404(request.user, one.flows(timezone.now()), pk))


@require_POST
def flow_ownership(request: HttpRequest, pk: int) -> HttpResponse:
    """Sets who looks after a flow, and its tags. 400 for what is no owner or tag."""
    row = get_or_404(request.user, one.flows(timezone.now()), pk, action="ownership")
    taken = ownership.take(request, row)
    if isinstance(taken, HttpResponse):
        return taken
    form, refusal = taken
    return show(request, row, tab="alerts", refusal=refusal, status=400, ownership_form=form)


@require_POST
def flow_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Has Zoho asked for a flow's executions with the next sweep: at most once in 30 s."""
    now = timezone.now()
    thing = get_or_404(request.user, one.flows(now), pk, action="read")
    if thing.gone_at is not None or not thing.account.is_active:
        messages.warning(request, "Zoho is not asked: the flow is deleted, or its account is paused.")
        return redirect(thing)
    with transaction.atomic():
        is_new = pipeline.want_flow(thing, now)
        if is_new:
            audit.record(request.user, "flow.read", thing, now=now, account=thing.account)
    if is_new:
        messages.success(request, "Zoho is asked next.")
    else:
        messages.warning(request, "Somebody asked less than 30 seconds ago: Zoho is not asked again.")
    return redirect(thing)
