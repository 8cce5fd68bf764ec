"""How often each stream is asked. Pure.

The day's calls are shared out so that background work stays below 80 % of them (reliability.md P5): the
list of flows with its counters gets most, because it says which flows moved.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.models import Stream

SHORTEST = timedelta(seconds=20)
USAGE_AGE = timedelta(hours=24)
DAY_SECONDS = 86_400
# Share of the day's calls, and the least time between two readings.
SHARES = {
    Stream.FLOWS: 0.62,
    Stream.RULES: 0.10,
    Stream.CONNECTIONS: 0.05,
    Stream.WEBHOOK_FAILURES: 0.05,
    Stream.CONNECTED: 0.02,
}
LEAST = {
    Stream.FLOWS: timedelta(seconds=30),
    Stream.RULES: timedelta(minutes=5),
    Stream.CONNECTIONS: timedelta(minutes=5),
    Stream.WEBHOOK_FAILURES: timedelta(minutes=5),
    Stream.CONNECTED: timedelta(hours=1),
}


def interval(stream: Stream, pages: int, calls_per_day: int | None) -> timedelta:
    """Time between two readings of a stream.

    Args:
        stream: one that has a share of its own.
        pages: calls that one reading costs.
        calls_per_day: the account's limit; None while it is not known.
    """
    if not calls_per_day:
        return LEAST[stream]
    seconds = max(pages, 1) * DAY_SECONDS / (SHARES[stream] * calls_per_day)
    return max(LEAST[stream], timedelta(seconds=seconds))


def usage_is_due(
    executed: datetime | None, executed_at_read: datetime | None, read_at: datetime | None, now: datetime
) -> bool:
    """Whether a rule's usage report is worth a call: it ran since, or the last report is a day old."""
    if read_at is None:
        return True
    return executed != executed_at_read or now - read_at >= USAGE_AGE


def hole_recheck(tries: int, now: datetime) -> datetime:
    """When a hole is looked at again: after 5 min, doubling to 6 h."""
    return now + min(timedelta(minutes=5) * (1 << min(max(tries, 0), 7)), timedelta(hours=6))
