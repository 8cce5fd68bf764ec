"""Chooses the ticks of the charts' axes of values. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

DURATION_UNITS = ((3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))
RATE_FLOORS = ((90, 2), (80, 5), (50, 10), (0, 25))


def axis(values: range, write: Callable[[int], str], top: float | None = None, bottom: float = 0) -> dict[str, Any]:
    """Describes an axis of values.

    Args:
        values: of its ticks, the lowest first.
        write: writes one of them.
        top: where it ends; at the highest tick where it is not given.
        bottom: where it begins.
    """
    return {
        "range": [bottom, values[-1] if top is None else top],
        "tickvals": list(values),
        "ticktext": [write(value) for value in values],
        "zeroline": False,
        "fixedrange": True,
    }


def duration_writer(top: int) -> Callable[[int], str]:
    """Writes an axis's durations (ms) in one short unit, so that they fit beside the plot."""
    size, unit = next(((size, unit) for size, unit in DURATION_UNITS if top >= 2 * size), DURATION_UNITS[-1])
    return lambda value: f"{value / size:g} {unit}" if value else "0"


def rate_axis(rates: list[float]) -> tuple[int, int]:
    """Chooses (lowest tick, step): as near as the rates allow, so that 97 and 99 per cent are seen apart."""
    lowest = min(rates, default=100.0)
    return next((floor, step) for floor, step in RATE_FLOORS if lowest >= floor)


def count_axis(most: int) -> tuple[int, int]:
    """Chooses (highest tick, step) with at most three steps of 1, 2 or 5 times a power of ten."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if most <= 3 * step:
                return step * max(1, -(-most // step)), step
        size *= 10
