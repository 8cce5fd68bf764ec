"""The list of flows and the page of one flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from dashboard import charts, filters, holes, slots
from dashboard.access import get_or_404
from monitor import audit, pipeline
from monitor.access import may
from monitor.models import Flow
from monitor.periods import CHOICES, choice_of, slot_starts
from monitor.privacy import mask_text
from monitor.queries import backfill, executions, freshness, versions
from monitor.queries import flows as queries
from monitor.queries import overview as totals

PAGE_SIZE = 50


@require_safe
def flows(request: HttpRequest) -> HttpResponse:
    """The list: filtered, sorted, numbered pages."""
    now = timezone.now()
    form = filters.FlowFilterForm(request.GET)
    context: dict[str, Any] = {"now": now, "mirror": freshness.mirror(now), "form": form, "days": queries.LIST_DAYS}
    if not form.is_valid():
        context["errors"] = filters.errors_of(form)
        return render(request, "flows/list.html", context, status=400)
    wanted = form.wanted()
    page = Paginator(queries.flow_list(wanted, now), PAGE_SIZE).get_page(form.cleaned_data["page"] or 1)
    context["page_obj"] = page
    context["sort"] = wanted.sort
    rows = list(page.object_list)
    daily = queries.daily_results([flow.pk for flow in rows], now)
    context["rows"] = [(flow, daily.get(flow.pk), context["mirror"].of(flow.account_id)) for flow in rows]
    # On demand only the list is asked for again; it is the very part of the page.
    return render(request, "flows/list.html#list" if request.htmx else "flows/list.html", context)  # type: ignore[attr-defined]


@require_safe
def flow(request: HttpRequest, pk: int) -> HttpResponse:
    """One flow: its counters, charts, alerts and newest executions."""
    now = timezone.now()
    thing = get_or_404(request.user, Flow.objects.select_related("account").defer("account__client_secret"), pk)
    period = choice_of(request.GET.get("days") or "30")
    mirror = freshness.mirror(now)
    account = mirror.of(thing.account_id)
    figures = totals.period(now, period.days, flow_id=thing.pk)
    zone = timezone.get_current_timezone()
    unknown = holes.of_flow(thing, account, figures.window.start, now)
    laid = slots.lay(
        figures.hours,
        slot_starts(figures.window, period.slot_hours, zone),
        figures.end,
        holes=unknown,
        histograms=queries.histograms(thing, figures.window),
        errors=queries.errors(thing, figures.window),
    )
    completeness = queries.completeness(thing)
    history = (
        backfill.of_flow(thing, completeness[0].mirrored, now)
        if thing.is_reading_history and thing.history_order
        else None
    )
    before = figures.window.before().start
    is_read = not thing.is_reading_history or thing.covers(before)
    context = {
        "now": now,
        "mirror": mirror,
        "flow": thing,
        "freshness": account,
        "period": period,
        "periods": CHOICES.values(),
        "figures": figures,
        "unknown": unknown,
        "is_incomplete": bool(thing.hole_reason) or (thing.executions_read_at is None and history is None),
        "history": history,
        "before_unknown": totals.why_unknown(before, is_read=is_read, flow=thing),
        "rate_chart": charts.success_rate(laid, zone, unknown),
        "charts": [
            charts.durations(laid, zone, unknown),
            charts.outcomes(laid, zone, unknown),
            charts.failures(laid, zone, unknown),
        ],
        "completeness": completeness,
        "alerts": queries.open_alerts(thing),
        "versions": versions.of(thing),
        "executions": executions.recent(thing.pk),
        "description": mask_text(thing.description, definition=True),
        "may_ask": thing.gone_at is None and thing.account.is_active and may(request.user, "read", thing.account),
    }
    return render(request, "flows/flow.html", context)


@require_POST
def flow_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Has Zoho asked for a flow's executions with the next sweep: at most once in 30 s."""
    rows = Flow.objects.select_related("account").defer("account__client_secret")
    thing = get_or_404(request.user, rows, pk, action="read")
    now = timezone.now()
    if thing.gone_at is not None or not thing.account.is_active:
        messages.warning(request, "Zoho is not asked: the flow is gone, or its account is paused.")
        return redirect(thing)
    with transaction.atomic():
        is_new = pipeline.want_flow(thing, now)
        if is_new:
            audit.record(request.user, "flow.read", thing, now=now, account=thing.account)
    if is_new:
        messages.success(request, "Zoho is asked next.")
    else:
        messages.warning(request, "Somebody asked less than 30 seconds ago: Zoho is not asked once more.")
    return redirect(thing)
