"""Repeats reads by one policy: bounded in tries and in time, with full jitter.

Nothing that changes Zoho is ever repeated; that is the callers' rule, kept by `Transport.request`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from monitor.zoho.errors import ZohoError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RepeatPolicy:
    """Holds the figures of the policy; seconds. `tries` 1 turns repeating off.

    `max_wait`: a wait that Zoho asks for is slept through if it is no longer than this, else the error is
    raised at once, so that the caller can do something better than sleep.
    """

    tries: int = 5
    first_pause: float = 0.5
    longest_pause: float = 8.0
    max_wait: float = 5.0

    def pause(self, tried: int, error: ZohoError, rng: random.Random) -> float | None:
        """Returns the seconds until the next try after `tried` ones ended with `error`; None to give up."""
        if tried >= self.tries or not error.again:
            return None
        if error.retry_after is not None:
            # A little after the time asked for, so that many clients do not come back as one.
            return error.retry_after + rng.uniform(0, 0.25) if error.retry_after <= self.max_wait else None
        return rng.uniform(0, min(self.longest_pause, self.first_pause * 2 ** (tried - 1)))


NEVER = RepeatPolicy(tries=1)


def repeated(
    attempt: Callable[[float], T],
    *,
    policy: RepeatPolicy,
    total: float,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: random.Random,
) -> T:
    """Calls `attempt(seconds left)` until it gives a value or its error is final.

    Args:
        total: seconds for all tries and pauses together.

    Raises:
        ZohoError: the last error of `attempt`.
    """
    end = monotonic() + total
    tried = 0
    while True:
        try:
            return attempt(end - monotonic())
        except ZohoError as error:
            tried += 1
            pause = policy.pause(tried, error, rng)
            if pause is None or monotonic() + pause >= end:
                raise
        sleep(pause)
