"""Writes a message of an incident anew that goes out late, so that its reader learns once, and what is so by then."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from monitor.models import ChannelMessage, Delivery, IncidentAlert, Notice, SendAttempt
from monitor.models.hand_over import hold
from monitor.notify import outbox
from monitor.notify.channels.words import message_of
from monitor.notify.facts import Retelling, facts_of
from monitor.notify.kinds.alert import render
from monitor.notify.late import NAGGING, TOLD, LateFacts, LateVerdict, judge_late

logger = logging.getLogger(__name__)
Kind = Notice.Kind
States = outbox.States


@dataclass(frozen=True, slots=True)
class IncidentThread:
    """Holds what is known of the messages of an incident to one reader, beside the one whose turn it is.

    Attributes:
        arrived: those that arrived, or may have.
        unheard: those that did not, were not given up, and wait, or are told by others that did not arrive either.
        newer: those of them that wait, the oldest first.
        carried: the notices of those of them that the one whose turn it is tells, as it was written anew.
        may_have_arrived: whether an attempt at the one whose turn it is may have.
    """

    arrived: Sequence[Any]
    unheard: Sequence[Any]
    newer: Sequence[Any]
    carried: Sequence[Notice]
    may_have_arrived: bool

    @classmethod
    def of(cls, message: Delivery | ChannelMessage) -> IncidentThread:
        """Reads it. One statement."""
        rows = list(thread_rows(message).select_related("notice").order_by("notice__seq"))
        others = [row for row in rows if row.pk != message.pk]
        heard = max((row.notice.seq for row in others if row.has_arrived), default=0)
        # What another message was to tell was heard with it: that one is newer.
        silent = (States.DEAD,), (States.DEAD, States.TOLD)
        unheard = [row for row in others if not row.has_arrived and row.state not in silent[row.notice.seq <= heard]]
        return cls(
            arrived=[row for row in others if row.has_arrived],
            unheard=unheard,
            newer=[row for row in unheard if row.state == States.QUEUED],
            carried=[row.notice for row in unheard if row.state == States.TOLD]
            if message.retold_at is not None
            else [],
            may_have_arrived=any(row.pk == message.pk and row.may_have_arrived for row in rows),
        )


def thread_rows(message: Delivery | ChannelMessage) -> QuerySet[Any]:
    """Returns the messages of the same incident to the same reader, with whether each arrived or may have."""
    incident = message.notice.incident_id if message.notice is not None else None
    rows: QuerySet[Any]
    if isinstance(message, Delivery):
        rows = Delivery.objects.filter(recipient=message.recipient_id, notice__incident=incident)
        unknown = SendAttempt.objects.filter(delivery=OuterRef("pk"), outcome=SendAttempt.Outcome.UNKNOWN)
    else:
        rows = ChannelMessage.objects.filter(channel=message.channel_id, notice__incident=incident)
        unknown = SendAttempt.objects.filter(message=OuterRef("pk"), outcome=SendAttempt.Outcome.UNKNOWN)
    has_arrived = Q(state=States.SENT) | Q(may_have_arrived=True)
    return rows.annotate(may_have_arrived=Exists(unknown)).annotate(has_arrived=has_arrived)


def look_again(message: Delivery | ChannelMessage, now: datetime) -> LateVerdict:
    """Returns what becomes of a claimed message; one that is written anew is changed, here and in its row.

    Where another message tells it, its row says so. A fault of ours with that lets it go out as it is.

    Args:
        message: that is claimed.
        now: the present.
    """
    if message.notice is None:
        return LateVerdict.AS_IS
    try:
        return _look_again(message, message.notice, now)
    except Exception:
        logger.exception("%s %d could not be written anew", outbox.named(message), message.pk)
        return LateVerdict.AS_IS


def late_facts(message: Delivery | ChannelMessage, notice: Notice, thread: IncidentThread) -> LateFacts:
    """Reads what the fate of a message depends on. One statement at most."""
    incident = notice.incident
    is_over = incident.closed_at is not None
    since_when = incident.acknowledged_at
    # Who had it sent again since knew that somebody is on it.
    is_known = since_when is not None and message.revived_at is not None and message.revived_at >= since_when
    ended = IncidentAlert.objects.filter(incident=incident.pk, left_at__isnull=False)
    return LateFacts(
        kind=notice.kind,
        is_over=is_over,
        is_acknowledged=since_when is not None and not is_known,
        says_both=message.says_both,
        tells_news=any(one.kind not in NAGGING for one in thread.carried),
        may_have_arrived=thread.may_have_arrived,
        has_arrived=bool(thread.arrived),
        was_told_both=any(row.says_both for row in thread.arrived),
        has_newer=bool(thread.newer),
        has_changed=not is_over and (ended.count() > message.knew_ended or _was_kept_back(message)),
    )


def _was_kept_back(message: Delivery | ChannelMessage) -> bool:
    """Returns whether a message waited since it was written for what kept it quiet: what it says may be of days ago."""
    until = message.kept_until
    return until is not None and (message.retold_at is None or message.retold_at < until)


def _look_again(message: Delivery | ChannelMessage, notice: Notice, now: datetime) -> LateVerdict:
    thread = IncidentThread.of(message)
    verdict = judge_late(late_facts(message, notice, thread))
    if verdict == LateVerdict.ANEW:
        columns = _told_anew(message, [*thread.unheard, message], thread, now)
        outbox.mine(message).update(**columns)
        for name, value in columns.items():
            setattr(message, name, value)
    elif verdict == LateVerdict.FOLDED and not _fold(message, thread, now):
        return LateVerdict.AS_IS
    elif verdict in TOLD and verdict != LateVerdict.FOLDED:
        outbox.mine(message).update(state=States.TOLD, lease_until=None, last_error=verdict.value)
    return verdict


def _fold(message: Delivery | ChannelMessage, thread: IncidentThread, now: datetime) -> bool:
    """Has the newest message that waits tell all that its reader has not heard; returns whether nobody was faster.

    The newest, for it is the one that is tried the longest from now on.
    """
    *between, newest = thread.newer
    columns = _told_anew(newest, [*thread.unheard, message], thread, now)
    folded = {"state": States.TOLD, "lease_until": None, "last_error": LateVerdict.FOLDED.value}
    with transaction.atomic():
        hold(type(message)._default_manager.filter(pk__in=[message.pk, *(row.pk for row in thread.newer)]))
        same = type(message)._default_manager.filter(pk=newest.pk, state=States.QUEUED, attempts=newest.attempts)
        if not same.update(**columns) or not outbox.mine(message).update(**folded):
            transaction.set_rollback(True)
            return False
        waiting = type(message)._default_manager.filter(pk__in=[row.pk for row in between], state=States.QUEUED)
        waiting.update(**folded)
    return True


def _told_anew(message: Any, group: Sequence[Any], thread: IncidentThread, now: datetime) -> dict[str, Any]:
    """Returns the columns of a message that tells what a group of them was to tell, as it is now."""
    notices = [row.notice for row in group]
    kinds = {notice.kind for notice in notices}
    incident = message.notice.incident
    is_over = incident.closed_at is not None
    kind = Kind.UPDATE if Kind.UPDATE in kinds else message.notice.kind
    if not thread.arrived:
        kind = Kind.FIRING
    steps = [notice for notice in notices if notice.kind == Kind.ESCALATE]
    is_asked = not is_over and incident.acknowledged_at is None
    facts = facts_of(
        message.notice,
        now,
        retelling=Retelling(
            kind=kind,
            told_before=_newest(row.notice for row in thread.arrived),
            up_to=_newest(notices),
            flapping=frozenset(key for notice in notices for key in notice.flapping),
            step=steps[-1] if steps and is_asked else None,
        ),
    )
    more = {"retold_at": now, "says_both": facts.says_both, "knew_ended": facts.knew_ended}
    if isinstance(message, Delivery):
        written = render(facts, message.recipient.timezone)
        return more | {"subject": written.subject, "text": written.text, "html": written.html}
    late = message_of(message.notice, facts, message.channel, now)
    return more | {"title": late.title, "text": late.text, "payload": late.payload}


def _newest(notices: Iterable[Notice]) -> int | None:
    """Returns the key of the newest `IncidentAlert` that some notices tell of."""
    return max((notice.tells_up_to for notice in notices if notice.tells_up_to is not None), default=None)
