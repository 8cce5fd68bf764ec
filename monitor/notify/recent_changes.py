"""Says in a mail what was changed shortly before an incident began: definitions, and connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Incident
from monitor.notify.words import clean
from monitor.privacy import mask_name
from monitor.recent_changes import FoundChange, changes_near

SHOWN = 5


@dataclass(frozen=True, slots=True)
class RecentChange:
    """Holds when something was changed, as far as known, and what, masked."""

    at: datetime
    what: str


def changes_before(
    incident: Incident, flows: Collection[int], rules: Collection[int], now: datetime
) -> tuple[RecentChange, ...]:
    """Returns what was changed from a day before an incident began, the newest first. Three statements at most.

    Args:
        incident: which.
        flows: keys of its flows.
        rules: keys of its workflow rules.
        now: the present.
    """
    found = changes_near(incident, flows, now, rules)
    return tuple(RecentChange(change.at, _in_words(change)) for change in found[:SHOWN])


def _in_words(change: FoundChange) -> str:
    name = mask_name(clean(change.name))
    if change.thing == "connection":
        return f"the connection {name} became {clean(change.status)}"
    thing = "flow" if change.thing == "flow" else "workflow rule"
    return f"the {thing} {name} was changed (version {change.number})"
