"""Holds the definitions of two accounts against each other, for a page: contents are read of what is shown only.

Whether two are the same is told by a hash of what may be compared of each (`definition_compare.comparable`). It follows
from the hash that its version is known by, and is remembered under it: a content that was read once is not read again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value

from monitor.definition_compare import (
    DIFFERS,
    LEFT_ONLY,
    RIGHT_ONLY,
    SAME,
    changes_between,
    comparable,
    known_by,
    paired,
)
from monitor.definition_diff import Change, sha256
from monitor.models.addresses import address_of
from monitor.privacy import mask_name
from monitor.queries.change_words import changes_in_words
from monitor.queries.definition_sets import SOURCES
from monitor.queries.versions import ChangeText, change_text

UNREAD, ANY = "unread", "any"
MOST_SHOWN = 100  # changes of one pair on the page; the pages of both have the whole
FILE_STEP = 200  # pairs whose contents are in memory at once
_PAGES = {"flow": "flow", "rule": "rule", "connected": "connected_workflow"}
_MOST_REMEMBERED = 50_000
_likeness: dict[str, str] = {}  # of a version's hash: that of what may be compared of it


@dataclass(frozen=True, slots=True)
class DefinitionMark:
    """Holds one thing of an account without its content. `likeness` is the same for two that are equal."""

    kind: str
    account_id: int
    pk: int
    zoho_id: str
    name: str
    version: int | None
    sha256: str | None
    likeness: str = ""

    @property
    def url(self) -> str:
        return address_of(_PAGES[self.kind], self.pk)


@dataclass(frozen=True)
class CompareFilter:
    """Says what of a comparison is looked for; empty values do not narrow, but for what is the same.

    Attributes:
        text: a part of a name as it is shown, or the whole of an id.
        kind: of which kind of thing.
        state: one of them; "any" for all, empty for all but the same.
    """

    text: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True)
class ComparedPair:
    """Holds what has one name in two accounts, or stands in one of them; `changes` lead from the first on."""

    left: DefinitionMark | None
    right: DefinitionMark | None
    changes: Sequence[Change] = ()

    @property
    def either(self) -> DefinitionMark:
        one = self.left or self.right
        assert one is not None  # noqa: S101 - a pair has one at least
        return one

    @property
    def kind(self) -> str:
        return self.either.kind

    @cached_property
    def name(self) -> str:
        """Returns the name for pages, masked and never empty."""
        return mask_name(self.either.name) or self.either.zoho_id

    @property
    def state(self) -> str:
        if self.left is None:
            return RIGHT_ONLY
        if self.right is None:
            return LEFT_ONLY
        if self.left.version is None or self.right.version is None:
            return UNREAD
        return SAME if self.left.likeness == self.right.likeness else DIFFERS

    @property
    def words(self) -> list[str]:
        """Returns the first changes in words, masked."""
        return changes_in_words(self.changes, len(self.changes))

    @property
    def texts(self) -> list[ChangeText]:
        """Returns the changes for people, masked."""
        return [change_text(change) for change in self.changes[:MOST_SHOWN]]

    @property
    def left_out(self) -> int:
        return max(len(self.changes) - MOST_SHOWN, 0)


def pairs_of(left: int, right: int) -> list[ComparedPair]:
    """Pairs the things of two accounts by kind and name. One statement, and one for contents not seen before."""
    marks = _with_likeness(_marks(left, right))
    sides = [[mark for mark in marks if mark.account_id == account] for account in (left, right)]
    found = paired(sides[0], sides[1], known_by(by_id=False), lambda mark: mark.likeness)
    return [ComparedPair(one, other) for one, other in found]


def narrowed(pairs: Iterable[ComparedPair], wanted: CompareFilter) -> list[ComparedPair]:
    """Returns the pairs that fit. Pure."""
    return [pair for pair in pairs if _fits(pair, wanted)]


def _fits(pair: ComparedPair, wanted: CompareFilter) -> bool:
    if wanted.kind and pair.kind != wanted.kind:
        return False
    if wanted.state != ANY and (pair.state == SAME if not wanted.state else pair.state != wanted.state):
        return False
    if not wanted.text:
        return True
    ids = (one.zoho_id for one in (pair.left, pair.right) if one is not None)
    return wanted.text.casefold() in pair.name.casefold() or wanted.text in ids


def counts(pairs: Iterable[ComparedPair]) -> Mapping[str, int]:
    """Counts pairs by their states. Pure."""
    return Counter(pair.state for pair in pairs)


def with_changes(pairs: Sequence[ComparedPair]) -> list[ComparedPair]:
    """Adds to the pairs that differ how they do. One statement."""
    differing = [pair for pair in pairs if pair.state == DIFFERS]
    contents = _contents([mark for pair in differing for mark in (pair.left, pair.right) if mark is not None])

    def changes(pair: ComparedPair) -> Sequence[Change]:
        before, after = (comparable(contents[_key(mark)]) for mark in (pair.left, pair.right) if mark is not None)
        return changes_between(before, after, by_id=False)

    return [replace(pair, changes=changes(pair)) if pair.state == DIFFERS else pair for pair in pairs]


def walk(pairs: Sequence[ComparedPair]) -> Iterator[ComparedPair]:
    """Yields pairs with what differs, some at a time."""
    for start in range(0, len(pairs), FILE_STEP):
        yield from with_changes(pairs[start : start + FILE_STEP])


def _marks(*accounts: int) -> list[DefinitionMark]:
    parts = []
    for kind, source in SOURCES.items():
        newest = source.version.objects.filter(**{source.parent: OuterRef("pk")}).order_by("-number")
        rows = source.model.objects.filter(account__in=accounts, gone_at=None).order_by()
        parts.append(
            rows.annotate(
                of_kind=Value(kind, output_field=CharField()),
                zohos=F(source.zoho_id),
                called=F(source.name),
                version=Subquery(newest.values("pk")[:1]),
                hashed=Subquery(newest.values("sha256")[:1]),
            ).values_list("of_kind", "account_id", "pk", "zohos", "called", "version", "hashed")
        )
    return [DefinitionMark(*row) for row in parts[0].union(*parts[1:], all=True)]


def _with_likeness(marks: Sequence[DefinitionMark]) -> list[DefinitionMark]:
    if len(_likeness) > _MOST_REMEMBERED:
        _likeness.clear()
    known = {mark.sha256: _likeness[mark.sha256] for mark in marks if mark.sha256 in _likeness}
    unread = {mark.sha256: mark for mark in marks if mark.sha256 is not None and mark.sha256 not in known}
    hashes = {_key(mark): hashed for hashed, mark in unread.items()}
    made = {hashes[key]: sha256(comparable(content)) for key, content in _contents([*unread.values()]).items()}
    _likeness.update(made)
    known |= made
    return [replace(mark, likeness=known.get(mark.sha256 or "", "")) for mark in marks]


def _key(mark: DefinitionMark) -> tuple[str, int | None]:
    return mark.kind, mark.version


def _contents(marks: Sequence[DefinitionMark]) -> dict[tuple[str, int | None], Mapping[str, Any]]:
    """Reads the contents of some versions. One statement, or none."""
    parts: list[QuerySet[Any, Any]] = []
    for kind, source in SOURCES.items():
        keys = [mark.version for mark in marks if mark.kind == kind and mark.version is not None]
        if keys:
            rows = source.version.objects.filter(pk__among=keys).order_by()
            parts.append(
                rows.annotate(of_kind=Value(kind, output_field=CharField())).values_list("of_kind", "pk", "content")
            )
    if not parts:
        return {}
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return {(kind, pk): content for kind, pk, content in rows}
