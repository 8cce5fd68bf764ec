"""Commits the intent before the one request of a wish, and puts a wish back, off or into the unknown after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from monitor.models import User
from monitor.models.sent_once import SentOnce
from monitor.sent_once.states import Row, WishStates
from monitor.sent_once.timing import LEASE, MAX_SENDS, SEND_WITHIN, WISH_LASTS, back_off
from monitor.zoho.errors import Wait, ZohoError

LONGEST_ANSWER = 500  # characters of what a row says about its end


class CalledOffError(Exception):
    """Says that what was found makes a wish wrong or needless; `code` says so for programs."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


def is_due(row: SentOnce, states: WishStates[Any], now: datetime) -> bool:
    """Says whether a wish waits to be sent and may be sent now."""
    return bool(row.state == states.waiting) and (row.not_before is None or row.not_before <= now)


def is_expired(row: SentOnce, now: datetime) -> bool:
    """Says whether a wish is too old to be sent: what happens hours after the click would surprise."""
    return now >= row.requested_at + WISH_LASTS


def why_expired(row: SentOnce) -> str:
    """Says why a wish that is too old is called off: Zoho may have refused it for now, again and again."""
    ended = "Nothing was sent for an hour" if row.answered_at is None else "Zoho did not take it for an hour"
    return f"{ended}: ask again if it is still wanted."


def postpone(states: WishStates[Row], row: Row, error: Exception, answer: str, now: datetime) -> None:
    """Puts a wish off where Zoho could not be asked: nothing was sent, so it is tried again, an hour long at most.

    Args:
        states: of its kind.
        row: the wish; left alone where it no longer waits.
        error: why Zoho could not be asked; `Wait` says for how long.
        answer: what people read meanwhile.
        now: the present, aware.
    """
    if row.state != states.waiting:
        return
    pause = pause_of(error) or back_off(row.sends + 1)
    states.amend(row, not_before=within_the_hour(row, now + pause), answer=answer[:LONGEST_ANSWER])


def within_the_hour(row: SentOnce, until: datetime) -> datetime:
    """Returns when a wish is looked at again: at its end at the latest, so that it is called off then."""
    return min(until, row.requested_at + WISH_LASTS)


def pause_of(error: Exception) -> timedelta | None:
    """Returns how long Zoho, or our own limit, asks to wait; None where neither says so."""
    return timedelta(seconds=error.retry_after) if isinstance(error, Wait) else None


def call_off(states: WishStates[Row], row: Row, *, answer: str, note: str, code: str, now: datetime) -> bool:
    """Ends a wish of which nothing was sent; False where it no longer waits."""
    if row.state != states.waiting:
        return False
    answer = answer[:LONGEST_ANSWER]
    return states.move(row, row.CANCELLED, now=now, actor=None, note=note, answer=answer, code=code)


def claim(states: WishStates[Row], row: Row, actor: User | None, now: datetime, **changes: Any) -> bool:
    """Commits the intent. From here on the request may have left, whatever becomes of this process."""
    claimed = states.move(
        row,
        row.SENDING,
        now=now,
        actor=actor,
        durable=True,
        fence=F("fence") + 1,
        sends=F("sends") + 1,
        sent_at=now,
        lease_until=now + LEASE,
        not_before=None,
        **changes,
    )
    if claimed:
        row.refresh_from_db(fields=["fence", "sends"])
    return claimed


def is_too_late(row: SentOnce, now: datetime) -> bool:
    """Says whether this process slept since the intent: its lease may be over, and the row given up by others."""
    return row.sent_at is None or now - row.sent_at > SEND_WITHIN


def put_back(
    states: WishStates[Row],
    row: Row,
    *,
    answer: str,
    note: str,
    now: datetime,
    counts: bool,
    until: datetime | None = None,
) -> None:
    """Has a wish wait again, with proof that nothing left; after the third time it is called off.

    Args:
        states: of its kind.
        row: the wish, being sent.
        answer: what people read.
        note: why, for the audit trail.
        now: the present, aware.
        counts: whether it was one of the three tries; what our own limit held back was none.
        until: when it may go again; None: after a pause that grows.
    """
    answer = answer[:LONGEST_ANSWER]
    if counts and row.sends >= MAX_SENDS:
        states.move(row, row.CANCELLED, now=now, actor=None, note=note, answer=answer, code="not_connected")
        return
    states.move(
        row,
        states.waiting,
        now=now,
        actor=None,
        note=note,
        answer=answer,
        lease_until=None,
        sends=row.sends if counts else row.sends - 1,
        not_before=within_the_hour(row, until or now + back_off(row.sends)),
    )


def to_unknown(
    states: WishStates[Row], row: Row, *, answer: str, note: str, now: datetime, check: datetime | None, **changes: Any
) -> bool:
    """Moves a row into the unknown: its request may have done something. It is never sent again.

    Args:
        states: of its kind.
        row: being sent, or taken by Zoho without a trace since.
        answer: what people read.
        note: why, for the audit trail.
        now: the present, aware.
        check: when it is looked at first.
        changes: other columns to set with it.
    """
    changes |= {"lease_until": None, "next_check_at": check, "answer": answer[:LONGEST_ANSWER]}
    return states.move(row, row.UNKNOWN, now=now, actor=None, note=note, **changes)


def why_unknown(error: Exception, what: str) -> str:
    """Says why an outcome is not known: no answer came, or one that does not tell.

    Args:
        error: that the request ended in.
        what: is not known, such as "it ran".
    """
    came = isinstance(error, ZohoError) and error.status is not None
    return f"Zoho's answer does not tell whether {what}" if came else "The answer was lost"
