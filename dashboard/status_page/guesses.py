"""Counts addresses of the status page that are none, by the network they come from, in spans of ten minutes.

A token cannot be guessed, and an open link is looked up first: however often somebody behind the same proxy tries wrong
addresses, it opens the page. The counts stand in the cache that all processes share; two at the same moment may count
as one.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.core.cache import cache

from monitor.periods import stretch_of, times_passed

MOST = 30
WITHIN = timedelta(minutes=10)


def count(network: str, now: datetime) -> bool:
    """Counts one more; returns whether more came from there in this span than are answered plainly."""
    key = f"status-page-guesses:{times_passed(now, WITHIN)}:{network}"
    # Not `incr`: in a table it sets the cache's own time to live.
    found = int(cache.get(key, 0)) + 1
    cache.set(key, found, WITHIN.total_seconds())
    return found > MOST


def seconds_left(now: datetime) -> int:
    """Returns in how many seconds the next span begins; at least one."""
    return math.ceil((stretch_of(now, WITHIN) + WITHIN - now).total_seconds())
