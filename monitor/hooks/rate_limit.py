"""Counts what comes in at an address, for all processes together, and refuses what is too much."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from monitor.models import HookEndpoint, HookTraffic, WatchChannel
from monitor.periods import MINUTE, stretch_of

Address = HookEndpoint | WatchChannel


def allowed(address: Address, limit: int, now: datetime) -> bool:
    """Counts one callback of this minute; False where the minute is full.

    Args:
        address: an endpoint or a channel.
        limit: callbacks a minute.
        now: the present; a clock that was set back starts a new minute.
    """
    minute = stretch_of(now, MINUTE)
    if _counted(address, limit, minute):
        return True
    # The minute is full, or there was no row yet: then whoever makes it, all count in it.
    HookTraffic.objects.get_or_create(**_key(address))
    return _counted(address, limit, minute)


def _counted(address: Address, limit: int, minute: datetime) -> bool:
    """Adds one to this minute, by an UPDATE that only succeeds while there is room."""
    row = _rows(address)
    same = row.filter(minute=minute, in_minute__lt=limit)
    if same.update(in_minute=F("in_minute") + 1):
        return True
    if row.filter(Q(minute=None) | ~Q(minute=minute)).update(minute=minute, in_minute=1):
        return True
    # Somebody else may have begun the minute between the two.
    return bool(same.update(in_minute=F("in_minute") + 1))


def seconds_left(now: datetime) -> int:
    """Returns the seconds until the next minute, at least 1."""
    return math.ceil((stretch_of(now, MINUTE) + MINUTE - now).total_seconds())


def count(address: Address, what: str, now: datetime) -> None:
    """Adds to one of the counters.

    Args:
        address: an endpoint or a channel.
        what: "accepted", "replayed", "refused" or "late".
        now: the present, noted for an accepted one.
    """
    values: dict[str, object] = {what: F(what) + 1}
    if what == "accepted":
        values["last_received_at"] = now
    if not _rows(address).update(**values):
        HookTraffic.objects.get_or_create(**_key(address))
        _rows(address).update(**values)


def _key(address: Address) -> dict[str, Any]:
    return {"endpoint" if isinstance(address, HookEndpoint) else "channel": address}


def _rows(address: Address) -> QuerySet[HookTraffic]:
    return HookTraffic.objects.filter(**_key(address))
