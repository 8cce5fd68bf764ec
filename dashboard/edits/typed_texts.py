"""Shows a definition's parts as texts that stand in fields, and reads such texts as JSON again. Pure.

What fields cannot show (values that are objects, groups that lie too deep, fields without a name) is None: it is left
to JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dashboard.edits.typed_parts import (
    ACTION,
    COMPARISON,
    CONDITION,
    LATER,
    LEVELS,
    MOST_FIELDS,
    OPERATORS,
    TRIGGER,
    TypedPart,
    written,
)
from monitor.edits.body import ASSOCIATIVE, actions_of
from monitor.zoho.shapes.rule_spelling import replaces_tags

Json = dict[str, Any]
REPLACE_TAGS = "replace_tags"  # no type of Zoho's: adding tags that takes all others away, as fields tell it apart
TAGS = ("add_tags", REPLACE_TAGS, "remove_tags")
# Kaizen 215 has both: the first in the rule that it creates, the second in the one that it updates.
OVER_NEW, OVER_CHANGED = "over_write", "overwrite"
OF_LISTS = ("in", "not_in", "between", "not_between")
_SCALAR = (str, int, float, bool)


class UnreadableText(Exception):  # noqa: N818 - named for what it says
    """Says why a text cannot be read; one line for the person."""


def typed_rule(shown: Mapping[str, Any]) -> TypedPart | None:
    """Fills a form's parts from a definition; None where its conditions have a form that fields cannot show.

    Args:
        shown: the definition, as people may see it.
    """
    conditions = shown.get("conditions") or []
    if not isinstance(conditions, list):
        return None
    parts = [_condition(one, place) for place, one in enumerate(conditions)]
    if any(one is None for one in parts):
        return None
    root = TypedPart(parts={TRIGGER: _trigger(shown), CONDITION: [one for one in parts if one is not None]})
    return root if len(written(root)) <= MOST_FIELDS else None


def _trigger(shown: Mapping[str, Any]) -> list[TypedPart]:
    tree = typed_criteria(trigger_details(shown).get("criteria"))
    return [tree] if tree is not None else []


def trigger_details(definition: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the details of a definition's trigger; {} where it has none."""
    when = definition.get("execute_when")
    details = when.get("details") if isinstance(when, Mapping) else None
    return details if isinstance(details, Mapping) else {}


def typed_criteria(criteria: Any) -> TypedPart | None:
    """Shows criteria as a group's rows; None where they cannot be."""
    if criteria in (None, {}, []):
        return TypedPart({"op": "AND"}, {COMPARISON: []})
    if is_group(criteria):
        return _group(criteria, 1)
    only = _comparison(criteria, 0)
    return TypedPart({"op": "AND"}, {COMPARISON: [only]}) if only is not None else None


def is_group(criteria: Any) -> bool:
    """Returns whether it joins criteria."""
    return isinstance(criteria, Mapping) and "group" in criteria


def _group(criteria: Mapping[str, Any], level: int) -> TypedPart | None:
    operator, inner = str(criteria.get("group_operator") or "").upper(), criteria["group"]
    if operator not in OPERATORS or not isinstance(inner, list) or level > LEVELS:
        return None
    parts = []
    for place, one in enumerate(inner):
        part = _group(one, level + 1) if is_group(one) else _comparison(one, place)
        if part is None:
            return None
        part.texts["at"] = str(place)
        parts.append(part)
    return TypedPart({"op": operator}, {COMPARISON: parts})


def _comparison(one: Any, place: int) -> TypedPart | None:
    of = one.get("field") if isinstance(one, Mapping) else None
    name = of.get("api_name") if isinstance(of, Mapping) else None
    comparator = one.get("comparator") if isinstance(one, Mapping) else None
    if not (isinstance(name, str) and name and isinstance(comparator, str) and comparator):
        return None
    value = one.get("value")
    items = value if isinstance(value, list) else [value]
    if one.get("type", "value") != "value" or not all(item is None or isinstance(item, _SCALAR) for item in items):
        return None
    return TypedPart({"at": str(place), "field": name, "comparator": comparator, "value": value_text(value)})


def value_text(value: Any) -> str:
    """Shows what a field is compared with: a list with commas between, or as JSON where commas would not tell."""
    if isinstance(value, list):
        is_plain = all(isinstance(item, str) and item and item == item.strip() and "," not in item for item in value)
        text = ", ".join(value) if is_plain else ""
        return text if text and not text.startswith("[") else json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def read_value(text: str, comparator: str, former: Any) -> Any:
    """Reads what a person typed to compare with.

    Args:
        text: as typed.
        comparator: those of lists take several values, with commas between or as a JSON list.
        former: what stood there; its kind is kept. None for nothing.
    """
    if (comparator in OF_LISTS and not isinstance(former, str)) or isinstance(former, list):
        return _listed(text)
    if isinstance(former, bool) and text in ("true", "false"):
        return text == "true"
    if isinstance(former, int | float) and not isinstance(former, bool):
        try:
            number = json.loads(text)
        except ValueError:
            return text
        return number if isinstance(number, int | float) else text
    return text


def _listed(text: str) -> list[Any]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, list):
            return found
    return [item.strip() for item in text.split(",") if item.strip()]


def _condition(shown: Any, place: int) -> TypedPart | None:
    if not isinstance(shown, Mapping):
        return None
    instant, later = shown.get("instant_actions") or {}, shown.get("scheduled_actions") or []
    details = shown.get("criteria_details") or {}
    if not (isinstance(instant, Mapping) and isinstance(later, list) and isinstance(details, Mapping)):
        return None
    actions, groups = _actions(instant.get("actions") or []), [_later(one, at) for at, one in enumerate(later)]
    if actions is None or any(one is None for one in groups):
        return None
    tree = typed_criteria(details.get("criteria"))
    part = TypedPart({"at": str(place)}, {ACTION: actions, LATER: [one for one in groups if one is not None]})
    if tree is not None:
        part.texts["op"], part.parts[COMPARISON] = tree.text("op"), tree.of(COMPARISON)
    return part


def _actions(shown: Any) -> list[TypedPart] | None:
    if not isinstance(shown, list) or not all(isinstance(one, Mapping) for one in shown):
        return None
    return [TypedPart({"at": str(at), "kind": kind_text(one), "what": what_text(one)}) for at, one in enumerate(shown)]


def _later(shown: Any, place: int) -> TypedPart | None:
    after = shown.get("execute_after") if isinstance(shown, Mapping) else None
    actions = _actions(shown.get("actions") or []) if isinstance(shown, Mapping) else None
    if not isinstance(after, Mapping) or actions is None:
        return None
    unit, period = after.get("unit"), after.get("period")
    if not isinstance(unit, int | str) or isinstance(unit, bool) or not isinstance(period, str):
        return None
    return TypedPart({"at": str(place), "unit": str(unit), "period": period}, {ACTION: actions})


def kind_text(action: Mapping[str, Any]) -> str:
    """Shows what an action does: its type, and of added tags whether they replace all others."""
    details = action.get("details")
    is_replacing = action.get("type") == "add_tags" and isinstance(details, Mapping) and replaces_tags(details)
    return REPLACE_TAGS if is_replacing else str(action.get("type") or "")


def type_of(kind: str) -> str:
    """Returns Zoho's type of an action that fields show as a kind."""
    return "add_tags" if kind == REPLACE_TAGS else kind


def what_text(action: Mapping[str, Any]) -> str:
    """Shows which one an action is: a shared one's id, tags' names, or its details as JSON."""
    kind, details = action.get("type"), action.get("details")
    if kind in ASSOCIATIVE:
        return str(action.get("id") or "")
    if kind in TAGS and (names := tag_names(action)):
        return ", ".join(names)
    return json.dumps(details, ensure_ascii=False) if details else ""


def tag_names(action: Mapping[str, Any]) -> list[str]:
    """Returns the names of an action's tags; none where commas between them would not tell them apart."""
    details = action.get("details")
    tags = details.get("tags") if isinstance(details, Mapping) else None
    names = [tag.get("name") if isinstance(tag, Mapping) else None for tag in tags] if isinstance(tags, list) else []
    are_plain = all(isinstance(name, str) and name and name == name.strip() and "," not in name for name in names)
    return [str(name) for name in names] if names and are_plain and not str(names[0]).startswith("{") else []


def read_what(kind: str, text: str, former: Mapping[str, Any] | None, module: str, flag: str = OVER_NEW) -> Json:
    """Makes an action of what was typed.

    Args:
        kind: as `kind_text` shows it.
        text: as `what_text` shows it.
        former: the action of this kind that stood there, as it was shown; None for a new one.
        module: the rule's.
        flag: how it is spelled that tags replace all others, where the former action does not say it.

    Raises:
        UnreadableText: details that are no JSON object.
    """
    text = text.strip()
    if kind in ASSOCIATIVE:
        return {"type": kind, "id": text}
    zohos = type_of(kind)
    if kind in TAGS and not text.startswith("{"):
        details = former.get("details") if former is not None else None
        known = dict(details) if isinstance(details, Mapping) else {"module": {"api_name": module}}
        listed = known.get("tags")
        tags = {one.get("name"): one for one in listed if isinstance(one, Mapping)} if isinstance(listed, list) else {}
        names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
        known["tags"] = [tags.get(name, {"name": name}) for name in names]
        if zohos == "add_tags":
            _tell_flag(known, flag, replaces=kind == REPLACE_TAGS, is_new=former is None)
        return {**(former or {"type": zohos}), "details": known}
    details = read_object(text) if text else None
    is_chosen = kind == REPLACE_TAGS or (former is not None and kind != kind_text(former))
    if details is not None and zohos == "add_tags" and is_chosen:
        _tell_flag(details, flag, replaces=kind == REPLACE_TAGS, is_new=former is None)
    return {**(former or {"type": zohos}), **({"details": details} if details is not None else {})}


def flag_in(definition: Mapping[str, Any]) -> str:
    """Returns how a rule spells that tags replace all others: as it stands in it, else as the documents do."""
    adding = (action for action in actions_of(definition) if action.get("type") == "add_tags")
    spelled = (name for action in adding for name in _flags(action.get("details")))
    return next(spelled, OVER_CHANGED if definition else OVER_NEW)


def _flags(details: Any) -> list[str]:
    return [name for name in (OVER_NEW, OVER_CHANGED) if isinstance(details, Mapping) and name in details]


def _tell_flag(details: Json, flag: str, *, replaces: bool, is_new: bool) -> None:
    """Says whether tags replace all others, in the spelling that stands there; where all is as it was, nothing."""
    if not is_new and replaces_tags(details) == replaces:
        return
    for name in _flags(details) or [flag]:
        details[name] = replaces


def read_object(text: str) -> Json:
    """Reads a JSON object.

    Raises:
        UnreadableText: it is none.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnreadableText("This is no JSON object.")
    return found
