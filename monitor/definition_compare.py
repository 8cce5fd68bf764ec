"""Holds two sets of definitions against each other: what is the same, what differs, what only one has. Pure.

Of two accounts, such as a sandbox and production, Zoho's ids and the times of its changes differ though nobody meant
it; secrets cannot be told apart, for their digests have a key for each account. All that is left out there. Within one
account ids are what things are known by.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from monitor.definition_diff import ID_KEYS, Change, diff, sha256
from monitor.languages import gettext_noop
from monitor.privacy import mask, mask_name, without_digests
from monitor.privacy_rules import ID_KEY

FLOW, RULE, CONNECTED = "flow", "rule", "connected"
KINDS = {FLOW: gettext_noop("Flow"), RULE: gettext_noop("Workflow rule"), CONNECTED: gettext_noop("Connected workflow")}
SAME, DIFFERS, LEFT_ONLY, RIGHT_ONLY = "same", "differs", "left", "right"
# By which items of lists are known where Zoho's ids are left out.
_NAMES = (*ID_KEYS, "name")
_ZOHO_ID = re.compile(r"\d{6,}")
_LONG_ID = re.compile(r"(?<!\d)\d{12,}(?!\d)")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_TIMES = frozenset({"created_time", "modified_time", "associated_time"})
_PEOPLE = frozenset({"created_by", "modified_by"})
_ANY_ID = "id"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Defined:
    """Holds one flow, rule or connected workflow with its definition, in the one form of `definition_diff`.

    Attributes:
        kind: one of `KINDS`.
        zoho_id: Zoho's.
        name: as Zoho's, or masked where the whole set is.
    """

    kind: str
    zoho_id: str
    name: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DefinitionSet:
    """Holds the definitions of one account at one time.

    Attributes:
        account: its name.
        is_masked: people and secrets are hidden in it, as in every export.
        unread: things, by kind and name, that were there and whose definition is not known.
    """

    account: str
    things: Sequence[Defined]
    is_masked: bool = False
    unread: Sequence[tuple[str, str]] = field(default=())


@dataclass(frozen=True, slots=True)
class Pair:
    """Holds what stands on both sides, or on one. `changes` leads from the left to the right."""

    left: Defined | None
    right: Defined | None
    changes: Sequence[Change] = ()

    @property
    def state(self) -> str:
        if self.left is None:
            return RIGHT_ONLY
        if self.right is None:
            return LEFT_ONLY
        return DIFFERS if self.changes else SAME

    @property
    def either(self) -> Defined:
        """Returns the left one, or the right one where there is none."""
        one = self.left or self.right
        assert one is not None  # noqa: S101 - a pair has one at least
        return one


def masked(thing: Defined) -> Defined:
    """Hides people and secrets of a definition as on every page and in every export; the name, too."""
    content = mask(_without_digests(thing.content), definition=True)
    return Defined(thing.kind, thing.zoho_id, mask_name(thing.name) or thing.zoho_id, content)


def compare(left: DefinitionSet, right: DefinitionSet, *, by_id: bool) -> list[Pair]:
    """Pairs the definitions of two sets and lists how each pair differs.

    Args:
        left: the earlier one, or the sandbox.
        right: the later one, or production.
        by_id: both are of one account: ids count. Else things are paired by kind and name.

    Returns:
        Each thing once, by kind and name.
    """
    hide = left.is_masked or right.is_masked
    sides = [[masked(thing) if hide and not one.is_masked else thing for thing in one.things] for one in (left, right)]
    contents = {id(thing): _content(thing, by_id=by_id, hide=hide) for side in sides for thing in side}
    pairs = paired(sides[0], sides[1], known_by(by_id=by_id), lambda thing: sha256(contents[id(thing)]))
    return [
        Pair(one, other, changes_between(contents[id(one)], contents[id(other)], by_id=by_id) if one and other else ())
        for one, other in pairs
    ]


def known_by(*, by_id: bool) -> Callable[[Any], Hashable]:
    """Returns by what a thing is known on the other side: Zoho's id, or its kind and name."""
    return (lambda thing: (thing.kind, thing.zoho_id)) if by_id else (lambda thing: (thing.kind, thing.name))


def paired(
    left: Iterable[T], right: Iterable[T], key: Callable[[T], Hashable], mark: Callable[[T], str]
) -> list[tuple[T | None, T | None]]:
    """Pairs what has the same key; of several namesakes first those that are equal, then the others in their order.

    Args:
        left: things with `kind`, `name` and `zoho_id`.
        right: likewise.
        key: by what one is known.
        mark: the same for two that are equal.

    Returns:
        Pairs by kind, name and id.
    """
    groups: dict[Hashable, tuple[list[T], list[T]]] = defaultdict(lambda: ([], []))
    for side, things in enumerate((left, right)):
        for thing in sorted(things, key=_order):
            groups[key(thing)][side].append(thing)
    found: list[tuple[T | None, T | None]] = []
    for ones, others in groups.values():
        if len(ones) > 1 or len(others) > 1:
            equal = _take_equal(ones, others, mark)
            found.extend(equal)
        found += [
            (ones[n] if n < len(ones) else None, others[n] if n < len(others) else None)
            for n in range(max(len(ones), len(others)))
        ]
    return sorted(found, key=lambda pair: _order(pair[0] if pair[0] is not None else pair[1]))


def _take_equal(ones: list[T], others: list[T], mark: Callable[[T], str]) -> list[tuple[T, T]]:
    """Takes the pairs of equal things out of both lists."""
    taken: list[tuple[T, T]] = []
    for one in list(ones):
        equal = next((other for other in others if mark(other) == mark(one)), None)
        if equal is not None:
            ones.remove(one)
            others.remove(equal)
            taken.append((one, equal))
    return taken


def _order(thing: Any) -> tuple[str, str, str, str]:
    return thing.kind, thing.name.casefold(), thing.name, thing.zoho_id


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any], *, by_id: bool) -> list[Change]:
    """Lists what differs between two contents that were made comparable."""
    return diff(before, after) if by_id else diff(before, after, names=_NAMES)


def _content(thing: Defined, *, by_id: bool, hide: bool) -> Mapping[str, Any]:
    if not by_id:
        return comparable(thing.content)
    return _without_digests(thing.content) if hide else thing.content


def comparable(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a definition without what must differ between two accounts: ids, times of changes, digests of secrets.

    An id is left out under a key such as `id` or `action_id`; where the definition names it elsewhere, as in
    `${12345000000234567.output}`, what it is the id of stands there.
    """
    plain = _without_digests(content)
    called: dict[str, str] = {}
    _call_ids(plain, called)
    return _without_ids(plain, called)  # type: ignore[no-any-return]


def _call_ids(value: Any, called: dict[str, str]) -> None:
    """Finds what each id of a definition is the id of."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if _is_id(key, item) and not isinstance(item, list):
                names = (value.get(name) for name in ("api_name", "name", "action", "type"))
                called.setdefault(str(item), next((name for name in names if isinstance(name, str)), _ANY_ID))
            else:
                _call_ids(item, called)
    elif isinstance(value, list):
        for item in value:
            _call_ids(item, called)


def _without_ids(value: Any, called: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        kept = ((key, item) for key, item in value.items() if not (_is_id(key, item) or _is_of_a_change(key, item)))
        return {_named(key, called): _without_ids(item, called) for key, item in kept}
    if isinstance(value, list):
        return [_without_ids(item, called) for item in value]
    return _named(value, called) if isinstance(value, str) else value


def _named(text: str, called: Mapping[str, str]) -> str:
    return _LONG_ID.sub(lambda found: f"[{called[found[0]]}]" if found[0] in called else found[0], text)


def _is_id(key: str, value: Any) -> bool:
    """Says whether a value is an id that Zoho gave: long digits under a key of ids. Steps known as `n1` stay."""
    if not ID_KEY.search(key):
        return False
    items = value if isinstance(value, list) else [value]
    return bool(items) and all(
        isinstance(item, str | int) and not isinstance(item, bool) and _ZOHO_ID.fullmatch(str(item)) for item in items
    )


def _is_of_a_change(key: str, value: Any) -> bool:
    """Says whether a value is when, or by whom, Zoho says a part was changed; people's own values are no such thing."""
    if key in _TIMES:
        return isinstance(value, str) and _TIME.fullmatch(value) is not None
    return key in _PEOPLE and isinstance(value, Mapping)


def _without_digests(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {without_digests(str(key)): _without_digests(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_digests(item) for item in value]
    return without_digests(value) if isinstance(value, str) else value
