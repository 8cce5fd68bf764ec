"""Writes values into the cells and lines of files: no spreadsheet runs one. Pure."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

# What a spreadsheet runs as a formula when a cell begins with it (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")  # full-width ones, too
CONTROL_STARTS = ("\t", "\r", "\n", "\x00")
_CONTROL = re.compile(r"\r\n?|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def ndjson_line(record: dict[str, object]) -> str:
    """Writes a row as a line of NDJSON; times in UTC."""
    return json.dumps(record, default=plain) + "\n"


def defuse(value: object) -> object:
    """Makes a cell that a spreadsheet shows instead of running it: numbers stay numbers.

    A lone carriage return would end the row, and what follows be a cell of its own: it becomes a new line. Of the other
    control characters, which act on terminals and stop readers, the tab stays; U+FFFD stands for each of them.
    """
    cell = plain(value) if not isinstance(value, str | int | float | bool | type(None)) else value
    if not isinstance(cell, str):
        return "" if cell is None else cell
    sign = "'" if cell.startswith(CONTROL_STARTS) or _begins(cell).startswith(FORMULA_STARTS) else ""
    return sign + _CONTROL.sub(_shown, cell)


def _shown(control: re.Match[str]) -> str:
    return "\n" if control[0].startswith("\r") else "\ufffd"


def _begins(text: str) -> str:
    """Returns the text from its first visible character on."""
    for position, char in enumerate(text):
        if char.isprintable() and not char.isspace():
            return text[position:]
    return ""


def plain(value: object) -> object:
    """Writes a time in UTC, a day, and whatever else is no number or text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
