"""Carries out changes by name and time, writes each into the journal, and repeats them after a restart."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from standin.chance import org_prefix
from standin.clock import Clock, OffsetClock, SettableClock
from standin.habits import Habits
from standin.journal import Journal, JournalError

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Holds what history depends on besides the clock; kept in the journal's first line."""

    seed: int = 1
    flows: int = 24
    rules: int = 12
    executions: int = 6000
    history_days: int = 30


class Journaled:
    """Holds the clock, settings, habits and journal that every part of the organisation shares.

    A part registers the changes that it knows how to carry out; whoever wants one calls `do`. The lock must be
    held (`with world.lock`) around anything that reads or changes the organisation.
    """

    def __init__(self, settings: WorldSettings, *, clock: Clock, habits: Habits, journal: Journal) -> None:
        """Begins now, or when the journal says that the organisation began."""
        self.lock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self.habits = habits
        self.prefix = org_prefix(settings.seed)
        self._journal = journal
        self._handlers: dict[str, Handler] = {}
        self._last: datetime | None = None
        self._replaying = False
        begun = _beginning(journal, settings)
        self.anchor = begun or clock()
        if begun is None:
            journal.write("begin", self.anchor, asdict(settings))
        self.register("move_clock", self._move_clock)

    def register(self, op: str, handler: Handler) -> None:
        """Makes a kind of change known; `handler(at, **args)` refuses before it changes anything."""
        self._handlers[op] = handler

    def do(self, op: str, **args: Any) -> Any:
        """Carries out a change now and write it down; returns what its handler returns."""
        at = self.now()
        result = self._handlers[op](at, **args)
        self._journal.write(op, at, args)
        return result

    def replay(self) -> None:
        """Repeats the changes in the journal, each at its own time; JournalError for one that is not known."""
        self._replaying = True
        for record in self._journal.records[1:]:
            handler = self._handlers.get(record["op"])
            if handler is None:
                raise JournalError(f"the state file holds a change that is not known: {record['op']}")
            at = datetime.fromisoformat(record["at"])
            self._last = at
            try:
                handler(at, **record["args"])
            except TypeError as problem:
                message = f"the state file holds a change of another version: {record['op']}"
                raise JournalError(message) from problem
        self._journal.records.clear()
        self._replaying = False

    def now(self) -> datetime:
        """Returns the clock's time; never earlier than what was seen before."""
        at = self.clock()
        if self._last is not None and at < self._last:
            return self._last
        self._last = at
        return at

    def _move_clock(self, at: datetime, *, seconds: float) -> None:
        """Moves the clock on; ValueError for going back.

        A repeated move counts only for a clock that begins again with each process.
        """
        if isinstance(self.clock, OffsetClock) or (isinstance(self.clock, SettableClock) and not self._replaying):
            self.clock.advance(seconds)

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()


def _beginning(journal: Journal, settings: WorldSettings) -> datetime | None:
    if not journal.records:
        return None
    first = journal.records[0]
    if first["op"] != "begin":
        raise JournalError("the state file does not begin with the beginning of a world")
    for name, value in asdict(settings).items():
        if first["args"].get(name) != value:
            raise JournalError(f"the state file was made with {name}={first['args'].get(name)}, not {name}={value}")
    return datetime.fromisoformat(first["at"])
