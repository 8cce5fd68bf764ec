"""Finds which record a run was about, in the data that triggered it. Pure, but for the key of digests.

A later success for the same record closes an earlier failure. So a wrong field is worse than none: one that two records
share would close what nobody mended. A field counts only where its name says that it is an id, no word of its path
names an event, a person, the organisation or a thing that many records refer to, and its values differ from run to run
as those of records do. Where two fields are as good as each other, neither is sure.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.triage.keyed import keyed

DEEPEST = 3  # keys in a path
LONGEST_ID = 200  # characters
SAMPLES = 50  # runs that are looked at
ENOUGH = 5  # samples from which shares tell something
_PRESENT = 0.9  # of the samples must have the field
# Records are changed more than once: the field that is the record's own by its name may repeat, any other hardly.
_OWN_DISTINCT, _OTHER_DISTINCT = 0.5, 0.9
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words of ids that do not name the record: of the event (new with each), or of what many records share.
_SHARED_WORDS = (
    "event execution request trace message webhook hook delivery notification channel transaction correlation session "
    "run job batch flow workflow rule trigger org organization organisation portal company tenant user owner creator "
    "created modified modifier updated updater assigned assignee assigner agent rep representative salesperson manager "
    "approver reviewer reporter requester sender profile role team group department territory layout module app "
    "application client parent campaign source page form list folder project workspace board currency template "
    "customer account vendor supplier product item category type status stage pipeline tag store warehouse location "
    "branch site region country plan subscription service author member employee staff by"
)
_SHARED = frozenset(_SHARED_WORDS.split())
# What holds the record's own fields in the data of a trigger.
_WRAPPERS = frozenset({"data", "record", "payload", "body", "object", "entity"})
_OWN_NAMES = frozenset({("id",), ("record", "id"), ("entity", "id"), ("object", "id"), ("recordid",)})
# Fields of a reference to another record: who has no more than these is one.
_REFERENCE = frozenset({"id", "name", "email", "full_name", "display_name", "module", "type", "link", "url"})
# People whom a record refers to; where it is the record itself its id stands under no name of its own.
_REFERRED = frozenset({"contact", "lead"})


@dataclass(frozen=True, slots=True)
class _IdField:
    """Holds a field that may be the record's id, and how near it is to it: 0 its own, 1 named, 2 of a thing in it."""

    path: str
    rank: int


def find_path(samples: Sequence[Any]) -> str:
    """Finds the field with the id of the record, as keys joined by dots; "" where none is sure.

    Args:
        samples: trigger data of runs of one flow, whatever JSON they are; `SAMPLES` of them are enough. The same data
            twice is one sample: a run was repeated.
    """
    objects = {json.dumps(data, sort_keys=True): data for data in samples if isinstance(data, Mapping)}
    values: dict[_IdField, list[str]] = defaultdict(list)
    for data in objects.values():
        for field, value in _ids(data):
            values[field].append(value)
    sure = [field for field, found in values.items() if _is_sure(field, found, len(objects))]
    nearest = min((field.rank for field in sure), default=0)
    best = [field.path for field in sure if field.rank == nearest]
    return best[0] if len(best) == 1 else ""


def _is_sure(field: _IdField, found: Sequence[str], samples: int) -> bool:
    distinct = len(set(found))
    if len(found) < _PRESENT * samples or distinct < 2:
        return False
    if samples < ENOUGH:
        return field.rank == 0
    return distinct >= (_OTHER_DISTINCT if field.rank else _OWN_DISTINCT) * len(found)


def _ids(
    data: Mapping[str, Any], before: tuple[str, ...] = (), *, is_own: bool = True
) -> Iterator[tuple[_IdField, str]]:
    """Yields what may be ids: `is_own` while only wrappers lie above."""
    for key, value in data.items():
        words = words_of(key)
        # What its name says in other letters cannot be told.
        if "." in key or not key.isascii() or not words or any(map(_is_shared, words)):
            continue
        path = (*before, key)
        if isinstance(value, Mapping) and len(path) < DEEPEST:
            is_wrapper = words[0] in _WRAPPERS and len(words) == 1
            if is_wrapper or not (_REFERRED.intersection(words) or _is_reference(value)):
                yield from _ids(value, path, is_own=is_own and is_wrapper)
        elif words[-1] in ("id", "recordid") and (text := _text(value)):
            rank = (0 if words in _OWN_NAMES else 1) if is_own else 2
            yield _IdField(".".join(path), rank), text


def _is_shared(word: str) -> bool:
    return word in _SHARED or word.removesuffix("s") in _SHARED


def _is_reference(value: Mapping[str, Any]) -> bool:
    return all("_".join(words_of(key)) in _REFERENCE for key in value)


def words_of(name: str) -> tuple[str, ...]:
    """Splits a field's name into its words, in lower case: `Deal_Owner`, `dealOwner` and `deal owner` are two."""
    return tuple(word.lower() for word in _WORD.findall(name))


def record_of(data: Any, path: str) -> str:
    """Returns the keyed digest of the id that stands in a run's trigger data, "" where there is none.

    The path is in it: an id that was read from another field never matches.

    Args:
        data: the trigger data, whatever JSON it is.
        path: keys joined by dots, from `find_path` or a person.
    """
    text = id_at(data, path)
    return keyed("record", f"{path}\0{text}") if text else ""


def id_at(data: Any, path: str) -> str:
    """Returns the id that stands at a path of a run's trigger data, "" where there is none; arguments as above."""
    for key in path.split("."):
        if not isinstance(data, Mapping):
            return ""
        data = data.get(key)
    return _text(data)


def _text(value: Any) -> str:
    """Returns an id as text, whether Zoho sent it as a number or as a text; "" for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip() if isinstance(value, str) or value.bit_length() < 1000 else ""
    return text if 0 < len(text) <= LONGEST_ID else ""
