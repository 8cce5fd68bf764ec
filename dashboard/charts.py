"""Draws slots as plain Plotly figure dicts ({"data": [...], "layout": {...}}). Pure.

The same dict is painted as SVG by `dashboard.svg` and taken over by plotly.js in static/js/charts.js. It
holds no colour: a trace's `meta.role` names a colour of static/css/tokens.css, so that both follow light
and dark. No name that Zoho sent is put into a figure: Plotly reads a subset of HTML in its texts.

Slots without a run are gaps, not zeros; slots that touch a hole of the mirror say nothing where they are
empty and lie under a shaded shape named "hole". They stand side by side under their names, and not on an axis of time:
an hour that comes twice is two of them, and a day of 25 hours is as wide as any.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from dashboard import formats
from dashboard.axes import axis, count_axis, duration_writer, rate_axis
from dashboard.chart_words import duration_summary, failure_summary, outcome_summary, rate_summary, rate_words
from dashboard.slots import Slot
from monitor.error_classes import CLASSES
from monitor.languages import gettext as _
from monitor.periods import Window
from monitor.queries.counts import Counts
from monitor.queries.holes import Hole
from monitor.rollups.success_rate import merge_errors

Figure = dict[str, Any]
MARGIN = {"l": 46, "r": 12, "t": 8, "b": 24}
MOST_TICKS = 8
CLASS_ROLES = ("bad", "p95", "first", "info")  # what is left has the role "other"
DURATION_STEPS_MS = (
    *(10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000),
    *(900_000, 1_800_000, 3_600_000, 7_200_000, 14_400_000),
)


# The address of the runs that a slot counts as having a status; empty where there is no list of them.
Link = Callable[[Slot, str], str]
STATUSES = {"succeeded": "success", "failed": "failed", "running": "running", "other": "other"}


class Cell(NamedTuple):
    """Holds a cell of a chart's table; `href` leads to the runs that it counts."""

    text: str
    href: str = ""


def no_link(slot: Slot, status: str) -> str:
    """Leads nowhere."""
    return ""


@dataclass(frozen=True)
class LegendKey:
    """Describes a line of the legend; `shape` is line, dot, dash, bar, mark or firing."""

    label: str
    role: str
    shape: str = "line"


@dataclass(frozen=True)
class Chart:
    """Holds a figure with what stands around it: for people who do not see it there is `summary` and the table."""

    id: str
    title: str
    summary: str
    figure: Figure
    legend: list[LegendKey]
    head: list[str]
    rows: list[list[Cell]] = field(default_factory=list)

    @property
    def has_holes(self) -> bool:
        return any(shape["name"] == "hole" for shape in self.figure["layout"]["shapes"])

    @property
    def is_empty(self) -> bool:
        return all(value is None for trace in self.figure["data"] for value in trace["y"])


def success_rate(
    slots: Sequence[Slot],
    zone: tzinfo,
    holes: Sequence[Hole] = (),
    link: Link = no_link,
    firings: Sequence[Window] = (),
    threshold: float | None = None,
    before: Sequence[Slot] = (),
) -> Chart:
    """Draws final and first-attempt success rate as lines above bars of failed runs.

    `firings` lie shaded below; `threshold`, in per cent, is a broken line across, and so is the rate of the slots
    `before`, those of the period before: the newest of them under the newest.
    """
    counts, earlier = [slot.counts for slot in slots], _beneath(slots, before)
    rates = [value for c in counts for value in (c.rate, c.first_rate, threshold) if value is not None]
    floor, step = rate_axis(rates + [c.rate for c in earlier if c.rate is not None])
    most, count_step = count_axis(max((c.failed for c in counts), default=0))
    layout = layout_of(slots, zone, holes)
    layout["shapes"] += [_band("firing", columns) for columns in _joined(_columns(slots, firings))]
    slack = (100 - floor) * 0.04  # so that a line along the edge is not cut
    layout["yaxis"] = axis(range(floor, 101, step), lambda v: f"{v:g} %", top=100 + slack, bottom=floor - slack)
    layout["yaxis"] |= {"domain": [0.3, 1]}
    layout["yaxis2"] = axis(range(0, most + 1, count_step), formats.number) | {"domain": [0, 0.2]}
    layout["xaxis"]["anchor"] = "y2"  # its labels under the bars, at the foot of both
    data = _rate_traces(slots, zone, link, threshold)
    named = names(slots, zone)
    if before:
        was = [c.rate for c in earlier]
        data.insert(0, line_trace(_("Period before"), "other", named, was, list(map(formats.rate, was)), dash="dash"))
    return Chart(
        id="chart-success-rate",
        title=_("Success rate"),
        summary=rate_summary(slots),
        figure={"data": data, "layout": layout},
        legend=[
            LegendKey(_("Final result"), "good"),
            LegendKey(_("First attempt"), "first", "dot"),
            *([LegendKey(_("Period before"), "other", "dash")] if before else []),
            LegendKey(_("Failed runs"), "bad", "bar"),
            *([LegendKey(_("Threshold"), "bad", "dash")] if threshold is not None else []),
            *([LegendKey(_("The alert fires"), "bad", "firing")] if firings else []),
        ],
        head=[
            _("From"),
            _("Success rate"),
            *([_("Period before")] if before else []),
            _("First attempt"),
            _("Finished"),
            _("Failed"),
        ],
        rows=_with_earlier(rate_rows(slots, named, link), earlier if before else []),
    )


def rate_rows(slots: Sequence[Slot], named: Sequence[str], link: Link) -> list[list[Cell]]:
    """Writes the table of a chart of rates."""
    return [
        [Cell(name), Cell(formats.rate(s.counts.rate)), Cell(formats.rate(s.counts.first_rate))]
        + (
            [_count(s.counts.finished, s, "finished", link), _count(s.counts.failed, s, "failed", link)]
            if s.counts.finished or s.is_known
            else [Cell(s.missing)] * 2
        )
        for name, s in zip(named, slots, strict=True)
    ]


def _rate_traces(slots: Sequence[Slot], zone: tzinfo, link: Link, threshold: float | None) -> list[Figure]:
    counts, where = [slot.counts for slot in slots], names(slots, zone)
    first, texts = [formats.rate(c.first_rate) for c in counts], [rate_words(c) for c in counts]
    failed = [c.failed if c.finished else None for c in counts]
    traces = [
        line_trace(_("First attempt"), "first", where, [c.first_rate for c in counts], first, dash="dot"),
        line_trace(_("Final result"), "good", where, [c.rate for c in counts], texts),
        bar_trace(_("Failed"), "bad", slots, zone, failed, links_of(slots, "failed", link)) | {"yaxis": "y2"},
    ]
    if threshold is not None:
        bound = [formats.rate(threshold)] * len(slots)
        traces.append(line_trace(_("Threshold"), "bad", where, [threshold] * len(slots), bound, dash="dash"))
    return traces


def _with_earlier(rows: list[list[Cell]], earlier: Sequence[Counts]) -> list[list[Cell]]:
    """Puts the rates of an earlier period beside those of a table of rates."""
    if not earlier:
        return rows
    return [[*row[:2], Cell(formats.rate(was.rate)), *row[2:]] for row, was in zip(rows, earlier, strict=True)]


def _beneath(slots: Sequence[Slot], before: Sequence[Slot]) -> list[Counts]:
    """Lays the counts of an earlier period beneath the slots, from the newest on; what it lacks is nothing."""
    counts = [slot.counts for slot in before][-len(slots) :] if slots else []
    return [Counts()] * (len(slots) - len(counts)) + counts


def durations(slots: Sequence[Slot], zone: tzinfo, holes: Sequence[Hole] = (), link: Link = no_link) -> Chart:
    """Draws median and 95th percentile of the run time of finished runs, in milliseconds."""
    slowest = max((s.p95 for s in slots if s.p95 is not None), default=0.0)
    step = next((step for step in DURATION_STEPS_MS if slowest / step <= 5), DURATION_STEPS_MS[-1])
    top = step * max(1, -int(-slowest // step))
    layout = layout_of(slots, zone, holes)
    layout["yaxis"] = axis(range(0, top + 1, step), duration_writer(top), top=top * 1.04)
    named, hrefs = names(slots, zone), links_of(slots, "finished", link)
    data = [
        line_trace(name, role, named, values, [formats.duration(value) for value in values], hrefs=hrefs)
        for name, role, values in (
            (_("Median"), "p50", [s.p50 for s in slots]),
            (_("95th percentile"), "p95", [s.p95 for s in slots]),
        )
    ]
    return Chart(
        id="chart-durations",
        title=_("Run time"),
        summary=duration_summary(slots, slowest),
        figure={"data": data, "layout": layout},
        legend=[LegendKey(_("Median"), "p50"), LegendKey(_("95th percentile"), "p95")],
        head=[_("From"), _("Median"), _("95th percentile"), _("Finished")],
        rows=[
            [
                *(Cell(name), Cell(formats.duration(s.p50)), Cell(formats.duration(s.p95))),
                _count(s.counts.finished, s, "finished", link) if s.counts.finished or s.is_known else Cell(s.missing),
            ]
            for name, s in zip(named, slots, strict=True)
        ],
    )


def outcomes(slots: Sequence[Slot], zone: tzinfo, holes: Sequence[Hole] = (), link: Link = no_link) -> Chart:
    """Draws runs stacked by their result. `Other` appears only where Zoho sent a status that it does not document."""
    kinds = [(_("Success"), "good", "succeeded"), (_("Failed"), "bad", "failed"), (_("Running"), "info", "running")]
    if any(s.counts.other for s in slots):
        kinds.append((_("Other"), "other", "other"))
    most, step = count_axis(max((s.counts.total for s in slots), default=0))
    layout = layout_of(slots, zone, holes) | {"barmode": "stack"}
    layout["yaxis"] = axis(range(0, most + 1, step), formats.number)
    data = [
        bar_trace(
            name,
            role,
            slots,
            zone,
            [getattr(s.counts, of) if s.counts.total else None for s in slots],
            links_of(slots, STATUSES[of], link),
        )
        for name, role, of in kinds
    ]
    return Chart(
        id="chart-outcomes",
        title=_("Runs by result"),
        summary=outcome_summary(slots),
        figure={"data": data, "layout": layout},
        legend=[LegendKey(name, role, "bar") for name, role, _ in kinds],
        head=[_("From"), *(name for name, _, _ in kinds)],
        rows=[
            [Cell(name)]
            + [
                _count(getattr(s.counts, of), s, STATUSES[of], link)
                if s.counts.total or s.is_known
                else Cell(s.missing)
                for _, _, of in kinds
            ]
            for name, s in zip(names(slots, zone), slots, strict=True)
        ],
    )


def failures(slots: Sequence[Slot], zone: tzinfo, holes: Sequence[Hole] = (), link: Link = no_link) -> Chart:
    """Draws failed runs stacked by their class of error: the most frequent classes, and the others together.

    Where all that failed in a slot is of one class, it leads to these runs; no list is of one class alone.
    """
    total = merge_errors(*(slot.errors for slot in slots))
    ranked = sorted((name for name in CLASSES if total.get(name)), key=lambda name: -total[name])
    shown = ranked[: len(CLASS_ROLES)]
    rest = ranked[len(shown) :]
    kinds = [(_(CLASSES[name]), role, [name]) for name, role in zip(shown, CLASS_ROLES, strict=False)]
    if rest:
        kinds.append((_("All others"), "other", rest))
    table = [[sum(s.errors.get(name, 0) for name in names) for _, _, names in kinds] for s in slots]
    hrefs = [
        [link(s, "failed") if count and count == s.counts.failed else "" for count in row]
        for s, row in zip(slots, table, strict=True)
    ]
    most, step = count_axis(max(map(sum, table), default=0))
    layout = layout_of(slots, zone, holes) | {"barmode": "stack"}
    layout["yaxis"] = axis(range(0, most + 1, step), formats.number)
    return Chart(
        id="chart-failures",
        title=_("Failed runs by error"),
        summary=failure_summary(slots, [f"{_(CLASSES[name])}: {formats.number(total[name])}" for name in ranked]),
        figure={
            "data": [
                bar_trace(name, role, slots, zone, [row[place] or None for row in table], [row[place] for row in hrefs])
                for place, (name, role, _) in enumerate(kinds)
            ]
            or [bar_trace(_("Failed"), "bad", slots, zone, [None] * len(slots))],
            "layout": layout,
        },
        legend=[LegendKey(name, role, "bar") for name, role, _ in kinds],
        head=[_("From"), *(name for name, _, _ in kinds)],
        rows=[
            [Cell(name)]
            + [
                Cell(formats.number(count) if s.counts.total or s.is_known else _("not known"), href)
                for count, href in zip(row, targets, strict=True)
            ]
            for name, s, row, targets in zip(names(slots, zone), slots, table, hrefs, strict=True)
        ],
    )


def failed_by_day(slots: Sequence[Slot], zone: tzinfo, link: Link = no_link) -> Chart:
    """Draws the failures of a problem by day: the ledger's counts, in which a day without one has none."""
    counts = [slot.counts.failed for slot in slots]
    most, step = count_axis(max(counts, default=0))
    layout = layout_of(slots, zone, ())
    layout["yaxis"] = axis(range(0, most + 1, step), formats.number)
    return Chart(
        id="chart-problem",
        title=_("Failed runs by day"),
        summary=_("%(n)s runs failed in these days, %(most)s at most in one.")
        % {"n": formats.number(sum(counts)), "most": formats.number(max(counts, default=0))},
        figure={
            "data": [bar_trace(_("Failed"), "bad", slots, zone, counts, links_of(slots, "failed", link))],
            "layout": layout,
        },
        legend=[LegendKey(_("Failed runs"), "bad", "bar")],
        head=[_("From"), _("Failed")],
        rows=[
            [Cell(name), _count(slot.counts.failed, slot, "failed", link)]
            for name, slot in zip(names(slots, zone), slots, strict=True)
        ],
    )


def names(slots: Sequence[Slot], zone: tzinfo) -> list[str]:
    """Names the slots by when they begin to count, on the viewer's clock: no two alike."""
    is_long = bool(slots) and slots[-1].start - slots[0].start > timedelta(days=300)
    return [formats.slot(slot.counted.start.astimezone(zone), with_year=is_long) for slot in slots]


def _count(count: int, slot: Slot, status: str, link: Link) -> Cell:
    return Cell(formats.number(count), link(slot, status) if count else "")


def links_of(slots: Sequence[Slot], status: str, link: Link) -> list[str]:
    """Returns the address of the runs of each slot that have a status."""
    return [link(slot, status) for slot in slots]


def line_trace(
    name: str,
    role: str,
    xs: list[str],
    ys: list[Any],
    texts: list[str],
    dash: str = "solid",
    hrefs: Sequence[str] = (),
) -> Figure:
    """Describes a line through the slots; a value that is not known leaves a gap. A point may open its slot's runs."""
    opened = {"customdata": list(hrefs)} if hrefs else {}
    return opened | {
        "type": "scatter",
        "mode": "lines" if dash == "dash" else "lines+markers",
        "name": name,
        "x": xs,
        "y": [None if y is None else round(y, 3) for y in ys],
        "text": texts,
        "hovertemplate": "%{text}",
        "connectgaps": False,
        "line": {"dash": dash, "width": 2},
        "marker": {"size": 5},
        "meta": {"role": role},
    }


def bar_trace(
    name: str, role: str, slots: Sequence[Slot], zone: tzinfo, ys: list[Any], hrefs: Sequence[str] = ()
) -> Figure:
    """Describes bars, one a slot."""
    return {
        "type": "bar",
        "name": name,
        "x": names(slots, zone),
        "y": ys,
        "width": [0.8] * len(slots),
        "customdata": list(hrefs),
        "hovertemplate": "%{y:,}",
        "meta": {"role": role},
    }


def _slot_length(slots: Sequence[Slot]) -> timedelta:
    """Finds the usual length of a slot; the last is cut by the present, and days differ where the clock changes."""
    lengths = sorted(after.start - before.start for before, after in pairwise(slots))
    return lengths[len(lengths) // 2] if lengths else timedelta(hours=1)


def layout_of(slots: Sequence[Slot], zone: tzinfo, holes: Sequence[Hole]) -> Figure:
    """Describes axes and shading of a figure of slots."""
    every = max(1, -(-len(slots) // MOST_TICKS))
    ticks = list(range(len(slots)))[::-every][::-1]
    if len(ticks) > 1 and ticks[0] == 0:
        ticks = ticks[1:]  # its label would run into those of the other axis
    is_hourly = _slot_length(slots) < timedelta(hours=2)
    starts = [slots[place].counted.start.astimezone(zone) for place in ticks]
    return {
        "margin": dict(MARGIN),
        "meta": {"holes": _("Not read yet") if all(hole.is_unread for hole in holes) else _("Not known for sure")},
        "showlegend": False,
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "xaxis": {
            "type": "category",
            "range": [-0.5, max(len(slots), 1) - 0.5],
            "tickvals": ticks,
            "ticktext": [formats.clock(at) if is_hourly else formats.short_date(at) for at in starts],
            "tickangle": 0,
            "showgrid": False,
            "zeroline": False,
        },
        "shapes": [_band("hole", columns) for columns in _columns(slots, holes)],
    }


def _columns(slots: Sequence[Slot], stretches: Sequence[Hole | Window]) -> list[tuple[int, int]]:
    """Finds the first and the last slot that each stretch touches; one beside them all has none."""
    found = []
    for stretch in stretches:
        touched = [n for n, slot in enumerate(slots) if stretch.start < slot.end and slot.start < stretch.end]
        if touched:
            found.append((touched[0], touched[-1]))
    return found


def _joined(columns: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Joins stretches of columns that touch or overlap, so that none is shaded twice."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(columns):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _band(name: str, columns: tuple[int, int]) -> Figure:
    return {
        "type": "rect",
        "name": name,
        "xref": "x",
        "yref": "paper",
        "x0": columns[0] - 0.5,
        "x1": columns[1] + 0.5,
        "y0": 0,
        "y1": 1,
        "line": {"width": 0},
        "layer": "below",
    }
