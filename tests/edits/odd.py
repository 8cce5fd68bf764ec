"""The documented rule with any of its parts in a form that nobody expects."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from tests.zoho.rule_documents import LOST_DEAL

ODD: tuple[Any, ...] = (None, True, 7, "x", "", [], {}, [None], [1], ["x"], {"a": [1]})
RULE = {**LOST_DEAL, "id": "4876876000016390001"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path to every part of a structure but the whole."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


def with_odd(whole: Any, path: tuple[Any, ...], odd: Any) -> Any:
    found = copy.deepcopy(whole)
    part = found
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = odd
    return found
