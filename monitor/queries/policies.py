"""Reads policies of retries and what they have used of their limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from monitor.models import Flow, Problem, RetryAttempt, RetryPolicy, counted_in_a_day
from monitor.periods import DAY

NEWEST = 20
COUNTED_DAYS = 30  # of the ends of a policy's retries: what is counted for a page must not grow for ever
State = RetryAttempt.State
TODAY, SUCCEEDED, FAILED = "today", "succeeded", "failed"


@dataclass(frozen=True)
class PolicyUse:
    """Holds a policy and how its retries have ended.

    Attributes:
        today: asked for in the last 24 hours, as the limit of a day counts.
        succeeded, failed: of those that it asked for in the last `COUNTED_DAYS` days.
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


def all_on() -> dict[tuple[str, int | None], RetryPolicy]:
    """Returns the policies that are on, the first of each "flow" or "problem" by its primary key. One statement."""
    found: dict[tuple[str, int | None], RetryPolicy] = {}
    for policy in RetryPolicy.objects.filter(is_on=True).order_by("pk"):
        key = ("flow", policy.flow_id) if policy.flow_id is not None else ("problem", policy.problem_id)
        found.setdefault(key, policy)
    return found


def policies_of(thing: Flow | Problem) -> QuerySet[RetryPolicy]:
    """Returns the policies that a flow or a problem has."""
    return policies().filter(flow=thing) if isinstance(thing, Flow) else policies().filter(problem=thing)


def with_use(now: datetime) -> list[PolicyUse]:
    """Returns all policies with their use up to now."""
    return _with_use(policies(), now)


def use_of(policy: RetryPolicy, now: datetime) -> PolicyUse:
    """Returns one policy's use, as `with_use` does."""
    return _with_use(policies().filter(pk=policy.pk), now)[0]


def newest_retries(policy: RetryPolicy) -> Iterable[RetryAttempt]:
    """Returns its newest retries with their runs."""
    rows = RetryAttempt.objects.filter(policy=policy).select_related("execution")
    return rows.defer("execution__trigger_data", "execution__search_text").order_by("-requested_at", "-pk")[:NEWEST]


def retries(policy: RetryPolicy, now: datetime, which: str = "") -> QuerySet[RetryAttempt]:
    """Returns a policy's retries of the last `COUNTED_DAYS` days with their runs, the newest first.

    Args:
        policy: whose.
        now: the present.
        which: TODAY, SUCCEEDED or FAILED for those that a policy's page counts so; empty for all.
    """
    rows = RetryAttempt.objects.filter(policy=policy, requested_at__gt=now - COUNTED_DAYS * DAY)
    if which:
        rows = rows.filter(_counted(now)[which])
    rows = rows.select_related("execution__flow").order_by("-requested_at", "-pk")
    return rows.defer("execution__trigger_data", "execution__search_text", "execution__flow__raw")


def _counted(now: datetime) -> dict[str, Q]:
    """Says which retries are counted under which name."""
    failed = Q(state__in=(State.FAILED_AGAIN, State.REJECTED))
    return {TODAY: counted_in_a_day(now), SUCCEEDED: Q(state=State.SUCCEEDED), FAILED: failed}


def _with_use(rows: QuerySet[RetryPolicy], now: datetime) -> list[PolicyUse]:
    found = list(rows)
    # By the index of policies and times, from the newest on: what lies further back is not read.
    retries = RetryAttempt.objects.filter(
        policy__in=[row.pk for row in found], requested_at__gt=now - COUNTED_DAYS * DAY
    )
    counted = {name: Count("pk", filter=which) for name, which in _counted(now).items()}
    counts: Any = retries.order_by().values("policy").annotate(**counted)
    of = {one["policy"]: (one["today"], one["succeeded"], one["failed"]) for one in counts}
    return [PolicyUse(row, *of.get(row.pk, (0, 0, 0))) for row in found]
