"""Reads the values that criteria and records hold: numbers, days, times, ids. Pure.

A record's times are ISO 8601 with an offset, its days `yyyy-mm-dd` (docs/reference/zoho-crm.md, "Criteria of rules").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

LONG_ID = 15  # digits: a text of so many is an id and no name
NO_CHOICE = "-None-"  # what Zoho calls the empty choice of a picklist
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:?\d\d)")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,15})?")


def number_in(value: Any) -> Decimal | None:
    """Reads a number; None for what is none."""
    if isinstance(value, bool):
        return None
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
    if isinstance(value, str) and _NUMBER.fullmatch(text) is None:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def day_in(value: Any) -> date | None:
    """Reads a day; None for what is none, a time of the day among it."""
    if not isinstance(value, str) or _DAY.fullmatch(value) is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def moment_in(value: Any) -> datetime | None:
    """Reads a time with an offset; None for what is none."""
    if not isinstance(value, str) or _MOMENT.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def boolean_in(value: Any) -> bool | None:
    """Reads true or false; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None


def text_in(value: Any) -> str | None:
    """Reads a text as it is compared, whatever the case of its letters; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value).strip().casefold()


def lookup_in(value: Any) -> str | None:
    """Reads what a field leads to, by its id where that is known, else by its name; None for what is neither.

    A text of few digits may be either: ids of older organisations are short, and a name may be a year.
    """
    if isinstance(value, Mapping):
        if value.get("id"):
            return f"id {value['id']}"
        name = text_in(value.get("name"))
        return f"name {name}" if name else None
    text = text_in(value)
    if not text:
        return None
    if not may_be_id(text):
        return f"name {text}"
    return f"id {text}" if len(text) >= LONG_ID else f"digits {text}"


def is_looked_up(wanted: str, held: Any) -> bool | None:
    """Says whether what a record holds is what `lookup_in` has read; None where one is an id and the other a name.

    Args:
        wanted: as `lookup_in` returns it.
        held: as the record holds it: an object, or a text.
    """
    kind, _, text = wanted.partition(" ")
    identity, name = (held.get("id"), held.get("name")) if isinstance(held, Mapping) else _id_and_name(held)
    by_id = str(identity) == text if identity else None
    by_name = text_in(name) == text if name else None
    if kind != "digits":
        return by_id if kind == "id" else by_name
    if by_id or by_id is by_name:
        return by_id
    return None


def _id_and_name(held: Any) -> tuple[Any, Any]:
    """Returns of a text whether it is an id or a name; one of few digits may be both."""
    read = lookup_in(held) or ""
    kind, _, text = read.partition(" ")
    return (text if kind in ("id", "digits") else None), (text if kind in ("name", "digits") else None)


def may_be_id(text: str) -> bool:
    """Says whether a text may be the id of a record."""
    return text.isascii() and text.isdigit()


def is_empty(value: Any) -> bool:
    """Says whether a field holds nothing."""
    return value is None or value in ("", NO_CHOICE, [], {})
