"""Tells whether and when Zoho runs a failed execution again by itself: the one clock of its re-runs. Pure.

Internal errors and an app's answers 408, 409, 429, 500, 503 and 504 are run again 5 m, 10 m, 30 m, 1 h, 3 h, 6 h,
12 h and 24 h after the first failure, in the same row of the history. Other errors (mapping, configuration) wait for
a person. The error is free text, so some stay undecided. See docs/reference/zoho-flow.md, "Re-runs by Zoho".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from monitor.zoho.error_kinds import ErrorKind, classify, named_statuses, speaks_of

STEPS = (
    timedelta(minutes=5),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
STATUSES = frozenset({408, 409, 429, 500, 503, 504})
INTERNAL = ("internal error", "internal server error")
LONGEST_RUN = timedelta(minutes=5)  # docs/reference/zoho-flow.md, "Plans and limits"
STUCK_AFTER = 2 * LONGEST_RUN  # twice the longest that a flow runs is no run any more
LOOK_AFTER = timedelta(minutes=1)  # most re-runs have ended by then; the next look finds the others
LAST_LOOK_AFTER = LONGEST_RUN + LOOK_AFTER  # after the last re-run there is no next look
LAST_LOOK = STEPS[-1] + LAST_LOOK_AFTER  # after the first failure; then no re-run is waited for any longer
OVER_AFTER = STEPS[-1] + timedelta(hours=1)  # the last re-run takes a while to start, to run and to be seen
NOT_CREDIBLE = timedelta(days=1)  # a failure that lies so far ahead lies in no clock's future
Moment = TypeVar("Moment", int, datetime)  # in milliseconds, or as it is


class Outlook(StrEnum):
    """Names what Zoho does about a failure by itself."""

    WILL = "will"
    MAY = "may"
    FINAL = "final"


@lru_cache(maxsize=512)  # as for `classify`
def outlook(*texts: str) -> Outlook:
    """Returns what Zoho does about a failure; one that no sign decides may be run again.

    Args:
        texts: error code, message and details as Zoho sent them, in any order; empty ones are fine.
    """
    if named_statuses(*texts) & STATUSES or speaks_of(INTERNAL, *texts):
        return Outlook.WILL
    return Outlook.FINAL if classify(*texts).kind is ErrorKind.PERMANENT else Outlook.MAY


def may_run_again(
    error: Sequence[str], failed_at: datetime | None, now: datetime, *, zoho_ahead: timedelta = timedelta(0)
) -> bool:
    """Returns whether Zoho may still run a failure again by itself; one that no sign decides may be.

    The page of a run, the retry of it and the search for what a retry caused all ask here, so that none of them
    calls a failure final while another one waits for Zoho.

    Args:
        error: code, message and details as Zoho sent them.
        failed_at: when Zoho's clock of re-runs began, see `clock_began`; None where it is not known.
        now: the present, by our clock.
        zoho_ahead: Zoho's clock, by which it failed, less ours. It is over only by both clocks: an error of one of
            them must not make a fresh failure look old.
    """
    if outlook(*error) is Outlook.FINAL:
        return False
    if failed_at is None or (failed_at.tzinfo is None) != (now.tzinfo is None):
        return True
    return min(now, _moved(now, zoho_ahead)) - failed_at < OVER_AFTER


def over_at(failed_at: datetime | None, *, zoho_ahead: timedelta = timedelta(0)) -> datetime | None:
    """Returns the moment, by our clock, from which `may_run_again` says no; None where it is not known.

    Args:
        failed_at: when Zoho's clock of re-runs began.
        zoho_ahead: Zoho's clock less ours.
    """
    if failed_at is None:
        return None
    try:
        return failed_at + OVER_AFTER - min(zoho_ahead, timedelta(0))
    except OverflowError:
        return None


def clock_began(
    first_failed_at: datetime | None,
    completed: datetime | None,
    started: datetime | None,
    *,
    was_retried: bool = False,
) -> datetime | None:
    """Returns when Zoho's clock of re-runs began for a failed run; None where nothing is known of it.

    Args:
        first_failed_at: end of the first failure that was seen.
        completed: end of the newest one.
        started: of the run.
        was_retried: a person's retry was sent. It may have run in the same row, which then tells of a later failure,
            and Zoho may count from there.
    """
    began = first_failed_at or completed or started
    if began is not None and completed is not None and was_retried:
        return max(began, completed)
    return began


def goes_on_since(started: Moment, first_failed: Moment | None, changed: Moment) -> Moment:
    """Returns since when a run goes on: its newest start, as far as that is known.

    One that Zoho runs again may keep its first start; then it goes on since it was seen to, at the latest. Whether a
    run is stuck is asked by this, in the standing of flows, in lists, on its page, and by alerts.

    Args:
        started: its start, as Zoho has it.
        first_failed: when it failed first; None where it never did.
        changed: when it was seen to run.
    """
    return started if first_failed is None or started > first_failed else max(started, changed)


def _moved(now: datetime, ahead: timedelta) -> datetime:
    try:
        return now + ahead
    except OverflowError:
        return now


def next_rerun(
    first_failed_at: datetime | None, error: Sequence[str], now: datetime, *, ended: datetime | None = None
) -> datetime | None:
    """Returns the re-run whose outcome is still to be looked at: the next one, or the last one just after it.

    Args:
        first_failed_at: end of the first failure, by Zoho's clock; None for not known.
        error: code, message and details as Zoho sent them.
        now: the present, by Zoho's clock as far as it is known.
        ended: end of the newest failure; a re-run that was due before has taken place.

    Returns:
        When Zoho runs it again; None where it does not, or did so for the last time.
    """
    if first_failed_at is None or first_failed_at > now + NOT_CREDIBLE:
        return None
    if now - first_failed_at >= LAST_LOOK or outlook(*error) is Outlook.FINAL:
        return None
    over = (ended or first_failed_at) - first_failed_at
    due = (step for step in STEPS if look_after(step) > now - first_failed_at and step > over)
    return next((first_failed_at + step for step in due), None)


def look_after(step: timedelta) -> timedelta:
    """Returns how long after the first failure the outcome of a re-run is looked at."""
    return step + (LAST_LOOK_AFTER if step == STEPS[-1] else LOOK_AFTER)


def is_under_way(first_failed_at: datetime | None, now: datetime) -> bool:
    """Returns whether one of Zoho's re-runs may be going on.

    Args:
        first_failed_at: end of the first failure, by Zoho's clock.
        now: the present.
    """
    if first_failed_at is None:
        return False
    return any(step <= now - first_failed_at <= step + LONGEST_RUN + LOOK_AFTER for step in STEPS)
