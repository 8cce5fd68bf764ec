"""Decides at sending whether a message still goes out, and rewrites one whose incident is over by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db.models import Q, QuerySet

from monitor.models import ChannelMessage, ChannelStanding, Delivery, Notice, SendAttempt
from monitor.notify.audience import channels_told
from monitor.notify.channels.answers import GONE
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.words import SAYS_BOTH, message_of, says_both
from monitor.notify.facts import facts_of
from monitor.notify.recipients import END_OF_NOTHING

TOLD_ALREADY = "another message of the incident said already that it is over"
TOO_LATE = "the incident was over before anything of it arrived, so nobody is called"
Kind = Notice.Kind


def why_not(message: ChannelMessage) -> str:
    """Returns why a message is not to be sent any more, as the tables have it; "" where it is."""
    channel, notice = message.channel, message.notice
    if channel.deleted_at is not None:
        return "the channel was deleted"
    if not channel.is_active:
        return "the channel is off"
    gone = ChannelStanding.objects.filter(channel=channel, state=ChannelStanding.State.REFUSES, code=GONE)
    if message.revived_at is None and gone.exists():
        # Standard Webhooks: who answers 410 is to be asked no more. What a person does with it ends that.
        return "what was at the channel's address is gone"
    if notice.kind != Kind.RESOLVED and channel.account_id not in (None, notice.incident.account_id):
        return "the channel is of another account by now"
    if notice.incident.closed_at is not None and _was_told_both(message):
        return TOLD_ALREADY
    if notice.kind == Kind.RESOLVED and channel.pk not in channels_told(notice.incident_id, notice.seq):
        return END_OF_NOTHING
    if comes_late(message) and SERVICES[channel.service].has_incidents:
        return TOO_LATE
    return ""


def comes_late(message: ChannelMessage) -> bool:
    """Returns whether a message would tell of a beginning, as the first of its incident, after the end."""
    notice = message.notice
    if notice.kind == Kind.RESOLVED or notice.incident.closed_at is None or says_both(message):
        return False
    return not _gone_out(message).filter(notice__seq__lte=notice.seq).exists()


def tell_both(message: ChannelMessage, now: datetime) -> dict[str, object]:
    """Has a message that comes late say that its incident began and is over.

    Args:
        message: which is changed, but not saved.
        now: the present.

    Returns:
        The columns that have changed.
    """
    facts = replace(facts_of(message.notice, now), kind=Kind.FIRING)
    late = message_of(message.notice, facts, message.channel, now)
    columns: dict[str, object] = {"title": late.title, "text": late.text, "payload": late.payload}
    for name, value in columns.items():
        setattr(message, name, value)
    return columns


def _was_told_both(message: ChannelMessage) -> bool:
    return _gone_out(message).filter(payload__type=SAYS_BOTH).exclude(pk=message.pk).exists()


def _gone_out(message: ChannelMessage) -> QuerySet[ChannelMessage]:
    """Finds the messages of the same incident that arrived at the same channel, or may have."""
    ours = ChannelMessage.objects.filter(channel=message.channel_id, notice__incident=message.notice.incident_id)
    return ours.filter(Q(state=Delivery.State.SENT) | Q(send_attempts__outcome=SendAttempt.Outcome.UNKNOWN))
