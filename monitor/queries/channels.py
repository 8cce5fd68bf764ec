"""Reads channels: which there are, whether they take our messages, and which are broken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from monitor.models import Channel, ChannelMessage, ChannelStanding, Delivery, Notice, Secret, SendAttempt
from monitor.models.asking import Asking, answered, ask
from monitor.queries.mails import UNREACHABLE_FOR_LONG
from monitor.vault import VaultError

States = ChannelStanding.State
UNSENT = Q(messages__state__in=[Delivery.State.QUEUED, Delivery.State.SENDING])


def channels() -> QuerySet[Channel]:
    """Channels with what is known of them and how many messages wait for each; without what is secret."""
    rows = Channel.objects.select_related("standing", "account", "added_by")
    rows = rows.defer("address", "secrets", "account__client_secret")
    return rows.annotate(waiting=Count("messages", filter=UNSENT)).order_by("name", "pk")


def messages() -> QuerySet[ChannelMessage]:
    """Messages with what they are about and where to; of deleted channels, too."""
    rows = ChannelMessage.objects.select_related("channel", "digest", "notice__incident__account")
    return rows.defer("channel__address", "channel__secrets", "notice__incident__account__client_secret")


def newest_messages(channel: Channel, most: int) -> list[ChannelMessage]:
    """Returns the newest messages of a channel."""
    return list(channel.messages.defer("text", "payload").order_by("-created_at", "-pk")[:most])


def left_open(channel: Channel) -> list[int]:
    """Returns the open incidents of which something went to a channel, and those whose end waits for it."""
    told = channel.messages.filter(Q(state=Delivery.State.SENT) | Q(send_attempts__outcome=SendAttempt.Outcome.UNKNOWN))
    is_open = Q(notice__isnull=False, notice__incident__closed_at=None)
    waits = channel.messages.filter(state=Delivery.State.QUEUED, notice__kind=Notice.Kind.RESOLVED)
    found = {*told.filter(is_open).values_list("notice__incident", flat=True)}
    return sorted(found | {*waits.values_list("notice__incident", flat=True)})


def secrets_made(channel: Channel) -> list[datetime] | None:
    """Returns when the secrets of a signed webhook were made, the oldest first; None where no key reads them."""
    try:
        known: list[Secret] = Channel.objects.get(pk=channel.pk).secret_list
    except VaultError:
        return None
    return [one.created_at for one in known]


@dataclass(frozen=True)
class ChannelTrouble:
    """Holds a channel that takes no messages: it refuses us, or has had trouble for long.

    Attributes:
        channel: which one.
        is_refusing: whether it refuses us, so that a person has to act.
        since: when it began.
        reason: the server's words, without personal data and secrets; `code` its status.
        waiting: messages that are not sent and not given up.
    """

    channel: Channel
    is_refusing: bool
    since: datetime
    reason: str
    code: str
    waiting: int


def broken_channels(now: datetime, account: int | None = None) -> list[ChannelTrouble]:
    """Returns the channels that are on and broken, by their names. One statement.

    Args:
        now: the present.
        account: only those that are told of this account's incidents; None for all.
    """
    return answered(ask_broken_channels(now, account))


def ask_broken_channels(now: datetime, account: int | None = None) -> Asking[list[ChannelTrouble]]:
    """Asks for what `broken_channels` returns."""
    rows = channels().filter(is_active=True, standing__state__in=[States.REFUSES, States.TROUBLE])
    if account is not None:
        rows = rows.filter(Q(account=None) | Q(account=account))
    return _broken((yield from ask(rows)), now)


def _broken(rows: Iterable[Channel], now: datetime) -> list[ChannelTrouble]:
    found = []
    for row in rows:
        standing, since = row.standing, row.standing.since or now
        is_refusing = standing.state == States.REFUSES
        if is_refusing or (standing.state == States.TROUBLE and now - since >= UNREACHABLE_FOR_LONG):
            waiting = getattr(row, "waiting", 0)
            found.append(ChannelTrouble(row, is_refusing, since, standing.reason, standing.code, waiting))
    return found


@dataclass(frozen=True)
class ChannelCounts:
    """Holds how many channels are on, refuse us or have trouble, how many messages wait, and which are broken."""

    on: int
    refusing: int
    troubled: int
    waiting: int
    broken: list[ChannelTrouble]


def channel_counts(now: datetime) -> ChannelCounts:
    """Counts the channels that are on. One statement."""
    return answered(ask_channel_counts(now))


def ask_channel_counts(now: datetime) -> Asking[ChannelCounts]:
    """Asks for what `channel_counts` returns."""
    rows = yield from ask(channels().filter(is_active=True, standing__isnull=False))
    return ChannelCounts(
        on=len(rows),
        refusing=sum(row.standing.state == States.REFUSES for row in rows),
        troubled=sum(row.standing.state == States.TROUBLE for row in rows),
        waiting=sum(getattr(row, "waiting", 0) for row in rows),
        broken=_broken(rows, now),
    )


def channel_problems(broken: Sequence[ChannelTrouble]) -> list[str]:
    """Names what is wrong with channels, without their names and their servers' words: strangers may read it. Pure."""
    return [
        f"a channel {'refuses us' if one.is_refusing else 'takes nothing'} since "
        f"{one.since:%Y-%m-%d %H:%M} UTC ({one.code}): {one.waiting} message{'s' * (one.waiting != 1)} wait"
        f"{'s' * (one.waiting == 1)}"
        for one in broken
    ]
