"""Whose turn it is while histories are read for the first time, and how many calls they may take. Pure.

Breadth first: every flow's newest page before anybody's second, so that rates and lists are of use within the
first minute; then always the flow that is known the least far back, so that one date holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.connection.limits import Limits, share

# Share of a day's calls that history may take: what the lists, rules and connections (`ingest.pace`) and the reserve
# of people leave, less as much again for the new runs of flows that moved.
DAY_SHARE = 0.10
HOURS = 24
# A page of so many runs in falling order is no accident of a list in another order (1 in 40,320).
EVIDENCE = 8
MINUTE = timedelta(seconds=60)
# With fewer calls the walk by pages, which begins a page back, would never get on.
LEAST = 3


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the reading of one flow has come.

    Attributes:
        key: of the flow, unique.
        failures: by Zoho's counter; None where it does not say.
        runs: by Zoho's counter.
        is_begun: its newest page is read.
        by_pages: its list is not newest first, so only the whole of it tells how far it reaches.
        reach: all its runs that began since then are mirrored; None where that cannot be said.
    """

    key: int
    failures: int | None
    runs: int | None
    is_begun: bool = False
    by_pages: bool = False
    reach: datetime | None = None


def turn(one: Standing) -> tuple[float, ...]:
    """Sorts flows by whose turn it is: the smallest is next.

    Newest pages first, of the flows that fail most; then the recent days of lists in another order; then older
    pages of the flow that is known the least far back; at last whole lists in another order, for they take long.
    """
    failures, runs = -(one.failures or 0), -(one.runs or 0)
    if not one.is_begun:
        return 0, failures, runs, one.key
    if one.by_pages:
        return (1 if one.reach is None else 3), failures, runs, one.key
    return 2, -one.reach.timestamp() if one.reach else float("-inf"), runs, one.key


def next_turn(standings: Iterable[Standing]) -> Standing | None:
    """The flow to read now; None where there is none."""
    return min(standings, key=turn, default=None)


def is_newest_first(times: Sequence[datetime | None]) -> bool:
    """Whether a page's runs show that Zoho lists the newest first, which no document says."""
    return is_falling(times) and len(set(times)) >= EVIDENCE


def is_falling(times: Sequence[datetime | None]) -> bool:
    """Whether every run of a page began no later than the one before it."""
    known = [at for at in times if at is not None]
    return len(known) == len(times) > 0 and all(later >= at for later, at in pairwise(known))


def backfill_share(limits: Limits, *, used_minute: int, list_pages: int, spent_day: int) -> int:
    """Calls that older history may take now.

    Args:
        limits: of the account, whole.
        used_minute: calls of the last 60 s, whoever made them.
        list_pages: calls that the next list of flows takes: they stay free.
        spent_day: calls for history in the last 24 h.

    Returns:
        What background work has left of this minute less the next list, within history's part of the day.
    """
    background = share(limits, for_people=False)
    minute = background.per_minute - used_minute - list_pages
    if background.per_minute <= list_pages + LEAST:
        # An account whose lists alone fill its minutes would never come to its history.
        minute = max(minute, LEAST)
    day = minute if limits.per_day is None else int(limits.per_day * DAY_SHARE) - spent_day
    allowed = min(minute, day)
    return allowed if allowed >= LEAST else 0


def spent(by_hour: Mapping[str, int], now: datetime) -> int:
    """Calls for history in the last 24 h, the hour under way among them.

    Args:
        by_hour: as `with_calls` made it.
    """
    return sum(count for _, count in _recent(by_hour, now))


def with_calls(by_hour: Mapping[str, int], calls: int, now: datetime) -> dict[str, int]:
    """The ledger of calls by hour (hours since 1970, as text: it is kept as JSON) with some more; old hours go."""
    kept = dict(_recent(by_hour, now))
    hour = str(_hour(now))
    kept[hour] = kept.get(hour, 0) + calls
    return kept


def _recent(by_hour: Mapping[str, int], now: datetime) -> list[tuple[str, int]]:
    return [(hour, count) for hour, count in by_hour.items() if _hour(now) - HOURS <= int(hour) <= _hour(now)]


def _hour(at: datetime) -> int:
    return int(at.timestamp() // 3600)
