"""Reads which flows a rule is for: those that are watched, but for those that a narrower rule has."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.alerting.kinds import loader_of
from monitor.alerting.marks import are_needed, marks_of_flows, scope_of
from monitor.alerting.scope import Coverage, RuleScope, cover
from monitor.models import SWITCHED_OFF, AlertRule, Flow


def covered_flows(account_id: int, rules: Iterable[AlertRule]) -> Coverage[int]:
    """Returns which of an account's flows some enabled rules are for, as they are evaluated. Three statements at most.

    Args:
        account_id: whose rules and flows.
        rules: also such as are about no flow, which are left out.
    """
    return _cover(account_id, [scope_of(row) for row in rules if loader_of(row.kind) is None])


def flows_of_rule(account_id: int, scope: RuleScope[int], active: Iterable[int] | None = None) -> set[int]:
    """Returns the flows that a rule is for, as if it were saved and enabled. Four statements at most.

    Args:
        account_id: whose.
        scope: of the rule, with its key where it is saved; 0 otherwise.
        active: only of these flows, which are watched; None for all that are.
    """
    others = AlertRule.objects.filter(account=account_id, kind=scope.kind, is_active=True).exclude(pk=scope.rule)
    found = _cover(account_id, [scope, *map(scope_of, others)], active)
    return {place.flow for place in found.wanted if place.rule == scope.rule}


def _cover(account_id: int, scopes: list[RuleScope[int]], active: Iterable[int] | None = None) -> Coverage[int]:
    marks = marks_of_flows(account_id) if are_needed(scopes) else {}
    if active is None:
        watched = Flow.objects.filter(account=account_id, gone_at=None).exclude(status__in=SWITCHED_OFF)
        active = watched.order_by().values_list("pk", flat=True)
    return cover(scopes, active, marks)
