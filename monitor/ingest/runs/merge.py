"""Merges Zoho's reply into a stored row: decides which columns to write. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from monitor.models.masked_text import masked_run
from monitor.zoho.reruns import is_under_way, next_rerun
from monitor.zoho.shapes import ExecutionRow

FINAL = ("success", "failed")
# A run lasts 5 minutes at most (docs/reference/zoho-flow.md, Executions).
FIRST_RECHECK = timedelta(seconds=60)
LONGEST_RECHECK = timedelta(hours=6)
# A row that is not final after so long is stuck, or of a status we do not know: only its list tells more.
GIVE_UP_AFTER = timedelta(days=3)

# Columns copied as they come; a value that a shorter answer leaves out never erases one that was known.
COPIED = (
    "started_time",
    "completed_time",
    "duration_ms",
    "error_code",
    "error_message",
    "error_details",
    "error_action_id",
    "trigger_data",
    "actions_executed",
    "actions_successful",
    "actions_failed",
)
_copied = attrgetter(*COPIED)
MASKED = ("said_names", "search_text", "masked_by")
NEW_COLUMNS = ("status", *COPIED, "first_status", "first_failed_at", "recheck_at", "rerun_due_at", *MASKED)
TEXTS = ("error_code", "error_message", "error_details")
# What the masked columns are made from.
SAID = (*TEXTS, "trigger_data")
ERROR = (*TEXTS, "error_action_id")
ENDED = ("completed_time", "duration_ms")


@dataclass(frozen=True, slots=True)
class Stored:
    """Holds what the mirror has of an execution, as far as decisions need it."""

    status: str
    first_status: str
    rerun_count: int
    first_failed_at: datetime | None
    values: Mapping[str, object]
    last_failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Describes a change of status for the run's history: from what to what, and whether the run had ended before."""

    from_status: str
    to_status: str
    is_rerun: bool


def rank(status: str) -> int:
    """Ranks a status: final beats running, for the truth never goes backwards."""
    return 1 if status in FINAL else 0


def new_values(row: ExecutionRow, now: datetime) -> tuple[object, ...]:
    """Returns the values of `NEW_COLUMNS` of a row seen for the first time."""
    final = row.status in FINAL
    failed_at = _failed_at(row) if row.status == "failed" else None
    return (
        row.status,
        *_copied(row),
        row.status if final else "",
        failed_at,
        None if final else recheck_at(row.status, row.started_time, now),
        None if failed_at is None else _rerun_due(row.status, failed_at, row, now),
        *masked_run(row.error_code, row.error_message, row.error_details, data=row.trigger_data, known="").values(),
    )


def merge(stored: Stored, row: ExecutionRow, now: datetime) -> dict[str, object]:
    """Returns the columns to change, empty if none: an answer that is older than the row changes nothing."""
    goes_back = rank(row.status) < rank(stored.status)
    if (goes_back and not _runs_again(stored, row, now)) or _is_older(stored, row):
        return {}
    changes: dict[str, object] = {}
    for name in COPIED:
        value = getattr(row, name)
        if value not in (None, "") and not _same(value, stored.values.get(name)):
            changes[name] = value
    if row.status != stored.status:
        changes |= _status_change(stored, row)
        if row.status == "success" or goes_back:
            # The error belonged to the failed attempt; what is left of it is the first failure's time.
            changes |= {name: getattr(row, name) for name in ERROR}
        if goes_back:
            changes |= {name: getattr(row, name) for name in ENDED}
            changes["last_failed_at"] = stored.values.get("completed_time") or stored.last_failed_at
    if changes and row.status not in FINAL:
        changes["recheck_at"] = recheck_at(row.status, row.started_time, now)
    if changes and "failed" in (row.status, stored.status):
        first = stored.first_failed_at or _failed_at(row)
        changes["rerun_due_at"] = _rerun_due(row.status, first, row, now)
    if not changes.keys().isdisjoint(SAID):
        *said, data = (changes.get(name, stored.values.get(name)) for name in SAID)
        texts = [str(text or "") for text in said]
        if any(texts) or not changes.keys().isdisjoint(TEXTS):
            changes |= masked_run(*texts, data=data, known=str(stored.values.get("said_names") or ""))
    return changes


def change_of(stored: Stored, row: ExecutionRow) -> StatusChange | None:
    """Says what the run's history has to keep of an answer that `merge` has let in; None for nothing.

    A failed run that Zoho ran again and that failed again keeps its status, but it ended later.
    """
    if row.status == stored.status:
        had = stored.values.get("completed_time")
        later = isinstance(had, datetime) and row.completed_time is not None and row.completed_time > had
        return StatusChange(stored.status, row.status, is_rerun=True) if later and row.status == "failed" else None
    if stored.status in FINAL or row.status in FINAL:
        return StatusChange(stored.status, row.status, is_rerun=stored.status in FINAL)
    return None


def _runs_again(stored: Stored, row: ExecutionRow, now: datetime) -> bool:
    """Says whether a failed run that is shown as running is Zoho's re-run, and no answer from before it failed.

    A run that has begun again says so by its start; one that keeps its start is believed only while a re-run
    is due by Zoho's clock. The first comes 5 min after the failure, and no answer is that old.
    """
    if stored.status != "failed" or row.status != "running":
        return False
    had = stored.values.get("completed_time")
    if isinstance(had, datetime) and row.started_time is not None and row.started_time > had:
        return True
    return is_under_way(stored.first_failed_at, now)


def _rerun_due(status: str, failed_at: datetime | None, row: ExecutionRow, now: datetime) -> datetime | None:
    if status != "failed":
        return None
    error = (row.error_code, row.error_message, row.error_details)
    return next_rerun(failed_at, error, now, ended=row.completed_time)


def _same(new: object, had: object) -> bool:
    """Compares cleaned JSON with what a database gives back: PostgreSQL writes 1e300 out as a whole number."""
    if isinstance(new, Mapping) and isinstance(had, Mapping):
        return new.keys() == had.keys() and all(_same(new[key], had[key]) for key in new)
    if isinstance(new, list) and isinstance(had, list):
        return len(new) == len(had) and all(map(_same, new, had))
    if isinstance(new, float) and isinstance(had, int) and not isinstance(had, bool):
        return new == float(had)
    # True == 1 in Python, not in JSON.
    return new == had and isinstance(new, bool) == isinstance(had, bool)


def _status_change(stored: Stored, row: ExecutionRow) -> dict[str, object]:
    changes: dict[str, object] = {"status": row.status}
    if row.status in FINAL:
        changes["recheck_at"] = None
        if not stored.first_status:
            changes["first_status"] = row.status
    if stored.status in FINAL:
        changes["rerun_count"] = stored.rerun_count + 1
    if row.status == "failed" and stored.first_failed_at is None:
        changes["first_failed_at"] = _failed_at(row)
    return changes


def _is_older(stored: Stored, row: ExecutionRow) -> bool:
    """Says whether a final answer is from before the row: its run ended earlier.

    Of a row that is being run again only the end of its last failure tells.
    """
    had = stored.values.get("completed_time")
    if stored.status not in FINAL and stored.last_failed_at is not None and row.status == "failed":
        return row.completed_time is not None and row.completed_time < stored.last_failed_at
    if stored.status not in FINAL or not isinstance(had, datetime):
        return False
    if row.completed_time is None:
        # Nothing tells when: a failure may yet turn into a success, a success does not turn into a failure.
        return stored.status == "success" and row.status == "failed"
    if row.completed_time < had:
        return True
    # success → failed at the very same moment is two answers in the wrong order, not a re-run.
    return row.completed_time == had and stored.status == "success" and row.status == "failed"


def _failed_at(row: ExecutionRow) -> datetime | None:
    return row.completed_time or row.started_time


def recheck_at(status: str, started: datetime | None, now: datetime) -> datetime | None:
    """Says when a row that is not final is asked for by itself: soon while young, then ever more seldom, then never."""
    if status in FINAL:
        return None
    if started is None or started > now + LONGEST_RECHECK:
        return now + LONGEST_RECHECK
    age = max(now - started, timedelta(0))
    if age > GIVE_UP_AFTER:
        return None
    return now + min(max(age, FIRST_RECHECK), LONGEST_RECHECK)
