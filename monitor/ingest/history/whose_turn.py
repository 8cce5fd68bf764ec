"""Says whose turn it is while histories are read for the first time. Pure.

Breadth first: every flow's newest page before anybody's second, so that rates and lists are of use within the
first minute; then always the flow that is known the least far back, so that one date holds for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ReadSoFar:
    """Says how far the first reading of one flow has come.

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


def turn(one: ReadSoFar) -> tuple[float, ...]:
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


def next_turn(standings: Iterable[ReadSoFar]) -> ReadSoFar | None:
    """Picks the flow to read now; None where there is none."""
    return min(standings, key=turn, default=None)
