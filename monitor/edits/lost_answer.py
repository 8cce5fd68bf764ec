"""Draws from what Zoho shows what became of an edit whose answer was lost, and says when to look again. Pure.

Source: docs/reference/edits.md, "A lost answer to an edit".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from monitor.edits.body import is_shown_in
from monitor.sent_once.timing import next_look

# A request that was on its way has arrived by then, or never will: the transport gives up after 45 s.
STILL_ON_ITS_WAY = timedelta(minutes=2)

_OFFSETS = (10, 30, 60, 125, 300, 600, 900)  # seconds after the request

Outcome = Literal["done", "not_done", "open"]


@dataclass(frozen=True, slots=True)
class SeenThing:
    """Holds what Zoho shows of a thing.

    Attributes:
        definition: in the one form, without secrets; None where there is none.
        sha256: of it.
        active: whether it runs; None where that is not said.
        id: Zoho's, of one that was found by its name.
        candidates: of a creation, how many of this name there are.
        places: of a reordering, the place of each rule; None where Zoho does not show it.
    """

    definition: Mapping[str, Any] | None
    sha256: str = ""
    active: bool | None = None
    id: str = ""
    candidates: int = 0
    places: Mapping[str, int | None] = field(default_factory=dict)


def conclude(
    act: str, base: Mapping[str, Any], base_sha256: str, wanted: Mapping[str, Any], seen: SeenThing, waited: timedelta
) -> Outcome:
    """Returns what became of an edit; "open" where what is seen proves neither.

    Args:
        act: of `Edit.Act`.
        base: the definition that it was judged on, and that stood right before the request.
        base_sha256: of that.
        wanted: what was to be there afterwards.
        seen: what Zoho shows now.
        waited: since the request.
    """
    is_settled = waited >= STILL_ON_ITS_WAY
    not_yet: Outcome = "not_done" if is_settled else "open"
    if act == "create":
        if seen.candidates == 1:
            return "done"
        return "open" if seen.candidates else not_yet
    if act == "reorder":
        return _order(wanted, seen, not_yet)
    if act == "delete":
        return "done" if seen.definition is None else not_yet
    if seen.definition is None or act in ("test_trigger", "test_actions"):
        return "open"
    if act in ("activate", "deactivate"):
        if seen.active is None:
            return "open"
        return "done" if seen.active == (act == "activate") else not_yet
    if seen.sha256 == base_sha256:
        return not_yet
    fields = [name for name in wanted if wanted[name] != base.get(name)] + [n for n in base if n not in wanted]
    is_there = all(is_shown_in(wanted.get(name), seen.definition.get(name)) for name in fields)
    return "done" if is_there else "open"


def _order(wanted: Mapping[str, Any], seen: SeenThing, not_yet: Outcome) -> Outcome:
    places = [seen.places.get(rule_id) for rule_id in wanted]
    if any(place is None for place in places):
        return "open"
    return "done" if places == list(wanted.values()) else not_yet


def next_check(sent_at: datetime, now: datetime) -> datetime | None:
    """Returns the next time to read after `now`; None when a week has shown nothing.

    Args:
        sent_at: when the request left, aware.
        now: the present, aware; a clock set back behind `sent_at` counts as the moment of sending.
    """
    return next_look(_OFFSETS, sent_at, now)
