"""Keeps rules within their budgets of false alerts: the pace of their flows together, counted anew once a day."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerting.kinds.interface import at_pace, has_budget
from monitor.alerting.pace import pace_of, paces
from monitor.alerting.scope import Coverage
from monitor.models import RuleBudget
from monitor.periods import day_of

if TYPE_CHECKING:
    from monitor.alerting.load import ReadRule

MARK_KEPT = 24  # characters of a rule's mark that tell it from a changed one


def keep_to_budgets(account_id: int, rules: Mapping[int, ReadRule], covered: Coverage[int], now: datetime) -> None:
    """Gives the rules that have a budget the conditions that it asks for at the pace of their flows.

    No statement where none has one, one on most days' evaluations, and three more with a day's first.

    Args:
        account_id: whose rules.
        rules: by key; their conditions and marks are changed.
        covered: which flows they are for.
        now: the present.
    """
    mine = {key: rule for key, rule in rules.items() if rule.is_on and has_budget(rule.condition)}
    if not mine:
        return
    known = RuleBudget.objects.in_bulk(list(mine))
    today = day_of(now)
    if late := [key for key in mine if key not in known or known[key].counted_on != today]:
        known |= _count(account_id, late, covered, now)
    for key, rule in mine.items():
        wanted = at_pace(rule.condition, known[key].runs_a_month)
        if wanted != rule.condition:
            said = hashlib.sha256(f"{rule.mark} {wanted}".encode()).hexdigest()
            # As the same rule: what it finds now is no first finding of a changed one.
            rule.condition, rule.mark = wanted, rule.mark[:MARK_KEPT] + said[: len(rule.mark) - MARK_KEPT]


def _count(account_id: int, keys: list[int], covered: Coverage[int], now: datetime) -> dict[int, RuleBudget]:
    usual = paces(account_id, now)
    flows: dict[int, list[int]] = defaultdict(list)
    for place in covered.wanted:
        flows[place.rule].append(place.flow)
    found = {}
    for key in keys:
        pace = pace_of(flows[key], usual)
        values = {"counted_on": day_of(now), "flows": len(flows[key]), "runs_a_month": pace.runs_a_month}
        found[key], _ = RuleBudget.objects.update_or_create(rule_id=key, defaults=values)
    return found
