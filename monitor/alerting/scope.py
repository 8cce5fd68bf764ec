"""Tells which rules are for which flows: the narrower one replaces the wider one of its kind. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class RuleScope(NamedTuple):
    """Holds what of a rule says for what it is; `flow` is None for all flows of its account."""

    rule: int
    kind: str
    flow: int | None


class RuleSubject(NamedTuple):
    """Names a rule and a flow that it may be evaluated for, by their primary keys."""

    rule: int
    flow: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Holds what is to be evaluated, and what is not because a narrower rule is.

    Attributes:
        wanted: each rule with each flow that it is for.
        replaced: the narrower rule, by the rule and flow that it replaces.
    """

    wanted: set[RuleSubject] = field(default_factory=set)
    replaced: dict[RuleSubject, int] = field(default_factory=dict)


def cover(rules: Iterable[RuleScope], flows: Iterable[int]) -> Coverage:
    """Returns which rules are evaluated for which flows.

    A flow's own rule replaces those of its account that are of the same kind. Rules of one kind and one scope stand
    beside each other, for they ask for different things: each has an alert of its own.

    Args:
        rules: those that are enabled.
        flows: primary keys of those that are watched.
    """
    general = []
    own: dict[int, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for scope in rules:
        if scope.flow is None:
            general.append(scope)
        else:
            own[scope.flow][scope.kind].append(scope.rule)
    found = Coverage()
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
