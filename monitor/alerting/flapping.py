"""Says when an alert fires and recovers so often that its mails tell nothing more. Pure.

Each edge is written down and shown all the same; what waits, and for how long, is decided in `monitor.notify`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

MOST_EDGES = 6  # within a day; three times fired and recovered
WITHIN = CALM_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class FlapStanding:
    """Holds whether an alert flaps.

    Attributes:
        since: when it began to; None for never.
        until: when it will have been calm for long enough, if nothing more happens.
        is_told: whether a notice says so.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_told: bool = False

    def holds(self, at: datetime) -> bool:
        """Returns whether it flaps at a moment."""
        return self.until is not None and at < self.until


def after_edge(before: FlapStanding, edges: Iterable[datetime], at: datetime) -> FlapStanding:
    """Returns where an alert stands once it has fired or recovered.

    Args:
        before: where it stood.
        edges: when it fired and recovered lately, this time included.
        at: this time.
    """
    if before.holds(at):
        return FlapStanding(before.since, at + CALM_FOR, before.is_told)
    if sum(at - WITHIN < edge <= at for edge in edges) <= MOST_EDGES:
        return FlapStanding()
    return FlapStanding(at, at + CALM_FOR)
