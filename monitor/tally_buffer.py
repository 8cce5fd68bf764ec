"""Holds counts of acts that are repeated at will for a moment, so that a flood of them is one UPDATE a second.

The first of a kind is written at once. What is held is written each second, and at the end. Knows no database.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from monitor.origin import Origin
from monitor.periods import hour_of

log = logging.getLogger(__name__)
EVERY = 1.0  # seconds
Key = tuple[datetime, str, tuple[str, str], str]


@dataclass(frozen=True)
class CountedAct:
    """Holds an act that is counted, and where the request came from that brought it about.

    Attributes:
        thing: kind and key of what it was done to, both "" for none.
        network: from where, as limits count; "" where it is counted with those of other networks.
    """

    action: str
    thing: tuple[str, str]
    network: str
    now: datetime
    actor: Any = None
    detail: dict[str, Any] = field(default_factory=dict)
    asked: Origin = field(default_factory=Origin)

    @property
    def hour(self) -> datetime:
        return hour_of(self.now)

    @property
    def of_all(self) -> CountedAct:
        """Is the same act, counted with those of other networks."""
        return replace(self, network="")

    @property
    def key(self) -> Key:
        """Is what acts have in common that are counted in one number."""
        return self.hour, self.action, self.thing, self.network


class TallyBuffer:
    """Counts acts in memory between two writings, while `in_memory` is on; else each is written at once.

    Args:
        write: adds so many like this act to the stored count; returns whether its network had room for a count of
            its own.
    """

    def __init__(self, write: Callable[[CountedAct, int], bool]) -> None:
        self._write = write
        self._lock = threading.Lock()  # of what is held; never kept while something is written
        self._turn = threading.Lock()  # to write what was held
        self._is_on = False
        self._hour: datetime | None = None
        self._known: set[Key] = set()
        self._full: set[Key] = set()
        self._waiting: dict[Key, tuple[CountedAct, int]] = {}

    def add(self, act: CountedAct) -> None:
        """Counts an act: it is written now where it is the first of its kind in this hour, else within a second."""
        if self._hold(act):
            return
        has_own_count = self._write(act, 1)
        with self._lock:
            if has_own_count:
                self._known.add(act.key)
            else:
                # No room for one more network: the next ones are held without asking for it.
                self._full.add(act.of_all.key)

    def _hold(self, act: CountedAct) -> bool:
        with self._lock:
            if not self._is_on:
                return False
            if act.hour != self._hour:
                self._hour = act.hour
                self._known.clear()
                self._full.clear()
            if act.key in self._known:
                self._wait(act, 1)
            elif act.of_all.key in self._full:
                self._wait(act.of_all, 1)
            else:
                return False
            return True

    def _wait(self, act: CountedAct, times: int) -> None:
        latest, before = self._waiting.get(act.key, (act, 0))
        self._waiting[act.key] = max(act, latest, key=lambda one: one.now), before + times

    def flush(self) -> None:
        """Writes what is held; what cannot be written now stays held.

        Raises:
            Exception: whatever writing raised.
        """
        with self._turn:
            with self._lock:
                taken, self._waiting = list(self._waiting.values()), {}
            try:
                while taken:
                    self._write(*taken[-1])
                    taken.pop()
            finally:
                with self._lock:
                    for act, times in taken:
                        self._wait(act, times)

    @contextmanager
    def in_memory(self, after_each: Callable[[], None], every: float = EVERY) -> Iterator[None]:
        """Holds counts while the block runs, and writes them at its end.

        Args:
            after_each: lets go of what writing took, such as the thread's connection.
            every: seconds between two writings.
        """
        stop = threading.Event()
        thread = threading.Thread(
            target=self._keep_writing, args=(stop, after_each, every), name="tallies", daemon=True
        )
        with self._lock:
            self._is_on = True
        thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._is_on = False
                self._hour = None
                self._known.clear()
                self._full.clear()
            stop.set()
            thread.join()
            self._write_held("they are lost")

    def _keep_writing(self, stop: threading.Event, after_each: Callable[[], None], every: float) -> None:
        while not stop.wait(every):
            if self._waiting:
                self._write_held("they are kept for the next time")
                after_each()

    def _write_held(self, otherwise: str) -> None:
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001 - whatever a database says, the next second comes
            log.warning("counts for the audit trail cannot be written, %s: %s", otherwise, type(error).__name__)
