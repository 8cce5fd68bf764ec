"""Paints the grid of flows and days: a row a flow, a cell a day, each a link to the runs that it counts. Pure.

There are thousands of cells: each is written once, and the whole is given to all readers for some seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from html import escape

from django.utils.safestring import SafeString
from django.utils.translation import gettext_noop

from dashboard import formats, paint
from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.periods import DAY, Window, day_start
from monitor.queries import links
from monitor.queries.flow_days import DayGrid, DayResult, FlowDays

# A flow's primary key in addresses that are made once for all flows.
_STAND_IN = 1234567890
_Around = dict[str, list[tuple[str, str]]]
MOSTLY = 0.5
ONE_TABLE = 12  # rows
# By class: what a cell means, in the order of the legend.
MEANINGS = {
    "g": gettext_noop("no run failed"),
    "b": gettext_noop("some failed"),
    "w": gettext_noop("half or more failed"),
    "o": gettext_noop("none finished"),
    "u": gettext_noop("not known"),
    "n": gettext_noop("no run"),
}


def meaning_of(result: DayResult) -> str:
    """Names the class of a cell, one of `MEANINGS`: what failed is said even where more is not known."""
    if result.failed:
        return "w" if result.failed >= MOSTLY * result.finished else "b"
    if not result.is_known:
        return "u"
    if result.finished:
        return "g"
    return "o" if result.others else "n"


def words_of(result: DayResult) -> str:
    """Says how the runs of a day ended."""
    known = "" if result.is_known else _(", some of the day is not known")
    if result.failed:
        counts = {"failed": formats.number(result.failed), "finished": formats.number(result.finished)}
        return _("%(failed)s of %(finished)s failed") % counts + known
    if result.finished:
        many = ngettext("1 run, good", "%(runs)s runs, none failed", result.finished)
        return many % {"runs": formats.number(result.finished)} + known
    if result.others:
        return _("%(runs)s under way") % {"runs": formats.number(result.others)} + known
    return _("no run") if result.is_known else _("not known")


@dataclass(frozen=True, slots=True)
class PaintedGrid:
    """Holds the grid as the page shows it.

    Attributes:
        head: the cells of the tables' head.
        halves: the rows, each half painted as a whole: of two tables side by side.
        flows: how many there are.
        is_cut: there are more flows with runs in this time.
        meanings: what a cell of a class means.
    """

    head: SafeString
    halves: list[SafeString]
    flows: int
    is_cut: bool
    meanings: dict[str, str]


def painted(grid: DayGrid) -> PaintedGrid:
    """Paints the grid."""
    return PaintedGrid(
        paint_head(grid.days),
        paint_halves(grid),
        len(grid.rows),
        grid.is_cut,
        {code: _(words) for code, words in MEANINGS.items()},
    )


def paint_halves(grid: DayGrid) -> list[SafeString]:
    """Paints the rows of two tables that stand side by side; of one where there are few."""
    names, around = [formats.short_date(day) for day in grid.days], _addresses(grid.days)
    rows = [_row(one, grid.days, names, around) for one in grid.rows]
    half = len(rows) if len(rows) <= ONE_TABLE else (len(rows) + 1) // 2
    return [paint.safe("".join(part)) for part in (rows[:half], rows[half:]) if part]


def paint_head(days: Sequence[date]) -> SafeString:
    """Paints the cells of the table's head: the day of the month, where there is room for it."""
    cells = "".join(
        f'<th scope="col"><span class="visually-hidden">{formats.short_date(day)}</span>'
        f'<span aria-hidden="true">{day.day}</span></th>'
        for day in days
    )
    return paint.safe(cells)


def _addresses(days: Sequence[date]) -> _Around:
    """Returns what stands before and after a flow's key in the addresses of each day's runs, by status."""
    windows = [Window(day_start(day, UTC), day_start(day, UTC) + DAY) for day in days]
    return {
        status: [_around(links.runs(window, status, flow_id=_STAND_IN)) for window in windows]
        for status in ("failed", "finished", "")
    }


def _around(address: str) -> tuple[str, str]:
    before, __, after = escape(address).partition(str(_STAND_IN))
    return before, after


def _row(one: FlowDays, days: Sequence[date], names: Sequence[str], around: _Around) -> SafeString:
    flow, key = one.flow, one.flow.pk
    listed_from = flow.progress.pruned_before
    cells = []
    for place, result in enumerate(one.results):
        kind = meaning_of(result)
        words = f"{names[place]}: {words_of(result)}"
        if not (result.finished or result.others):
            cells.append('<td class="n"></td>' if kind == "n" else f'<td class="{kind}" title="{words}"></td>')
            continue
        if listed_from is not None and day_start(days[place], UTC) < listed_from:
            cells.append(f'<td class="{kind}" title="{words}"><span class="visually-hidden">{words}</span></td>')
            continue
        before, after = around["failed" if result.failed else "finished" if result.finished else ""][place]
        # With a keyboard the days that failed are the way; a good one is reached from the flow's page.
        skipped = "" if result.failed else ' tabindex="-1"'
        cells.append(f'<td class="{kind}"><a href="{before}{key}{after}" title="{words}"{skipped}></a></td>')
    name, url = escape(flow.shown_name), escape(flow.get_absolute_url())
    head = f'<th scope="row" title="{name}"><a href="{url}">{name}</a></th>'
    return paint.safe(f"<tr>{head}{''.join(cells)}</tr>")
