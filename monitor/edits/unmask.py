"""Puts back what a page had hidden: what a person left as it was shown stays what it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.privacy import MARK, mask, says_hidden, without_digests


class StillHidden(Exception):  # noqa: N818 - named for what it says
    """Says that something hidden would be sent as it is shown; `place` names where."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


def shown_definition(base: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a definition as pages show it, with the same shape."""
    shown: dict[str, Any] = mask(_without_marks(base), definition=True)
    return shown


def restored(sent: Any, base: Any) -> Any:
    """Returns what a person sent, with what they left hidden put back from the definition that they were shown.

    Args:
        sent: JSON, as the person changed it.
        base: the definition whose `shown_definition` they had before them.

    Raises:
        StillHidden: something hidden stands where it did not, or is a secret, which the mirror does not keep.
    """
    shown = mask(_without_marks(base), definition=True)
    found = _restored(sent, base, shown)
    for place, text in _texts(found, "$"):
        if (says_hidden(text) or text in set(_hidden(base, shown))) and not _stood_there(text, base):
            raise StillHidden(place)
    return found


def holds_mark(value: Any) -> str:
    """Returns where a body holds the mark of a secret, which must never be sent in its place; "" for nowhere."""
    return next((place for place, text in _texts(value, "$") if MARK.search(text)), "")


def _restored(sent: Any, base: Any, shown: Any) -> Any:
    if isinstance(sent, dict) and isinstance(base, Mapping) and isinstance(shown, dict):
        return {key: _restored(value, base.get(key), shown.get(key)) for key, value in sent.items()}
    if isinstance(sent, list) and isinstance(base, list) and isinstance(shown, list):
        return [_restored(item, *_partner(item, place, base, shown)) for place, item in enumerate(sent)]
    return base if sent == shown else sent


def _partner(item: Any, place: int, base: list[Any], shown: list[Any]) -> tuple[Any, Any]:
    """Finds the part of the definition that a sent part came from: by its id, as it was, or by its place."""
    identity = item.get("id") if isinstance(item, dict) else None
    for number, one in enumerate(base[: len(shown)]):
        if identity and isinstance(one, Mapping) and one.get("id") == identity:
            return one, shown[number]
    for number, one in enumerate(shown[: len(base)]):
        if one == item:
            return base[number], one
    return (base[place], shown[place]) if place < min(len(base), len(shown)) else (None, None)


def _without_marks(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_marks(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_marks(item) for item in value]
    return without_digests(value) if isinstance(value, str) else value


def _hidden(base: Any, shown: Any) -> Iterator[str]:
    if isinstance(base, Mapping) and isinstance(shown, dict):
        for key, value in base.items():
            yield from _hidden(value, shown.get(key))
    elif isinstance(base, list) and isinstance(shown, list):
        for one, other in zip(base, shown, strict=False):
            yield from _hidden(one, other)
    elif isinstance(shown, str) and shown != base:
        yield shown


def _stood_there(text: str, base: Any) -> bool:
    """Returns whether a text is one that the definition itself has: it was put back, or Zoho has it so."""
    return any(text == known for _, known in _texts(base, "$"))


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{place}.{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{place}[{number}]")
    elif isinstance(value, str):
        yield place, value
