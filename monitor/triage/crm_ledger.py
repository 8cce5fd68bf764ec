"""Counts the entries of what failed in CRM, for the judge of problems: an entry counts as many as it stands for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db.models import Max, Min, Q, Sum

from monitor.models import CrmFailure, Problem
from monitor.periods import HOUR


def of_crm(problems: Collection[Problem]) -> list[Problem]:
    """Returns those of some problems that are CRM's."""
    return [problem for problem in problems if problem.source == Problem.Source.CRM]


def by_fate(problems: Collection[int]) -> Mapping[int, Counter[str]]:
    """Counts what failed by how it ended. One statement."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    rows = CrmFailure.objects.filter(group__problem__in=problems).order_by().values_list("group__problem", "fate")
    for problem, fate, count in rows.annotate(total=Sum("count")):
        found[problem][fate] += count
    return found


def by_hour(problems: Collection[int], since: datetime, now: datetime) -> Mapping[int, Counter[int]]:
    """Counts what failed by how many whole hours it is past, as `judge` does with runs. One statement."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    rows = CrmFailure.objects.filter(group__problem__in=problems, failed_at__gt=since, failed_at__lte=now)
    for problem, at, count in rows.values_list("group__problem", "failed_at", "count"):
        found[problem][int((now - at) / HOUR)] += count
    return found


def open_again(problem: Problem) -> int:
    """Counts what is open of a resolved problem and brings it back. One statement."""
    rows = CrmFailure.objects.filter(group__problem=problem, fate=CrmFailure.Fate.OPEN)
    if problem.resolved_before is not None:
        rows = rows.filter(failed_at__gte=problem.resolved_before)
    return rows.aggregate(total=Sum("count"))["total"] or 0


def total(scope: Q) -> int:
    """Counts what failed, of all fates. One statement."""
    return CrmFailure.objects.filter(scope).aggregate(total=Sum("count"))["total"] or 0


def spans(problems: Collection[int]) -> dict[int, tuple[datetime, datetime]]:
    """Returns when each failed first and last. One statement."""
    rows = CrmFailure.objects.filter(group__problem__in=problems).order_by().values_list("group__problem")
    return {key: (first, last) for key, first, last in rows.annotate(first=Min("failed_at"), last=Max("failed_at"))}
