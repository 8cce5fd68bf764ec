"""Sends the figures of a chart as a file: the very slots that were drawn, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from django.http import Http404, StreamingHttpResponse

from dashboard.csv_files import csv_file
from dashboard.slots import Slot

Column = Callable[[Slot], object]
_RUNS: dict[str, Column] = {
    "succeeded": lambda slot: slot.counts.succeeded,
    "failed": lambda slot: slot.counts.failed,
}
_RATES: dict[str, Column] = {
    "success_rate": lambda slot: _rounded(slot.counts.rate),
    "first_attempt_rate": lambda slot: _rounded(slot.counts.first_rate),
}
_LEFT_OUT: dict[str, Column] = {"left_out_of_rates": lambda slot: slot.counts.left_out}
# What each chart draws, by its id; that of errors has a column for each kind that there was.
_OF: Mapping[str, dict[str, Column]] = {
    "chart-success-rate": _RATES | _RUNS | _LEFT_OUT,
    "chart-volume": _RUNS | _RATES | _LEFT_OUT,
    "chart-outcomes": _RUNS | {"running": lambda slot: slot.counts.running, "other": lambda slot: slot.counts.other},
    "chart-durations": {"median_ms": lambda slot: _rounded(slot.p50), "p95_ms": lambda slot: _rounded(slot.p95)},
    "chart-failures": {},
    "chart-rule-usage": {
        "done": lambda slot: slot.counts.succeeded if slot.counts.finished or slot.is_known else "",
        "failed": lambda slot: slot.counts.failed if slot.counts.finished or slot.is_known else "",
        "success_rate": lambda slot: _rounded(slot.counts.rate),
    },
}


def send(chart: str, drawn: Collection[str], slots: Sequence[Slot], of: str) -> StreamingHttpResponse:
    """Answers with the figures of a chart, a line for each slot with its ends and whether all of it is known.

    Args:
        chart: its id, as the address has it.
        drawn: ids of the charts of the page.
        slots: that they draw.
        of: what of, for the file's name.

    Raises:
        Http404: the page has no such chart.
    """
    if chart not in drawn:
        raise Http404
    columns = _OF[chart]
    if chart == "chart-failures":
        columns = {f"failed_{name}": _failed(name) for name in sorted({name for slot in slots for name in slot.errors})}
    name = f"{of}-{chart.removeprefix('chart-')}"
    return csv_file(name, ["from", "to", *columns, "is_complete"], (_line(slot, columns) for slot in slots))


def _line(slot: Slot, columns: Mapping[str, Column]) -> Iterator[object]:
    yield from (slot.start, slot.end)
    yield from (column(slot) for column in columns.values())
    yield "yes" if slot.is_known else "no"


def _failed(name: str) -> Column:
    return lambda slot: slot.errors.get(name, 0)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
