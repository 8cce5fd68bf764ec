"""Says which alert rules replace which: the narrower one of a kind replaces the wider one for what both are for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.alerting.kinds import loader_of
from monitor.alerting.marks import (
    are_needed,
    ask_marks_of_flows,
    ask_marks_of_workflow_rules,
    ask_scopes_in_words,
    scope_of,
)
from monitor.alerting.scope import UNMARKED, RuleScope, ScopeBreadth, SubjectMarks
from monitor.models import AlertRule
from monitor.models.asking import Asking, answered, ask

SHOWN = 20


class NamedRule(NamedTuple):
    """Holds a rule, and for what it is in words; "" for all of the account."""

    rule: AlertRule
    scope: str


@dataclass(frozen=True)
class RuleNeighbours:
    """Holds the enabled rules of a rule's kind and account that are for something that it is for too.

    Attributes:
        wider: those that it replaces there.
        narrower: those that replace it there; the first 20.
        narrower_count: how many there are.
        beside: of the same breadth: each has an alert of its own.
    """

    wider: list[NamedRule] = field(default_factory=list)
    narrower: list[NamedRule] = field(default_factory=list)
    narrower_count: int = 0
    beside: list[NamedRule] = field(default_factory=list)

    @property
    def more(self) -> int:
        """Is how many narrower ones are not shown."""
        return self.narrower_count - len(self.narrower)

    @property
    def are_own(self) -> bool:
        """Is whether each narrower one is for one flow, or other subject."""
        return all(_scope(one.rule).breadth is ScopeBreadth.ONE for one in self.narrower)

    @property
    def are_of_account(self) -> bool:
        """Is whether each wider one is for all of the account."""
        return all(_scope(one.rule).breadth is ScopeBreadth.ACCOUNT for one in self.wider)


def neighbours(
    mine: RuleScope[str], account_id: int, is_like: Callable[[AlertRule], bool] = lambda _: True
) -> RuleNeighbours:
    """Returns the rules that a rule has to do with, saved or not. Three statements at most.

    Args:
        mine: for what it is, by the keys of its subjects as text; its own key is 0 where it is not saved.
        account_id: whose it is.
        is_like: says whether a rule of the kind looks for the same; one that does not has nothing to do with it.
    """
    return answered(ask_neighbours(mine, account_id, is_like))


def ask_neighbours(
    mine: RuleScope[str], account_id: int, is_like: Callable[[AlertRule], bool] = lambda _: True
) -> Asking[RuleNeighbours]:
    """Asks for what `neighbours` returns."""
    rows = AlertRule.objects.filter(account=account_id, kind=mine.kind, is_active=True, flow__gone_at=None)
    rows = rows.exclude(pk=mine.rule).select_related("flow", "tag", "owner").defer("flow__raw")
    others = [other for other in (yield from ask(rows.order_by("name", "pk"))) if is_like(other)]
    scopes = {other.pk: _scope(other) for other in others}
    marks = (yield from _ask_marks(mine.kind, account_id)) if are_needed([mine, *scopes.values()]) else {}
    own = [one for key, one in marks.items() if mine.covers(key, one)]
    places: dict[int, list[AlertRule]] = {-1: [], 0: [], 1: []}
    for other in others:
        scope = scopes[other.pk]
        if _meet(mine, scope, marks, own):
            places[(scope.breadth > mine.breadth) - (scope.breadth < mine.breadth)].append(other)
    narrower, beside, wider = places[-1], places[0], places[1]
    words = yield from ask_scopes_in_words([*wider, *narrower[:SHOWN], *beside])
    found = [[NamedRule(one, words[one.pk]) for one in rules] for rules in (wider, narrower[:SHOWN], beside)]
    return RuleNeighbours(found[0], found[1], len(narrower), found[2])


def _ask_marks(kind: str, account_id: int) -> Asking[Mapping[str, SubjectMarks]]:
    is_of_flows = loader_of(kind) is None
    read = yield from (ask_marks_of_flows if is_of_flows else ask_marks_of_workflow_rules)(account_id)
    return {str(key): one for key, one in read.items()}


def _scope(rule: AlertRule) -> RuleScope[str]:
    found = scope_of(rule)
    one = rule.subject_key or (None if found.flow is None else str(found.flow))
    return RuleScope(rule.pk or 0, rule.kind, one, found.tag, found.owner, found.module)


def _meet(
    mine: RuleScope[str], other: RuleScope[str], marks: Mapping[str, SubjectMarks], own: list[SubjectMarks]
) -> bool:
    """Returns whether two rules are for the same, or would be for something that both cover.

    Args:
        mine: the rule.
        other: another one.
        marks: of all subjects that have some.
        own: those of the subjects that the rule covers.
    """
    if mine[2:] == other[2:] or ScopeBreadth.ACCOUNT in (mine.breadth, other.breadth):
        return True
    if mine.flow is not None:
        return other.covers(mine.flow, marks.get(mine.flow, UNMARKED))
    if other.flow is not None:
        return mine.covers(other.flow, marks.get(other.flow, UNMARKED))
    return any(other.covers("", one) for one in own)
