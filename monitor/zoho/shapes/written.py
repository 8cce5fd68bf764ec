"""Reads what a change in Flow answers.

Source: docs/reference/zoho-flow.md, "Addresses and envelope".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.shapes.base import Json, find_object


@dataclass(frozen=True, slots=True)
class Written:
    """Holds what a change in Flow answered: `id` of the thing changed, "" where the reply has none."""

    id: str
    raw: Json = field(repr=False)


def written(payload: object, *names: str) -> Written:
    """Reads what a write answered; None (a 204) and a bare success are fine.

    Args:
        names: of the id.
    """
    if payload is None:
        return Written("", {})
    # A flow that is given back whole holds a trigger too: what has the id itself comes before what is inside.
    whole = find_object(payload, "data")
    for data in (whole, find_object(payload, "flow", "trigger", "action", "connection", "webhook")):
        ids = (clean.identifier(data.get(name)) for name in (*names, "id"))
        found = next((one for one in ids if one), "")
        if found:
            return Written(found, clean.mapping(data))
    return Written("", clean.mapping(whole))
