"""Decides at sending whether a message still goes to its channel."""

from __future__ import annotations

from monitor.models import ChannelMessage, Notice
from monitor.notify.channels.of_digest import OTHER_ACCOUNT, why_no_digest
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.standing import gone_standings
from monitor.notify.recipients import END_OF_NOTHING
from monitor.notify.retell import thread_rows

CHANNEL_IS_OUT = DELETED, OFF = "the channel was deleted", "the channel is off"
IS_GONE = "what was at the channel's address is gone"
TOO_LATE = "the incident was over before anything of it arrived, so nobody is called"
Kind = Notice.Kind


def why_not(message: ChannelMessage) -> str:
    """Returns why a message is not to be sent any more, as the tables have it; "" where it is."""
    channel = message.channel
    if channel.deleted_at is not None:
        return DELETED
    if not channel.is_active:
        return OFF
    if message.revived_at is None and gone_standings().filter(channel=channel).exists():
        # Standard Webhooks: who answers 410 is to be asked no more. What a person does with it ends that.
        return IS_GONE
    if message.digest is not None:
        return why_no_digest(channel, message.digest)
    return _why_not_of_incident(message, message.of_incident)


def _why_not_of_incident(message: ChannelMessage, notice: Notice) -> str:
    channel = message.channel
    if notice.kind != Kind.RESOLVED and channel.account_id not in (None, notice.incident.account_id):
        return OTHER_ACCOUNT
    is_end = notice.kind == Kind.RESOLVED and not message.says_both
    if is_end and not thread_rows(message).filter(has_arrived=True, notice__seq__lt=notice.seq).exists():
        return END_OF_NOTHING
    return TOO_LATE if _calls_for_nothing(message, notice) else ""


def _calls_for_nothing(message: ChannelMessage, notice: Notice) -> bool:
    """Returns whether a service with incidents of its own would be called, first of all, for what is over."""
    if not SERVICES[message.channel.service].has_incidents or notice.incident.closed_at is None:
        return False
    return notice.kind != Kind.RESOLVED and not thread_rows(message).filter(has_arrived=True).exists()
