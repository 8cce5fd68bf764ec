"""Shows the first page: whether anything is wrong, what needs somebody, and how complete the figures are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from dashboard import chart_files, formats, remembered, slots, svg
from dashboard.context import frame_at
from dashboard.overview import grid
from dashboard.overview.rows import Rights, lines
from dashboard.overview.verdict import VerdictFacts, doubt_of, verdict
from dashboard.slots import Slot
from dashboard.volume_chart import Mark, MarkKind, volume
from monitor.access import may
from monitor.languages import ngettext
from monitor.models.addresses import address_of_list
from monitor.periods import CHOICES, PeriodChoice, choice_of
from monitor.queries import freshness, holes, links
from monitor.queries import overview as queries
from monitor.queries.flow_days import flow_days
from monitor.queries.overview import OverviewFacts
from monitor.queries.period_marks import MarkedMoment
from monitor.queries.problems import to_count

# The parts of the page that refresh themselves; each is a partial of the page's own template.
PARTS = ("cards", "chart", "grid")
NEEDS_SHOWN = 12
MARKS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class PaintedOverview:
    """Holds what the overview shows, and what of it is the same for everybody and painted already.

    Attributes:
        facts: of the page.
        chart: the volume of runs, with its table.
        columns: what it draws.
        sparks: the sparkline of each figure, by its name.
    """

    facts: OverviewFacts
    chart: SafeString
    columns: list[Slot]
    sparks: dict[str, SafeString]


@require_safe
def overview(request: HttpRequest) -> HttpResponseBase:
    """Shows the overview, or with `?part=` one of `PARTS` of it, or with `?csv=` the figures of its chart as a file.

    The grid of flows and days is larger than all the rest: it comes as a part of its own when somebody scrolls to it,
    or with `?grid=yes`.
    """
    now = timezone.now()
    period = choice_of(request.GET.get("days"))
    zone = timezone.get_current_timezone()
    frame = frame_at(now, to_count(now, zone), counted_for=str(zone))
    mirror: freshness.Mirror = frame["mirror"]
    part = request.GET.get("part") if request.htmx else None  # type: ignore[attr-defined]
    context: dict[str, Any] = frame | {"now": now, "period": period, "periods": CHOICES.values()}
    if mirror.is_empty:
        return render(request, "overview/overview.html", context)

    if part == "grid" or request.GET.get("grid"):
        context["grid"] = remembered.of(("overview grid", now.date()), lambda: _grid(now, mirror))
    if part == "grid":
        return render(request, "overview/overview.html#grid", context)

    def make() -> PaintedOverview:
        return _painted(queries.read(now, period, mirror, zone), period, zone)

    painted = remembered.of(("overview", period.days, str(zone)), make)
    if wanted := request.GET.get("csv"):
        return chart_files.send(wanted, ["chart-volume"], painted.columns, f"all-{period.days}-days")
    context |= {"painted": painted, "facts": painted.facts, "figures": painted.facts.figures}
    if part != "chart":
        context |= _cards(painted.facts, request, now, zone)
    if part != "cards":
        marks = painted.facts.marks
        context |= {"shown_marks": marks[:MARKS_SHOWN], "marks_told": told(marks)}
    template = f"overview/overview.html#{part}" if part in PARTS else "overview/overview.html"
    return render(request, template, context)


def _cards(facts: OverviewFacts, request: HttpRequest, now: datetime, zone: tzinfo) -> dict[str, Any]:
    user = request.user
    rights = Rights(may(user, "acknowledge"), may(user, "triage"), may(user, "retry.bulk"))
    needs, found = facts.needs, verdict(verdict_facts(facts))
    return {
        "before_unknown": facts.before_unknown,
        "verdict": found,
        "sentence": found.painted(opens(facts)),
        "needs": lines(needs.rows[:NEEDS_SHOWN], now, zone, rights, with_account=len(facts.mirror.accounts) > 1),
        "is_cut": len(needs.rows) > NEEDS_SHOWN,
        "crm": needs.crm,
        "has_crm": any("crm" in account.products for account in facts.mirror.mirrored),
    }


def opens(facts: OverviewFacts) -> dict[str, str]:
    """Returns the addresses of the lists that the verdict counts, by the names of its parts."""
    problems = address_of_list("problems")
    return {
        "problems": problems,
        "new": links.problems_since(facts.problems.today),
        "unowned": f"{problems}?owner=nobody",
        "alerts": address_of_list("alerts"),
        "connections": f"{address_of_list('connections')}?state=broken",
        "doubtful": f"{address_of_list('connections')}?state=other",
        "changes": f"{address_of_list('edits')}?state=unknown",
        "retries": address_of_list("retries_unknown"),
        "silent": f"{address_of_list('flows')}?standing=silent",
    }


def told(marks: Sequence[MarkedMoment]) -> str:
    """Says how many changes and incidents there are. Pure."""
    incidents = sum(1 for one in marks if one.kind == "incident")
    changes = len(marks) - incidents
    counted = (
        (changes, ngettext("%(n)s change", "%(n)s changes", changes)),
        (incidents, ngettext("%(n)s incident", "%(n)s incidents", incidents)),
    )
    return ", ".join(words % {"n": formats.number(count)} for count, words in counted if count)


def verdict_facts(facts: OverviewFacts) -> VerdictFacts:
    """Takes what the verdict is made of from what was read. Pure."""
    found, needs = facts.problems, facts.needs
    return VerdictFacts(
        doubt=doubt_of(facts.mirror),
        is_unread=facts.mirror.is_unread,
        problems=found.unresolved,
        new_today=found.new_today,
        without_owner=found.without_owner,
        alerts=facts.open_incidents,
        silent=needs.silent,
        broken=needs.broken,
        doubtful=needs.doubtful,
        rules=needs.rules,
        webhooks=needs.webhooks,
        passing=needs.passing,
        changes=needs.changes,
        retries=needs.retries,
    )


def _painted(facts: OverviewFacts, period: PeriodChoice, zone: tzinfo) -> PaintedOverview:
    figures = facts.figures
    unknown = holes.of_mirror(facts.mirror, figures.window.start, figures.end)
    columns = slots.of_figures(figures, unknown)
    kinds = {"incident": MarkKind.INCIDENT}
    marks = [Mark(one.at, kinds.get(one.kind, MarkKind.CHANGE)) for one in facts.marks]
    chart = volume(columns, zone, unknown, slots.link(figures), marks)
    counts = [column.counts for column in columns]
    return PaintedOverview(
        facts=facts,
        chart=render_to_string("parts/chart.html", {"chart": chart, "csv_url": f"?days={period.days}&csv={chart.id}"}),
        columns=columns,
        sparks={
            "rate": svg.sparkline_of([c.rate for c in counts], "good"),
            "first_rate": svg.sparkline_of([c.first_rate for c in counts], "first"),
            "failed": svg.sparkline([(0, c.failed) for c in counts]),
            "finished": svg.sparkline([(c.succeeded, c.failed) for c in counts]),
        },
    )


def _grid(now: datetime, mirror: freshness.Mirror) -> grid.PaintedGrid:
    return grid.painted(flow_days(now, mirror))
