"""Makes one line of clean text of what an app said: text, JSON, or any value that JSON can hold. Pure."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

from monitor.triage.marks import without_signs

LONGEST = 20_000  # characters that are read; what tells a cause stands before them
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_QUOTE = re.compile(r"&(?:quot|#34|#x22);")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_BREAK = re.compile(r"(?<!\\)\\[nrt]")
_IN_JSON = "{["


def clean(value: Any) -> str:
    """Makes clean text of a message or its details.

    Args:
        value: what JSON can hold; None is no text.

    Returns:
        At most `LONGEST` characters without control characters and signs that cannot be seen; objects as JSON, with
        letters of every script as they are.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else _written(value)
    if len(text) > LONGEST:
        text = text[:LONGEST]
    if "&" in text and _ENTITY.search(text):
        text = html.unescape(_QUOTE.sub(r'\\"', text) if text.lstrip()[:1] in _IN_JSON else text)
    if "\\" in text and text.lstrip()[:1] in _IN_JSON:
        text = _BREAK.sub(" ", text)
    if "\\u" in text:
        text = _ESCAPED.sub(_letter, text)
    if not (text.isascii() or unicodedata.is_normalized("NFC", text)):
        text = unicodedata.normalize("NFC", text)
    # Neither signs of our own nor what cannot be seen is printable.
    return text if text.isprintable() else without_signs(text)


def _letter(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return found[0] if letter in '"\\' else letter


def _written(value: Any) -> str:
    try:
        # In one order: what is no JSON any more once its digits are gone is told as it stands.
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return repr(type(value))
