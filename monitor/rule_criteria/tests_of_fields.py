"""Reads a criterion as a test of one field: the one place that says what a comparator means. Pure.

A test is positive (the value is one of some, lies between two, holds a text, is empty) and may be turned round. An
empty field passes no positive test but that for empty, and so every one that is turned round; Zoho does not say what
"is not" makes of an empty field (docs/reference/zoho-crm.md, "Criteria of rules").
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from monitor.privacy import MARK
from monitor.rule_criteria.field_kinds import FieldKind, Kinds
from monitor.rule_criteria.values import NO_CHOICE, boolean_in, day_in, lookup_in, moment_in, number_in, text_in
from monitor.zoho.shapes.rule_definition import Criterion
from monitor.zoho.shapes.rule_spelling import COMPARATOR_ALIASES, EMPTY, FILLED

Value = Decimal | date | datetime | bool | str


class Holds(StrEnum):
    """Says where a text stands in another."""

    ANYWHERE = "anywhere"
    AT_START = "at the start"
    AT_END = "at the end"


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """Passes what holds nothing."""


@dataclass(frozen=True, slots=True)
class IsOneOf:
    """Passes some values."""

    values: frozenset[Value]


@dataclass(frozen=True, slots=True)
class IsBetween:
    """Passes what lies between two bounds; None is no bound. Both are of one type."""

    low: Decimal | date | datetime | None
    high: Decimal | date | datetime | None
    with_low: bool = True
    with_high: bool = True


@dataclass(frozen=True, slots=True)
class HoldsText:
    """Passes what holds a text."""

    text: str
    where: Holds


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Passes nobody knows what; two of the same words are the same test."""

    words: str
    why: str


Test = IsEmpty | IsOneOf | IsBetween | HoldsText | Unreadable


@dataclass(frozen=True, slots=True)
class FieldTest:
    """Holds a test of one field, and whether it is turned round. `kind` is None where the field's is not known."""

    field: str
    test: Test
    is_turned: bool
    kind: FieldKind | None

    def turned(self) -> FieldTest:
        """Returns the opposite."""
        return FieldTest(self.field, self.test, not self.is_turned, self.kind)


_OPPOSITES = {
    "not_equal": "equal", "not_contains": "contains", "not_between": "between", "not_in": "in", "not_empty": "empty",
    "not_starts_with": "starts_with", "not_ends_with": "ends_with",
}  # fmt: skip
_TEXTS = {"contains": Holds.ANYWHERE, "starts_with": Holds.AT_START, "ends_with": Holds.AT_END}
_BOUNDS = ("greater_than", "greater_equal", "less_than", "less_equal")
ORDERED = (FieldKind.NUMBER, FieldKind.DATE, FieldKind.DATETIME)
COMPARATORS = ("equal", "in", "between", "empty", *_TEXTS, *_BOUNDS, *_OPPOSITES)
_READERS: dict[FieldKind, Callable[[Any], Value | None]] = {
    FieldKind.TEXT: text_in,
    FieldKind.LONG_TEXT: text_in,
    FieldKind.NUMBER: number_in,
    FieldKind.DATE: day_in,
    FieldKind.BOOLEAN: boolean_in,
    FieldKind.LOOKUP: lookup_in,
}
_DAYS_FROM_TODAY = {"${TODAY}": 0, "${YESTERDAY}": -1, "${TOMORROW}": 1}


def field_test(criterion: Criterion, kinds: Kinds, today: date | None = None) -> FieldTest:
    """Reads a criterion.

    Args:
        criterion: as Zoho defines it.
        kinds: of the fields, as far as they are known; else the value tells.
        today: the organisation's day, for criteria that name it; None where it must not matter.
    """
    comparator = COMPARATOR_ALIASES.get(criterion.comparator, criterion.comparator)
    value, field = criterion.value, criterion.field
    is_no_choice = value == NO_CHOICE and kinds.get(field) in (None, FieldKind.TEXT)
    if comparator in ("equal", "not_equal") and (value in (EMPTY, None, "") or is_no_choice):
        comparator = "empty" if comparator == "equal" else "not_empty"
    elif comparator in ("equal", "not_equal") and value == FILLED:
        comparator = "not_empty" if comparator == "equal" else "empty"
    elif comparator in ("equal", "not_equal") and isinstance(value, list):
        comparator = "in" if comparator == "equal" else "not_in"
    is_turned = comparator in _OPPOSITES
    plain = _OPPOSITES.get(comparator, comparator)
    kind = kinds.get(field)
    if kind is None and plain != "empty":
        kind = _kind_by(plain, value)
    test = _test(criterion, plain, _dated(value, today), kind)
    return FieldTest(field, test, is_turned, kind)


def _dated(value: Any, today: date | None) -> Any:
    if isinstance(value, list):
        return [_dated(one, today) for one in value]
    if today is None or not isinstance(value, str) or value not in _DAYS_FROM_TODAY:
        return value
    return (today + timedelta(days=_DAYS_FROM_TODAY[value])).isoformat()


def _kind_by(plain: str, value: Any) -> FieldKind | None:
    """Finds a field's kind by what it is compared with: only numbers, days and times are ordered."""
    some = value[0] if isinstance(value, list) and value else value
    if isinstance(some, bool):
        return FieldKind.BOOLEAN
    if isinstance(some, dict):
        return FieldKind.LOOKUP
    if moment_in(some) is not None:
        return FieldKind.DATETIME
    if day_in(some) is not None:
        return FieldKind.DATE
    if number_in(some) is not None and (plain in _BOUNDS or plain == "between" or not isinstance(some, str)):
        return FieldKind.NUMBER
    return FieldKind.TEXT if isinstance(some, str) and plain not in (*_BOUNDS, "between") else None


def _test(criterion: Criterion, plain: str, value: Any, kind: FieldKind | None) -> Test:
    why = _why_unreadable(criterion, plain, value, kind)
    if why:
        return _unreadable(criterion, why)
    if plain == "empty":
        return IsEmpty()
    if plain in _TEXTS:
        text = text_in(value)
        return HoldsText(text, _TEXTS[plain]) if text else _unreadable(criterion, "it is compared with no text")
    values = [_read(one, kind) for one in (listed(value) if plain in ("in", "between") else [value])]
    if not values or any(one is None for one in values):
        return _unreadable(criterion, f"what it is compared with is no {kind}")
    found = [one for one in values if one is not None]
    if plain in ("equal", "in"):
        return IsOneOf(frozenset(found))
    return _between(criterion, plain, found)


def _why_unreadable(criterion: Criterion, plain: str, value: Any, kind: FieldKind | None) -> str:
    if not criterion.field:
        return "it names no field"
    if plain not in COMPARATORS:
        return "its comparator is not known"
    if criterion.kind not in ("", "value"):
        return "it compares with another field"
    return "" if plain == "empty" else _why_not_compared(plain, value, kind)


def _why_not_compared(plain: str, value: Any, kind: FieldKind | None) -> str:
    if any(isinstance(one, str) and MARK.search(one) for one in listed(value)):
        return "its value is a secret, which is not kept here"
    if NO_CHOICE in listed(value):
        return f"“{NO_CHOICE}” stands for an empty field, which has no part in it"
    if any(isinstance(one, str) and one.startswith("${") for one in listed(value)):
        return "its value is worked out by Zoho when the rule runs"
    if kind is None:
        return "of which kind the field is, is not known"
    if kind is FieldKind.SEVERAL:
        return "how Zoho compares a field of several values is not documented"
    if plain in _TEXTS and kind not in (FieldKind.TEXT, FieldKind.LONG_TEXT):
        return f"a {kind} holds no text"
    if (plain in _BOUNDS or plain == "between") and kind not in ORDERED:
        return f"a {kind} has no order"
    return ""


def listed(value: Any) -> list[Any]:
    """Returns the values of a list, which Zoho also writes as a text with commas."""
    if isinstance(value, list):
        return value
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else [value]


def _read(value: Any, kind: FieldKind | None) -> Value | None:
    if kind is FieldKind.DATETIME:
        at = moment_in(value)
        return day_in(value) if at is None else at
    return _READERS[kind](value) if kind is not None else None


def _between(criterion: Criterion, plain: str, found: list[Value]) -> Test:
    bounds = [one for one in found if isinstance(one, Decimal | date) and not isinstance(one, bool)]
    if plain != "between":
        is_low = plain.startswith("greater")
        with_it = plain.endswith("equal")
        return IsBetween(
            bounds[0] if is_low else None, None if is_low else bounds[0], with_low=with_it, with_high=with_it
        )
    if len(bounds) != 2 or type(bounds[0]) is not type(bounds[1]):
        return _unreadable(criterion, "it needs a beginning and an end")
    return IsBetween(bounds[0], bounds[1])


def _unreadable(criterion: Criterion, why: str) -> Unreadable:
    # With which other field one is compared stands in the rest; what else is said of its own field does not matter.
    rest = {name: value for name, value in criterion.rest.items() if name != "field"}
    words = json.dumps([criterion.comparator, criterion.value, criterion.kind, rest], sort_keys=True, default=str)
    return Unreadable(words, why)
