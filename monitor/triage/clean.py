"""Makes one line of clean text of what an app said: text, JSON, or any value that JSON can hold. Pure."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

from monitor.exact_numbers import decoder
from monitor.triage.marks import without_signs

LONGEST = 20_000  # characters that are read; what tells a cause stands before them
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_READER = decoder()


def clean(value: Any) -> str:
    """Makes clean text of a message or its details.

    Args:
        value: what JSON can hold; None is no text. Objects, and text that is JSON as a whole, are written with
            sorted keys, so that two spellings of one object are one text.

    Returns:
        At most `LONGEST` characters without control characters and signs that cannot be seen.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else written(value)
    if text[:1] in "{[ \t\r\n" and isinstance(value, str):
        text = _as_json(text)
    if len(text) > LONGEST:
        text = text[:LONGEST]
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(text)
    if "\\u" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if text.isascii() and text.isprintable():
        return text
    return without_signs(unicodedata.normalize("NFC", text))


def written(value: Any) -> str:
    """Writes a value as JSON, keys sorted, letters of every script as they are."""
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return repr(type(value))


def _as_json(text: str) -> str:
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return written(_READER.decode(text))
    except (ValueError, RecursionError):
        return text
