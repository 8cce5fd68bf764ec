"""Counts addresses of the status page that are none, by the network they come from: whoever guesses is not listened to.

A token cannot be guessed; this keeps the database out of the trying. The counts stand in the cache that all processes
share and go by themselves.
"""

from __future__ import annotations

from django.core.cache import cache

MOST = 30
WITHIN = 600  # seconds


def are_too_many(network: str) -> bool:
    """Returns whether so many came from a network that none from there is looked up."""
    return int(cache.get(_key(network), 0)) >= MOST


def count(network: str) -> None:
    """Counts one more; the first begins the time in which they count."""
    if not cache.add(_key(network), 1, WITHIN):
        try:
            cache.incr(_key(network))
        except ValueError:  # its time ended between the two
            cache.add(_key(network), 1, WITHIN)


def _key(network: str) -> str:
    return f"status-page-guesses:{network}"
