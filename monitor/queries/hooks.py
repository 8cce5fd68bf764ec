"""Addresses for callbacks and what came in at them. No key, secret or token leaves this module."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet

from monitor.models import (
    HookEndpoint,
    HookTraffic,
    PushEvent,
    Stream,
    StreamState,
    WatchChannel,
    WatchChoice,
    WorkflowRule,
    ZohoAccount,
)
from monitor.queries.channel_health import ChannelHealth, health
from monitor.queries.together import together

EVENTS_SHOWN = 20


@dataclass(frozen=True)
class HookLine:
    """Holds one address and its counters."""

    endpoint: HookEndpoint
    traffic: HookTraffic


@dataclass(frozen=True)
class ChannelLine:
    """Holds one channel of Zoho CRM, what came in there, and how it is."""

    channel: WatchChannel
    traffic: HookTraffic
    health: ChannelHealth


@dataclass(frozen=True)
class UnwatchedModule:
    """Holds a module that rules use and whose records are not watched; `is_stopped`: because a person wants it so."""

    module: str
    rules: int
    is_stopped: bool


@dataclass(frozen=True)
class PushState:
    """Everything about one account's callbacks."""

    hooks: list[HookLine]
    channels: list[ChannelLine]
    unwatched: list[UnwatchedModule]
    trouble: str


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
    rows = WatchChannel.objects.filter(account=account).select_related("traffic").defer("token")
    channels = [ChannelLine(row, _traffic(row), health(row, _traffic(row), now)) for row in rows]
    watched = {line.channel.module for line in channels}
    found = together({"modules": _modules(account), "reason": _reason(account)})
    return PushState(
        hooks=[HookLine(row, _traffic(row)) for row in hooks().filter(account=account)],
        channels=channels,
        unwatched=[UnwatchedModule(*row) for row in found["modules"] if row[0] not in watched],
        trouble=next((reason for (reason,) in found["reason"]), ""),
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


def _reason(account: ZohoAccount) -> QuerySet[StreamState, Any]:
    return StreamState.objects.filter(account=account, stream=Stream.CHANNELS).order_by().values_list("reason")


def _modules(account: ZohoAccount) -> QuerySet[WorkflowRule, Any]:
    """Asks for the modules of rules that run: how many, and whether a person wants them not watched."""
    stopped = WatchChoice.objects.filter(account=account, module=OuterRef("module"), is_wanted=False)
    rules = WorkflowRule.objects.filter(account=account, gone_at=None).exclude(active=False).exclude(module="")
    counted = rules.order_by("module").values("module").annotate(rules=Count("pk"), is_stopped=Exists(stopped))
    return counted.values_list("module", "rules", "is_stopped")
