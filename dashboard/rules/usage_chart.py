"""Draws what a rule, or one of its actions, did day by day, with its success rate over it. Pure; as `charts` does.

The days are those of Zoho's reports as they were read, in UTC. A day without a reading is a hole and no zero; what was
before the first reading is unknown, and so are the first reading's own counters: on which days they arose nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, timedelta

from dashboard import formats
from dashboard.axes import axis, count_axis, rate_axis
from dashboard.chart_words import rate_words
from dashboard.charts import Cell, Chart, LegendKey, bar_trace, layout_of, line_trace
from dashboard.slots import Slot
from monitor.languages import gettext as _
from monitor.languages import gettext_noop, pgettext
from monitor.periods import day_start
from monitor.queries.counts import Counts
from monitor.queries.holes import Hole
from monitor.queries.rule_usage import UsedDay

CHART = "chart-rule-usage"
BEFORE_FIRST, NO_READING = gettext_noop("before our first reading"), gettext_noop("no reading")
WEEKLY_FROM = 100  # days; longer periods have a column a week


def slots_of(days: Sequence[UsedDay], begins: date, last: date, first_day: date | None) -> list[Slot]:
    """Lays what was read into the slots of a period: a day each, or a week each where it is long.

    Args:
        days: those that were read.
        begins: the first day of the period.
        last: its last day.
        first_day: of the first reading ever; None: there was none.
    """
    by_day = {day.day: day for day in days}
    step = 7 if (last - begins).days >= WEEKLY_FROM else 1
    slots = []
    start = begins
    while start <= last:
        end = min(start + timedelta(days=step), last + timedelta(days=1))
        inside = [by_day.get(start + timedelta(days=n)) for n in range((end - start).days)]
        known = [day for day in inside if day is not None and day.done is not None]
        is_before = first_day is None or end <= first_day
        slots.append(
            Slot(
                start=day_start(start, UTC),
                end=day_start(end, UTC),
                counts=Counts(sum(day.done or 0 for day in known), sum(day.failed or 0 for day in known)),
                is_known=len(known) == len(inside),
                missing=_(BEFORE_FIRST if is_before else NO_READING),
            )
        )
        start = end
    return slots


def draw(slots: Sequence[Slot], title: str) -> Chart:
    """Draws done and failed as bars, the success rate as a line over them.

    Args:
        slots: of `slots_of`.
        title: of the chart.
    """
    counts = [slot.counts for slot in slots]
    holes = holes_of(slots)
    floor, __ = rate_axis([c.rate for c in counts if c.rate is not None])
    most, count_step = count_axis(max((c.finished for c in counts), default=0))
    slack = (100 - floor) * 0.04
    layout = layout_of(slots, UTC, holes) | {"barmode": "stack"}
    layout["yaxis"] = axis(
        range(floor, 101, (100 - floor) // 2), lambda v: f"{v:g} %", top=100 + slack, bottom=floor - slack
    )
    layout["yaxis"] |= {"domain": [0.7, 1]}
    layout["yaxis2"] = axis(range(0, most + 1, count_step), formats.number) | {"domain": [0, 0.62]}
    layout["xaxis"]["anchor"] = "y2"
    named = [formats.date(slot.start.date()) for slot in slots]
    shown = [c if c.finished or slot.is_known else None for c, slot in zip(counts, slots, strict=True)]
    data = [
        bar_trace(name, role, slots, UTC, [c and getattr(c, of) for c in shown]) | {"yaxis": "y2", "x": named}
        for name, role, of in ((pgettext("actions", "Done"), "good", "succeeded"), (_("Failed"), "bad", "failed"))
    ]
    data.append(
        line_trace(_("Success rate"), "first", named, [c.rate for c in counts], [rate_words(c) for c in counts])
    )
    return Chart(
        id=CHART,
        title=title,
        summary=summary_of(slots),
        figure={"data": data, "layout": layout},
        legend=[
            LegendKey(pgettext("actions", "Done"), "good", "bar"),
            LegendKey(_("Failed"), "bad", "bar"),
            LegendKey(_("Success rate"), "first"),
        ],
        head=[_("From"), _("Success rate"), pgettext("actions", "Done"), _("Failed")],
        rows=[
            [Cell(name), Cell(formats.rate(slot.counts.rate)), *_cells(slot)]
            for name, slot in zip(named, slots, strict=True)
        ],
    )


def _cells(slot: Slot) -> list[Cell]:
    if not slot.counts.finished and not slot.is_known:
        return [Cell(slot.missing)] * 2
    counts = map(formats.number, (slot.counts.succeeded, slot.counts.failed))
    return [Cell(count if slot.is_known else _("at least %(n)s") % {"n": count}) for count in counts]


def holes_of(slots: Sequence[Slot]) -> list[Hole]:
    """Joins the slots that are not known to stretches that are shaded."""
    found: list[Hole] = []
    for slot in slots:
        if slot.is_known:
            continue
        if found and found[-1].end == slot.start:
            found[-1] = Hole(found[-1].start, slot.end, slot.missing)
        else:
            found.append(Hole(slot.start, slot.end, slot.missing))
    return found


def summary_of(slots: Sequence[Slot]) -> str:
    """Says in words what the chart shows."""
    whole = sum((slot.counts for slot in slots), Counts())
    unknown = sum(not slot.is_known for slot in slots)
    left = ""
    if unknown:
        counts = {"unknown": formats.number(unknown), "of": formats.number(len(slots))}
        left = " " + _("Of %(unknown)s of %(of)s columns not all is known.") % counts
    if not whole.finished:
        return _("No action is known to have been tried.") + left
    said = {"done": formats.number(whole.succeeded), "failed": formats.number(whole.failed)}
    return _("%(done)s actions done, %(failed)s failed: %(rate)s.") % (said | {"rate": formats.rate(whole.rate)}) + left
