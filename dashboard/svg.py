"""Paints a Plotly figure dict as the SVG that the server sends first. Pure.

Only what `dashboard.charts` makes is known: lines, dotted lines and bars over slots side by side. The plot is a nested
<svg> without a fixed ratio, so that it fills its box at any width while its texts keep their size; colours
come from CSS classes (`series-<role>`). The outer one is as wide as the plot and stands in its box with the
figure's margins (static/css/parts/chart.css), so plotly takes over in place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

Figure = dict[str, Any]
# The nested svg's own units; only their ratio to the ranges matters.
WIDTH = 1000.0
HEIGHT = 1000.0
PLOT_HEIGHT_PX = 240


@dataclass(frozen=True)
class Scale:
    """Maps values of one axis to the plot's units, between `low` and `high` on the page."""

    first: float
    last: float
    low: float
    high: float

    def at(self, value: float) -> float:
        share = (value - self.first) / ((self.last - self.first) or 1)
        return round(self.low + share * (self.high - self.low), 2)


def paint(figure: Figure, *, title: str, summary: str, id: str) -> SafeString:  # noqa: A002 - the attribute's name
    """Paints a figure as SVG markup.

    Args:
        figure: as `dashboard.charts` gives it.
        title: the picture's name, for those who do not see it.
        summary: what it shows, in a sentence.
        id: prefix of the ids of its title and description; unique on the page.
    """
    layout = figure["layout"]
    x = _x_scale(layout)
    axes = {name: _y_scale(axis) for name, axis in layout.items() if name.startswith("yaxis")}
    inside = [
        *_bands(layout, x),
        *(line for name, axis in axes.items() for line in _grid(layout[name], axis)),
        *_bars(figure["data"], x, axes),
        *(shape for trace in figure["data"] if trace["type"] == "scatter" for shape in _scatter(trace, x, axes)),
    ]
    # What holds links is no picture: assistive technology would not tell of them.
    bars = (trace for trace in figure["data"] if trace["type"] == "bar")
    role = "group" if any(any(trace["customdata"]) for trace in bars) else "img"
    return format_html(
        '<svg class="chart__svg" role="{11}" aria-labelledby="{0}-title {0}-desc">'
        '<title id="{0}-title">{1}</title><desc id="{0}-desc">{2}</desc>'
        '<svg y="{3}" width="100%" height="{4}" viewBox="0 0 {5} {6}" preserveAspectRatio="none">'
        '{7}</svg>{8}<svg y="{9}" width="100%" height="20" overflow="visible">{10}</svg></svg>',
        *(id, title, summary),
        *(layout["margin"]["t"], PLOT_HEIGHT_PX, f"{WIDTH:g}", f"{HEIGHT:g}"),
        _joined(inside),
        _joined(_y_labels(layout, axes)),
        layout["margin"]["t"] + PLOT_HEIGHT_PX,
        _joined(_x_labels(layout, x)),
        role,
    )


def sparkline(days: Iterable[tuple[int, int]]) -> SafeString:
    """Paints bars of (succeeded, failed) a day; a day without runs stays empty. The words are the caller's.

    Args:
        days: oldest first.
    """
    pairs = list(days)
    most = max((good + bad for good, bad in pairs), default=0) or 1
    width = WIDTH / max(1, len(pairs))
    bars: dict[str, list[str]] = {"bad": [], "good": []}
    for place, (good, bad) in enumerate(pairs):
        top = HEIGHT
        for count, role in ((bad, "bad"), (good, "good")):
            if not count:
                continue
            # A single failure among thousands must still be seen.
            height = max(HEIGHT * count / most, HEIGHT * 0.12)
            top -= height
            bars[role].append(
                f"M{place * width + width * 0.1:.0f} {top:.0f}h{width * 0.8:.0f}v{height:.0f}h-{width * 0.8:.0f}z"
            )
    # One shape a colour: a list has fifty of these.
    shapes = "".join(
        f'<path class="chart__bar series-{role}" d="{"".join(path)}"/>' for role, path in bars.items() if path
    )
    return SafeString(
        f'<svg class="sparkline" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{shapes}</svg>'
    )


def sparkline_of(values: Iterable[float | None], role: str) -> SafeString:
    """Paints a line of values between their least and most; one that is not known leaves a gap. Words: the caller's.

    Args:
        values: oldest first.
        role: of its colour.
    """
    points = list(values)
    known = [value for value in points if value is not None]
    x = Scale(0, max(1, len(points) - 1), WIDTH * 0.02, WIDTH * 0.98)
    y = Scale(min(known, default=0), max(known, default=0), HEIGHT * 0.9, HEIGHT * 0.1)
    trace = {"y": points, "meta": {"role": role}, "line": {"dash": "solid"}}
    return format_html(
        '<svg class="sparkline" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        _joined(_line(trace, x, {"yaxis": y})),
    )


def shares(parts: Iterable[tuple[int, str]]) -> SafeString:
    """Paints one bar across, each part as wide as its share of the whole. The words are the caller's.

    Args:
        parts: how many, and the role of their colour; "" for an empty stretch.
    """
    pairs = [(count, role) for count, role in parts if count]
    whole = sum(count for count, _ in pairs) or 1
    shapes, left = [], 0.0
    for count, role in pairs:
        width = WIDTH * count / whole
        if role:
            shapes.append(_rect(left, 0, width, HEIGHT, role))
        left += width
    return format_html(
        '<svg class="shares" viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        _joined(shapes),
    )


def _joined(parts: Iterable[SafeString]) -> SafeString:
    return SafeString("".join(parts))


def _x_scale(layout: Figure) -> Scale:
    """Maps the places of slots, from 0, to the plot's units."""
    first, last = layout["xaxis"]["range"]
    return Scale(first, last, 0, WIDTH)


def _y_scale(axis: Figure) -> Scale:
    low, high = axis.get("domain", (0, 1))
    return Scale(*axis["range"], HEIGHT * (1 - low), HEIGHT * (1 - high))


def _axis_of(trace: Figure, axes: dict[str, Scale]) -> Scale:
    return axes["yaxis" + trace.get("yaxis", "y")[1:]]


def _rect(x: float, y: float, width: float, height: float, role: str) -> SafeString:
    # Numbers, and a role of ours: there are hundreds on a page.
    return SafeString(
        f'<rect class="chart__bar series-{role}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>'
    )


def _linked(bar: SafeString, href: str, words: str) -> SafeString:
    """Makes a bar a link for who points at it; with a keyboard the table's numbers are the way."""
    if not href:
        return bar
    return SafeString(f'<a href="{escape(href)}" tabindex="-1" aria-label="{escape(words)}">{bar}</a>')


def _bands(layout: Figure, x: Scale) -> list[SafeString]:
    """Paints the stretches that are shaded from top to bottom, by the name of what they say."""
    shapes = []
    for shape in layout.get("shapes", ()):
        left, right = x.at(shape["x0"]), x.at(shape["x1"])
        shapes.append(
            format_html(
                '<rect class="chart__{}" x="{}" y="0" width="{}" height="{}"/>',
                *(shape["name"], left, right - left, f"{HEIGHT:g}"),
            )
        )
    return shapes


def _grid(axis: Figure, scale: Scale) -> list[SafeString]:
    return [
        format_html('<path class="chart__grid" d="M0 {0}H{1}"/>', scale.at(value), f"{WIDTH:g}")
        for value in axis["tickvals"]
    ]


def _bars(data: list[Figure], x: Scale, axes: dict[str, Scale]) -> list[SafeString]:
    """Paints bars, each trace standing on those before it in the same place."""
    shapes: list[SafeString] = []
    stacked: dict[tuple[str, int], float] = {}
    for trace in (trace for trace in data if trace["type"] == "bar"):
        axis = _axis_of(trace, axes)
        for at, (value, share) in enumerate(zip(trace["y"], trace["width"], strict=True)):
            if not value:
                continue
            place = (trace.get("yaxis", "y"), at)
            bottom = stacked.get(place, 0)
            stacked[place] = bottom + value
            width = x.at(x.first + share)
            top, foot = axis.at(bottom + value), axis.at(bottom)
            bar = _rect(x.at(at) - width / 2, top, width, foot - top, trace["meta"]["role"])
            words = f"{trace['name']}, {trace['x'][at]}: {value:,}"
            shapes.append(_linked(bar, trace["customdata"][at] if trace["customdata"] else "", words))
    return shapes


def _scatter(trace: Figure, x: Scale, axes: dict[str, Scale]) -> list[SafeString]:
    return _marks(trace, x, axes) if trace["mode"] == "markers" else _line(trace, x, axes)


def _marks(trace: Figure, x: Scale, axes: dict[str, Scale]) -> list[SafeString]:
    """Paints a dot for each mark, with its words as its tooltip: a path without a length keeps round at any width."""
    scale = _axis_of(trace, axes)
    return [
        SafeString(
            f'<path class="chart__mark series-{trace["meta"]["role"]}" d="M{x.at(at):g},{scale.at(value):g}h0">'
            f"<title>{escape(trace['text'][at])}, {escape(trace['x'][at])}</title></path>"
        )
        for at, value in enumerate(trace["y"])
        if value is not None
    ]


def _line(trace: Figure, x: Scale, axes: dict[str, Scale]) -> list[SafeString]:
    """Paints a path for each run of neighbouring values, and a dot where a value stands alone between gaps."""
    axis = _axis_of(trace, axes)
    role = trace["meta"]["role"]
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(trace["y"]):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((x.at(at), axis.at(value)))
    dash = trace["line"]["dash"]
    kind = "chart__line" if dash == "solid" else f"chart__line chart__line--{dash}"
    lines = [
        format_html(
            '<path class="{} series-{}" d="M{}"/>', kind, role, " ".join(f"{left:g},{top:g}" for left, top in run)
        )
        for run in runs
        if len(run) > 1
    ]
    dots = "".join(f"M{run[0][0]:g},{run[0][1]:g}h0" for run in runs if len(run) == 1)
    if dots:
        lines.append(format_html('<path class="chart__point series-{}" d="{}"/>', role, mark_safe(dots)))  # noqa: S308
    return lines


def _y_labels(layout: Figure, axes: dict[str, Scale]) -> list[SafeString]:
    margin = layout["margin"]
    return [
        format_html(
            '<text x="{}" y="{}" text-anchor="end">{}</text>',
            -6,
            round(margin["t"] + scale.at(value) / HEIGHT * PLOT_HEIGHT_PX + 4, 1),
            text,
        )
        for name, scale in axes.items()
        for value, text in zip(layout[name]["tickvals"], layout[name]["ticktext"], strict=True)
    ]


def _x_labels(layout: Figure, x: Scale) -> list[SafeString]:
    ticks = list(zip(layout["xaxis"]["tickvals"], layout["xaxis"]["ticktext"], strict=True))
    return [
        format_html(
            '<text x="{}%" y="14" text-anchor="middle"{}>{}</text>',
            round(x.at(at) / WIDTH * 100, 2),
            # On a phone every other label is left out; the last stays.
            mark_safe(' class="chart__tick--minor"') if (len(ticks) - place) % 2 == 0 else "",
            text,
        )
        for place, (at, text) in enumerate(ticks)
    ]
