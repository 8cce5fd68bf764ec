"""Remembers for a few seconds what is the same for everybody: one reader asks the database, the others are given it.

Pages are looked at all day by many, and most of what one costs is what every one of them says: how fresh the mirror is,
what the menu counts, the sums of a period. The mirror itself is read every minute or less often, so that what is three
seconds old is as true as what is read now. What a person does here is seen at once: whatever changes something is
answered, and then all of it is forgotten (`dashboard.middleware.RememberingMiddleware`). Another web server sees it
within those seconds. Decision: `docs/decisions/0010-remembered-for-seconds.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar, cast

from django.conf import settings

T = TypeVar("T")

MOST = 256  # answers; figures of one period are some 20 kB
LONGEST_WAIT = 5.0  # seconds for another thread's answer; whoever waited that long asks for itself


class Memory:
    """Keeps answers for some seconds, and has each made by one thread only.

    Args:
        most: how many answers are kept; the oldest goes first.
        clock: seconds that never go back.
    """

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._making: dict[Hashable, Lock] = {}
        self._forgotten = 0

    def of(self, key: Hashable, make: Callable[[], T], seconds: float) -> T:
        """Returns what was made under this key a moment ago; else makes it.

        What was begun before something was forgotten is given to whoever began it, and not remembered. An error is
        raised and not remembered.

        Args:
            key: all that the answer goes by: it is given to whoever asks with the same.
            make: asks for it. Nothing of the answer may depend on the person, and nobody may change it.
            seconds: how long it is given; 0: it is asked for each time.
        """
        if seconds <= 0:
            return make()
        found, making = self._find(key)
        if making is None:
            return cast("T", found)
        has_turn = making.acquire(timeout=LONGEST_WAIT)
        try:
            found, missing = self._find(key)
            if missing is None:
                return cast("T", found)
            forgotten = self._forgotten
            made = make()
            self._keep(key, made, forgotten, seconds)
            return made
        finally:
            if has_turn:
                with self._lock:
                    self._making.pop(key, None)
                making.release()

    def forget(self) -> None:
        """Forgets everything, also what is being made."""
        with self._lock:
            self._forgotten += 1
            self._kept.clear()

    def _find(self, key: Hashable) -> tuple[Any, Lock | None]:
        """Gives what is kept, or else the lock of whoever makes it."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and self._clock() < kept[0]:
                return kept[1], None
            return None, self._making.setdefault(key, Lock())

    def _keep(self, key: Hashable, made: Any, forgotten: int, seconds: float) -> None:
        with self._lock:
            if forgotten != self._forgotten:
                return
            self._kept.pop(key, None)
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = (self._clock() + seconds, made)


memory = Memory()


def of(key: Hashable, make: Callable[[], T]) -> T:
    """Returns what was made under this key in the last seconds, by this process; else makes it. See `Memory.of`."""
    return memory.of(key, make, settings.REMEMBER_SECONDS)


def forget() -> None:
    """Forgets everything that is remembered: something was changed here."""
    memory.forget()
