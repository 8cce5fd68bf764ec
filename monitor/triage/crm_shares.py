"""Tells which actions of a workflow rule the failures of a day belong to, by Zoho's counters of two days. Pure.

Zoho counts failures of each action since the first day of a report; a day's part is what the counter has grown by.
Where the report of the day before began elsewhere, or counters were reset, that is not known of a single action: such
failures belong to the rule as a whole. None is lost, and none is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

WHOLE = ("", "", "")  # of a rule: which of its actions failed is not known
ActionKey = tuple[str, str, str]  # id, type, name


@dataclass(frozen=True, slots=True)
class ActionShare:
    """Holds how many failures of an action came to be since the last look."""

    action: ActionKey
    count: int


def key_of(action: Mapping[str, Any]) -> ActionKey:
    """Returns what an action is known by."""
    return str(action.get("id") or ""), str(action.get("type") or ""), str(action.get("name") or "")


def shares(
    failed: int,
    now: Iterable[Mapping[str, Any]],
    before: Iterable[Mapping[str, Any]] | None,
    taken: Mapping[ActionKey, int],
) -> list[ActionShare]:
    """Shares out the failures of a day that were not taken yet.

    Args:
        failed: failures of the rule's actions on the day.
        now: its actions with their counters, as `UsageSnapshot.actions` has them.
        before: those of the day before it; None where they cannot be compared.
        taken: how many of the day were taken, by action.

    Returns:
        Shares that are together what is left of `failed`, in the order of the actions.
    """
    left = failed - sum(taken.values())
    grown = _grown(now, before) if before is not None else {}
    found = []
    for action in sorted(grown):
        count = min(grown[action] - taken.get(action, 0), left)
        if count > 0:
            found.append(ActionShare(action, count))
            left -= count
    return [*found, ActionShare(WHOLE, left)] if left > 0 else found


def _grown(now: Iterable[Mapping[str, Any]], before: Iterable[Mapping[str, Any]]) -> dict[ActionKey, int]:
    earlier = {key_of(action): int(action.get("failure") or 0) for action in before}
    return {key_of(action): int(action.get("failure") or 0) - earlier.get(key_of(action), 0) for action in now}
