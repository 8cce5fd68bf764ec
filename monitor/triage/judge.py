"""Judges the states of problems: those whose failures changed, and those whose time has come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q

from monitor.models import Failure, Problem
from monitor.periods import HOUR, hour_of
from monitor.triage.activity import change_state
from monitor.triage.life_cycle import CALM_FOR, NEW_FOR, ProblemFacts, next_state

PAST = timedelta(days=7)  # that an hour is compared with
State = Problem.State


def judge_problems(changed: Collection[int], now: datetime) -> int:
    """Takes problems to the states that follow from their failures and from time; returns how many changed.

    Args:
        changed: primary keys of problems whose failures changed.
        now: the present.
    """
    problems = list(Problem.objects.filter(Q(pk__in=changed) | due(now), merged_into=None))
    facts = facts_of(problems, now)
    count = 0
    for problem in problems:
        change = next_state(facts[problem.pk], now)
        if change is not None:
            count += change_state(problem, change.state, now=now, actor=None, reason=change.reason)
    return count


def due(now: datetime) -> Q:
    """Selects problems whose state may change by the passing of time alone."""
    is_old = Q(state__in=(State.NEW, State.REGRESSED), state_since__lte=now - NEW_FOR)
    is_calm = Q(state=State.ESCALATING, state_since__lte=now - CALM_FOR)
    return is_old | is_calm | Q(state=State.ARCHIVED, archived_until__lte=now)


def facts_of(problems: Collection[Problem], now: datetime) -> dict[int, ProblemFacts]:
    """Returns what is known of some problems, for `next_state`. Two statements, one more for resolved ones."""
    keys = [problem.pk for problem in problems]
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    by_fate = Failure.objects.filter(group__problem__in=keys).order_by().values("group__problem", "fate")
    for row in by_fate.annotate(count=Count("pk")):
        counts[row["group__problem"]][row["fate"]] += row["count"]
    hours = _by_hour(keys, now)
    again = _open_again([problem for problem in problems if problem.state == State.RESOLVED])
    slots = int(PAST / HOUR)
    return {
        problem.pk: ProblemFacts(
            state=problem.state,
            since=problem.state_since,
            first_seen_at=problem.first_seen_at,
            failures=counts[problem.pk].total(),
            open=counts[problem.pk][Failure.Fate.OPEN],
            open_again=again.get(problem.pk, 0),
            by_hour=[hours[problem.pk][n] for n in range(slots, 0, -1)],
            this_hour=hours[problem.pk][0],
            archived_until=problem.archived_until,
            archived_after=problem.archived_after,
        )
        for problem in problems
    }


def _by_hour(keys: Collection[int], now: datetime) -> Mapping[int, Counter[int]]:
    """Counts the failures of the last week by how many whole hours they are past."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    since = Failure.objects.filter(group__problem__in=keys, failed_at__gt=hour_of(now) - PAST, failed_at__lte=now)
    for problem, failed_at in since.values_list("group__problem", "failed_at").iterator(chunk_size=5000):
        found[problem][int((now - failed_at) / HOUR)] += 1
    return found


def _open_again(problems: Collection[Problem]) -> dict[int, int]:
    """Counts the open failures that bring resolved problems back."""
    found = {}
    for problem in problems:
        rows = Failure.objects.filter(group__problem=problem, fate=Failure.Fate.OPEN)
        if problem.resolved_before is not None:
            # One without a beginning is taken by when it failed.
            began = Q(began_at__gte=problem.resolved_before)
            rows = rows.filter(began | Q(began_at=None, failed_at__gte=problem.resolved_before))
        found[problem.pk] = rows.count()
    return found
