"""Keeps what is known of a channel: whether it takes our messages, and when a troubled one is tried again."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import F, QuerySet

from monitor.models import Channel, ChannelStanding
from monitor.notify.channels.answers import GONE, TOO_MANY, ChannelOutcome
from monitor.notify.smtp_answers import REFUSED_PAUSE, FailureKind, pause_after

logger = logging.getLogger(__name__)
States = ChannelStanding.State
# Between two tries while nothing is there to take a message: what comes back is told within half a minute.
LONGEST_AWAY_PAUSE = timedelta(seconds=30)
_REFUSALS = frozenset({FailureKind.SENDER, FailureKind.PERMANENT, FailureKind.POISON})


def accepts(channel: Channel, now: datetime) -> None:
    """Notes that a channel took a message: whatever waits may go out."""
    if _change(channel, States.ACCEPTS, now):
        logger.info("channel %d takes our messages", channel.pk)
    _row(channel).update(accepted_at=now, failures=0, next_try_at=None)


def fails(channel: Channel, outcome: ChannelOutcome, now: datetime) -> None:
    """Notes a failure that is the whole channel's, and puts its next try off where it is worth trying again."""
    if _change(channel, States.REFUSES if outcome.kind in _REFUSALS else States.TROUBLE, now):
        logger.warning("channel %d: %s", channel.pk, outcome.reason)
    _row(channel).update(reason=outcome.reason, code=outcome.code, failures=F("failures") + 1)
    if outcome.kind == FailureKind.SENDER:
        _row(channel).update(next_try_at=now + REFUSED_PAUSE)
    elif outcome.kind not in _REFUSALS:
        failures = _row(channel).values_list("failures", flat=True).get()
        _row(channel).update(next_try_at=now + _pause(outcome, failures))


def is_known(channel: Channel, outcome: ChannelOutcome) -> bool:
    """Says whether a channel that is away was so before, for the same reason: that is no news of a message."""
    return outcome.is_away and _row(channel).filter(state=States.TROUBLE, code=outcome.code).exists()


def _pause(outcome: ChannelOutcome, failures: int) -> timedelta:
    if outcome.wait is not None:
        return outcome.wait
    # Who has too many messages, or may have had this one, is asked less and less often.
    is_short = outcome.is_away and outcome.code != TOO_MANY
    return min(pause_after(failures), LONGEST_AWAY_PAUSE) if is_short else pause_after(failures)


def begins_anew(channel: Channel) -> None:
    """Forgets what was known of a channel that a person has changed: what waits may go out."""
    unknown = {"state": States.UNKNOWN, "since": None, "reason": "", "code": "", "failures": 0, "next_try_at": None}
    _row(channel).update(**unknown)


def _row(channel: Channel) -> QuerySet[ChannelStanding]:
    return ChannelStanding.objects.filter(channel=channel)


def _change(channel: Channel, state: str, now: datetime) -> bool:
    """Notes a state and since when; returns False where it was so already."""
    _, is_new = ChannelStanding.objects.get_or_create(channel=channel, defaults={"state": state, "since": now})
    columns = {"state": state, "since": now, "reason": "", "code": "", "failures": 0, "next_try_at": None}
    return bool(_row(channel).exclude(state=state).update(**columns)) or is_new


def gone_standings() -> QuerySet[ChannelStanding]:
    """Returns the standings of the channels that are to be asked no more: what was at their addresses is gone."""
    return ChannelStanding.objects.filter(state=ChannelStanding.State.REFUSES, code=GONE)


def reachable_channels() -> QuerySet[Channel]:
    """Returns the channels that are on and whose address is not gone: who can hear of an alert at all."""
    return Channel.objects.filter(is_active=True).exclude(pk__in=gone_standings().values("channel"))
