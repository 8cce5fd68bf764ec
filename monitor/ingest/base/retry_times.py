"""Says when what could not be read is tried again: ever more seldom. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta


def hole_recheck(tries: int, now: datetime) -> datetime:
    """Says when a hole is looked at again: after 5 min, doubling to 6 h."""
    return now + min(timedelta(minutes=5) * (1 << min(max(tries, 0), 7)), timedelta(hours=6))


def failed_recheck(tries: int, now: datetime) -> datetime:
    """Says when a flow that could not be read is tried again by itself: after 30 s, doubling to 6 h."""
    return now + min(timedelta(seconds=30) * (1 << min(max(tries, 0), 10)), timedelta(hours=6))
