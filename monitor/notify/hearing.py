"""Asks again at sending whether a message of an incident is for its reader, as rules, routes and switches are now.

Whom it is taken away from stands in its row. Who hears of it in their place gets one of their own in the same
transaction: a route that is changed while a message waits lets nobody go without.
"""

from __future__ import annotations

import logging
from copy import copy
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from monitor.models import Channel, ChannelMessage, Delivery, Notice, User
from monitor.models.hand_over import hold
from monitor.notify import outbox
from monitor.notify.audience import Audience, audience_of
from monitor.notify.channels.fate import CHANNEL_IS_OUT, IS_GONE
from monitor.notify.channels.of_digest import OTHER_ACCOUNT
from monitor.notify.dispatch import write_for
from monitor.notify.recipients import NO_LONGER_GETS
from monitor.notify.retell import IncidentThread

logger = logging.getLogger(__name__)

HEARS_NO_MORE = "by rules, routes and settings as they are now it does not go there"


def hears_no_more(message: Delivery | ChannelMessage, now: datetime) -> str:
    """Returns why a message is not for its reader any more; "" where it is.

    The end goes where the beginning went, whatever was changed since; and nobody is a reader less for what recovered
    meanwhile. What somebody has sent again goes where they want it.

    Args:
        message: that is claimed.
        now: the present.
    """
    notice = _as_beginning(message)
    if notice is None or message.revived_at is not None or _is_heard(message, notice, now):
        return ""
    # What it tells of others too may be for its reader still: a step of an escalation names others than a rule.
    others = {one.step if one.kind == Notice.Kind.ESCALATE else None: one for one in _carried(message, notice)}
    return "" if any(_is_heard(message, one, now) for one in others.values()) else HEARS_NO_MORE


def give_up_for_others(
    message: Delivery | ChannelMessage, reason: str, now: datetime, *, is_bounced: bool = False
) -> None:
    """Gives a message up that its reader is not to get, or cannot, and writes one for each who hears of it instead.

    Args:
        message: that is claimed.
        reason: why.
        now: the present.
        is_bounced: whether the mail server refused it for its address.
    """
    notice, bounced = _as_beginning(message), {"is_bounced": True} if is_bounced else {}
    is_meant = not is_bounced and reason != IS_GONE
    if notice is None or not (is_bounced or _is_for_others(notice, reason)):
        outbox.give_up(message, reason, is_meant=is_meant, **bounced)
        return
    is_over = notice.incident.closed_at is not None
    told = [notice] if is_over else [*_carried(message, notice), notice]
    with transaction.atomic():
        hold(Notice.objects.filter(pk__in=[one.pk for one in told]))
        outbox.give_up(message, reason, is_meant=is_meant, **bounced)
        for one in told:
            written = write_for(one, *_who_knows_less(one, audience_of(one, now)), now)
            if written:
                logger.info("incident %d: %d others hear of it in the place of one", one.incident_id, written)


def _is_heard(message: Delivery | ChannelMessage, notice: Notice, now: datetime) -> bool:
    audience = audience_of(notice, now, of_all=True)
    if isinstance(message, Delivery):
        address = message.recipient.email.casefold()  # of two sign-ins with one address either is the reader
        return any(person.email.casefold() == address for person in audience.people)
    return message.channel_id in {channel.pk for channel in audience.channels_of(notice, says_both=False)}


def _is_for_others(notice: Notice, reason: str) -> bool:
    """Returns whether a reason means that others hear of it; where all is over nobody stands in for a channel."""
    if reason in CHANNEL_IS_OUT:
        return notice.incident.closed_at is None
    return reason in (HEARS_NO_MORE, NO_LONGER_GETS, OTHER_ACCOUNT)


def _carried(message: Delivery | ChannelMessage, notice: Notice) -> list[Notice]:
    """Returns the other notices that a message tells of which was written anew, the oldest first."""
    carried = [] if message.retold_at is None else list(IncidentThread.of(message).carried)
    for one in carried:
        one.incident = notice.incident
    return carried


def _as_beginning(message: Delivery | ChannelMessage) -> Notice | None:
    """Returns the notice of a message that tells of a beginning; None for an end, and for what is of no incident."""
    notice = message.notice
    if notice is None or notice.kind != Notice.Kind.RESOLVED:
        return notice
    if not message.says_both:
        return None
    beginning = copy(notice)
    beginning.kind = Notice.Kind.FIRING
    return beginning


def _who_knows_less(notice: Notice, audience: Audience) -> tuple[list[User], list[Channel]]:
    """Returns who hears of a notice and has no message of it, nor a later one of the incident that went out or may."""
    later = Q(notice__incident=notice.incident_id, notice__seq__gt=notice.seq) & ~Q(state=outbox.States.DEAD)
    has_it = Q(notice=notice.pk) | later
    people = set(Delivery.objects.filter(has_it).values_list("recipient", flat=True))
    channels = set(ChannelMessage.objects.filter(has_it).values_list("channel", flat=True))
    is_over = notice.incident.closed_at is not None
    return (
        [person for person in audience.people if person.pk not in people],
        [one for one in audience.channels_of(notice, says_both=is_over) if one.pk not in channels],
    )
