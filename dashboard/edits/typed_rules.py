"""Makes the definition of a workflow rule out of what was typed, over the one that the form was filled from. Pure.

A part that was left as it was shown is the very part of the definition; of a changed one only what was typed is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dashboard.edits.typed_parts import ACTION, COMPARISON, CONDITION, LATER, TRIGGER, TypedPart
from dashboard.edits.typed_texts import (
    OF_LISTS,
    Json,
    flag_in,
    is_group,
    kind_text,
    read_value,
    read_what,
    trigger_details,
    type_of,
    typed_criteria,
    value_text,
    what_text,
)
from monitor.edits.check import trigger_of
from monitor.edits.unmask import Restoring, is_alike, restoring
from monitor.zoho.shapes.known_parts import whole_number

TypedMaker = Callable[[TypedPart, Any, Any, str], Any]


class TypedRule:
    """Puts conditions and the trigger together.

    Args:
        base: the definition that the form was filled from; {} for a new rule.
        module: the API name of the rule's module.

    Raises:
        StillHidden: the definition is too long to be shown whole; later, that something hidden would be sent.
    """

    def __init__(self, base: Mapping[str, Any], module: str) -> None:
        self.base, self.module, self._flag = base, module, flag_in(base)
        self.shown: Mapping[str, Any]
        self._hidden: Restoring
        self.shown, self._hidden = restoring(base)

    def text(self, name: str, typed: str) -> Any:
        """Returns a text of the rule itself, such as its name."""
        return self._hidden.value(typed, self.base.get(name), self.shown.get(name), f"$.{name}")

    def conditions(self, root: TypedPart) -> list[Any]:
        """Returns the conditions; new ones that are empty are left out."""
        base, shown = _list(self.base.get("conditions")), _list(self.shown.get("conditions"))
        found = self._each(root.of(CONDITION), base, shown, "$.conditions", self._condition)
        last = max([whole_number(one.get("sequence_number")) or 0 for one in base], default=0)
        for one in found:
            if one.get("sequence_number", "") is None:  # as `_condition` leaves a new one
                last += 1
                one["sequence_number"] = last
        return found

    def trigger(self, root: TypedPart, kind: str, ticks: Mapping[str, bool], more: Mapping[str, Any]) -> Json:
        """Returns the trigger.

        Args:
            root: what was typed.
            kind: its type.
            ticks: `repeat` and `match_all`, of a field's update.
            more: further details, of a new rule.
        """
        when = self.base.get("execute_when")
        base = dict(when) if isinstance(when, Mapping) else {}
        details: Json = dict(trigger_details(self.base)) if base else {"trigger_module": {"api_name": self.module}}
        former, shown = details.get("criteria"), trigger_details(self.shown).get("criteria")
        if root.of(TRIGGER) and typed_criteria(shown) is not None:
            criteria = self._tree(root.of(TRIGGER)[0], former, shown, "$.execute_when.details.criteria")
            if criteria is None:
                details.pop("criteria", None)
            else:
                details["criteria"] = criteria
            for name, tick in ticks.items():
                if tick != bool(details.get(name)) or (criteria is not None and former is None):
                    details[name] = tick
        details |= {name: self._hidden.new(value, f"$.execute_when.details.{name}") for name, value in more.items()}
        if details or isinstance(base.get("details"), Mapping):
            base["details"] = details
        # A type that is no text stays as it is where nobody chose another one.
        return base if base and kind == trigger_of(self.base) else base | {"type": kind}

    def _each(
        self, parts: Sequence[TypedPart], base: list[Any], shown: list[Any], place: str, make: TypedMaker
    ) -> list[Any]:
        """Makes the items of a list; what was filled from an item is made over that one, and once."""
        found, free = [], set(range(min(len(base), len(shown))))
        for number, part in enumerate(parts):
            at, below = part.at, f"{place}[{number}]"
            if at is not None and at in free:
                free.discard(at)
                made = make(part, base[at], shown[at], below)
            else:
                made = None if part.is_empty else make(part, None, None, below)
            if made is not None:
                found.append(made)
        return found

    def _condition(self, part: TypedPart, base: Any, shown: Any, place: str) -> Any:
        found = dict(base) if base is not None else {"sequence_number": None}
        base, shown = base or {}, shown or {}
        details, shown_details = base.get("criteria_details") or {}, shown.get("criteria_details") or {}
        former, former_shown = details.get("criteria"), shown_details.get("criteria")
        if part.has_criteria and typed_criteria(former_shown) is not None:
            criteria = self._tree(part, former, former_shown, f"{place}.criteria_details.criteria")
            if not is_alike(criteria, former) and (criteria or former):
                others = {name: value for name, value in details.items() if name != "criteria"}
                found["criteria_details"] = others | ({"criteria": criteria} if criteria else {}) or None
        instant = base.get("instant_actions") or {}
        was = _list(instant.get("actions"))
        shown_actions = _list((shown.get("instant_actions") or {}).get("actions"))
        actions = self._each(part.of(ACTION), was, shown_actions, f"{place}.instant_actions.actions", self._action)
        if not is_alike(actions, was):
            found["instant_actions"] = {**instant, "actions": actions}
        was, groups = _list(base.get("scheduled_actions")), _list(shown.get("scheduled_actions"))
        later = self._each(part.of(LATER), was, groups, f"{place}.scheduled_actions", self._later)
        if not is_alike(later, was):
            found["scheduled_actions"] = later
        return base if is_alike(found, base) and base else found

    def _later(self, part: TypedPart, base: Any, shown: Any, place: str) -> Any:
        base, shown = base or {}, shown or {}
        after, was = dict(base.get("execute_after") or {}), shown.get("execute_after") or {}
        if part.text("unit") != str(was.get("unit", "")):
            after["unit"] = int(part.text("unit")) if part.text("unit").isdigit() else part.text("unit")
        if part.text("period") != was.get("period"):
            after["period"] = part.text("period")
        former = _list(base.get("actions"))
        actions = self._each(part.of(ACTION), former, _list(shown.get("actions")), f"{place}.actions", self._action)
        found = {**base, "execute_after": after} | ({} if is_alike(actions, former) else {"actions": actions})
        return base if is_alike(found, base) else found

    def _action(self, part: TypedPart, base: Any, shown: Any, place: str) -> Any:
        kind, what = part.text("kind"), part.text("what")
        if shown is not None and type_of(kind) == str(shown.get("type") or ""):
            if kind == kind_text(shown) and _typed_alike(what, what_text(shown)):
                return base
            changed = read_what(kind, what, shown, self.module, self._flag)
            if "id" in changed and changed["id"] != shown.get("id"):
                return self._hidden.new(changed, place)
            return self._hidden.value(changed, base, shown, place)
        if not kind:
            return None
        return self._hidden.new(read_what(kind, what, None, self.module, self._flag), place)

    def _tree(self, part: TypedPart, base: Any, shown: Any, place: str) -> Any:
        """Returns the criteria of a group, a lone comparison by itself; None where there is none."""
        was_group = is_group(base)
        former = _list(base.get("group")) if was_group else [base] if base else []
        former_shown = _list(shown.get("group")) if was_group else [shown] if base else []
        parts = self._each(part.of(COMPARISON), former, former_shown, place, self._criterion)
        operator = part.text("op")
        if was_group and operator == str(base.get("group_operator")).upper() and is_alike(parts, former):
            return base
        if not parts:
            return None
        if len(parts) == 1 and not (was_group and len(former) == 1):
            return parts[0]
        is_same = was_group and operator == str(base.get("group_operator")).upper()
        joint = base["group_operator"] if is_same else operator
        return {**(base if was_group else {}), "group_operator": joint, "group": parts}

    def _criterion(self, part: TypedPart, base: Any, shown: Any, place: str) -> Any:
        if part.has_criteria:
            return self._tree(part, base, shown, place)
        name, comparator, value = part.text("field").strip(), part.text("comparator"), part.text("value")
        if shown is None or is_group(shown):
            said = read_value(value.strip(), comparator, None)
            made = {"comparator": comparator, "field": {"api_name": name}, "type": "value", "value": said}
            return self._hidden.new(made, place)
        if part.is_empty:
            return None
        found = dict(shown)
        if not _typed_alike(name, shown["field"]["api_name"]):
            found["field"] = {"api_name": name}
        found["comparator"] = comparator
        has_other_form = (comparator in OF_LISTS) != (shown["comparator"] in OF_LISTS)
        if has_other_form or not _typed_alike(value, value_text(shown.get("value"))):
            found["value"] = read_value(value.strip(), comparator, None if has_other_form else shown.get("value"))
        return self._hidden.value(found, base, shown, place)


def _typed_alike(typed: str, shown: str) -> bool:
    """Returns whether a text is as it was shown; fields give back ends of lines of their own, or none."""
    return _without_ends(typed) == _without_ends(shown)


def _without_ends(text: str) -> str:
    return text.replace("\r", "").replace("\n", "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
