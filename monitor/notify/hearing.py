"""Asks again at sending whether a message of an incident is for its reader, as rules, routes and switches are now.

Whom it is taken away from stands in its row. Who hears of it in their place gets one of their own in the same
transaction: a route that is changed while a message waits lets nobody go without.
"""

from __future__ import annotations

import logging
from copy import copy
from datetime import datetime

from django.db import transaction

from monitor.models import Channel, ChannelMessage, Delivery, Notice, User
from monitor.notify import outbox
from monitor.notify.audience import Audience, audience_of
from monitor.notify.dispatch import write_for

logger = logging.getLogger(__name__)

HEARS_NO_MORE = "by rules, routes and settings as they are now it does not go there"


def hears_no_more(message: Delivery | ChannelMessage, now: datetime) -> str:
    """Returns why a message is not for its reader any more; "" where it is.

    The end goes where the beginning went, whatever was changed since.

    Args:
        message: that is claimed.
        now: the present.
    """
    notice = _as_beginning(message)
    if notice is None:
        return ""
    audience = audience_of(notice, now)
    if isinstance(message, Delivery):
        address = message.recipient.email.casefold()  # of two sign-ins with one address either is the reader
        is_heard = any(person.email.casefold() == address for person in audience.people)
    else:
        is_heard = message.channel_id in {channel.pk for channel in audience.channels_of(notice, says_both=False)}
    return "" if is_heard else HEARS_NO_MORE


def give_up_for_others(message: Delivery | ChannelMessage, reason: str, now: datetime) -> None:
    """Gives a message up that its reader is not to get, and writes one for each who hears of its notice now.

    Args:
        message: that is claimed.
        reason: why.
        now: the present.
    """
    notice = _as_beginning(message)
    with transaction.atomic():
        outbox.give_up(message, reason)
        if notice is not None:
            written = write_for(notice, *_without_a_message(notice, audience_of(notice, now)), now)
            if written:
                logger.info("incident %d: %d others hear of it in the place of one", notice.incident_id, written)


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


def _without_a_message(notice: Notice, audience: Audience) -> tuple[list[User], list[Channel]]:
    people = set(Delivery.objects.filter(notice=notice.pk).values_list("recipient", flat=True))
    channels = set(ChannelMessage.objects.filter(notice=notice.pk).values_list("channel", flat=True))
    is_over = notice.incident.closed_at is not None
    return (
        [person for person in audience.people if person.pk not in people],
        [one for one in audience.channels_of(notice, says_both=is_over) if one.pk not in channels],
    )
