"""Puts aside records that could not be mirrored, as they came and counted; their page goes on.

A record is in quarantine until it can be read after all, or a whole list no longer has it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, TypeVar

from django.db import DataError, models, transaction
from django.db.models import F

from monitor.models import Flow, Quarantine, ZohoAccount
from monitor.zoho.shapes import Rejected
from monitor.zoho.shapes.base import reject

T = TypeVar("T")
STATUS_LENGTH, REASON_LENGTH = 32, 300  # characters; of the columns


def put_aside(
    account: ZohoAccount, stream: str, rejected: Iterable[Rejected], now: datetime, *, flow: Flow | None = None
) -> int:
    """Keeps each record once, in its newest form; seen again, it is counted.

    Args:
        account: whose.
        stream: whose list had them.
        rejected: the records of one page: those without an id that are all alike are as many as it lists.
        now: the present.
        flow: whose runs they are; None for other things than runs.

    Returns:
        How many were given.
    """
    alike: Counter[str] = Counter()
    given = [(_fingerprint(record, flow, alike), record) for record in rejected]
    newest = dict(given)
    rows = Quarantine.objects.filter(account=account, stream=stream, fingerprint__in=newest)
    known = {row.fingerprint: row for row in rows}
    for name, record in newest.items():
        values: dict[str, Any] = {
            "reason": record.reason[:REASON_LENGTH],
            "raw_text": record.raw_text.encode("ascii", "backslashreplace").decode("ascii").replace("\x00", "\\x00"),
            "record_id": record.record_id,
            "status": record.status[:STATUS_LENGTH],
            "seen_at": now,
            "left_at": None,
        }
        if name in known:
            Quarantine.objects.filter(pk=known[name].pk).update(times_seen=F("times_seen") + 1, **values)
        else:
            key = {"account": account, "stream": stream, "fingerprint": name}
            Quarantine.objects.get_or_create(**key, defaults={"flow": flow, "first_seen_at": now, **values})
    return len(given)


def _fingerprint(record: Rejected, flow: Flow | None, alike: Counter[str]) -> str:
    """Names a record: by its id, else by what of it stays the same while it changes; of runs within their flow."""
    if record.record_id:
        told = f"id {record.record_id}"
    else:
        like = record.likeness or record.raw_text
        alike[like] += 1
        told = like if alike[like] == 1 else f"{like} no. {alike[like]}"
    whose = f"{flow.flow_id} " if flow is not None else ""
    return hashlib.sha256(f"{whose}{told}".encode("ascii", "backslashreplace")).hexdigest()


def let_go_read(
    account: ZohoAccount, stream: str, ids: Collection[str], now: datetime, *, flow: Flow | None = None
) -> None:
    """Takes records out of quarantine that are mirrored by now.

    Args:
        account: whose.
        stream: whose list has them.
        ids: Zoho's ids of records that were just stored.
        now: the present.
        flow: whose runs they are; None for other things than runs.
    """
    rows = Quarantine.objects.filter(account=account, stream=stream, flow=flow, left_at=None, record_id__in=ids)
    rows.update(left_at=now)


def let_go_unlisted(account: ZohoAccount, stream: str, since: datetime, now: datetime, flow: Flow | None = None) -> int:
    """Takes out of quarantine what a list that was read whole no longer has in that form; returns how many stay.

    Args:
        account: whose.
        stream: whose list.
        since: when the reading of the list began.
        now: the present.
        flow: whose runs; None for other things than runs.
    """
    rows = Quarantine.objects.filter(account=account, stream=stream, flow=flow, left_at=None)
    rows.filter(seen_at__lt=since).update(left_at=now)
    return rows.count()


def lists_with_some(account: ZohoAccount) -> frozenset[str]:
    """Names the lists, other than that of runs, of which records are in quarantine: almost never any.

    A sweep asks this once; of the other lists `let_go_unlisted` has nothing to do.

    Args:
        account: whose.
    """
    rows = Quarantine.objects.filter(account=account, flow=None, left_at=None)
    return frozenset(rows.order_by().values_list("stream", flat=True).distinct())


def write_or_put_aside(
    account: ZohoAccount,
    stream: str,
    records: Sequence[T],
    write: Callable[[Sequence[T]], None],
    now: datetime,
    *,
    is_atomic: bool = False,
    flow: Flow | None = None,
    names: tuple[str, ...] = ("id",),
) -> int:
    """Writes records together; those that the database refuses are found by halving and put aside.

    Args:
        records: with Zoho's own JSON in `raw`.
        write: writes some of them.
        is_atomic: whether `write` sees to it by itself that what fails leaves nothing behind.
        flow: whose runs they are; None for other things than runs.
        names: of the field with a record's own id.

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
            record = reject(getattr(records[0], "raw", {}), f"the database refused it: {type(error).__name__}", names)
            return put_aside(account, stream, [record], now, flow=flow)
        middle = len(records) // 2
        halves = records[:middle], records[middle:]
        how: dict[str, Any] = {"is_atomic": is_atomic, "flow": flow, "names": names}
        return sum(write_or_put_aside(account, stream, half, write, now, **how) for half in halves)
    return 0


def clipped(model: type[models.Model], values: dict[str, Any]) -> dict[str, Any]:
    """Cuts text to the length of its column: PostgreSQL refuses longer ones, SQLite keeps them."""
    fitting = dict(values)
    for name, value in values.items():
        longest = getattr(model._meta.get_field(name), "max_length", None)
        if isinstance(value, str) and longest is not None:
            fitting[name] = value[:longest]
    return fitting
