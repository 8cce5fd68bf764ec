"""Keeps account of what the worker tries again and again: failures in a row, since when, and until when to pause.

It has a row (a `WorkerBeat` named `failing:...`) only while it fails: one success heals it at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.models import WorkerBeat
from monitor.privacy import mask_log
from monitor.schedules import LONGEST_PAUSE, pause_after

PREFIX = "failing:"
ERROR_LENGTH = 200
LONGEST_AFTER_DEATH = timedelta(minutes=1)
DIED = "its process ended while it ran: it took too long, too much memory, or was killed"
ABANDONED_AFTER = timedelta(hours=1)  # the longest pause is ten minutes


@dataclass(frozen=True)
class FailingJob:
    """Describes a job that fails: its name, how often in a row, since when, when it is tried next, and the error."""

    name: str
    failures: int
    since: datetime
    next_try_at: datetime
    error: str

    @property
    def label(self) -> str:
        """Returns what the job does, in words."""
        job, _, account = self.name.partition(":")
        what = job.removesuffix("_account").replace("_", " ")
        return f"{what} of account {account}" if account else what


def name_of(function: str, args: tuple[object, ...] = ()) -> str:
    """Returns what a task of the queue is called here: `judge`, or `sync_account:7`."""
    return ":".join([function.rsplit(".", 1)[-1], *(str(arg) for arg in args)])[:50]


def died(name: str, now: datetime) -> FailingJob:
    """Notes that the process of a job ended while it ran, by its time-out, for want of memory or by a signal.

    It may have been ended from outside: then work goes on within a minute (docs/reference/promises.md), however often.

    Args:
        name: of the job.
        now: the present.
    """
    return failed(name, DIED, now, longest=LONGEST_AFTER_DEATH)


def failed(name: str, error: str, now: datetime, *, longest: timedelta = LONGEST_PAUSE) -> FailingJob:
    """Notes one more failure, and decides how long the job pauses.

    Args:
        name: of the job.
        error: one line; personal data and secrets are hidden before it is kept.
        now: the present.
        longest: the pause is no longer.
    """
    row = WorkerBeat.objects.filter(name=PREFIX + name).first()
    before = row.detail if row is not None else {}
    count = int(before.get("failures", 0)) + 1
    next_try_at = now + min(pause_after(count, name), longest)
    detail = {
        "failures": count,
        "since": before.get("since", now.isoformat()),
        "next_try_at": next_try_at.isoformat(),
        "error": " ".join(mask_log(error).split())[:ERROR_LENGTH],
    }
    WorkerBeat.objects.update_or_create(name=PREFIX + name, defaults={"beat_at": now, "detail": detail})
    return job_of(PREFIX + name, detail)


def worked(name: str) -> None:
    """Notes a success: what failed before is healed."""
    rows = WorkerBeat.objects.filter(name=PREFIX + name)
    if rows.exists():  # nearly always not, and then nothing is to be locked
        rows.delete()


def failing() -> list[FailingJob]:
    """Lists the jobs that fail, the longest failing first. One statement."""
    rows = WorkerBeat.objects.filter(name__startswith=PREFIX).values_list("name", "detail")
    return sorted((job_of(name, detail) for name, detail in rows), key=lambda job: job.since)


def forget_abandoned(now: datetime) -> None:
    """Deletes what nobody tries any more: of a deleted account, or one that was switched off while it failed.

    Args:
        now: the present.
    """
    WorkerBeat.objects.filter(name__startswith=PREFIX, beat_at__lt=now - ABANDONED_AFTER).delete()


def put_off(now: datetime) -> set[str]:
    """Returns the names of jobs that still pause after a failure. One statement.

    Args:
        now: the present. A clock that was set back ends no job for longer than its pause.
    """
    paused = (job for job in failing() if now < job.next_try_at <= now + pause_after(job.failures, job.name))
    return {job.name for job in paused}


def job_of(name: str, detail: dict[str, Any]) -> FailingJob:
    """Reads a row of `WorkerBeat` whose name begins with `PREFIX`."""
    since, next_try_at = (datetime.fromisoformat(detail[key]) for key in ("since", "next_try_at"))
    return FailingJob(name.removeprefix(PREFIX), int(detail["failures"]), since, next_try_at, detail["error"])
