"""Returns the stand-in its clocks, so that nothing inside it reads the time by itself."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def system_clock() -> datetime:
    """Returns the machine's time, aware and in UTC."""
    return datetime.now(UTC)


class SettableClock:
    """Holds a clock that stands still until somebody moves it.

    It only goes forward: what the stand-in has shown once stays shown.
    """

    def __init__(self, at: datetime) -> None:
        """Starts at `at`, which must be aware."""
        if at.tzinfo is None:
            raise ValueError("a stand-in's clock needs an aware datetime")
        self._at = at.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._at

    def advance(self, seconds: float) -> datetime:
        """Moves on by `seconds`; ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("the stand-in's clock only goes forward")
        self._at += timedelta(seconds=seconds)
        return self._at

    def set(self, at: datetime) -> datetime:
        """Moves on to `at` (aware); ValueError when that lies in the past."""
        if at < self._at:
            raise ValueError("the stand-in's clock only goes forward")
        self._at = at.astimezone(UTC)
        return self._at


class OffsetClock:
    """Holds the machine's time plus an offset that grows when the clock is advanced."""

    def __init__(self, base: Clock = system_clock) -> None:
        self._base = base
        self._offset = timedelta()

    def __call__(self) -> datetime:
        return self._base() + self._offset

    def advance(self, seconds: float) -> datetime:
        """Moves on by `seconds`; ValueError for a negative number."""
        if seconds < 0:
            raise ValueError("the stand-in's clock only goes forward")
        self._offset += timedelta(seconds=seconds)
        return self()

    def set(self, at: datetime) -> datetime:
        """Moves on to `at` (aware); ValueError when that lies in the past."""
        return self.advance((at - self()).total_seconds())


def hour_number(at: datetime) -> int:
    """Counts whole hours since 1970: the key under which an hour of history is generated."""
    return int(at.timestamp()) // 3600


def hour_start(number: int) -> datetime:
    """Returns the first instant of an hour number."""
    return datetime.fromtimestamp(number * 3600, UTC)


def zulu(at: datetime) -> str:
    """Returns a time as the Flow API writes it: whole seconds and a Z (docs/reference/zoho-flow.md, "Flows")."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
