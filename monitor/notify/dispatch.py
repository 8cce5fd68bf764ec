"""Claims notices and occasions, and writes a Delivery for each of their recipients and a message for each channel."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from monitor.models import Channel, ChannelMessage, Delivery, Incident, Notice, Occasion, Transition, User
from monitor.models.hand_over import hold
from monitor.notify import outbox
from monitor.notify.audience import audience_of
from monitor.notify.channels.words import message_of
from monitor.notify.compose import Rendered
from monitor.notify.facts import Facts, facts_of
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.alert import render
from monitor.notify.message import message_id
from monitor.notify.recipients import may_get
from monitor.notify.when_to_send import LOOK_AGAIN, Fate, NoticeVerdict, Why, decide

logger = logging.getLogger(__name__)

AT_ONCE = 200
ROUNDS = 4  # an incident has a few notices, and they are settled one after the other
Kind = Notice.Kind
States = Transition.Dispatch


def dispatch_new(now: datetime) -> int:
    """Turns notices of incidents that are due into deliveries, the oldest first.

    A fault of ours with one is logged, is tried again the next time, and keeps no other waiting.

    Args:
        now: the time of the run.

    Returns:
        How many notices were settled: mailed, or not to be mailed.
    """
    _set_back_with_clock(now)
    settled = 0
    for _ in range(ROUNDS):
        done = sum(_dispatch_safely(found, now) for found in _due(now))
        settled += done
        if not done:
            break
    return settled


def _set_back_with_clock(now: datetime) -> None:
    """Brings notices nearer that were written before the clock was set back: they would wait until it has caught up."""
    for found in Notice.objects.filter(dispatch_state=States.NEW, at__gt=now + LOOK_AGAIN).order_by("pk"):
        same = Notice.objects.filter(pk=found.pk, dispatch_state=States.NEW, at=found.at, due_at=found.due_at)
        # What something kept waiting is looked at anew: until when is of that clock, too.
        same.update(at=now, due_at=now if found.why_silent else now + (found.due_at - found.at))


def _due(now: datetime) -> list[Notice]:
    """Returns the notices to look at: none whose incident has an earlier one that is not settled.

    Nobody reads of an end before its beginning.
    """
    due = Notice.objects.in_turn().filter(due_at__lte=now).select_related("incident__account")
    return list(due.order_by("due_at", "incident_id", "seq")[:AT_ONCE])


def _dispatch_safely(found: Notice, now: datetime) -> bool:
    try:
        return _dispatch(found, now)
    except Exception:
        logger.exception("incident %d: its mail could not be written", found.incident_id)
        return False


def _dispatch(found: Notice, now: datetime) -> bool:
    """Returns whether this process, and no other, settled it."""
    found.incident.refresh_from_db()
    if found.kind == Kind.ESCALATE:
        found.refresh_from_db(fields=["due_at"])
        if found.due_at > now:  # the step before it, which was late, has put it off
            return False
    audience = audience_of(found, now)
    fate = decide(audience.facts, now)
    if found.kind == Kind.ESCALATE and fate.verdict != NoticeVerdict.SILENT:
        # A step may reach somebody where the first mail does not.
        waiting = found.incident.notices.filter(dispatch_state=States.NEW).exclude(why_silent=Why.NOBODY)
        first = waiting.filter(kind=Kind.FIRING).first()
        if first is not None or fate.verdict == NoticeVerdict.WAIT:
            return _hold(found, fate.why or (first.why_silent if first is not None else "") or Why.FIRST, now)
    if fate.verdict == NoticeVerdict.WAIT:
        return _put_off(found, fate.why, fate.until or now + LOOK_AGAIN)
    if fate.verdict == NoticeVerdict.SILENT:
        return _silence(found, fate.why, now)
    channels = audience.channels_of(found, says_both=fate.says_both)
    if not audience.people and not channels:
        return _reach_nobody(found, now)
    return _write(found, audience.people, channels, fate, now)


def _put_off(found: Notice, why: str, until: datetime) -> bool:
    """Leaves a notice for later. One that another process settled meanwhile, or woke, stays as it is."""
    same = Notice.objects.filter(pk=found.pk, dispatch_state=States.NEW, due_at=found.due_at)
    same.update(why_silent=why, due_at=until)
    return False


def _hold(found: Notice, why: str, now: datetime) -> bool:
    """Stops the clock of an escalation for a minute: the steps after this one keep their distance."""
    with transaction.atomic():
        hold(_unsettled(found))
        held = Notice.objects.filter(pk=found.pk, dispatch_state=States.NEW, due_at=found.due_at)
        if held.update(why_silent=why, due_at=now + LOOK_AGAIN):
            _delay(found, now + LOOK_AGAIN - found.due_at)
    return False


def _unsettled(found: Notice) -> QuerySet[Notice]:
    """Returns the notices of an incident that are not settled: some that are changed together are held before."""
    return Notice.objects.filter(incident=found.incident_id, dispatch_state=States.NEW)


def _delay(found: Notice, by: timedelta) -> None:
    """Puts the steps off that come after one."""
    later = Notice.objects.filter(step__escalation__steps__notice=found, dispatch_state=States.NEW)
    later.filter(due_at__gte=found.due_at).exclude(pk=found.pk).update(due_at=F("due_at") + by)


def _silence(found: Notice, why: str, now: datetime) -> bool:
    new = Notice.objects.filter(pk=found.pk, dispatch_state=States.NEW)
    return bool(new.update(dispatch_state=States.SILENT, dispatched_at=now, why_silent=why, recipients=0))


def _reach_nobody(found: Notice, now: datetime) -> bool:
    """Keeps what nobody may get now for whoever may before it is over."""
    if found.kind == Kind.RESOLVED or found.incident.closed_at is not None:
        logger.warning("incident %d: %s concerns nobody who was told of it", found.incident_id, found.kind)
        return _silence(found, Why.NOBODY, now)
    if found.why_silent != Why.NOBODY:
        logger.warning(
            "incident %d: %s concerns nobody yet: no operator or admin gets alert mails", found.incident_id, found.kind
        )
    return _put_off(found, Why.NOBODY, now + LOOK_AGAIN)


def _write(found: Notice, people: list[User], channels: list[Channel], fate: Fate, now: datetime) -> bool:
    # Rendered before the transaction: what waits for the database should not wait for templates.
    facts, mails, messages = _written(found, people, channels, now)
    with transaction.atomic():
        if fate.says_both or found.kind == Kind.ESCALATE:
            hold(_unsettled(found))
        # One that was put off or woken meanwhile is looked at anew.
        same = Notice.objects.filter(pk=found.pk, dispatch_state=States.NEW, due_at=found.due_at)
        claimed = same.update(
            dispatch_state=States.DISPATCHED,
            dispatched_at=now,
            recipients=len(people),
            why_silent="",
            tells_up_to=facts.tells_up_to,
        )
        if not claimed:
            return False
        if found.incident.members.filter(pk__gt=facts.tells_up_to or 0).exists():
            # It counted on this message to be told.
            transaction.set_rollback(True)
            return False
        if fate.says_both:
            _told_already(found.incident, now)
        if found.kind == Kind.ESCALATE and now - found.due_at > LOOK_AGAIN:
            _delay(found, now - found.due_at)  # the worker was away: not all steps at once
        Delivery.objects.bulk_create(mails)
        ChannelMessage.objects.bulk_create(messages)
    return True


def _written(
    found: Notice, people: Sequence[User], channels: Sequence[Channel], now: datetime
) -> tuple[Facts, list[Delivery], list[ChannelMessage]]:
    """Returns what is told of a notice, and its messages, which are not saved yet."""
    facts = facts_of(found, now)
    by_zone = {zone: render(facts, zone) for zone in {person.timezone for person in people}}
    mails = [_delivery(found, one, by_zone[one.timezone], now, facts) for one in people]
    return facts, mails, [message_of(found, facts, channel, now) for channel in channels]


def write_for(found: Notice, people: Sequence[User], channels: Sequence[Channel], now: datetime) -> int:
    """Writes messages of a notice that was dispatched already, to who hears of it only now.

    Args:
        found: the notice.
        people: who have none of it.
        channels: that have none of it.
        now: the present.

    Returns:
        How many were written.
    """
    if not people and not channels:
        return 0
    _, mails, messages = _written(found, people, channels, now)
    # Another process may have written one meanwhile: a notice has one message for each reader.
    messages.sort(key=lambda one: one.channel_id)  # as people are: two who write the same never wait for each other
    Delivery.objects.bulk_create(mails, ignore_conflicts=True)
    ChannelMessage.objects.bulk_create(messages, ignore_conflicts=True)
    outbox.count_readers_of(found.pk)
    return len(mails) + len(messages)


def _told_already(incident: Incident, now: datetime) -> None:
    """Settles the other notices of an incident whose first mail says that it is over."""
    others = incident.notices.filter(dispatch_state=States.NEW)
    others.update(dispatch_state=States.SILENT, dispatched_at=now, why_silent=Why.TOLD, recipients=0)


def dispatch_occasions(now: datetime) -> int:
    """Turns new occasions into deliveries, the oldest first; returns how many mails were written.

    Who has switched such mails off, has no address or may not see what it is about gets none. A fault of ours with one
    is logged, is tried again the next time, and keeps no other waiting.

    Args:
        now: the time of the run.
    """
    waiting = Occasion.objects.filter(dispatch_state=States.NEW).select_related(
        "recipient",
        "actor",
        "act__actor",
        "act__problem__account",
        "batch__account",
        "batch__problem",
        "retry__account",
        "retry__execution__flow",
        "edit__account",
        "digest",
    )
    written = 0
    for found in waiting.order_by("at", "pk")[:AT_ONCE]:
        try:
            written += _dispatch_occasion(found, now)
        except Exception:
            logger.exception("occasion %d: its mail could not be written", found.pk)
    return written


def _dispatch_occasion(found: Occasion, now: datetime) -> bool:
    """Returns whether this process, and no other, wrote a mail of it."""
    person = found.recipient
    is_wanted = may_get(person, found)
    rendered = KINDS[found.kind].write(found, person.timezone) if is_wanted else None
    with transaction.atomic():
        claimed = Occasion.objects.filter(pk=found.pk, dispatch_state=States.NEW).update(
            dispatch_state=States.DISPATCHED if rendered else States.SILENT, dispatched_at=now
        )
        if not claimed or rendered is None:
            return False
        _delivery(found, person, rendered, now).save(force_insert=True)
    return True


def _delivery(
    found: Notice | Occasion, person: User, rendered: Rendered, now: datetime, facts: Facts | None = None
) -> Delivery:
    return Delivery(
        notice=found if isinstance(found, Notice) else None,
        occasion=found if isinstance(found, Occasion) else None,
        recipient=person,
        address=person.email,
        message_id=message_id(found, person.email),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        says_both=facts is not None and facts.says_both,
        knew_ended=facts.knew_ended if facts is not None else 0,
        created_at=now,
        next_try_at=now,
    )
