"""Takes known parts out of a JSON object, so that what is left is the rest, and puts them in again.

Source: docs/reference/zoho-crm.md, "Workflow rules".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from monitor.zoho.shapes.base import Json

T = TypeVar("T")
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,8})")


def take_text(rest: Json, key: str) -> str:
    """Takes a text out; an empty one stays, so that it is not taken for one that is missing."""
    value = rest.get(key)
    if not isinstance(value, str) or not value:
        return ""
    del rest[key]
    return value


def take_number(rest: Json, key: str) -> int | None:
    """Takes a whole number out; anything else stays. One that is written as a text stays to be known."""
    number = whole_number(rest.get(key))
    if number is not None and type(rest[key]) is int:
        del rest[key]
    return number


def whole_number(value: object) -> int | None:
    """Returns a whole number, also one that is written as a text of digits or with a zero behind a point."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


def put_number(found: Json, key: str, number: int | None) -> None:
    """Puts a whole number in, or leaves it as it was written where it stayed."""
    if number is not None and whole_number(found.get(key)) != number:
        found[key] = number


def take_named(rest: Json, key: str) -> str:
    """Takes an API name out of `{"api_name": …}`; what else the object holds stays. A plain text stays to be known."""
    value = rest.get(key)
    name = api_name_of(value)
    if name and isinstance(value, Mapping):
        left = {inner: item for inner, item in value.items() if inner != "api_name"}
        if left:
            rest[key] = left
        else:
            del rest[key]
    return name


def api_name_of(value: object) -> str:
    """Returns the API name of `{"api_name": …}`, or of a plain text that is one."""
    name = value.get("api_name") if isinstance(value, Mapping) else value
    return name if isinstance(name, str) else ""


def put_named(found: Json, key: str, name: str) -> None:
    """Puts an API name in, beside what else its object holds, or as the plain text that it was."""
    if not name:
        return
    found[key] = name if isinstance(found.get(key), str) else object_of(found, key) | {"api_name": name}


def put(found: Json, **values: Any) -> None:
    """Puts in what is there; 0 is."""
    found |= {key: value for key, value in values.items() if value not in ("", None, [], {})}


def object_of(found: Json, key: str) -> Json:
    """Returns a copy of an object; an empty one where there is none."""
    value = found.get(key)
    return dict(value) if isinstance(value, Mapping) else {}


def take_inner(rest: Json, key: str, inner: str, wanted: type) -> Any:
    """Takes one value out of an object; what else the object holds stays."""
    holder = rest.get(key)
    if not isinstance(holder, Mapping) or type(holder.get(inner)) is not wanted:
        return None
    left = dict(holder)
    value = left.pop(inner)
    if left:
        rest[key] = left
    else:
        del rest[key]
    return value


def take_within(rest: Json, key: str, read: Callable[[Json], T]) -> T | None:
    """Takes an object out and reads it; an empty one stays."""
    value = rest.get(key)
    if not isinstance(value, Mapping) or not value:
        return None
    del rest[key]
    return read(dict(value))


def take_list(rest: Json, key: str, read: Callable[[Json], T]) -> tuple[T, ...]:
    """Takes a list of objects out and reads each; one that is empty or holds anything else stays whole."""
    value = rest.get(key)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return ()
    if not all(isinstance(item, Mapping) for item in value):
        return ()
    del rest[key]
    return tuple(read(dict(item)) for item in value)
