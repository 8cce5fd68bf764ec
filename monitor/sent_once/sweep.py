"""Takes up wishes that are due, one after the other: dead senders, what waits, and outcomes that are not known."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from monitor.models.sent_once import SentOnce
from monitor.sent_once.sending import pause_of, to_unknown
from monitor.sent_once.states import Row, WishStates
from monitor.sent_once.timing import BY_HAND_AFTER, SWEEP_SPAN

log = logging.getLogger(__name__)


@dataclass
class SweepCounts:
    """Counts what one sweep did.

    Attributes:
        expired: senders given up for dead.
        sent: wishes taken up (sent, put off or called off).
        checked: open outcomes looked at.
        settled: wishes that reached their end.
        errors: wishes that could not be dealt with for a fault of ours; they are in the log.
    """

    expired: int = 0
    sent: int = 0
    checked: int = 0
    settled: int = 0
    errors: int = 0

    def take_in(self, other: SweepCounts) -> None:
        """Takes another sweep's figures in."""
        for name, value in other.summary().items():
            setattr(self, name, getattr(self, name) + value)

    def summary(self) -> dict[str, int]:
        """Returns the figures, for the row that a run of a stage leaves."""
        figures = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in figures.items() if isinstance(value, int)}


Counts = TypeVar("Counts", bound=SweepCounts)


def advance_each(
    keys: Iterable[int], advance: Callable[[int], Counts], report: Counts, now_fn: Callable[[], datetime], noun: str
) -> Counts:
    """Advances rows for `SWEEP_SPAN` at most; a fault of ours with one is logged, counted and keeps no other waiting.

    Args:
        keys: of the rows, the most urgent first.
        advance: takes one as far as it can go now.
        report: to take the figures in.
        now_fn: returns the present, aware.
        noun: what the rows are called.
    """
    began = now_fn()
    for key in keys:
        if now_fn() - began > SWEEP_SPAN:
            break
        try:
            report.take_in(advance(key))
        except Exception:
            log.exception("%s %s could not be advanced", noun, key)
            report.errors += 1
    return report


def is_dead(row: SentOnce, now: datetime) -> bool:
    """Says whether the process that was sending a row must be gone: its lease is over."""
    return row.state == row.SENDING and row.lease_until is not None and row.lease_until < now


def is_look_due(row: SentOnce, now: datetime) -> bool:
    """Says whether it is time to look what became of a row."""
    return row.next_check_at is not None and row.next_check_at <= now


def give_up_sender(states: WishStates[Row], row: Row, check: datetime | None, now: datetime) -> int:
    """Gives up a sender that died: whether it sent is not known, so it is never sent again."""
    answer = "The process that was sending it ended before it could note the answer."
    note = "the process that was sending it is gone"
    return to_unknown(states, row, answer=answer, note=note, now=now, check=check)


def tell_owner(states: WishStates[Row], row: Row, notify: Callable[..., object], now: datetime) -> bool:
    """Asks a person, once, to look what became of a row that is still unknown after 15 minutes; it stays unknown.

    Args:
        states: of its kind.
        row: with who wanted it.
        notify: writes the mail down, as `notify(row, at=now)`, in the transaction that notes it.
        now: the present, aware.
    """
    if row.state != row.UNKNOWN or row.owner_told_at is not None or row.sent_at is None:
        return False
    if now < row.sent_at + BY_HAND_AFTER:
        return False
    with transaction.atomic():
        is_told = states.amend(row, expect={"owner_told_at": None}, told=(now, "owner_told"), owner_told_at=now)
        if is_told:
            notify(row, at=now)
    return is_told


def take_look(states: WishStates[Row], row: Row, following: datetime | None) -> bool:
    """Claims a look at an outcome; False where another process looks.

    The claim is the next time itself: whoever moves it looks, and one that dies has only skipped a turn.
    """
    return states.amend(row, expect={"checks": row.checks}, checks=row.checks + 1, next_check_at=following)


def look_later(states: WishStates[Row], row: Row, error: Any, following: datetime | None, now: datetime) -> None:
    """Puts the next look off where Zoho asks to wait for longer than it was to come."""
    pause = pause_of(error)
    if pause is not None and following is not None and now + pause > following:
        states.amend(row, next_check_at=now + pause)
