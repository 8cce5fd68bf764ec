"""Says in which order transitions are entered into incidents. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate, count

from monitor.models import Transition


def in_order(new: Iterable[Transition]) -> list[Transition]:
    """Returns transitions in the order in which they are entered.

    Those of one time that fire come first: where one rule takes over from another, its alert joins before the other's
    ends. A clock that was set back in between makes no end come before its beginning.

    Args:
        new: the oldest key first.
    """
    found = list(new)
    times = accumulate((one.at for one in found), max)
    return [one for _, _, one in sorted(zip(times, count(), found, strict=False), key=_order)]


def _order(entry: tuple[datetime, int, Transition]) -> tuple[datetime, bool, int]:
    at, number, found = entry
    return at, found.kind != Transition.Kind.FIRING, number
