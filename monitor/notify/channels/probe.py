"""Sends a test message to a channel, and tells what its server answered."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from monitor import audit
from monitor.models import Channel, ChannelStanding, User
from monitor.notify.channels import standing
from monitor.notify.channels.answers import ChannelOutcome, judge
from monitor.notify.channels.parcel import Parcel
from monitor.notify.channels.post import post
from monitor.notify.channels.send import Poster
from monitor.notify.channels.services import SERVICES
from monitor.notify.channels.words import bare_parcel
from monitor.notify.probe import ProbeResult
from monitor.notify.smtp_answers import FailureKind
from monitor.vault import VaultError

PAUSE = timedelta(seconds=10)  # each one holds a web process until the server has answered
TITLE = "Test message of the Zoho monitor"


def probe_channel(channel: Channel, *, actor: User, now: datetime, poster: Poster = post) -> ProbeResult:
    """Sends a test message to a channel.

    Where it is taken after trouble, the waiting messages go out with the next run. What it opens in a service with
    incidents of its own is resolved at once.

    Args:
        channel: where to.
        actor: who asks.
        now: the present.
        poster: hands one message over.
    """
    if not _may_start(channel, now):
        return ProbeResult(is_sent=False, told=f"A test message was sent less than {PAUSE.seconds} seconds ago.")
    try:
        parcel = _parcel(channel, now)
    except VaultError as error:
        return ProbeResult(is_sent=False, told=f"Not sent: {error}")
    outcome = judge(poster(parcel, now), now)
    if outcome.is_taken and SERVICES[channel.service].has_incidents:
        poster(replace(parcel, tone="success"), now)  # nobody is to be called for a test
    with transaction.atomic():
        if outcome.is_taken:
            standing.accepts(channel, now)
        elif outcome.is_of_channel or outcome.kind == FailureKind.POISON:
            standing.fails(channel, outcome, now)
        detail = {"name": channel.name, "answer": outcome.code}
        audit.record(actor, "channel.test", channel, now=now, account=channel.account_id, detail=detail)
    return _result(channel, outcome)


def _may_start(channel: Channel, now: datetime) -> bool:
    """Takes the turn; False where somebody took one just now."""
    ChannelStanding.objects.get_or_create(channel=channel)
    # One that lies ahead is of a clock that was set back since.
    free = Q(tested_at=None) | Q(tested_at__lte=now - PAUSE) | Q(tested_at__gt=now)
    return bool(ChannelStanding.objects.filter(free, channel=channel).update(tested_at=now))


def _parcel(channel: Channel, now: datetime) -> Parcel:
    stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = {"title": TITLE, "url": f"{settings.PUBLIC_URL}/"}
    return replace(
        bare_parcel(channel),
        message_id=f"msg_{uuid.uuid4().hex}",
        title=TITLE,
        lines=["This channel is notified of incidents."],
        link=f"{settings.PUBLIC_URL}/",
        tone="warning",
        key=f"{parcel_key(channel)}/test",
        payload={"type": "test", "timestamp": stamp, "data": data},
    )


def parcel_key(channel: Channel) -> str:
    """Returns by what a service knows a channel of ours."""
    return f"{settings.PUBLIC_URL}{channel.get_absolute_url()}"


def _result(channel: Channel, outcome: ChannelOutcome) -> ProbeResult:
    if outcome.is_taken:
        told = f"{channel.get_service_display()} took the test message ({outcome.reason}). Look whether it is there."
        return ProbeResult(is_sent=True, told=told)
    return ProbeResult(is_sent=False, told=f"Not sent. {channel.get_service_display()} said: {outcome.reason}.")
