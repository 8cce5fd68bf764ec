"""Keeps the counts of an hour by its quarters, so that a zone off by 30 or 45 minutes has days and hours too. Pure.

A bucket is an hour of UTC. Where a day or an hour of somebody's zone begins within it, its runs belong to two of them,
so the bucket keeps beside its sums what each quarter adds to them. Most hours have runs in one quarter only, and then
name it: no row is added for it, and the sums of whole hours are read as before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from monitor.periods import QUARTER

# As a bucket keeps it: [quarter] where all runs began in it, else a list for each; [] where that is not known.
Packed = list[Any]


class Part(NamedTuple):
    """Holds what began in one quarter of an hour, from 0 to 3; the other names are those of `HourBucket`."""

    quarter: int
    succeeded: int = 0
    failed: int = 0
    first_succeeded: int = 0
    running: int = 0
    other: int = 0
    durations: Sequence[int] = ()
    errors: Mapping[str, int] = {}

    @property
    def after(self) -> timedelta:
        """Returns how long after the hour's beginning the quarter begins."""
        return self.quarter * QUARTER


def pack(parts: Sequence[Part]) -> Packed:
    """Writes the quarters of an hour as its bucket keeps them, the first quarter first."""
    if len(parts) == 1:
        return [parts[0].quarter]
    return [list(part) for part in sorted(parts, key=lambda part: part.quarter)]


def unpack(packed: Packed, *whole: Any) -> list[Part]:
    """Returns the quarters of an hour.

    Args:
        packed: as `pack` wrote it. Where it says nothing, the hour is one part that begins with it.
        whole: the hour's own counts, in the order of `Part`.
    """
    if len(packed) > 1:
        return [Part(*part) for part in packed]
    return [Part(packed[0] if packed else 0, *whole)]
