"""Says when a run is due by a schedule in cron's form, on the clock of a zone. Pure."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

DAY = 86_400


def read_zone(name: str) -> ZoneInfo:
    """Returns a time zone by its name.

    Raises:
        ValueError: there is none of this name; the message is for people.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"zone {name[:60]!r} is no time zone such as Europe/Berlin") from None


def check_cron(expression: str) -> None:
    """Looks whether a schedule can be read and ever comes.

    Raises:
        ValueError: it cannot, or never does; the message is for people.
    """
    try:
        if len(expression.split()) != 5:
            raise CronSimError("Wrong number of fields")
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        said = str(error) or "it never comes"
        raise ValueError(f"cron {expression[:60]!r} is no schedule such as '0 2 * * 1-5': {said.lower()}") from None


def next_due(expression: str, zone: str, after: float) -> float | None:
    """Returns when the next run after a moment is due, in seconds since 1970; None for never.

    A time that the clock of the zone skips is due when it has just done so, and one that it shows twice once, as in
    Debian's cron.
    """
    day = int(after // DAY)
    for one in (day, day + 1):
        due = _due_on(expression, zone, one)
        place = bisect_right(due, after)
        if place < len(due):
            return due[place]
    following = next(_from(expression, zone, (day + 2) * DAY), None)
    return following.timestamp() if following is not None else None


@lru_cache(maxsize=4096)
def _due_on(expression: str, zone: str, day: int) -> tuple[float, ...]:
    """Returns the moments of a day of UTC at which a run is due."""
    found = []
    for at in _from(expression, zone, day * DAY):
        if at.timestamp() >= (day + 1) * DAY:
            break
        found.append(at.timestamp())
    return tuple(found)


def _from(expression: str, zone: str, start: float) -> CronSim:
    return CronSim(expression, datetime.fromtimestamp(start - 1, ZoneInfo(zone)))
