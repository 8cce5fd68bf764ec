"""Shortens what is too long to be masked whole: masking costs microseconds a character. Pure.

Zoho may send megabytes. `monitor.privacy` asks. What is left is a beginning, cut where nothing is torn in two that
masking would only have known as a whole: half an address is no address any more.
"""

from __future__ import annotations

import json
import re
from typing import Any

from monitor.privacy_secrets import json_inside

MORE = "…"  # stands where something was left out
LONGEST_JSON = 1_000_000  # characters of a text that is read as JSON; a longer one would take seconds, and is left out
DEEPEST = 40  # what lies deeper is hidden whole
_LEAF = 8  # characters that a value or a key costs beside its own
_GAP = re.compile(r"[\s,;|<>]")
_NUMBERS = "0123456789 ().+-/\u00a0\u2007\u202f"


def shorten(value: Any, longest: int) -> Any:
    """Returns the beginning of a structure or a text.

    Args:
        value: what JSON can hold; JSON within a string stays JSON.
        longest: about how many characters are left.

    Returns:
        The value itself where it is no longer; else a shorter one, with `MORE` where something was left out.
    """
    return _Room(longest).take(value, 0)


def cut(text: str, longest: int) -> str:
    """Returns the beginning of a text up to the last gap before `longest`, without the number that ends there."""
    if len(text) <= longest:
        return text
    end = next((at for at in range(longest, 0, -1) if _GAP.match(text, at)), 0)
    return text[:end].rstrip(_NUMBERS) + MORE


class _Room:
    """Holds how many characters may still be taken."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, value: Any, depth: int) -> Any:
        """Returns as much of a value as there is room for."""
        if depth > DEEPEST:
            return value
        if isinstance(value, dict):
            return self._dict(value, depth)
        if isinstance(value, list | tuple):
            return self._list(value, depth)
        if isinstance(value, str):
            return self._text(value, depth)
        self._left -= _LEAF
        return value

    def _dict(self, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
        taken: dict[Any, Any] = {}
        for key, item in value.items():
            if self._left <= 0:
                taken[MORE] = MORE
                break
            self._left -= len(str(key)) + _LEAF
            taken[key] = self.take(item, depth + 1)
        return taken

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        taken: list[Any] = []
        for item in value:
            if self._left <= 0:
                taken.append(MORE)
                break
            self._left -= _LEAF
            taken.append(self.take(item, depth + 1))
        return taken

    def _text(self, text: str, depth: int) -> str:
        room, size = max(self._left, 0), len(text)
        if size <= room:
            self._left -= size + _LEAF
            return text
        if size > LONGEST_JSON and text.lstrip().startswith(("{", "[")):
            self._left = 0
            return MORE
        inner = json_inside(text)
        if inner is not None:
            return json.dumps(self.take(inner.value, depth + 1), ensure_ascii=False)
        self._left = 0
        return cut(text, room)
