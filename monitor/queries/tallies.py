"""Counts several kinds of rows with one statement, where a page needs only their numbers."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet, Value

from monitor.models import Incident
from monitor.queries import problems


def count_each(rows: dict[str, QuerySet[Any]]) -> dict[str, int]:
    """Counts rows by name. One statement.

    Args:
        rows: whatever is to be counted, by name; one at least.
    """
    counted = [
        some.order_by()
        .annotate(tally=Value(name))
        .values("tally")
        .annotate(many=Count("pk"))
        .values_list("tally", "many")
        for name, some in rows.items()
    ]
    first, *others = counted
    found = dict(first.union(*others, all=True) if others else first)
    return {name: found.get(name, 0) for name in rows}


def of_menu() -> dict[str, int]:
    """Counts what the menu shows: open incidents as "alerts", problems that somebody has to look at as "problems"."""
    return count_each({"alerts": Incident.objects.filter(closed_at=None), "problems": problems.unresolved()})
