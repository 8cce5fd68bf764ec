"""Keeps of each finished run of an hour when it ended and how, in one packed column of its bucket. Pure.

Alerts count runs by when they ended, to the second, and their windows begin at any moment. A sum per hour cannot say
that, and the rows are too many to be read at each evaluation; a few bytes a run can.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

_HEAD = struct.Struct("<I")
_UNFINISHED = struct.Struct("<I")
_UNKNOWN = -1
_LATEST = 2**32 - 1  # milliseconds: seven weeks
_ORDER = itemgetter(0, 3)  # when it ended and when it started


class RunEnd(NamedTuple):
    """Holds a finished run of an hour. Times are milliseconds after the hour's beginning.

    Attributes:
        ended: when it ended; a run of which that is not known ended when it started.
        has_failed: its final result; False also where a retry or a re-run of it succeeded.
        has_failed_first: the result of its first attempt.
        started: when it started.
        duration_ms: its run time; None where it is not known.
        waits_since: when Zoho's clock of re-runs began, for a failure that Zoho runs again by itself or has healed so;
            else None.
    """

    ended: int
    has_failed: bool
    has_failed_first: bool
    started: int
    duration_ms: int | None = None
    waits_since: int | None = None


@dataclass(slots=True)
class HourEnds:
    """Holds what a bucket keeps of the single runs of its hour.

    Attributes:
        runs: the finished ones.
        unfinished: when the newest one started that runs still, or that neither succeeded nor failed, in milliseconds
            after the hour's beginning; None for none.
        running: since when those run that run still, in milliseconds after the hour's beginning.
    """

    runs: list[RunEnd] = field(default_factory=list)
    unfinished: int | None = None
    running: list[int] = field(default_factory=list)

    def add_unfinished(self, started: int) -> None:
        """Adds a run that has no result, by its start."""
        self.unfinished = started if self.unfinished is None else max(started, self.unfinished)

    def add_running(self, started: int, since: int) -> None:
        """Adds a run that goes on, by its start and by since when it does; one that Zoho runs again began later."""
        self.add_unfinished(started)
        self.running.append(min(since, _LATEST))

    @property
    def last(self) -> int | None:
        """Is when the last one ended; a run without a result is looked for by its start."""
        known = [run.ended for run in self.runs] + self.running
        return max(known if self.unfinished is None else [*known, self.unfinished], default=None)


def pack_ends(runs: Iterable[RunEnd], unfinished: int | None = None, running: Iterable[int] = ()) -> bytes:
    """Writes the runs of an hour as its bucket keeps them, in the order in which they ended.

    Args:
        runs: the finished ones.
        unfinished: as `HourEnds` has it.
        running: as `HourEnds` has it; none without one that is unfinished.
    """
    rows = sorted(runs, key=_ORDER)
    if not rows and unfinished is None:
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
    packed = _HEAD.pack(count) + flags + numbers
    if unfinished is None:
        return packed
    starts = sorted(running)
    return packed + _UNFINISHED.pack(unfinished) + struct.pack(f"<{len(starts)}I", *starts)


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


def unpack_unfinished(packed: bytes) -> int | None:
    """Returns when the newest run of an hour started that has no result, as `HourEnds` has it; None for none."""
    place = _end_of_finished(packed)
    return None if place == len(packed) else int(_UNFINISHED.unpack_from(packed, place)[0])


def unpack_running(packed: bytes) -> list[int]:
    """Returns since when the runs of an hour run that run still, as `HourEnds` has it, in order."""
    place = _end_of_finished(packed) + _UNFINISHED.size
    return [start for (start,) in _UNFINISHED.iter_unpack(packed[place:])]


def _end_of_finished(packed: bytes) -> int:
    """Returns where the bytes of the finished runs end."""
    if not packed:
        return 0
    (count,) = _HEAD.unpack_from(packed)
    waits = sum(flag >> 2 for flag in packed[_HEAD.size : _HEAD.size + count])
    return int(_HEAD.size + count) + struct.calcsize(f"<{2 * count + waits}q{count}I")
