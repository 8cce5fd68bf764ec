"""Sets when problems were seen first and last."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Max, Min

from monitor.models import Failure, Problem


def widen(problems: Collection[int]) -> None:
    """Sets when the problems were seen first and last, by the failures they have now."""
    spans = Failure.objects.filter(group__problem__in=problems).values("group__problem").order_by()
    for span in spans.annotate(first=Min("failed_at"), last=Max("failed_at")):
        seen = Problem.objects.filter(pk=span["group__problem"])
        seen.update(first_seen_at=span["first"], last_seen_at=span["last"])
