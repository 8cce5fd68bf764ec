"""Puts back what a page had hidden: what a person left as it was shown stays what it is. Pure.

Masking makes different values look alike: two addresses are both shown as `[e-mail]`. What is put back is therefore
found by where it stands, never by how it looks alone; where that does not tell one from the other, it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from monitor.edits.unmask_places import origins
from monitor.privacy import LONGEST_MASKED, MARK, mask, says_hidden, without_digests
from monitor.privacy_length import shorten


class StillHidden(Exception):  # noqa: N818 - named for what it says
    """Says that something hidden would be sent as it is shown; `place` names where, `text` says it in one line."""

    def __init__(self, place: str, text: str = "") -> None:
        super().__init__(place)
        self.place = place
        self.text = text or f"A part of it is still hidden, at {place}: leave it as it was, or write it anew."


def shown_definition(base: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a definition as pages show it, with the same shape unless it is `is_shortened`."""
    shown: dict[str, Any] = mask(_without_marks(base), definition=True)
    return shown


def is_shortened(base: Any) -> bool:
    """Returns whether a definition is too long to be shown whole: what is left out would seem to be taken out."""
    whole = _without_marks(base)
    return bool(shorten(whole, LONGEST_MASKED) != whole)


def restored(sent: Any, base: Any) -> Any:
    """Returns what a person sent, with what they left hidden put back from the definition that they were shown.

    Args:
        sent: JSON, as the person changed it.
        base: the definition whose `shown_definition` they had before them.

    Raises:
        StillHidden: something hidden stands where it did not, could be one of several, or the definition was
            shortened, so that nobody knows what was left out on purpose.
    """
    shown, found = restoring(base)
    return found.value(sent, base, shown, "$")


def restoring(base: Any) -> tuple[Any, Restoring]:
    """Returns a definition as people see it, and what puts its hidden parts back.

    Args:
        base: the definition.

    Raises:
        StillHidden: it is too long to be shown whole.
    """
    if is_shortened(base):
        raise StillHidden("$", "Its definition is too long to be shown whole here: change it in Zoho.")
    shown = mask(_without_marks(base), definition=True)
    return shown, Restoring(frozenset(_hidden(base, shown)))


def holds_mark(value: Any) -> str:
    """Returns where a body holds the mark of a secret, which must never be sent in its place; "" for nowhere."""
    return next((place for place, text in _texts(value, "$") if MARK.search(text)), "")


class Restoring:
    """Puts a definition's hidden parts back; `hidden` holds what stands on the page in their place."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self.hidden = hidden

    def value(self, sent: Any, base: Any, shown: Any, place: str) -> Any:
        """Returns what was sent of a part, with what was left hidden put back from that part of the definition."""
        if is_alike(sent, shown):
            return base
        if isinstance(sent, dict) and isinstance(base, Mapping) and isinstance(shown, dict):
            return self._object(sent, base, shown, place)
        if isinstance(sent, list) and isinstance(base, list) and isinstance(shown, list):
            return self._list(sent, base, shown, place)
        return self.new(sent, place)

    def _object(self, sent: Mapping[str, Any], base: Mapping[str, Any], shown: Mapping[str, Any], place: str) -> Any:
        if len(base) != len(shown):  # below a key that is hidden whole, keys may have become one
            raise StillHidden(place)
        known = dict(zip(shown, base, strict=True))  # masking keeps the order of keys
        found: dict[str, Any] = {}
        for key, value in sent.items():
            real, below = known.get(key, key), f"{place}.{key}"
            if real in found:
                raise StillHidden(below)
            if key in known:
                found[real] = self.value(value, base[real], shown[key], below)
            else:
                self.new(key, below)
                found[key] = self.new(value, below)
        return found

    def _list(self, sent: list[Any], base: list[Any], shown: list[Any], place: str) -> list[Any]:
        found = []
        for number, (item, origin) in enumerate(zip(sent, origins(sent, base, shown), strict=True)):
            below = f"{place}[{number}]"
            found.append(
                self.new(item, below) if origin is None else self.value(item, base[origin], shown[origin], below)
            )
        return found

    def new(self, value: Any, place: str) -> Any:
        """Returns what has no place in the definition as it is, if nothing of it stands for something hidden."""
        for below, text in _texts(value, place):
            if says_hidden(text) or text in self.hidden:
                raise StillHidden(below)
        return value


def is_alike(one: Any, other: Any) -> bool:
    """Returns whether two structures are the same JSON; Python holds true and 1 for equal."""
    return bool(one == other) and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _without_marks(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_marks(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return without_digests(value) if isinstance(value, str) else value


def _hidden(base: Any, shown: Any) -> Iterator[str]:
    """Yields each text, key or value, that is shown in place of another one."""
    if isinstance(base, Mapping) and isinstance(shown, dict):
        yield from (name for name in shown if name not in base)
        for key, name in zip(base, shown, strict=False):
            yield from _hidden(base[key], shown[name])
    elif isinstance(base, list) and isinstance(shown, list):
        for one, other in zip(base, shown, strict=False):
            yield from _hidden(one, other)
    elif isinstance(shown, str) and shown != base:
        yield shown


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """Yields every text of a structure with its place, keys too."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield f"{place}.{key}", str(key)
            yield from _texts(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")
    elif isinstance(value, str):
        yield place, value
