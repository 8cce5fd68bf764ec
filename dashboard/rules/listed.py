"""Finds what a page of the list of workflow rules shows; what is the same for everybody is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dashboard import remembered
from dashboard.rules.rows import ListedRule
from monitor.ownership import ownership_of
from monitor.queries import rule_list
from monitor.queries.rule_list import RuleFilter


def in_order(wanted: RuleFilter, now: datetime) -> Sequence[int]:
    """Finds the primary keys of all rules of a list, in its order. One statement in a few seconds."""
    return remembered.of(("rules in order", wanted), lambda: rule_list.in_order(wanted, now))


def listed(keys: Sequence[int], now: datetime, days: int) -> list[ListedRule]:
    """Reads the rules of a page, with who looks after them and what they did. At most three statements.

    Args:
        keys: primary keys, in order.
        now: the present.
        days: of the period.
    """
    uses = rule_list.use_of(keys, now, days)
    return [(rule, ownership_of(rule), uses.get(rule.pk)) for rule in rule_list.rows(keys)]
