"""Decides when a policy retries a run, and how many it may still send. Pure.

The wait doubles with each try: what failed twice in a row is not helped by haste.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

DAY = timedelta(hours=24)
HELD_UP_PAUSE = timedelta(minutes=15)  # after a lost connection: each look asks for a few wishes anew


def due_at(wait: timedelta, tries: int, failed_at: datetime, ended: Sequence[datetime]) -> datetime | None:
    """Returns when a policy retries a run next; None once it has done so often enough.

    Args:
        wait: before the first retry.
        tries: retries of a run, at most.
        failed_at: when the run failed.
        ended: when the policy's retries of it ended, oldest first.
    """
    if len(ended) >= tries:
        return None
    return (ended[-1] if ended else failed_at) + wait * (1 << len(ended))


def room(per_day: int, asked: Sequence[datetime], now: datetime) -> int:
    """Returns how many retries a policy may still ask for.

    Args:
        per_day: in any 24 hours, at most.
        asked: when those were asked for that were not called off again.
        now: the present.
    """
    return max(per_day - sum(at > now - DAY for at in asked), 0)
