"""Remembers for a few seconds what is the same for everybody: one reader asks the database, the others are given it.

Pages are looked at all day by many, and most of what one costs is what every one of them says: how fresh the mirror is,
what the menu counts, the sums of a period. The mirror itself is read every minute or less often, so that what is three
seconds old is as true as what is read now. What a person does here is seen at once: whatever changes something is
answered, and then all of it is forgotten (`dashboard.middleware.RememberingMiddleware`). Another web server sees it
within those seconds. Decision: `docs/decisions/0010-remembered-for-seconds.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from threading import Lock
from typing import Any, TypeVar, cast

from django.conf import settings

from monitor import languages
from monitor.models.asking import Asking, answered, in_step

T = TypeVar("T")

MOST = 256  # answers; figures of one period are some 20 kB
_NOTHING = object()  # stands for no answer: None is one
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

    def of_several(
        self, keys: Sequence[Hashable], make: Callable[[Sequence[Hashable]], Sequence[Any]], seconds: float
    ) -> dict[Hashable, Any]:
        """Returns what was made under several keys a moment ago, and makes together what of it was not.

        Args:
            keys: as for `of`.
            make: asks for what is missing, given its keys.
            seconds: how long each is given.
        """
        if seconds <= 0:
            return dict(zip(keys, make(keys), strict=True))
        found = {key: value for key in keys if (value := self._look(key)) is not _NOTHING}
        missing = tuple(key for key in keys if key not in found)
        if missing:
            found |= self.of(("several", *missing), lambda: self._make_several(missing, make, seconds), seconds)
        return found

    def _make_several(
        self, keys: tuple[Hashable, ...], make: Callable[[Sequence[Hashable]], Sequence[Any]], seconds: float
    ) -> dict[Hashable, Any]:
        """Makes what is missing together, and keeps each under its key, too."""
        forgotten = self._forgotten
        made = dict(zip(keys, make(keys), strict=True))
        for key, value in made.items():
            self._keep(key, value, forgotten, seconds)
        return made

    def forget(self) -> None:
        """Forgets everything, also what is being made."""
        with self._lock:
            self._forgotten += 1
            self._kept.clear()

    def _look(self, key: Hashable) -> Any:
        """Gives what is kept; `_NOTHING` where nothing is."""
        with self._lock:
            kept = self._kept.get(key)
            return kept[1] if kept is not None and self._clock() < kept[0] else _NOTHING

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
    """Returns what was made under this key in the last seconds, by this process; else makes it. See `Memory.of`.

    Each language has its own: what is made may hold words.
    """
    return memory.of((languages.current(), key), make, settings.REMEMBER_SECONDS)


def of_several(asked: Mapping[Hashable, Callable[[], Asking[Any]]]) -> list[Any]:
    """Returns what was made under each of several keys in the last seconds, and asks together for what of it was not.

    Args:
        asked: by key, who asks; see `Memory.of_several`.
    """
    spoken = {(languages.current(), key): ask for key, ask in asked.items()}
    found = memory.of_several(
        list(spoken), lambda missing: answered(in_step(*[spoken[key]() for key in missing])), settings.REMEMBER_SECONDS
    )
    return [found[key] for key in spoken]


def forget() -> None:
    """Forgets everything that is remembered: something was changed here."""
    memory.forget()
