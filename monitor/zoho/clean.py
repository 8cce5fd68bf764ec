"""Makes untrusted JSON fit to keep: takes out what PostgreSQL refuses or a page cannot bear.

Every value that leaves `monitor.zoho` has been through one of these functions (faults F18
and F19 of docs/reference/faults.md).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from monitor.exact_numbers import MOST_DIGITS, ExactNumber

ID_LIMIT = 64  # characters
CODE_LIMIT = 100
WORD_LIMIT = 100  # status, app, type: short words out of a list of Zoho's
NAME_LIMIT = 500
MESSAGE_LIMIT = 4_000
TEXT_LIMIT = 20_000  # any text inside data that is kept as it came
KEY_LIMIT = 200
REJECTED_LIMIT = 65_536
DEPTH_LIMIT = 64  # deeper JSON is cut off: nothing of Zoho's is that deep
INT_MIN, INT_MAX = -(2**63), 2**63 - 1

_BEYOND = 10**MOST_DIGITS
_SURROGATES = re.compile("[\ud800-\udfff]")
# Control characters, and those that turn the direction of the text around them (Unicode, UAX #9, section 2).
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_WHOLE = re.compile(r"[+-]?\d{1,19}\Z", re.ASCII)


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Returns text without NUL and lone surrogates, at most `limit` characters; "" for what is no text.

    Args:
        value: anything.
        limit: characters.
    """
    if type(value) is str and value.isascii() and "\0" not in value:  # most texts, and both tests cost nothing
        return value if len(value) <= limit else value[:limit]
    if isinstance(value, str):
        found = value
    elif isinstance(value, int) and not isinstance(value, bool):
        found = whole_text(value)
    elif isinstance(value, float):
        found = str(value)
    else:
        return ""
    return _SURROGATES.sub("\ufffd", found.replace("\0", ""))[:limit]


def line(value: object, limit: int = MESSAGE_LIMIT) -> str:
    """Cleans like `text`, on one line and without control characters: for messages and names of things."""
    if type(value) is str and value.isascii() and value.isprintable() and "  " not in value and value == value.strip():
        return value if len(value) <= limit else value[:limit]
    return " ".join(_CONTROLS.sub("", text(value, limit * 2)).split())[:limit]


def words(value: object, limit: int = MESSAGE_LIMIT) -> str:
    """Cleans like `text` what Zoho says in its own words; an object or a list is written out, so that none is lost."""
    return json_text(value, limit) if isinstance(value, Mapping | list) and value else text(value, limit)


def word(value: object) -> str:
    """Returns a word of a fixed list (status, type): trimmed and in lower case."""
    return line(value, WORD_LIMIT).lower()


def opaque(value: object) -> str:
    """Returns what only its maker understands (a page token, a secret, an address) to the letter, never a part of it.

    Returns:
        "" for what is no text or number, or cannot be sent and kept as it is.
    """
    found = whole_text(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(found, str) or len(found) > TEXT_LIMIT or "\0" in found or _SURROGATES.search(found):
        return ""
    return str(found)


def identifier(value: object) -> str:
    """Returns an id as text; "" when none could name a thing (missing, too long, odd characters)."""
    if type(value) is str and value.isascii() and value.isalnum() and len(value) <= ID_LIMIT:
        return value
    if isinstance(value, bool | ExactNumber) or not isinstance(value, str | int):
        return ""
    found = value.strip() if isinstance(value, str) else whole_text(value)
    if not found or len(found) > ID_LIMIT or found in {".", ".."}:
        return ""
    return found if found.isprintable() and not _SURROGATES.search(found) else ""


def whole_text(value: int) -> str:
    """Returns a whole number as text, every digit of it; "" beyond `MOST_DIGITS` (where `str` may even refuse)."""
    return str(value) if _is_kept(value) else ""


def _is_kept(value: int) -> bool:
    return INT_MIN <= value <= INT_MAX or abs(value) < _BEYOND


def whole(value: object) -> int | None:
    """Returns a whole number within 64 bits; None for anything else. "12" and 12.0 count as 12."""
    if value is None or isinstance(value, bool):
        return None
    if type(value) is int:
        return value if INT_MIN <= value <= INT_MAX else None
    if isinstance(value, str):
        value = int(value) if _WHOLE.match(value.strip()) else None
    elif isinstance(value, float):
        value = int(value) if math.isfinite(value) and value == int(value) else None
    if not isinstance(value, int):
        return None
    return value if INT_MIN <= value <= INT_MAX else None


def count(value: object) -> int | None:
    """Reads a number like `whole`, but never below zero."""
    if type(value) is int:
        return value if 0 <= value <= INT_MAX else None
    found = whole(value)
    return found if found is not None and found >= 0 else None


def number(value: object) -> float | None:
    """Returns a finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | ExactNumber):
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None


def flag(value: object) -> bool | None:
    """Returns a yes or no; None when it is neither."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        return value.strip().lower() == "true"
    return None


def json_value(value: object, depth: int = 0) -> object:
    """Cleans any JSON deeply, keys too; what cannot be kept becomes None. What is clean may come back itself."""
    if type(value) is dict and _is_clean(value, depth):
        return value
    if isinstance(value, str):
        return text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if _is_kept(value) else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEPTH_LIMIT:
        return None
    if isinstance(value, dict | Mapping):
        return {text(key, KEY_LIMIT): json_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item, depth + 1) for item in value]
    return None


def _is_clean(value: dict[object, object] | list[object], depth: int) -> bool:
    """Returns whether cleaning would change nothing; False also where that is not seen at a glance.

    All texts of an object are looked at as one, which costs a fifth of looking at each.
    """
    if depth >= DEPTH_LIMIT:
        return False
    texts: list[str] = []
    is_object = type(value) is dict
    for item in value.values() if is_object else value:  # type: ignore[union-attr]
        kind = type(item)
        if kind is str:
            texts.append(item)  # type: ignore[arg-type]
        elif kind is dict or kind is list:
            if not _is_clean(item, depth + 1):  # type: ignore[arg-type]
                return False
        elif kind is int or kind is float:
            if not INT_MIN <= item <= INT_MAX:  # type: ignore[operator]
                return False
        elif item is not None and kind is not bool:
            return False
    try:
        keys = "".join(value) if is_object else ""  # type: ignore[arg-type]
    except TypeError:
        return False
    together = "".join(texts)
    if len(keys) > KEY_LIMIT or len(together) > TEXT_LIMIT:
        return False  # perhaps none of them is too long
    together += keys
    return "\0" not in together and (together.isascii() or not _SURROGATES.search(together))


def mapping(value: object) -> dict[str, object]:
    """Cleans a JSON object deeply, as a dict of the caller's own; {} for anything else."""
    cleaned = json_value(value) if isinstance(value, Mapping) else {}
    return dict(cleaned) if isinstance(cleaned, dict) else {}


def escaped(value: object) -> str:
    """Returns any JSON as it came, in ASCII that can be kept and shown anywhere, clipped: for quarantine."""
    try:
        shown = json.dumps(value, default=str)
    except (RecursionError, TypeError, ValueError):
        shown = f"<{type(value).__name__} that cannot be shown>"
    return shown[:REJECTED_LIMIT]


def json_text(value: object, limit: int) -> str:
    """Writes JSON out as text, cleaned and clipped."""
    return json.dumps(json_value(value), ensure_ascii=False, sort_keys=True)[:limit]
