"""Says which states of an attempt follow which, and moves it: by compare-and-set and with an audit entry.

Source: docs/reference/retries.md, "States" and R4, R5, R6, R12.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from monitor import audit
from monitor.models import RetryAttempt, User
from monitor.sent_once.states import WishStates

State = RetryAttempt.State

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


def load(attempt_id: int) -> RetryAttempt:
    """Returns an attempt with all that sending and settling need.

    Raises:
        RetryAttempt.DoesNotExist: there is none.
    """
    wanted = ("account", "requested_by", "execution__account", "execution__flow")
    return RetryAttempt.objects.select_related(*wanted).get(pk=attempt_id)


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


STATES = WishStates(noun="retry", waiting=State.REQUESTED, edges=EDGES, load=load, record=record)
move, amend, move_late = STATES.move, STATES.amend, STATES.move_late
