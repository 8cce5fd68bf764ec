"""Finds which record a run was about, in the data that triggered it. Pure.

A later success for the same record closes an earlier failure. So a wrong field is worse than none: one that two records
share would close what nobody mended. A field counts only where its name says that it is an id, and not one of the
event, a person or the organisation.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DEEPEST = 3  # keys in a path
LONGEST_ID = 200  # characters
SAMPLES = 50  # runs that are looked at
_SHARE = 0.9  # of the samples that must have the field
_IS_ID = re.compile(r"(?:^|[_\-. ])(?i:id)$|[a-z]I[dD]$")
# Ids that do not name the record: of the event (new with each), or of what many records share.
_NOT_THE_RECORDS = re.compile(
    r"(?:^|[_\-. ])(?i:event|execution|request|trace|message|webhook|hook|delivery|notification|channel|transaction|"
    r"correlation|session|run|job|batch|flow|workflow|rule|trigger|org|organi[sz]ation|portal|company|tenant|user|"
    r"owner|creator|created|modified|modifier|updated|assignee|agent|profile|role|territory|layout|module|app|client|"
    r"parent|campaign|source|page|form|list|folder|project|workspace|currency|template)(?:[_\-. ]|(?=[A-Z])|$)"
)
_RECORD_NAMES = re.compile(r"^(?:id|record[_\-. ]?id|entity[_\-. ]?id|object[_\-. ]?id)$", re.IGNORECASE)


def find_path(samples: Sequence[Any]) -> str:
    """Finds the field with the id of the record, as keys joined by dots; "" where none is sure.

    Args:
        samples: trigger data of runs of one flow, whatever JSON they are; `SAMPLES` of them are enough.
    """
    objects = [data for data in samples if isinstance(data, Mapping)]
    if not objects:
        return ""
    present: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    for data in objects:
        for path, value in _ids(data):
            present[path] += 1
            values.setdefault(path, set()).add(value)
    steady = [path for path, count in present.items() if count >= _SHARE * len(objects)]
    # More than one record, or it may be something that all of them share.
    varied = [path for path in steady if len(values[path]) > 1]
    return min(varied, key=lambda path: _rank(path, len(values[path])), default="")


def _rank(path: str, distinct: int) -> tuple[int, int, int, str]:
    """Orders fields: a record's own name first, the shallower first, the more telling first."""
    name = path.rpartition(".")[2]
    return (0 if _RECORD_NAMES.match(name) else 1, path.count("."), -distinct, path)


def _ids(data: Mapping[str, Any], before: str = "", depth: int = 1) -> Iterable[tuple[str, str]]:
    for key, value in data.items():
        if "." in key or not key or _NOT_THE_RECORDS.match(key):
            continue
        path = f"{before}{key}"
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _ids(value, f"{path}.", depth + 1)
        elif _IS_ID.search(key) and (text := _text(value)):
            yield path, text


def record_of(data: Any, path: str) -> str:
    """Returns the digest of the id that stands in a run's trigger data, "" where there is none.

    Args:
        data: the trigger data, whatever JSON it is.
        path: keys joined by dots, from `find_path` or a person.
    """
    for key in path.split("."):
        if not isinstance(data, Mapping):
            return ""
        data = data.get(key)
    text = _text(data)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""


def _text(value: Any) -> str:
    """Returns an id as text, whether Zoho sent it as a number or as a text; "" for what cannot be one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip() if isinstance(value, str) or value.bit_length() < 1000 else ""
    return text if 0 < len(text) <= LONGEST_ID else ""
