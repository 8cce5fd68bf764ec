"""Which of the night's checks are due, and how far each has come: its cursor. Pure.

The whole history is read of one seventh of the flows a night, so that no night slows the lists much more than
another. Which flows these are follows from their keys, so that flows that come or go move no other one's turn. The
shares take turns one after the other, and each night owes one: those of nights that were missed are made up for, the
oldest first. So a flow waits for seven nights and as long as no worker ran, and never for a second round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.periods import DAY, midnight_of

NIGHT_BEGINS = timedelta(hours=1)
SILENT = 2  # sweeps without an answer about a flow; at the next one it is stepped over


@dataclass(frozen=True, slots=True)
class Job:
    """One check, every night of one of so many `shares` of the flows; `span` is how far back, None for everything."""

    name: str
    span: timedelta | None = None
    shares: int = 1


RECENT, STATS, FULL = Job("recent", timedelta(days=3)), Job("statistics"), Job("full", shares=7)
JOBS = (RECENT, STATS, FULL)
FOUND = {"new": "late", "changed": "changed", "vanished": "no longer listed", "failed": "not compared"}


def night_of(now: datetime) -> datetime:
    """When the newest night began."""
    begins = midnight_of(now) + NIGHT_BEGINS
    return begins if begins <= now else begins - DAY


def is_due(cursor: dict[str, Any], now: datetime) -> bool:
    """Whether a job has work: it is under way, or a night has come for which nothing was done.

    Args:
        cursor: of the job: `night` (ISO) for which it was begun last, `done`.
        now: the present, in UTC.
    """
    if not cursor.get("done", False):
        return True
    return night_of(now) - datetime.fromisoformat(cursor["night"]) >= DAY


def begun(job: Job, cursor: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The cursor of a job that begins anew: for tonight, or for the first of the nights that are owed.

    Args:
        job: one of `JOBS`.
        cursor: of the job, done. One without a `share` is of a time when one night read every flow.
        now: the present, in UTC.
    """
    tonight = night_of(now)
    at = {"night": tonight.isoformat(), "done": False, "after": 0, "flows": 0}
    if job.shares == 1:
        return at
    # More than one round is never owed: after a long time off, each flow is read once.
    night = max(datetime.fromisoformat(cursor["night"]) + DAY, tonight - (job.shares - 1) * DAY)
    found = {name: cursor[name] for name in ("flows", *FOUND) if name in cursor} if has_ended(cursor, tonight) else {}
    return at | found | {"night": night.isoformat(), "share": (cursor.get("share", -1) + 1) % job.shares}


def has_ended(cursor: dict[str, Any], since: datetime) -> bool:
    """Whether a job came to its end since then and was not begun anew."""
    ended = cursor.get("ended_at") if cursor.get("done") else None
    return ended is not None and datetime.fromisoformat(ended) >= since


def is_in_share(job: Job, cursor: dict[str, Any], flow: int) -> bool:
    """Whether the round under way reads the flow with this key; `Night` asks the database the same."""
    share = cursor.get("share")
    return share is None or flow % job.shares == share


def first_cursors(now: datetime) -> dict[str, Any]:
    """The cursors of an account that has just been connected: the first night is the one to come."""
    return {job.name: {"night": night_of(now).isoformat(), "done": True} for job in JOBS}


def without_answer(cursor: dict[str, Any], flow: int) -> dict[str, Any]:
    """A job's cursor after Zoho gave no answer about a flow: one that never answers does not hold up the night.

    Args:
        cursor: of the job, before; `silent` is the flow that gave no answer the last time, and how often by then.
        flow: key of the flow that was asked about.
    """
    silent = cursor.get("silent") or {}
    times = silent.get("times", 0) + 1 if silent.get("flow") == flow else 1
    if times <= SILENT:
        return cursor | {"silent": {"flow": flow, "times": times}}
    is_counted = bool(cursor.get("until")) and cursor["after"] == flow
    counted = {"flows": cursor.get("flows", 0) + (not is_counted), "failed": cursor.get("failed", 0) + 1}
    return cursor | counted | {"after": flow, "until": None, "silent": None}


def told(tonight: Sequence[dict[str, Any]]) -> str:
    """One line of what a night's jobs found; empty for nothing."""
    many = {name: [at.get(name, 0) for at in tonight] for name in FOUND}
    # A row is found once, and a flow without an answer has none in each of the jobs.
    counts = {name: max(some) if name == "failed" else sum(some) for name, some in many.items()}
    return ", ".join(f"{counts[name]} {word}" for name, word in FOUND.items() if counts[name])
