"""Marks gone what Zoho no longer lists; doubts for a while a list that loses much at once."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet

from monitor.ingest.base.context import Context

SHARE = 0.2  # more than this gone at once is taken for a fault of the answer, not for a mass delete
PATIENCE = timedelta(hours=1)


def is_mass(absent: int, living: int) -> bool:
    """Says whether so many are missing from a list that the list itself is in doubt. Pure."""
    return absent > 1 and absent > SHARE * living


def doubt(context: Context, absent: int, living: int, what: str) -> None:
    """Says, once a sweep, that a list is not believed."""
    line = f"{absent} of {living} {what} vanished from Zoho's list at once; nothing is removed yet"
    if line not in context.result.missing:
        context.result.missing.append(line)


def count_absent(living: QuerySet[Any], seen: Collection[str], key: str) -> tuple[QuerySet[Any], int, int]:
    """Finds those of the living that a list did not have, and counts them and the living in one statement."""
    is_absent = ~Q(**{f"{key}__in": seen})
    found = living.aggregate(absent=Count("pk", filter=is_absent), living=Count("pk"))
    return living.filter(is_absent), found["absent"], found["living"]


def mark_gone(
    context: Context,
    rows: QuerySet[Any],
    seen: Collection[str],
    key: str,
    started: datetime,
    note: Callable[[QuerySet[Any]], None] | None = None,
) -> None:
    """Marks rows gone that a complete list did not have; after a mass vanishing only in an hour's time.

    Args:
        rows: all rows of the account.
        seen: Zoho's ids that the list had.
        key: the column of that id.
        started: when the list was begun.
        note: is told those that are about to be marked, in the transaction that marks them.

    Raises:
        LeaseLost: some are gone, and another process says that now.
    """
    absent, count, total = count_absent(rows.filter(gone_at=None), seen, key)
    if not count:
        return
    if is_mass(count, total):
        doubt(context, count, total, str(rows.model._meta.verbose_name_plural))
        absent = absent.filter(seen_at__lt=started - PATIENCE)
    with context.writing():
        if note is not None:
            note(absent)
        absent.update(gone_at=started)
