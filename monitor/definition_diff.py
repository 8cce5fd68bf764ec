"""Finds what differs between two versions of a definition; brings both into one form and hashes it. Pure.

The form leaves out what moves without anybody changing the definition (counters, last runs, who changed it when),
makes no difference between what is null and what is missing, and writes numbers in one way, so that a definition
read back from a database is equal to one that just came. Lists keep their order, for actions run in it; only those
whose order says nothing are sorted.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from monitor.privacy import without_digests

Change = dict[str, Any]

# At the top of a definition only: deeper down the same names may be fields that people chose.
_VOLATILE = frozenset({
    "modified_time", "modified_by", "created_time", "created_by", "lock", "editable", "deletable", "stats", "usage",
    "statistics", "execution_count", "success_count", "failure_count", "trigger_count", "usage_count", "run_count",
    "task_count", "error_count", "total_count", "reset_time",
})  # fmt: skip
_VOLATILE_STARTS = ("last_", "next_")
_UNORDERED = frozenset({"involved_modules", "tags", "scopes"})
ID_KEYS = ("id", "action_id", "node_id", "rule_id", "api_name")
_EXACT = 2**53  # whole numbers beyond it do not survive as floats
MOST_CHANGES = 500  # kept of one version; their number is kept in any case


def definition(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Takes out of Zoho's JSON what defines the thing, in the one form.

    Args:
        raw: a flow, rule or connected workflow as Zoho sent it, cleaned.
    """
    return {name: _plain(value, name) for name, value in raw.items() if value is not None and not _is_volatile(name)}


def _is_volatile(name: str) -> bool:
    return name in _VOLATILE or name.startswith(_VOLATILE_STARTS)


def _plain(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item, str(key)) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        return sorted(items, key=canonical) if name in _UNORDERED else items
    if isinstance(value, float):
        if not math.isfinite(value) or abs(value) >= _EXACT:
            return repr(value)
        return int(value) if value == int(value) else value
    return value


def canonical(value: Any) -> str:
    """Writes JSON with sorted keys and nothing to spare."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def sha256(content: Any) -> str:
    """Hashes a definition: two with the same hash are the same."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def diff(before: Any, after: Any, names: Sequence[str] = ID_KEYS) -> list[Change]:
    """Lists what changed, field by field, in the order of the paths.

    Args:
        before: a definition in the one form.
        after: a later one.
        names: by which keys the items of lists are known, the best first; what has none by its place.

    Returns:
        Objects with `path` (keys and, for items of lists, their id or place), `kind` and, where there is one, the
        value `before` and `after`. Kinds: added, removed, changed, moved (the same items in another order), secret
        (only a secret within the text is another). Empty exactly where both are the same.
    """
    return list(_diff(before, after, [], names))


def _diff(before: Any, after: Any, path: list[str], names: Sequence[str]) -> Iterator[Change]:
    if canonical(before) == canonical(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _member(before, after, key, [*path, key], names)
        return
    if isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path, names)
        return
    is_secret = isinstance(before, str) and isinstance(after, str) and without_digests(before) == without_digests(after)
    yield {"path": path, "kind": "secret" if is_secret else "changed", "before": before, "after": after}


def _member(
    before: Mapping[str, Any], after: Mapping[str, Any], key: str, path: list[str], names: Sequence[str]
) -> Iterator[Change]:
    if key not in before:
        yield {"path": path, "kind": "added", "after": after[key]}
    elif key not in after:
        yield {"path": path, "kind": "removed", "before": before[key]}
    else:
        yield from _diff(before[key], after[key], path, names)


def _lists(before: Sequence[Any], after: Sequence[Any], path: list[str], names: Sequence[str]) -> Iterator[Change]:
    name = _id_key(before, after, names)
    if name is None:
        old = {str(place): item for place, item in enumerate(before, start=1)}
        new = {str(place): item for place, item in enumerate(after, start=1)}
    else:
        old = {str(item[name]): item for item in before}
        new = {str(item[name]): item for item in after}
    for key in [*old, *(key for key in new if key not in old)]:
        yield from _member(old, new, key, [*path, f"[{key}]"], names)
    common = [key for key in old if key in new]
    order = [key for key in new if key in old]
    if common != order:
        yield {"path": path, "kind": "moved", "before": common, "after": order}


def _id_key(before: Sequence[Any], after: Sequence[Any], names: Sequence[str]) -> str | None:
    """Finds the key by which the items of both lists can be told apart, if there is one."""
    for name in names:
        if all(_has_ids(items, name) for items in (before, after)):
            return name
    return None


def _has_ids(items: Sequence[Any], name: str) -> bool:
    ids = [item.get(name) if isinstance(item, dict) else None for item in items]
    usable = all(isinstance(one, str | int) and not isinstance(one, bool) for one in ids)
    return usable and len({str(one) for one in ids}) == len(ids)
