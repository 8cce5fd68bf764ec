"""Lists the periodic jobs. The supervisor wakes them; django-q2's own scheduler is off (its grain is minutes).

A job is a hint: what it should do is derived from tables when it runs, so a lost or doubled one does no harm.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class PeriodicJob:
    """Describes one periodic job.

    Attributes:
        name: its key in `due`'s `last_started`.
        every: seconds between two starts.
        task: dotted path of its door in `monitor.tasks`.
        only_if: dotted path of a question, asked with the present: a job with nothing to do is not enqueued.
    """

    name: str
    every: float
    task: str
    only_if: str = ""


JOBS: tuple[PeriodicJob, ...] = (
    PeriodicJob("tick", 2, "monitor.tasks.tick", only_if="monitor.due.is_anything_due"),
    PeriodicJob("recount", 2, "monitor.tasks.recount", only_if="monitor.due.is_anything_to_count"),
    PeriodicJob("judge", 15, "monitor.tasks.judge"),
    PeriodicJob("deliver", 5, "monitor.tasks.deliver"),
    PeriodicJob("notify_channels", 5, "monitor.tasks.notify_channels", only_if="monitor.due.is_anything_for_channels"),
    PeriodicJob("send_retries", 5, "monitor.tasks.send_retries"),
    PeriodicJob("send_edits", 5, "monitor.tasks.send_edits", only_if="monitor.due.is_any_edit_due"),
    PeriodicJob("take_hints", 5, "monitor.tasks.take_hints"),
    PeriodicJob("housekeeping", 600, "monitor.tasks.housekeeping"),
)


FIRST_PAUSE = timedelta(seconds=15)
LONGEST_PAUSE = timedelta(minutes=10)
_JITTER = 0.2


def pause_after(failures: int, name: str) -> timedelta:
    """Returns how long a job that failed so often in a row is left alone: twice as long each time, up to ten minutes.

    The jitter is a fifth at most and comes from the name and the number, so that what fails together does not go on
    trying together, and the same failure always gives the same pause.

    Args:
        failures: in a row, from 1.
        name: of the job.
    """
    longest: timedelta = min(FIRST_PAUSE * (1 << min(failures - 1, 10)), LONGEST_PAUSE)
    share = zlib.crc32(f"{name} {failures}".encode()) / 2**32
    return longest * (1 - _JITTER * share)


def due(jobs: Iterable[PeriodicJob], last_started: Mapping[str, datetime], now: datetime) -> list[PeriodicJob]:
    """Returns the jobs to start now, in the table's order.

    Args:
        jobs: the table.
        last_started: when each was started last, by name; a job that is not in it is due at once.
        now: the present. A clock that was set back by more than a job's pace makes it due again, instead of
            silencing it until the old time has come round.
    """
    found = []
    for job in jobs:
        last = last_started.get(job.name)
        if last is None or abs(now - last) >= timedelta(seconds=job.every):
            found.append(job)
    return found
