"""The age of lists that have a pace of their own: not that of the sweep of flows."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from monitor.queries import freshness


def of_stream(stream: str, account_id: int | None) -> dict[str, Any]:
    """Context for a page of one kind of thing: the age of its own list stands in the head.

    Args:
        stream: one of `monitor.models.Stream`.
        account_id: the list is narrowed to this account; None: it spans all.
    """
    now = timezone.now()
    mirror = freshness.mirror(now)
    # Before the list was ever asked for, the account speaks for it.
    whole = mirror if account_id is None else mirror.of(account_id)
    return {
        "now": now,
        "mirror": mirror,
        "freshness": freshness.part(mirror, stream, now, account_id=account_id) or whole,
    }
