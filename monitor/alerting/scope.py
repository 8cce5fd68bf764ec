"""Tells which rules are for which flows, or other subjects: the narrower one replaces the wider one of its kind. Pure.

From the narrowest to the widest: one flow, workflow rule or connection; a tag; an owner; a module of CRM; the account.
Rules of one breadth stand beside each other, also those of two tags that one flow has: they ask for different things,
and each has an alert of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from operator import itemgetter
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")


class ScopeBreadth(IntEnum):
    """Names how much a rule is for; of two the smaller is the narrower."""

    ONE = 0  # flow, workflow rule or connection
    TAG = 1
    OWNER = 2
    MODULE = 3
    ACCOUNT = 4


class RuleScope(NamedTuple, Generic[K]):
    """Holds what of a rule says for what it is; at most one of `flow`, `tag`, `owner` and `module` is set.

    Attributes:
        rule: its key.
        kind: of which rules replace each other.
        flow: the one flow, or other subject; None for several.
        tag: the key of the tag that they have.
        owner: the key of the person who looks after them.
        module: of CRM, that they belong to.
    """

    rule: int
    kind: str
    flow: K | None
    tag: int | None = None
    owner: int | None = None
    module: str = ""

    @property
    def breadth(self) -> ScopeBreadth:
        if self.flow is not None:
            return ScopeBreadth.ONE
        if self.tag is not None:
            return ScopeBreadth.TAG
        if self.owner is not None:
            return ScopeBreadth.OWNER
        return ScopeBreadth.MODULE if self.module else ScopeBreadth.ACCOUNT

    def covers(self, subject: K, marks: SubjectMarks) -> bool:
        """Returns whether the rule is for a subject, as long as no narrower one is."""
        if self.flow is not None:
            return self.flow == subject
        if self.tag is not None:
            return self.tag in marks.tags
        if self.owner is not None:
            return self.owner == marks.owner
        return self.module in ("", marks.module)


class SubjectMarks(NamedTuple):
    """Holds by what a subject is found beside its key: the keys of its tags and its owner, and its module."""

    tags: frozenset[int] = frozenset()
    owner: int | None = None
    module: str = ""


class RuleSubject(NamedTuple, Generic[K]):
    """Names a rule and a flow, or other subject, that it may be evaluated for, by their keys."""

    rule: int
    flow: K


@dataclass(frozen=True, slots=True)
class Coverage(Generic[K]):
    """Holds what is to be evaluated, and what is not because a narrower rule is.

    Attributes:
        wanted: each rule with each flow that it is for.
        replaced: the narrower rule, by the rule and flow that it replaces.
    """

    wanted: set[RuleSubject[K]] = field(default_factory=set)
    replaced: dict[RuleSubject[K], int] = field(default_factory=dict)


UNMARKED = SubjectMarks()


def cover(
    rules: Iterable[RuleScope[K]], flows: Iterable[K], marks: Mapping[K, SubjectMarks] | None = None
) -> Coverage[K]:
    """Returns which rules are evaluated for which flows.

    Args:
        rules: those that are enabled.
        flows: keys of those that are watched, or of other subjects.
        marks: by what those are found that have tags, an owner or a module.
    """
    index = _ScopeIndex(rules)
    known = marks or {}
    found: Coverage[K] = Coverage()
    for flow in flows:
        fitting = index.fitting(flow, known.get(flow, UNMARKED))
        narrowest: dict[str, RuleScope[K]] = {}
        for scope in fitting:
            other = narrowest.get(scope.kind)
            if other is None or scope.breadth < other.breadth:
                narrowest[scope.kind] = scope
        for scope in fitting:
            place, first = RuleSubject(scope.rule, flow), narrowest[scope.kind]
            if scope.breadth > first.breadth:
                found.replaced[place] = first.rule
            else:
                found.wanted.add(place)
    return found


class _ScopeIndex(Generic[K]):
    """Finds the rules that cover a subject by its marks, so that a thousand rules cost each flow no more than its own.

    Rules of one breadth keep the order in which they were given.
    """

    def __init__(self, rules: Iterable[RuleScope[K]]) -> None:
        self._of_one: dict[K, list[RuleScope[K]]] = defaultdict(list)
        self._by_mark: dict[tuple[ScopeBreadth, int | str | None], list[tuple[int, RuleScope[K]]]] = defaultdict(list)
        for place, scope in enumerate(rules):
            if scope.flow is not None:
                self._of_one[scope.flow].append(scope)
            else:
                self._by_mark[scope.breadth, _mark_of(scope)].append((place, scope))

    def fitting(self, subject: K, marks: SubjectMarks) -> list[RuleScope[K]]:
        """Returns the rules that cover a subject, those that are for it alone first."""
        wanted: list[tuple[ScopeBreadth, int | str | None]] = [(ScopeBreadth.ACCOUNT, None)]
        wanted += [(ScopeBreadth.TAG, tag) for tag in marks.tags]
        if marks.owner is not None:
            wanted.append((ScopeBreadth.OWNER, marks.owner))
        if marks.module:
            wanted.append((ScopeBreadth.MODULE, marks.module))
        several = sorted((one for mark in wanted for one in self._by_mark.get(mark, ())), key=itemgetter(0))
        return [*self._of_one.get(subject, ()), *(scope for _, scope in several)]


def _mark_of(scope: RuleScope[K]) -> int | str | None:
    """Returns the mark by which a rule that is for several finds them; None where it is for all."""
    if scope.tag is not None:
        return scope.tag
    return scope.owner if scope.owner is not None else scope.module or None
