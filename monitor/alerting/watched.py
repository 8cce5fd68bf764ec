"""Reads which flows a rule is for: those that are watched, but for those that a narrower rule has."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from monitor.alerting.kinds import loader_of
from monitor.alerting.marks import are_needed, ask_marks_of_flows, marks_of_flows, scope_of
from monitor.alerting.scope import Coverage, RuleScope, cover
from monitor.models import SWITCHED_OFF, AlertRule, Flow
from monitor.models.asking import Asking, answered


def covered_flows(account_id: int, rules: Iterable[AlertRule]) -> Coverage[int]:
    """Returns which of an account's flows some enabled rules are for, as they are evaluated. Three statements at most.

    Args:
        account_id: whose rules and flows.
        rules: also such as are about no flow, which are left out.
    """
    scopes = [scope_of(row) for row in rules if loader_of(row.kind) is None]
    marks = marks_of_flows(account_id) if are_needed(scopes) else {}
    return cover(scopes, _watched(account_id), marks)


def flows_of_rule(account_id: int, scope: RuleScope[int], active: Iterable[int] | None = None) -> set[int]:
    """Returns the flows that a rule is for, as if it were saved and enabled. Two statements at most.

    Args:
        account_id: whose.
        scope: of the rule, with its key where it is saved; 0 otherwise.
        active: only of these flows, which are watched; None for all that are.
    """
    return answered(ask_flows_of_rule(account_id, scope, active))


def ask_flows_of_rule(account_id: int, scope: RuleScope[int], active: Iterable[int] | None = None) -> Asking[set[int]]:
    """Asks for what `flows_of_rule` returns."""
    others, watched = yield [
        AlertRule.objects.filter(account=account_id, kind=scope.kind, is_active=True).exclude(pk=scope.rule),
        _watched(account_id) if active is None else _watched(account_id).none(),
    ]
    scopes = [scope, *map(scope_of, others)]
    marks = (yield from ask_marks_of_flows(account_id)) if are_needed(scopes) else {}
    found = cover(scopes, watched if active is None else active, marks)
    return {place.flow for place in found.wanted if place.rule == scope.rule}


def _watched(account_id: int) -> QuerySet[Flow, int]:
    rows = Flow.objects.filter(account=account_id, gone_at=None).exclude(status__in=SWITCHED_OFF)
    return rows.order_by().values_list("pk", flat=True)
