"""Makes the calls of a sweep: waits where the mode lets it, stops at the deadline, keeps the lease, counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from monitor.ingest.base.lease import Lease
from monitor.ingest.base.mode import Patience
from monitor.zoho.errors import NotSent, Unreachable, Wait

T = TypeVar("T")

SLICE = 10.0  # seconds; a long wait is slept in slices, so that the lease is kept
BREAKER_WAITS = (60.0, 120.0)  # seconds; then an account that does not answer is given up for this sweep


class OutOfTime(Exception):  # noqa: N818 - named for what happened
    """Says that the task's time is up; the next one goes on from here."""


class Calls:
    """Makes calls to Zoho one after the other.

    Args:
        lease: of the account; kept while a wait lasts.
        clock: returns the present.
        patience: whether and how to wait.
    """

    def __init__(self, lease: Lease, clock: Callable[[], datetime], patience: Patience) -> None:
        self._lease, self._clock, self._patience = lease, clock, patience
        self._breaker_waits = 0
        self._meters: list[Callable[[], None]] = []  # the innermost last

    @contextmanager
    def metered(self, meter: Callable[[], None]) -> Iterator[None]:
        """Lets a meter count each call that is made within, beside those that count already.

        Args:
            meter: is told before each call; may raise to keep it from being made.
        """
        self._meters.append(meter)
        try:
            yield
        finally:
            self._meters.pop()

    def make(self, ask: Callable[[], T]) -> T:
        """Asks Zoho, waiting where the mode says so.

        Raises:
            OutOfTime: the deadline has passed.
            ZohoError: what the call raised and waiting does not cure.
        """
        waits = self._patience.mode.waits
        while True:
            self.check_time()
            for meter in self._meters:
                meter()
            try:
                return ask()
            except Wait as wait:
                if not waits:
                    raise
                self._wait(wait.retry_after, str(wait))
            except NotSent:
                raise
            except Unreachable as error:
                if not waits or self._breaker_waits >= len(BREAKER_WAITS):
                    raise
                self._breaker_waits += 1
                self._wait(error.retry_after or BREAKER_WAITS[self._breaker_waits - 1], str(error))

    @property
    def is_late(self) -> bool:
        """Says whether the deadline has passed."""
        deadline = self._patience.deadline
        return deadline is not None and self._clock() >= deadline

    def check_time(self) -> None:
        """Raises `OutOfTime` after the deadline."""
        if self.is_late:
            raise OutOfTime

    def _wait(self, seconds: float, why: str) -> None:
        """Sleeps in slices, keeping the lease; counted by what was slept, for a clock may be set meanwhile."""
        if seconds >= 1:
            self._patience.tell(f"waiting {seconds:.0f} s: {why}")
        left = seconds
        while left > 0:
            self._lease.keep(self._clock)
            piece = min(left, SLICE)
            self._patience.pause(piece)
            left -= piece
