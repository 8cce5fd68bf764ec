"""Keeps of each finished run of an hour when it ended and how, in one packed column of its bucket. Pure.

Alerts count runs by when they ended, to the second, and their windows begin at any moment. A sum per hour cannot say
that, and the rows are too many to be read at each evaluation; a few bytes a run can.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

_HEAD = struct.Struct("<I")
_UNKNOWN = -1
_ORDER = itemgetter(0, 3)  # when it ended and when it started


class RunEnd(NamedTuple):
    """Holds a finished run of an hour. Times are milliseconds after the hour's beginning.

    Attributes:
        ended: when it ended; a run of which that is not known ended when it started.
        has_failed: its final result; False also where a retry or a re-run of it succeeded.
        has_failed_first: the result of its first attempt.
        started: when it started.
        duration_ms: its run time; None where it is not known.
        waits_since: when Zoho's clock of re-runs began, for a failure that Zoho runs again by itself; else None.
    """

    ended: int
    has_failed: bool
    has_failed_first: bool
    started: int
    duration_ms: int | None = None
    waits_since: int | None = None


def pack_ends(runs: Iterable[RunEnd]) -> bytes:
    """Writes the finished runs of an hour as its bucket keeps them, in the order in which they ended."""
    rows = sorted(runs, key=_ORDER)
    if not rows:
        return b""
    count = len(rows)
    flags = bytes(run.has_failed | run.has_failed_first << 1 | (run.waits_since is not None) << 2 for run in rows)
    waits = [run.waits_since for run in rows if run.waits_since is not None]
    durations = [_UNKNOWN if run.duration_ms is None else run.duration_ms for run in rows]
    numbers = struct.pack(
        f"<{2 * count + len(waits)}q{count}I",
        *(run.ended for run in rows),
        *durations,
        *waits,
        *(run.started for run in rows),
    )
    return _HEAD.pack(count) + flags + numbers


def unpack_ends(packed: bytes) -> list[RunEnd]:
    """Returns the finished runs of an hour in the order in which they ended."""
    if not packed:
        return []
    (count,) = _HEAD.unpack_from(packed)
    first = _HEAD.size + count
    flags = packed[_HEAD.size : first]
    waits = sum(flag >> 2 for flag in flags)
    numbers = struct.unpack_from(f"<{2 * count + waits}q{count}I", packed, first)
    waiting = iter(numbers[2 * count : 2 * count + waits])
    return [
        RunEnd(
            ended,
            bool(flag & 1),
            bool(flag & 2),
            started,
            None if duration == _UNKNOWN else duration,
            next(waiting) if flag & 4 else None,
        )
        for flag, ended, duration, started in zip(
            flags, numbers[:count], numbers[count : 2 * count], numbers[2 * count + waits :], strict=True
        )
    ]
