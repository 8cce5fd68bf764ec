"""Puts aside records that could not be mirrored, escaped and counted; their page goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, TypeVar

from django.db import DataError, models, transaction
from django.db.models import F

from monitor.models import Quarantine, ZohoAccount
from monitor.zoho import clean
from monitor.zoho.shapes import Rejected

T = TypeVar("T")


def put_aside(account: ZohoAccount, stream: str, rejected: Iterable[Rejected], now: datetime) -> int:
    """Keeps each record once; seen again, it is counted.

    Returns:
        How many were given.
    """
    count = 0
    for record in rejected:
        count += 1
        text = record.raw_text.encode("ascii", "backslashreplace").decode("ascii").replace("\x00", "\\x00")
        fingerprint = hashlib.sha256(text.encode()).hexdigest()
        known = Quarantine.objects.filter(account=account, stream=stream, fingerprint=fingerprint)
        if not known.update(seen_at=now, times_seen=F("times_seen") + 1):
            Quarantine.objects.get_or_create(
                account=account,
                stream=stream,
                fingerprint=fingerprint,
                defaults={"reason": record.reason[:300], "raw_text": text, "first_seen_at": now, "seen_at": now},
            )
    return count


def write_or_put_aside(
    account: ZohoAccount,
    stream: str,
    records: Sequence[T],
    write: Callable[[Sequence[T]], None],
    now: datetime,
    *,
    is_atomic: bool = False,
) -> int:
    """Writes records together; those that the database refuses are found by halving and put aside.

    Args:
        records: with Zoho's own JSON in `raw`.
        write: writes some of them.
        is_atomic: whether `write` sees to it by itself that what fails leaves nothing behind.

    Returns:
        How many were put aside.
    """
    if not records:
        return 0
    try:
        with nullcontext() if is_atomic else transaction.atomic():
            write(records)
    except (DataError, OverflowError, ValueError) as error:
        if len(records) == 1:
            text = json.dumps(clean.mapping(getattr(records[0], "raw", {})), default=str)[:4000]
            return put_aside(account, stream, [Rejected(text, f"the database refused it: {type(error).__name__}")], now)
        middle = len(records) // 2
        halves = records[:middle], records[middle:]
        return sum(write_or_put_aside(account, stream, half, write, now, is_atomic=is_atomic) for half in halves)
    return 0


def clipped(model: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """Cuts text to the length of its column: PostgreSQL refuses longer ones, SQLite keeps them."""
    fitting = dict(values)
    for name, value in values.items():
        longest = getattr(model._meta.get_field(name), "max_length", None)
        if isinstance(value, str) and longest is not None:
            fitting[name] = value[:longest]
    return fitting
