"""The first page: is anything wrong, and how sure can one be?"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import charts, holes, slots
from monitor.periods import CHOICES, PeriodChoice, choice_of, slot_starts
from monitor.queries import freshness
from monitor.queries import overview as queries

# The parts of the page that refresh themselves; each is a partial of the page's own template.
PARTS = ("cards", "chart")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """The overview, or with `?part=cards` or `?part=chart` that part of it."""
    now = timezone.now()
    period = choice_of(request.GET.get("days"))
    mirror = freshness.mirror(now)
    part = request.GET.get("part") if request.htmx else None  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "now": now,
        "mirror": mirror,
        "period": period,
        "periods": CHOICES.values(),
    }
    if mirror.is_empty:
        return render(request, "overview/overview.html", context)
    context["figures"] = figures = queries.period(now, period.days)
    before = figures.window.before().start
    context["before_unknown"] = queries.why_unknown(before, is_read=mirror.is_read_since(before))
    if part != "cards":
        context["chart"] = _chart(figures, period, mirror)
    if part != "chart":
        context["worst"] = queries.worst_flows(now, period.days)
        context["alerts"] = queries.open_alerts()
        context["silent"] = queries.silent_flows(now)
        context["broken"] = queries.broken_connections()
    template = f"overview/overview.html#{part}" if part in PARTS else "overview/overview.html"
    return render(request, template, context)


def _chart(figures: queries.PeriodFigures, period: PeriodChoice, mirror: freshness.Mirror) -> charts.Chart:
    zone = timezone.get_current_timezone()
    begins = slot_starts(figures.window, period.slot_hours, zone)
    unknown = holes.of_mirror(mirror, figures.window.start, figures.end)
    return charts.success_rate(slots.lay(figures.hours, begins, figures.end, holes=unknown), zone, unknown)
