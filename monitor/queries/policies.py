"""Reads policies of retries and what they have used of their limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from monitor.models import Flow, Problem, RetryAttempt, RetryPolicy

NEWEST = 20
State = RetryAttempt.State


@dataclass(frozen=True)
class PolicyUse:
    """Holds a policy and how its retries have ended.

    Attributes:
        today: asked for since the moment that the limit of a day counts from.
        succeeded, failed: of all that it ever asked for.
    """

    policy: RetryPolicy
    today: int
    succeeded: int
    failed: int


def policies() -> QuerySet[RetryPolicy]:
    """Returns the policies with what their pages show."""
    rows = RetryPolicy.objects.select_related("account", "flow", "problem", "set_by")
    return rows.defer("account__client_secret", "flow__raw")


def on_for(name: str) -> Subquery:
    """Selects the first policy that is on for a row: to be annotated, so that its page need not ask for it.

    Args:
        name: `flow` or `problem`, of which the rows are.
    """
    return Subquery(RetryPolicy.objects.filter(**{name: OuterRef("pk")}, is_on=True).order_by("pk").values("pk")[:1])


def policies_of(thing: Flow | Problem) -> QuerySet[RetryPolicy]:
    """Returns the policies that a flow or a problem has."""
    return policies().filter(flow=thing) if isinstance(thing, Flow) else policies().filter(problem=thing)


def with_use(since: datetime) -> list[PolicyUse]:
    """Returns all policies with their use; `since` is where the limit of a day counts from."""
    return _with_use(policies(), since)


def use_of(policy: RetryPolicy, since: datetime) -> PolicyUse:
    """Returns one policy's use, as `with_use` does."""
    return _with_use(policies().filter(pk=policy.pk), since)[0]


def newest_retries(policy: RetryPolicy) -> Iterable[RetryAttempt]:
    """Returns its newest retries with their runs."""
    rows = RetryAttempt.objects.filter(policy=policy).select_related("execution")
    return rows.defer("execution__trigger_data", "execution__search_text").order_by("-requested_at", "-pk")[:NEWEST]


def _with_use(rows: QuerySet[RetryPolicy], since: datetime) -> list[PolicyUse]:
    asked = Q(retries__requested_at__gt=since) & ~Q(retries__state=State.CANCELLED)
    rows = rows.annotate(
        today=Count("retries", filter=asked),
        succeeded=Count("retries", filter=Q(retries__state=State.SUCCEEDED)),
        failed=Count("retries", filter=Q(retries__state__in=(State.FAILED_AGAIN, State.REJECTED))),
    )
    return [PolicyUse(row, row.today, row.succeeded, row.failed) for row in rows]
