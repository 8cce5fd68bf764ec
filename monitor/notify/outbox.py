"""Claims messages that are due and marks what became of them, the same for mails and for messages to channels.

A claim is a conditional UPDATE that counts an attempt. Its marks hold only as long as no other process has claimed the
message since, but for "sent": sent is sent, and nobody need send it again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from monitor.models import ChannelMessage, Delivery, Notice, Outgoing
from monitor.models.hand_over import hold
from monitor.notify import attempts
from monitor.notify.smtp_answers import GIVEN_UP_AFTER, LONGEST_WAIT

logger = logging.getLogger(__name__)
States = Outgoing.State
WAITING = (States.QUEUED, States.SENDING)
# What is kept back is looked at again every minute, for nothing most often: it is no reason for a page to wait.
KEPT_BACK_LAST = Case(When(kept_quiet="", then=0), default=1, output_field=IntegerField())

Sendable = TypeVar("Sendable", Delivery, ChannelMessage)


def is_due(now: datetime, lease: timedelta) -> Q:
    """Returns what holds of messages that may be tried, also after the clock was set back.

    Args:
        now: the present.
        lease: how long a message is a process's.
    """
    # What lies much further ahead than any lease was written before the clock was set back; a little further ahead is
    # what another process has claimed since our clock was read.
    is_lost = Q(lease_until__lt=now) | Q(lease_until__gt=now + 2 * lease)
    # So is what would be tried later than any pause allows, within the day in which a message is tried.
    day = GIVEN_UP_AFTER + LONGEST_WAIT
    began = ("created_at", "revived_at", "kept_until")
    is_ahead = ~Q(kept_quiet="")
    for name in began:
        is_ahead |= Q(next_try_at__lte=F(name) + day)
    is_waiting = Q(next_try_at__lte=now) | Q(is_ahead, next_try_at__gt=now + LONGEST_WAIT + lease)
    return Q(is_waiting, state=States.QUEUED) | Q(is_lost, state=States.SENDING)


def give_up_old(waiting: QuerySet[Any], reason: str, now: datetime) -> int:
    """Gives up those of some messages that have waited for a day; returns how many.

    Args:
        waiting: mails or messages to a channel, whichever their state.
        reason: why none of them could go out.
        now: the present.
    """
    too_old = now - GIVEN_UP_AFTER
    old = waiting.filter(state=States.QUEUED, next_try_at__lte=now, created_at__lt=too_old, kept_quiet="")
    for name in ("revived_at", "kept_until"):
        old = old.filter(Q(**{name: None}) | Q(**{f"{name}__lt": too_old}))
    with transaction.atomic():
        keys = hold(old)
        given_up: int = old.filter(pk__among=keys).update(state=States.DEAD, last_error=reason)
        if waiting.model is Delivery:
            _count_readers(Notice.objects.filter(pk__in=waiting.filter(pk__among=keys).values("notice")))
    return given_up


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
    columns = {"state": States.SENT, "sent_at": now, "lease_until": None, "last_error": ""}
    unsent = _rows(message).filter(pk=message.pk).exclude(state=States.SENT)
    if not mine(message).update(**columns) and unsent.update(**columns):
        count_readers(message)  # another process may have given it up meanwhile
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


def give_up(message: Delivery | ChannelMessage, reason: str, *, is_meant: bool = False, **columns: Any) -> None:
    """Notes that a message is not sent any more, and why.

    Args:
        message: that is claimed.
        reason: why.
        is_meant: whether it is as people have it, or there is nothing to tell: then nobody need be called for it.
        columns: what else of it changes.
    """
    if mine(message).update(state=States.DEAD, lease_until=None, last_error=reason, **columns):
        count_readers(message)
    if is_meant:
        logger.info("%s %d is not sent: %s", named(message), message.pk, reason)
    else:
        logger.error("%s %d given up (attempt %d): %s", named(message), message.pk, message.attempts, reason)


def count_readers(message: Delivery | ChannelMessage) -> None:
    """Notes of a mail's notice to how many people it went: not to those whose mail was given up."""
    if isinstance(message, Delivery) and message.notice_id is not None:
        count_readers_of(message.notice_id)


def count_readers_of(notice: int) -> None:
    """Notes to how many people the notice of this key went."""
    with transaction.atomic():
        _count_readers(Notice.objects.filter(pk=notice))


def _count_readers(notices: QuerySet[Notice]) -> None:
    keys = hold(notices)  # first, so that of two who count at once the later one sees both changes
    went = Delivery.objects.filter(notice=OuterRef("pk")).exclude(state=States.DEAD).order_by()
    count = Subquery(went.values("notice").annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    Notice.objects.filter(pk__among=keys).update(recipients=Coalesce(count, 0))


def named(message: Delivery | ChannelMessage) -> str:
    """Returns how logs name such a message."""
    return "mail" if isinstance(message, Delivery) else "channel message"


def _rows(message: Delivery | ChannelMessage) -> QuerySet[Any]:
    rows: QuerySet[Any] = type(message)._default_manager.all()
    return rows
