"""Looks a value of a run's trigger data up as the run's page shows it: what is hidden there is hidden here. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from monitor.privacy import HIDDEN, mask
from monitor.privacy_rules import NAMES_OF_PAIRS


def shown_at(data: Any, path: Sequence[str]) -> tuple[list[str], Any]:
    """Returns the keys and the value at a path as they are shown: a key may be hidden as well, and its place is not.

    Args:
        data: objects along the path; it is masked as a whole.
        path: keys, each of which is there.
    """
    keys: list[str] = []
    shown = mask(data)
    for key in path:
        if not isinstance(shown, dict):
            return [*keys, HIDDEN], HIDDEN  # all below is hidden
        place = list(data).index(key)
        name, shown = list(shown.items())[place]
        keys.append(name)
        data = data[key]
    return keys, shown


def nested(path: Sequence[str]) -> Any:
    """Makes data that has nothing but a path, for the names of its keys alone."""
    data: Any = ""
    for key in reversed(path):
        data = {key: data}
    return data


def along(data: Mapping[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """Cuts data down to a path, and to what stands beside it and decides how it is masked: as the whole would be.

    Args:
        data: however large.
        path: keys, each of which is there.
    """
    kept = {key: value for key, value in data.items() if key == path[0] or key in NAMES_OF_PAIRS}
    below = data[path[0]]
    if len(path) > 1 and isinstance(below, Mapping):
        kept[path[0]] = along(below, path[1:])
    return kept
