"""Addresses for callbacks and what came in at them. No key, secret or token leaves this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from monitor.models import HookEndpoint, HookTraffic, PushEvent, StreamState, WatchChannel, ZohoAccount

EVENTS_SHOWN = 20


@dataclass(frozen=True)
class HookLine:
    """Holds one address and its counters."""

    endpoint: HookEndpoint
    traffic: HookTraffic


@dataclass(frozen=True)
class ChannelLine:
    """Holds one channel of Zoho CRM; `state` is active, expired or pending."""

    channel: WatchChannel
    traffic: HookTraffic
    state: str


@dataclass(frozen=True)
class PushState:
    """Everything about one account's callbacks."""

    hooks: list[HookLine]
    channels: list[ChannelLine]
    stream: StreamState | None


@dataclass(frozen=True)
class HookDetail:
    """Holds one address: counters, when its secrets were made, its latest callbacks."""

    traffic: HookTraffic
    secrets_made: list[datetime]
    events: list[PushEvent]


def hooks() -> QuerySet[HookEndpoint]:
    """Addresses with account and flow; secrets are only read where they are asked for."""
    rows = HookEndpoint.objects.select_related("account", "flow", "traffic")
    return rows.defer("secrets", "key_hash", "account__client_secret", "flow__raw", "flow__description")


def push_state(account: ZohoAccount, now: datetime) -> PushState:
    """Returns what the page of an account's callbacks shows.

    Args:
        account: whose.
        now: the present; a channel beyond its end is expired.
    """
    channels = WatchChannel.objects.filter(account=account).select_related("traffic").defer("token")
    return PushState(
        hooks=[HookLine(row, _traffic(row)) for row in hooks().filter(account=account)],
        channels=[ChannelLine(row, _traffic(row), _state(row, now)) for row in channels],
        stream=StreamState.objects.filter(account=account, stream="channels").first(),
    )


def hook_detail(endpoint: HookEndpoint) -> HookDetail:
    """Returns what the page of one address shows.

    Args:
        endpoint: from `hooks()`.
    """
    events = PushEvent.objects.filter(endpoint=endpoint).order_by("-received_at", "-pk")
    return HookDetail(
        traffic=_traffic(endpoint),
        secrets_made=[secret.created_at for secret in endpoint.secret_list],
        events=list(events[:EVENTS_SHOWN]),
    )


def _traffic(row: HookEndpoint | WatchChannel) -> HookTraffic:
    found: HookTraffic = getattr(row, "traffic", None) or HookTraffic()
    return found


def _state(channel: WatchChannel, now: datetime) -> str:
    if channel.expires_at is None:
        return "pending"
    return "active" if channel.expires_at > now else "expired"
