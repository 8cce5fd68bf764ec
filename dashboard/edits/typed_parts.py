"""Holds what a person types of a workflow rule as a tree, whose places are the names of a form's fields. Pure.

`c1` is the first condition, `c1k2` the second part of its criteria, `c1k2k1` the first part of a group there, `c1a1`
its first action, `c1s1` its first scheduled group, `c1s1a1` the first action of that one; `t` is what the trigger
looks at.
`at` is the place in its list, from 0, of the part of the definition that one was filled from; "" for a new one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.rule_limits import CONDITIONS, INSTANT_ACTIONS, SCHEDULED_GROUPS

COMPARISON, ACTION, LATER, CONDITION = "k", "a", "s", "c"
TRIGGER = "t"
LEVELS = 3  # of criteria: groups within groups
MOST = {CONDITION: CONDITIONS, ACTION: INSTANT_ACTIONS, LATER: SCHEDULED_GROUPS, COMPARISON: 25}
MOST_FIELDS = 900  # Django takes 1,000 of a form (DATA_UPLOAD_MAX_NUMBER_FIELDS)
OPERATORS = ("AND", "OR")
# By letter: the texts that a part has, as they are at first, and the letters of its parts.
_FORMS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "": ({}, (TRIGGER, CONDITION)),
    TRIGGER: ({"op": "AND"}, (COMPARISON,)),
    CONDITION: ({}, (ACTION, LATER)),
    "group": ({"op": "AND"}, (COMPARISON,)),
    COMPARISON: ({"field": "", "comparator": "", "value": ""}, ()),
    ACTION: ({"kind": "", "what": ""}, ()),
    LATER: ({"unit": "", "period": "days"}, (ACTION,)),
}
_LEAVES = "at|op|field|comparator|value|kind|what|unit|period"
_NAME = re.compile(rf"(c\d{{1,2}}|t)((?:[ksa]\d{{1,2}}){{0,5}})_({_LEAVES})")
_STEP = re.compile(r"[a-z]\d*")


class NoSuchPart(Exception):  # noqa: N818 - named for what it says
    """Says why a part cannot be added or taken out; one line for the person."""


@dataclass
class TypedPart:
    """Holds one part: the texts of its own fields, and its parts by their letter."""

    texts: dict[str, str] = field(default_factory=dict)
    parts: dict[str, list[TypedPart]] = field(default_factory=dict)

    def of(self, letter: str) -> list[TypedPart]:
        """Returns its parts of a letter."""
        return self.parts.get(letter, [])

    def text(self, name: str) -> str:
        """Returns the text of a field, "" where there is none."""
        return self.texts.get(name, "")

    @property
    def has_criteria(self) -> bool:
        """Returns whether it joins criteria: a condition whose criteria fields can say, or a group of them."""
        return "op" in self.texts

    @property
    def at(self) -> int | None:
        """Returns the place of the part that it was filled from, None for a new one."""
        text = self.text("at")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None

    @property
    def is_empty(self) -> bool:
        """Returns whether nothing was typed into it or its parts."""
        given = ("field", "comparator", "value", "kind", "what", "unit")
        below = (one for parts in self.parts.values() for one in parts)
        return not any(self.text(name).strip() for name in given) and all(one.is_empty for one in below)


def new_part(wish: str) -> tuple[str, TypedPart]:
    """Makes an empty part; returns its letter, too.

    Args:
        wish: comparison, group, action, later or condition.
    """
    makes: dict[str, tuple[str, Callable[[], TypedPart]]] = {
        "comparison": (COMPARISON, _comparison),
        "group": (COMPARISON, lambda: TypedPart({"op": "OR"}, {COMPARISON: [_comparison()]})),
        "action": (ACTION, _action),
        "later": (LATER, lambda: TypedPart({"unit": "", "period": "days"}, {ACTION: [_action()]})),
        "condition": (CONDITION, new_condition),
    }
    if wish not in makes:
        raise NoSuchPart("There is no such part.")
    letter, make = makes[wish]
    return letter, make()


def new_condition() -> TypedPart:
    """Makes an empty condition."""
    return TypedPart({"op": "AND"}, {COMPARISON: [_comparison()], ACTION: [_action()], LATER: []})


def _comparison() -> TypedPart:
    return TypedPart(dict(_FORMS[COMPARISON][0]))


def _action() -> TypedPart:
    return TypedPart(dict(_FORMS[ACTION][0]))


def read_typed(data: Mapping[str, Any]) -> TypedPart:
    """Reads what was sent, in the order of its numbers.

    Args:
        data: from names of fields to texts.
    """
    texts: defaultdict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in data:
        if found := _NAME.fullmatch(name):
            steps = tuple(_STEP.findall(found[1] + found[2]))
            texts[steps][found[3]] = str(data[name])
    below: defaultdict[tuple[str, ...], set[tuple[str, ...]]] = defaultdict(set)
    for steps in list(texts):
        for length in range(len(steps)):
            below[steps[:length]].add(steps[: length + 1])
    return _assembled((), texts, below)


def _assembled(
    steps: tuple[str, ...],
    texts: Mapping[tuple[str, ...], dict[str, str]],
    below: Mapping[tuple[str, ...], set[tuple[str, ...]]],
) -> TypedPart:
    part = TypedPart(dict(texts.get(steps, {})))
    for one in sorted(below.get(steps, ()), key=lambda path: (path[-1][0], int(path[-1][1:] or 0))):
        part.parts.setdefault(one[-1][0], []).append(_assembled(one, texts, below))
    return _as_shown(part, steps[-1][0] if steps else "")


def _as_shown(part: TypedPart, letter: str) -> TypedPart:
    """Returns a part with the fields and parts that one of its letter has, whatever was sent."""
    kind = "group" if letter == COMPARISON and (part.has_criteria or COMPARISON in part.parts) else letter
    leaves, below = _FORMS[kind]
    at = {"at": part.text("at")} if "at" in part.texts and letter else {}
    if letter == CONDITION and part.has_criteria:
        leaves, below = {"op": "AND"}, (*below, COMPARISON)
    texts = at | {name: part.texts.get(name, usual) for name, usual in leaves.items()}
    return TypedPart(texts, {name: part.of(name) for name in below if name in part.parts})


def walk(part: TypedPart, path: str = "") -> Iterator[tuple[str, TypedPart]]:
    """Yields each part below one with its place, numbered anew from 1."""
    for letter, parts in part.parts.items():
        for number, one in enumerate(parts, start=1):
            place = letter if letter == TRIGGER else f"{path}{letter}{number}"
            yield place, one
            yield from walk(one, place)


def written(root: TypedPart) -> dict[str, str]:
    """Returns the texts by the names of their fields, as `read_typed` reads them."""
    return {f"{path}_{name}": text for path, part in walk(root) for name, text in part.texts.items()}


def levels_of(path: str) -> int:
    """Returns how deep a group of criteria lies: 1 for a condition's own."""
    return 1 + path.count(COMPARISON)


def may_add(part: TypedPart, letter: str) -> bool:
    """Returns whether a part takes one more of a letter."""
    return len(part.of(letter)) < MOST[letter]


def change_parts(root: TypedPart, wish: str) -> str:
    """Adds a part, or takes one out.

    Args:
        root: what was typed; it is changed.
        wish: what, and where: `comparison:c1`, `condition:`, `remove:c1k2`.

    Returns:
        the place of the new part, or of what the removed one was part of.

    Raises:
        NoSuchPart: there is no such place, or it is full.
    """
    act, _, path = wish.partition(":")
    if act == "remove":
        return _remove(root, path)
    part = _part_at(root, path)
    letter, made = new_part(act)
    if not may_add(part, letter):
        raise NoSuchPart(f"No more than {MOST[letter]} of them stand here.")
    if (act in ("comparison", "group") and not part.has_criteria) or (act == "group" and levels_of(path) >= LEVELS):
        raise NoSuchPart("It cannot stand here.")
    if len(written(root)) + len(written(TypedPart(parts={letter: [made]}))) > MOST_FIELDS:
        raise NoSuchPart("A form holds no more than this: write it as JSON.")
    part.parts.setdefault(letter, []).append(made)
    return f"{path}{letter}{len(part.of(letter))}"


def _part_at(root: TypedPart, path: str) -> TypedPart:
    found = dict(walk(root)).get(path) if path else root
    if found is None:
        raise NoSuchPart("There is no such part any more.")
    return found


def _remove(root: TypedPart, path: str) -> str:
    steps = _STEP.findall(path)
    _part_at(root, path)
    if not steps or steps[-1] == TRIGGER:
        raise NoSuchPart("There is no such part any more.")
    above = "".join(steps[:-1])
    del _part_at(root, above).of(steps[-1][0])[int(steps[-1][1:]) - 1]
    return above
