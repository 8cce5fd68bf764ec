"""Tells which rules are for which flows: the narrower one replaces the wider one of its kind. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")


class RuleScope(NamedTuple, Generic[K]):
    """Holds what of a rule says for what it is; `flow`, or other subject, is None for all of its account."""

    rule: int
    kind: str
    flow: K | None


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


def cover(rules: Iterable[RuleScope[K]], flows: Iterable[K]) -> Coverage[K]:
    """Returns which rules are evaluated for which flows.

    A flow's own rule replaces those of its account that are of the same kind. Rules of one kind and one scope stand
    beside each other, for they ask for different things: each has an alert of its own.

    Args:
        rules: those that are enabled.
        flows: keys of those that are watched, or of other subjects.
    """
    general = []
    own: dict[K, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for scope in rules:
        if scope.flow is None:
            general.append(scope)
        else:
            own[scope.flow][scope.kind].append(scope.rule)
    found: Coverage[K] = Coverage()
    for flow in flows:
        narrower = own.get(flow, {})
        found.wanted.update(RuleSubject(rule, flow) for rules_of in narrower.values() for rule in rules_of)
        for scope in general:
            place = RuleSubject(scope.rule, flow)
            if scope.kind in narrower:
                found.replaced[place] = narrower[scope.kind][0]
            else:
                found.wanted.add(place)
    return found
