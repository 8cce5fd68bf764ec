"""Brings problems up to date whose failures changed: sets when they were seen, and marks them for the judge.

Locks are taken in one order everywhere, so that nobody waits in a circle: failures, then problems, each by their keys.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import F, Max, Min

from monitor.models import Failure, FailureGroup, Problem
from monitor.triage import crm_ledger

ALONE = 0x547269616765  # whoever enters failures or deletes problems: a number for PostgreSQL's advisory lock


def touch_problems_of(groups: Collection[int]) -> set[int]:
    """Brings the problems of some groups up to date; returns their primary keys.

    Args:
        groups: primary keys of groups whose failures changed. The changes are written, and no failure is locked later.
    """
    problems = hold_problems_of(groups)
    touch(problems)
    return problems


def touch(problems: Collection[int]) -> None:
    """Sets when problems were seen first and last by the failures they have now, and marks them for the judge."""
    held = hold(problems)
    of_crm = [problem.pk for problem in crm_ledger.of_crm(held.values())]
    for key, (first, last) in (crm_ledger.spans(of_crm) if of_crm else {}).items():
        Problem.objects.filter(pk=key).update(first_seen_at=first, last_seen_at=last)
    spans = Failure.objects.filter(group__problem__in=problems).values("group__problem").order_by("group__problem")
    for span in spans.annotate(first=Min("failed_at"), last=Max("failed_at")):
        seen = Problem.objects.filter(pk=span["group__problem"])
        seen.update(first_seen_at=span["first"], last_seen_at=span["last"])
    Problem.objects.filter(pk__in=problems).update(unjudged=F("unjudged") + 1)


def hold_problems_of(groups: Collection[int]) -> set[int]:
    """Locks the problems of some groups until the transaction ends; returns their primary keys.

    A merge holds the problems whose groups it moves: who has waited for it looks again where they are.
    """
    held: set[int] = set()
    while True:
        found = set(FailureGroup.objects.filter(pk__in=groups).values_list("problem_id", flat=True))
        if found <= held:
            return found
        hold(found - held)
        held |= found


def hold(problems: Collection[int]) -> dict[int, Problem]:
    """Locks problems until the transaction ends, in the order of their keys; returns them as they are now."""
    rows = Problem.objects.select_for_update(no_key=True).filter(pk__in=problems).order_by("pk")
    return {row.pk: row for row in rows}
