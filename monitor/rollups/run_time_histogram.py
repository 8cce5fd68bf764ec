"""Counts how long runs took in bins, adds such counts up, and reads percentiles off them. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import add

# Ten bins a decade from 10 ms to 10,000 s (the preferred numbers R10): an interpolated percentile is off
# by at most a bin's width, 26 %, and a bucket stays a short list. The last bin has no upper bound.
DURATION_BOUNDS_MS: tuple[int, ...] = tuple(round(10 ** (1 + step / 10)) for step in range(61))

# Thirty years is a broken clock, not a run; a sum of such numbers would not fit the column either.
MAX_DURATION_MS = 10**12


def bin_of(duration_ms: int) -> int:
    """Returns the bin of a duration in milliseconds: the first whose upper bound is not below it."""
    return bisect_left(DURATION_BOUNDS_MS, duration_ms)


def merge(*durations: Sequence[int]) -> list[int]:
    """Adds histograms bin by bin; they may differ in length (zeros at the end are left out)."""
    merged: list[int] = []
    for histogram in durations:
        shorter, longer = sorted((merged, list(histogram)), key=len)
        merged = [*map(add, shorter, longer), *longer[len(shorter) :]]
    return merged


def percentile(durations: Sequence[int], q: float) -> float | None:
    """Reads a percentile off a histogram, interpolated within its bin.

    Args:
        durations: as `HourBucket.durations`, or several of them by `merge`.
        q: per cent, 0 to 100; 50 is the median.

    Returns:
        Milliseconds; None where nothing was counted. What lies in the bin without an upper bound gives that
        bin's lower bound: "at least so long".

    Raises:
        ValueError: `q` is outside 0 to 100, or a fraction such as 0.95 that was meant as 95.
    """
    if not 0 <= q <= 100 or 0 < q < 1:
        raise ValueError(f"a percentile is 0 or 1 to 100 (per cent), not {q!r}")
    total = sum(durations)
    if total == 0:
        return None
    wanted = total * q / 100
    before = 0
    for place, count in enumerate(durations):
        if count and before + count >= wanted:
            if place >= len(DURATION_BOUNDS_MS):
                return float(DURATION_BOUNDS_MS[-1])
            lower = DURATION_BOUNDS_MS[place - 1] if place else 0
            return lower + (DURATION_BOUNDS_MS[place] - lower) * max(wanted - before, 0) / count
        before += count
    return float(DURATION_BOUNDS_MS[-1])
