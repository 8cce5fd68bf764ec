"""Says where a row stands in a list of executions, and which rows are on either side of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from monitor.models import Execution


@dataclass(frozen=True)
class Key:
    """Holds a place in the order: a row's start time (None for the tail of rows without one) and primary key."""

    started: datetime | None
    pk: int


def key_of(row: Execution) -> Key:
    """Returns the place of a row."""
    return Key(row.started_time, row.pk)


def timed_beyond(key: Key | None, *, newer: bool) -> Q:
    """Makes the condition that a row has a start time and comes after a place, on the way to older or newer rows.

    Args:
        key: a place with a start time; None for the end where the way begins.
        newer: to newer rows.
    """
    if key is None or key.started is None:
        return Q(started_time__isnull=False)
    # The first condition alone bounds the index; the second settles equal times.
    if newer:
        return Q(started_time__gte=key.started) & (
            Q(started_time__gt=key.started) | Q(started_time=key.started, pk__gt=key.pk)
        )
    return Q(started_time__lte=key.started) & (
        Q(started_time__lt=key.started) | Q(started_time=key.started, pk__lt=key.pk)
    )


def beyond(key: Key | None, *, newer: bool) -> Q:
    """Makes the condition that a row, with a start time or without, comes after a place.

    Args:
        key: the place; None for the end where the way begins.
        newer: on the way to newer rows.
    """
    if key is None:
        return Q()
    if key.started is not None:
        timed = timed_beyond(key, newer=newer)
        return timed if newer else timed | Q(started_time__isnull=True)
    if newer:
        return Q(started_time__isnull=True, pk__gt=key.pk) | Q(started_time__isnull=False)
    return Q(started_time__isnull=True, pk__lt=key.pk)
