"""Claims messages that are due and marks what became of them, the same for mails and for messages to channels.

A claim is a conditional UPDATE that counts an attempt. Its marks hold only as long as no other process has claimed the
message since, but for "sent": sent is sent, and nobody need send it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import QuerySet

from monitor.models import ChannelMessage, Delivery, Outgoing
from monitor.notify import attempts

logger = logging.getLogger(__name__)
States = Outgoing.State
WAITING = (States.QUEUED, States.SENDING)

Sendable = TypeVar("Sendable", Delivery, ChannelMessage)


def claim(next_due: Callable[[], Sendable | None], now: datetime, lease: timedelta) -> Sendable | None:
    """Returns the next message that is due, leased to this process; None when there is none.

    One whose lease has run out was being sent by a process that ended: that is kept as an attempt of unknown outcome.

    Args:
        next_due: finds the message to claim next.
        now: the present.
        lease: how long it is this process's.
    """
    while (found := next_due()) is not None:
        same = _rows(found).filter(pk=found.pk, state=found.state, attempts=found.attempts)
        if same.update(state=States.SENDING, attempts=found.attempts + 1, lease_until=now + lease):
            if found.state == States.SENDING:
                attempts.record_interrupted(found, now)
            found.attempts += 1
            return found
    return None


def mine(message: Delivery | ChannelMessage) -> QuerySet[Any]:
    """Returns the row, as long as this process holds its lease: each claim counts an attempt."""
    return _rows(message).filter(pk=message.pk, state=States.SENDING, attempts=message.attempts)


def mark_sent(message: Delivery | ChannelMessage, now: datetime) -> None:
    """Notes that a server took a message, also when the lease has run out meanwhile."""
    unsent = _rows(message).filter(pk=message.pk).exclude(state=States.SENT)
    unsent.update(state=States.SENT, sent_at=now, lease_until=None, last_error="")
    logger.info("%s %d sent (attempt %d)", named(message), message.pk, message.attempts)


def requeue(message: Delivery | ChannelMessage, reason: str, at: datetime, **columns: Any) -> None:
    """Puts a message back into the queue.

    Args:
        message: that is claimed.
        reason: why it was not sent.
        at: when it is tried again.
        columns: what else of it changes.
    """
    mine(message).update(state=States.QUEUED, next_try_at=at, lease_until=None, last_error=reason, **columns)


def give_up(message: Delivery | ChannelMessage, reason: str) -> None:
    """Notes that a message is not sent any more, and why."""
    mine(message).update(state=States.DEAD, lease_until=None, last_error=reason)
    logger.error("%s %d given up (attempt %d): %s", named(message), message.pk, message.attempts, reason)


def named(message: Delivery | ChannelMessage) -> str:
    """Returns how logs name such a message."""
    return "mail" if isinstance(message, Delivery) else "channel message"


def _rows(message: Delivery | ChannelMessage) -> QuerySet[Any]:
    rows: QuerySet[Any] = type(message)._default_manager.all()
    return rows
