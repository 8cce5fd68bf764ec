"""Draws how many runs ended how, their success rate over them, and what happened meanwhile. Pure; as `charts` does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from enum import Enum
from typing import NamedTuple

from django.utils.translation import gettext_noop

from dashboard import formats
from dashboard.axes import axis, count_axis, rate_axis
from dashboard.chart_words import rate_summary, rate_words
from dashboard.charts import (
    STATUSES,
    Chart,
    Figure,
    LegendKey,
    Link,
    bar_trace,
    layout_of,
    line_trace,
    links_of,
    names,
    no_link,
    rate_rows,
)
from dashboard.slots import Slot
from monitor.languages import gettext as _
from monitor.languages import ngettext, ngettext_noop
from monitor.queries.holes import Hole


class MarkKind(Enum):
    """Names what is marked above the axis of time: its words, the role of its colour, its place and Plotly's symbol."""

    CHANGE = (gettext_noop("Changes"), "info", 0.5, "triangle-up")
    INCIDENT = (gettext_noop("Incidents"), "bad", 1.5, "diamond")

    def __init__(self, label: str, role: str, height: float, symbol: str) -> None:
        self.label, self.role, self.height, self.symbol = label, role, height, symbol


class Mark(NamedTuple):
    """Marks a moment of a chart."""

    at: datetime
    kind: MarkKind


def volume(
    slots: Sequence[Slot],
    zone: tzinfo,
    holes: Sequence[Hole] = (),
    link: Link = no_link,
    marks: Sequence[Mark] = (),
) -> Chart:
    """Draws runs as bars, succeeded and failed, the success rate as a line over them, and `marks` between the two."""
    counts = [slot.counts for slot in slots]
    floor, __ = rate_axis([c.rate for c in counts if c.rate is not None])
    most, count_step = count_axis(max((c.finished for c in counts), default=0))
    slack = (100 - floor) * 0.04
    layout = layout_of(slots, zone, holes) | {"barmode": "stack"}
    layout["yaxis"] = axis(
        range(floor, 101, (100 - floor) // 2), lambda v: f"{v:g} %", top=100 + slack, bottom=floor - slack
    )
    layout["yaxis"] |= {"domain": [0.7, 1]}
    layout["yaxis2"] = axis(range(0, most + 1, count_step), lambda v: f"{v:,}") | {"domain": [0, 0.56]}
    layout["yaxis3"] = axis(range(0), str, top=2.0) | {"domain": [0.58, 0.68]}
    layout["xaxis"]["anchor"] = "y2"
    named = names(slots, zone)
    known = [c if c.finished else None for c in counts]
    data = [
        bar_trace(name, role, slots, zone, [c and getattr(c, of) for c in known], links_of(slots, STATUSES[of], link))
        | {"yaxis": "y2"}
        for name, role, of in ((_("Success"), "good", "succeeded"), (_("Failed"), "bad", "failed"))
    ]
    data.append(
        line_trace(_("Success rate"), "first", named, [c.rate for c in counts], [rate_words(c) for c in counts])
    )
    data += [
        _marks(kind, [sum(1 for mark in marks if mark.kind is kind and _is_in(mark, slot)) for slot in slots], named)
        for kind in MarkKind
        if any(mark.kind is kind for mark in marks)
    ]
    return Chart(
        id="chart-volume",
        title=_("Runs and success rate"),
        summary=rate_summary(slots),
        figure={"data": data, "layout": layout},
        legend=[
            LegendKey(_("Success"), "good", "bar"),
            LegendKey(_("Failed"), "bad", "bar"),
            LegendKey(_("Success rate"), "first"),
            *(LegendKey(_(kind.label), kind.role, "mark") for kind in MarkKind if any(m.kind is kind for m in marks)),
        ],
        head=[_("From"), _("Success rate"), _("First attempt"), _("Finished"), _("Failed")],
        rows=rate_rows(slots, named, link),
    )


def _is_in(mark: Mark, slot: Slot) -> bool:
    return slot.start <= mark.at < slot.end


_OF_MARKS = {
    "Changes": ngettext_noop("%(n)s change", "%(n)s changes"),
    "Incidents": ngettext_noop("%(n)s incident", "%(n)s incidents"),
}


def _marks(kind: MarkKind, counts: Sequence[int], named: list[str]) -> Figure:
    one, many = _OF_MARKS[kind.label]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _(kind.label),
        "x": named,
        "y": [kind.height if count else None for count in counts],
        "text": [ngettext(one, many, count or 1) % {"n": formats.number(count)} for count in counts],
        "hovertemplate": "%{text}",
        "marker": {"size": 9, "symbol": kind.symbol},
        "yaxis": "y3",
        "meta": {"role": kind.role},
    }
