"""Does what all replies have in common: finds the list, and puts bad records aside."""

# ruff: noqa: N818 (named for what happened; callers read `except Wait`)

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from monitor.zoho import clean
from monitor.zoho.errors import BadAnswer

T = TypeVar("T")
Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Holds one record that could not be read; the rest of its page goes on.

    `raw_text` is what came, as JSON in ASCII, so that any database can hold it. `record_id` and `status` are as far as
    the record says them. `likeness` tells one without a usable id from others: what of it does not change while it
    goes on.
    """

    raw_text: str
    reason: str
    record_id: str = ""
    status: str = ""
    likeness: str = ""


class Unusable(Exception):
    """Says that a record cannot be kept; the reason is for people. Never leaves this package."""


def as_object(payload: object, what: str) -> Mapping[str, object]:
    """Returns `payload` if it is a JSON object.

    Raises:
        BadAnswer: the reply has another shape.
    """
    if isinstance(payload, Mapping):
        return payload
    raise BadAnswer(f"{what}: a JSON object was expected, got {_kind(payload)}")


def find_list(payload: object, *names: str) -> list[object]:
    """Finds the list called one of `names` in `payload` or in its "data", or "data" itself.

    An absent list is never an empty one: it is `BadAnswer`, so that a strange reply is not taken
    for "there is nothing" (docs/reference/faults.md, F14).
    """
    outer = as_object(payload, names[0])
    data = outer.get("data")
    for place in (data, outer):
        if isinstance(place, Mapping):
            for name in names:
                if isinstance(place.get(name), list):
                    return list(place[name])
    if isinstance(data, list):
        return list(data)
    raise BadAnswer(f'{names[0]}: the reply has no list "{names[0]}"')


def find_object(payload: object, *names: str) -> Mapping[str, object]:
    """Finds the object called one of `names` in `payload` or in its "data"; else "data", else `payload`."""
    outer = as_object(payload, names[0])
    data = outer.get("data")
    for place in (data, outer):
        if isinstance(place, Mapping):
            for name in names:
                found = place.get(name)
                if isinstance(found, Mapping):
                    return found
    if "data" in outer:
        return as_object(data, names[0])
    return outer


def paging(payload: object, place: str = "data") -> Mapping[str, object]:
    """Finds the object that holds page numbers: `payload[place]`, else `payload` itself, else nothing."""
    if not isinstance(payload, Mapping):
        return {}
    inner = payload.get(place)
    return inner if isinstance(inner, Mapping) else payload


def read_all(
    items: list[object], parse: Callable[[Mapping[str, object]], T], names: tuple[str, ...] = ("id",)
) -> tuple[list[T], list[Rejected]]:
    """Reads every record that `parse` can read, and the others as `Rejected`.

    Args:
        names: of the field with the record's own id, the best first.
    """
    good: list[T] = []
    bad: list[Rejected] = []
    for item in items:
        if not isinstance(item, Mapping):
            bad.append(Rejected(clean.escaped(item), f"a JSON object was expected, got {_kind(item)}"))
            continue
        try:
            good.append(parse(item))
        except Unusable as problem:
            bad.append(reject(item, str(problem), names))
    return good, bad


def reject(record: Mapping[str, object], reason: str, names: tuple[str, ...] = ("id",)) -> Rejected:
    """Puts a record into the form in which it is kept aside.

    Args:
        reason: for people.
        names: of the field with the record's own id, the best first.
    """
    given = [record[name] for name in names if record.get(name) is not None]
    told = given[:1] + [record.get(name) for name in ("started_time", "trigger_data", "created_time", "name")]
    return Rejected(
        clean.escaped(record),
        reason,
        record_id=next((found for found in map(clean.identifier, given) if found), ""),
        status=clean.word(record.get("status")),
        likeness=clean.escaped(told),
    )


def read_one(item: Mapping[str, object], parse: Callable[[Mapping[str, object]], T]) -> T:
    """Reads one record that was asked for by itself.

    Raises:
        BadAnswer: where a list would reject it.
    """
    try:
        return parse(item)
    except Unusable as problem:
        raise BadAnswer(f"the reply cannot be used: {problem}") from None


def need_id(record: Mapping[str, object], *names: str) -> str:
    """Returns the record's own id, under the first of `names` that has one.

    Raises:
        Unusable: the record cannot be kept.
    """
    for name in names:
        found = clean.identifier(record.get(name))
        if found:
            return found
    raise Unusable(f"no usable {names[0]}")


def person(value: object) -> str:
    """Returns the name in Zoho's `{"id", "name"}`, or a plain text, on one line."""
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("full_name")
    return clean.line(value, clean.NAME_LIMIT)


def switched(value: object) -> str:
    """Returns Zoho's word for whether a thing is switched on; a yes or no, also as CRM has it, becomes one."""
    if isinstance(value, Mapping):
        value = value.get("active")
    said = clean.flag(value)
    return clean.word(value) if said is None else "active" if said else "inactive"


def _kind(value: object) -> str:
    names = {type(None): "null", bool: "true/false", str: "text", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "an object")
