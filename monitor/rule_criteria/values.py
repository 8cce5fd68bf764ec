"""Reads the values that criteria and records hold: numbers, days, times, ids. Pure.

A record's times are ISO 8601 with an offset, its days `yyyy-mm-dd` (docs/reference/zoho-crm.md, "Criteria of rules").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

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
    """Reads what a field leads to, by its id where that is known, else by its name; None for what is neither."""
    if isinstance(value, Mapping):
        if value.get("id"):
            return f"id {value['id']}"
        name = text_in(value.get("name"))
        return f"name {name}" if name else None
    text = text_in(value)
    if not text:
        return None
    return f"id {text}" if is_id(text) else f"name {text}"


def is_id(text: str) -> bool:
    """Says whether a text may be the id of a record."""
    return text.isdigit() and len(text) >= 15


def is_empty(value: Any) -> bool:
    """Says whether a field holds nothing."""
    return value is None or value in ("", NO_CHOICE, [], {})
