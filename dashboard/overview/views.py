"""Shows the first page: whether anything is wrong, and how complete the figures are."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard import charts, slots
from dashboard.context import frame_at
from monitor.periods import CHOICES, choice_of
from monitor.queries import freshness, holes
from monitor.queries import overview as queries
from monitor.queries.problems import to_count

# The parts of the page that refresh themselves; each is a partial of the page's own template.
PARTS = ("cards", "chart")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Shows the overview, or with `?part=cards` or `?part=chart` that part of it."""
    now = timezone.now()
    period = choice_of(request.GET.get("days"))
    zone = timezone.get_current_timezone()
    frame = frame_at(now, to_count(now, zone), counted_for=str(zone))
    mirror: freshness.Mirror = frame["mirror"]
    part = request.GET.get("part") if request.htmx else None  # type: ignore[attr-defined]
    context: dict[str, Any] = frame | {"now": now, "period": period, "periods": CHOICES.values()}
    if mirror.is_empty:
        return render(request, "overview/overview.html", context)
    figures = queries.period(now, period.days, slot_hours=period.slot_hours, zone=zone)
    before = figures.window.before().start
    context["figures"] = figures
    context["before_unknown"] = queries.why_unknown(before, is_read=mirror.is_read_since(before))
    if part != "cards":
        context["chart"] = _chart(figures, mirror, zone)
    if part != "chart":
        context["cards"] = queries.cards(now, period.days, mirror, zone, figures.marks)
    template = f"overview/overview.html#{part}" if part in PARTS else "overview/overview.html"
    return render(request, template, context)


def _chart(figures: queries.PeriodFigures, mirror: freshness.Mirror, zone: tzinfo) -> charts.Chart:
    unknown = holes.of_mirror(mirror, figures.window.start, figures.end)
    return charts.success_rate(slots.of_figures(figures, unknown), zone, unknown, slots.link(figures))
