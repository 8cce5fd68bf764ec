"""What is no longer listed is gone; but a list that loses much at once is not believed for a while."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from monitor.ingest.context import Context

SHARE = 0.2  # more than this gone at once is taken for a fault of the answer, not for a mass delete
PATIENCE = timedelta(hours=1)


def is_mass(absent: int, living: int) -> bool:
    """Whether so many are missing from a list that the list itself is in doubt. Pure."""
    return absent > 1 and absent > SHARE * living


def doubt(context: Context, absent: int, living: int, what: str) -> None:
    """Says, once a sweep, that a list is not believed."""
    line = f"{absent} of {living} {what} vanished from Zoho's list at once; nothing is removed yet"
    if line not in context.result.missing:
        context.result.missing.append(line)


def mark_gone(context: Context, rows: QuerySet[Any], seen: Collection[str], key: str, started: datetime) -> None:
    """Marks rows gone that a complete list did not have; after a mass vanishing only in an hour's time.

    Args:
        rows: all rows of the account.
        seen: Zoho's ids that the list had.
        key: the column of that id.
        started: when the list was begun.
    """
    living = rows.filter(gone_at=None)
    absent = living.exclude(**{f"{key}__in": seen})
    count, total = absent.count(), living.count()
    if is_mass(count, total):
        doubt(context, count, total, str(rows.model._meta.verbose_name_plural))
        absent = absent.filter(seen_at__lt=started - PATIENCE)
    absent.update(gone_at=started)
