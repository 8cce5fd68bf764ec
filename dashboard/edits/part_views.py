"""Lays out the fields of a rule's parts as pages show them: what belongs together, its name, and what may be added."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField

from dashboard.edits.typed_parts import ACTION, COMPARISON, CONDITION, LATER, LEVELS, TypedPart, levels_of, may_add
from dashboard.edits.typed_texts import is_group
from monitor.edits.body import ASSOCIATIVE

GetField = Callable[[str], BoundField]


@dataclass(frozen=True)
class PartView:
    """Holds one part as a page shows it.

    Attributes:
        path: its place, as buttons name it.
        title: what it is, for its heading.
        fields: those that people see, in their order.
        op: how its criteria are joined; None where it joins none.
        note: what is to be known of it.
        criteria, actions, later: its parts.
        adds, adds_criteria: what may be added to it, and to its criteria: a button's value, and its words.
    """

    path: str
    title: str
    fields: tuple[BoundField, ...] = ()
    op: BoundField | None = None
    note: str = ""
    criteria: tuple[PartView, ...] = ()
    actions: tuple[PartView, ...] = ()
    later: tuple[PartView, ...] = ()
    adds: Mapping[str, str] = field(default_factory=dict)
    adds_criteria: Mapping[str, str] = field(default_factory=dict)


def condition_views(root: TypedPart, shown: Mapping[str, Any], get: GetField) -> list[PartView]:
    """Lays out the conditions.

    Args:
        root: what was typed, or is filled in.
        shown: the definition that it was filled from, as people may see it.
        get: finds a field by its name.
    """
    conditions = _list(shown.get("conditions"))
    return [
        _condition(part, f"{CONDITION}{number}", _origin(part, conditions), get)
        for number, part in enumerate(root.of(CONDITION), start=1)
    ]


def _condition(part: TypedPart, path: str, shown: Mapping[str, Any], get: GetField) -> PartView:
    instant = shown.get("instant_actions")
    actions = _list(instant.get("actions")) if isinstance(instant, Mapping) else []
    groups = _list(shown.get("scheduled_actions"))
    details = shown.get("criteria_details") or {}
    note = ""
    if not part.has_criteria:
        note = "Its criteria have a form that fields cannot show: they stay as they are, and can be changed as JSON."
    elif details.get("relational_criteria"):
        note = "It looks at related records, too: that part stays as it is, and can be changed as JSON."
    later = tuple(
        _later(one, f"{path}{LATER}{number}", number, _origin(one, groups), get)
        for number, one in enumerate(part.of(LATER), start=1)
    )
    adds = {"action": "Add an action"} if may_add(part, ACTION) else {}
    if may_add(part, LATER):
        adds["later"] = "Add a scheduled action"
    return PartView(
        path,
        f"Condition {path.removeprefix(CONDITION)}",
        op=get(f"{path}_op") if part.has_criteria else None,
        note=note,
        criteria=criteria_views(part, path, get),
        actions=_actions(part, path, actions, get),
        later=later,
        adds=adds,
        adds_criteria=adds_of_criteria(part, path),
    )


def criteria_views(part: TypedPart, path: str, get: GetField) -> tuple[PartView, ...]:
    """Lays out comparisons and groups of them."""
    found: list[PartView] = []
    groups = 0
    for number, one in enumerate(part.of(COMPARISON), start=1):
        below = f"{path}{COMPARISON}{number}"
        if one.has_criteria:
            groups += 1
            inner = criteria_views(one, below, get)
            adds = adds_of_criteria(one, below)
            found.append(PartView(below, f"Group {groups}", op=get(f"{below}_op"), criteria=inner, adds_criteria=adds))
        else:
            fields = tuple(get(f"{below}_{name}") for name in ("field", "comparator", "value"))
            found.append(PartView(below, f"Comparison {number - groups}", fields))
    return tuple(found)


def adds_of_criteria(part: TypedPart, path: str) -> dict[str, str]:
    """Returns what may be added to criteria, by the buttons' values."""
    if not part.has_criteria or not may_add(part, COMPARISON):
        return {}
    return {"comparison": "Add a comparison"} | ({"group": "Add a group"} if levels_of(path) < LEVELS else {})


def _later(part: TypedPart, path: str, number: int, shown: Mapping[str, Any], get: GetField) -> PartView:
    fields = tuple(get(f"{path}_{name}") for name in ("unit", "period"))
    adds = {"action": "Add an action"} if may_add(part, ACTION) else {}
    actions = _actions(part, path, _list(shown.get("actions")), get)
    return PartView(path, f"Scheduled actions {number}", fields, actions=actions, adds=adds)


def _actions(part: TypedPart, path: str, shown: list[Any], get: GetField) -> tuple[PartView, ...]:
    found = []
    for number, one in enumerate(part.of(ACTION), start=1):
        below, was = f"{path}{ACTION}{number}", _origin(one, shown)
        name = was.get("name") if was.get("type") in ASSOCIATIVE or was.get("details") is None else None
        note = f"Now: {name}" if isinstance(name, str) and name else ""
        fields = (get(f"{below}_kind"), get(f"{below}_what"))
        found.append(PartView(below, f"Action {number}", fields, note=note))
    return tuple(found)


def trigger_view(part: TypedPart | None, get: GetField) -> PartView | None:
    """Lays out what a field's update is compared with; None where fields cannot show it."""
    if part is None:
        return None
    criteria, adds = criteria_views(part, "t", get), adds_of_criteria(part, "t")
    return PartView("t", "", op=get("t_op"), criteria=criteria, adds_criteria=adds)


def _origin(part: TypedPart, shown: list[Any]) -> Mapping[str, Any]:
    at = part.at
    found = shown[at] if at is not None and at < len(shown) else {}
    return found if isinstance(found, Mapping) and not is_group(found) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
