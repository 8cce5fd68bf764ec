"""Finds which item of a list that was shown an item of a changed list came from. Pure.

Items with ids are known by them. The others are known by how they look, and by where they stand between those that are
known. Where two that look alike are different underneath and one of them is gone, nobody can tell which: none is taken.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any


def origins(sent: list[Any], base: list[Any], shown: list[Any]) -> list[int | None]:
    """Returns for each sent item the place of the one that it was; None where there is none, or nobody knows which.

    Args:
        sent: as the person changed it.
        base: as it is, hidden parts and all.
        shown: the same as the person saw it, item by item.
    """
    found: list[int | None] = [None] * len(sent)
    free = set(range(min(len(base), len(shown))))
    _by_id(sent, shown, found, free)
    _by_looks(sent, base, shown, found, free)
    _between(sent, base, shown, found, free)
    return found


def _by_id(sent: list[Any], shown: list[Any], found: list[int | None], free: set[int]) -> None:
    for place, item in enumerate(sent):
        if identity := _id(item):
            places = [number for number in sorted(free) if _id(shown[number]) == identity]
            number = place if place in places else next(iter(places), None)
            if number is not None:
                found[place] = number
                free.discard(number)


def _by_looks(sent: list[Any], base: list[Any], shown: list[Any], found: list[int | None], free: set[int]) -> None:
    """Takes items that are just as they were shown, one for one and in their order."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(sent):
        if found[place] is None:
            places[_text(item)].append(place)
    for number in sorted(free):
        alike[_text(shown[number])].append(number)
    is_in_place = len(sent) == len(shown) and all(
        place in alike[text] for text, those in places.items() if alike[text] for place in those
    )
    for text, those in places.items():
        numbers = alike[text]
        is_one_of_several = len({_text(base[number]) for number in numbers}) > 1 and len(those) != len(numbers)
        others = [number for number in numbers if number not in those]
        if is_one_of_several and not (is_in_place and all(_keeps_hidden(n, sent, base, shown) for n in others)):
            free.difference_update(numbers)  # one of them is gone, or doubled: nobody knows which
            continue
        if len(those) == len(numbers):  # all are there still: none has passed another
            pairs = list(zip(those, numbers, strict=True))
        else:
            pairs = [(place, place) for place in those if place in numbers]
            pairs += zip([place for place in those if place not in numbers], others, strict=False)
        for place, number in pairs:
            found[place] = number
            free.discard(number)


def _keeps_hidden(place: int, sent: list[Any], base: list[Any], shown: list[Any]) -> bool:
    """Returns whether what is hidden of an item still stands at its place, so that it was changed, not left out."""
    hidden = set(_leaves(shown[place], "")) - set(_leaves(base[place], ""))
    return hidden <= set(_leaves(sent[place], ""))


def _between(sent: list[Any], base: list[Any], shown: list[Any], found: list[int | None], free: set[int]) -> None:
    """Takes changed items by their place, where as many stand between two known ones as were shown there.

    None that is as much, or more, like another one whose place is not known: it may have come from there.
    """
    unknown = [number for number in range(min(len(base), len(shown))) if number not in found]
    for places, numbers in _gaps(found, len(shown)):
        if len(places) != len(numbers) or not set(numbers) <= free:
            continue
        for place, number in zip(places, numbers, strict=True):
            others = [other for other in unknown if other != number and _text(base[other]) != _text(base[number])]
            is_likest = all(
                _likeness(sent[place], shown[number]) > _likeness(sent[place], shown[other]) for other in others
            )
            if is_likest and _id(sent[place]) == _id(shown[number]) == "":
                found[place] = number


def _gaps(found: list[int | None], size: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yields the places of unknown items between two known ones, and those that were shown between the same two."""
    before = -1
    places: list[int] = []
    for place, number in enumerate([*found, size]):
        if number is None:
            places.append(place)
            continue
        if places:
            yield places, list(range(before + 1, number))
        before, places = number, []


def _likeness(one: Any, other: Any) -> int:
    return len(set(_leaves(one, "")) & set(_leaves(other, "")))


def _leaves(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}/{key}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}/{number}")
    else:
        yield f"{path}={json.dumps(value)}"


def _id(item: Any) -> str:
    return str(item.get("id") or "") if isinstance(item, dict) else ""


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
