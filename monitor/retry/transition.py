"""Changes an attempt's state, by compare-and-set on (id, state, fence) and with an audit entry.

Source: docs/reference/retries.md, "States" and R4, R5, R6, R12.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from monitor import audit
from monitor.models import RetryAttempt, User

State = RetryAttempt.State

# The fence goes up with each new send, so that a sender that woke up late cannot write over a later one's row.
EDGES: dict[str, frozenset[str]] = {
    State.REQUESTED: frozenset({State.SENDING, State.CANCELLED}),
    # Back to `requested`, or off, only with proof that nothing ran.
    State.SENDING: frozenset({State.REQUESTED, State.CANCELLED, State.ACCEPTED, State.REJECTED, State.UNKNOWN}),
    State.ACCEPTED: frozenset({State.SUCCEEDED, State.FAILED_AGAIN, State.UNKNOWN}),
    # Never again `requested` or `sending`. `accepted` and `rejected` are Zoho's own words that came late.
    State.UNKNOWN: frozenset({State.ACCEPTED, State.REJECTED, State.SUCCEEDED, State.FAILED_AGAIN, State.NOT_RUN}),
    State.SUCCEEDED: frozenset(),
    State.FAILED_AGAIN: frozenset(),
    State.REJECTED: frozenset(),
    State.CANCELLED: frozenset(),
    State.NOT_RUN: frozenset(),
}


def move(
    attempt: RetryAttempt,
    to: str,
    *,
    now: datetime,
    actor: User | None,
    note: str = "",
    durable: bool = False,
    **changes: Any,
) -> bool:
    """Takes an attempt along one edge, if nobody else has moved it.

    Args:
        attempt: as it was read; on success it is brought up to date, on failure left as it was.
        to: the state to go to.
        now: the present, aware.
        actor: the person behind it, None where the program found it out.
        note: why, for the audit trail; no personal data.
        durable: whether it must be committed when this returns (refused inside another transaction).
        changes: other columns to set with it.

    Returns:
        False when the row has been moved meanwhile; then nothing was written.

    Raises:
        ValueError: there is no such edge.
        IntegrityError: `new_execution_id` belongs to another attempt; nothing was written.
    """
    if to not in EDGES[attempt.state]:
        raise ValueError(f"a retry cannot go from {attempt.state} to {to}")
    before = attempt.state
    if to in RetryAttempt.FINAL_STATES:
        changes |= {"settled_at": now, "next_check_at": None, "lease_until": None, "not_before": None}
    with transaction.atomic(durable=durable):
        if not _compare_and_set(attempt, {}, {"state": to, **changes}):
            return False
        record(attempt, actor, now, f"retry.{to}", {"from": before, "to": to, "note": note})
    _remember(attempt, {"state": to, **changes})
    return True


def amend(
    attempt: RetryAttempt,
    *,
    expect: dict[str, Any] | None = None,
    told: tuple[datetime, str] | None = None,
    **changes: Any,
) -> bool:
    """Sets columns without leaving the state, by the same compare-and-set.

    Args:
        attempt: as it was read; on success it is brought up to date.
        expect: further columns that must still have these values: a claim.
        told: (now, what happened) where it is worth an audit entry.
        changes: columns to set.

    Returns:
        False when the row has been changed meanwhile; then nothing was written.
    """
    with transaction.atomic():
        if not _compare_and_set(attempt, expect or {}, changes):
            return False
        if told is not None:
            record(attempt, None, told[0], f"retry.{told[1]}", {"state": attempt.state})
    _remember(attempt, changes)
    return True


def record(attempt: RetryAttempt, actor: User | None, now: datetime, action: str, detail: dict[str, Any]) -> None:
    """Writes down who did what to an attempt; call it in the transaction that does it.

    Args:
        attempt: with its execution.
        actor: the person behind it, None where the program found it out.
        now: the present, aware.
        action: such as ``"retry.requested"``.
        detail: what the trail keeps besides the execution's id.
    """
    whole = {"execution": attempt.execution.execution_id} | detail
    audit.record(actor, action, attempt, now=now, account=attempt.account_id, detail=whole)


def _compare_and_set(attempt: RetryAttempt, expect: dict[str, Any], changes: dict[str, Any]) -> bool:
    row = RetryAttempt.objects.filter(pk=attempt.pk, state=attempt.state, fence=attempt.fence, **expect)
    return row.update(**changes) == 1


def _remember(attempt: RetryAttempt, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(attempt, name, value)
