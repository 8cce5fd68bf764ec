"""Holds the times of a wish that is sent once, and says when its outcome is looked at again. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta

LEASE = timedelta(seconds=60)  # of a sender; longer than the transport's total of 45 s
SEND_WITHIN = timedelta(seconds=10)  # from the committed intent to the request; later, nothing is sent
WISH_LASTS = timedelta(hours=1)  # what happens hours after the click would surprise
SWEEP_SPAN = timedelta(seconds=4)  # a sweep takes up no more after it; a queue's task may last 60 s in all
BY_HAND_AFTER = timedelta(minutes=15)  # an outcome that is unknown so long is for a person to look at
MAX_SENDS = 3
_BACK_OFF = (timedelta(seconds=10), timedelta(seconds=30), timedelta(seconds=60))
_LATER = ((timedelta(days=1), timedelta(minutes=15)), (timedelta(days=7), timedelta(hours=1)))


def next_look(offsets: Sequence[int], sent_at: datetime, now: datetime) -> datetime | None:
    """Returns the next time to read after `now`; None when a week has shown nothing.

    Args:
        offsets: seconds after the request, rising; later it is every quarter of an hour for a day, then every hour.
        sent_at: when the request left, aware.
        now: the present, aware; a clock set back behind `sent_at` counts as the moment of sending.
    """
    waited = max(now - sent_at, timedelta(0))
    place = bisect_right(offsets, waited.total_seconds())
    if place < len(offsets):
        return max(sent_at, now - waited) + timedelta(seconds=offsets[place])
    return next((now + pause for span, pause in _LATER if waited < span), None)


def back_off(tries: int) -> timedelta:
    """Returns the pause after `tries` sends (1 or more) that did not leave this machine."""
    return _BACK_OFF[min(max(tries, 1), len(_BACK_OFF)) - 1]
