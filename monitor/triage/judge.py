"""Judges the states of problems: those whose failures changed, and those whose time has come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, DateTimeField, Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Value

from monitor.models import CrmFailure, Failure, Problem, ProblemAct, RetryBatch, RetryPolicy, User
from monitor.models.hand_over import is_our_turn
from monitor.periods import HOUR, hour_of
from monitor.triage import crm_ledger
from monitor.triage.activity import change_state
from monitor.triage.life_cycle import CALM_FOR, NEW_FOR, ProblemFacts, is_to_go, next_state
from monitor.triage.seen import ALONE, hold

PAST = timedelta(days=7)  # that an hour is compared with
State = Problem.State
_NO_HOURS: Counter[int] = Counter()


def judge_problems(changed: Collection[int], now: datetime) -> int:
    """Takes problems to the states that follow from their failures and from time; returns how many changed.

    Args:
        changed: primary keys of problems to judge besides those that are due.
        now: the present.
    """
    return _judge(Problem.objects.filter(Q(pk__in=changed) | due(now)), now)


def judge_these(changed: Collection[int], now: datetime, *, by: User) -> int:
    """Judges these problems alone, within the act of a person; returns how many changed."""
    return _judge(Problem.objects.filter(pk__in=changed), now, by=by)


def _judge(rows: QuerySet[Problem], now: datetime, *, by: User | None = None) -> int:
    # Read before their failures are: what changes from now on is not taken for seen.
    problems = list(rows.filter(merged_into=None).order_by("pk"))
    facts = facts_of(problems, now)
    count = 0
    for problem in problems:
        known = facts[problem.pk]
        change = next_state(known, now)
        if is_to_go(known):
            count += _delete(problem)
        elif change is None or change_state(problem, change.state, now=now, actor=None, reason=change.reason, by=by):
            count += change is not None
            Problem.objects.filter(pk=problem.pk, unjudged=problem.unjudged).exclude(unjudged=0).update(unjudged=0)
    return count


def _delete(problem: Problem) -> bool:
    """Deletes a problem that has no failures any more and that nobody touched, if both are still so."""
    with transaction.atomic():
        # Whoever enters failures has this lock: none can come in between.
        if not is_our_turn(ALONE, waits=False) or not hold([problem.pk]):
            return False
        same = Problem.objects.filter(pk=problem.pk, version=problem.version, owner=None)
        if _has_failures(problem) or _touched([problem.pk]) or not same.exists():
            return False
        same.delete()
        return True


def _has_failures(problem: Problem) -> bool:
    rows = (model.objects.filter(group__problem=problem) for model in (Failure, CrmFailure))
    return any(found.exists() for found in rows)


def due(now: datetime) -> Q:
    """Selects problems whose state may change: by the passing of time, or because it is not what it has to be.

    The latter hold whatever became of whoever changed their failures: it may have died before they were judged.
    """
    is_old = Q(state__in=(State.NEW, State.REGRESSED), state_since__lte=now - NEW_FOR)
    is_calm = Q(state=State.ESCALATING, state_since__lte=now - CALM_FOR)
    is_back = Q(state=State.ARCHIVED, archived_until__lte=now)
    open_ones = Failure.objects.filter(group__problem=OuterRef("pk"), fate=Failure.Fate.OPEN)
    of_crm = CrmFailure.objects.filter(group__problem=OuterRef("pk"), fate=CrmFailure.Fate.OPEN)
    is_over = Q(~Exists(open_ones), ~Exists(of_crm), state__in=Problem.UNRESOLVED)
    again = Q(Exists(open_ones) | Exists(of_crm), state=State.RESOLVED, resolved_before=None)
    later = open_ones.filter(_brings_back(OuterRef("resolved_before")))
    later_of_crm = of_crm.filter(failed_at__gte=OuterRef("resolved_before"))
    again |= Q(Exists(later) | Exists(later_of_crm), state=State.RESOLVED, resolved_before__isnull=False)
    return Q(unjudged__gt=0) | is_old | is_calm | is_back | is_over | again


def facts_of(problems: Collection[Problem], now: datetime) -> dict[int, ProblemFacts]:
    """Returns what is known of some problems, for `next_state`. Two statements, one for each resolved one.

    As many again where some of them are CRM's.
    """
    keys = [problem.pk for problem in problems]
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    by_fate = Failure.objects.filter(group__problem__in=keys).order_by().values("group__problem", "fate")
    for row in by_fate.annotate(count=Count("pk")):
        counts[row["group__problem"]][row["fate"]] += row["count"]
    hours = _by_hour(keys, now)
    of_crm = [problem.pk for problem in crm_ledger.of_crm(problems)]
    if of_crm:
        counts |= crm_ledger.by_fate(of_crm)
        hours = {**hours, **crm_ledger.by_hour(of_crm, hour_of(now) - PAST, now)}
    again = _open_again([problem for problem in problems if problem.state == State.RESOLVED])
    touched = _touched([key for key in keys if not counts[key].total()])
    slots = int(PAST / HOUR)
    return {
        problem.pk: ProblemFacts(
            state=problem.state,
            since=problem.state_since,
            first_seen_at=problem.first_seen_at,
            failures=counts[problem.pk].total(),
            open=counts[problem.pk][Failure.Fate.OPEN],
            open_again=again.get(problem.pk, 0),
            by_hour=[hours.get(problem.pk, _NO_HOURS)[n] for n in range(slots, 0, -1)],
            this_hour=hours.get(problem.pk, _NO_HOURS)[0],
            archived_until=problem.archived_until,
            archived_after=problem.archived_after,
            is_touched=problem.owner_id is not None or problem.pk in touched,
            what="failure" if problem.source == Problem.Source.CRM else "failed run",
        )
        for problem in problems
    }


class _HoursPast(Func):
    """Counts the whole hours from one time to another, in the database."""

    output_field = IntegerField()

    def as_postgresql(self, compiler: Any, connection: Any) -> Any:
        return self.as_sql(compiler, connection, template="floor(extract(epoch FROM %(expressions)s) / 3600)::int")

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        # To the microsecond, which whole seconds would round away at the end of an hour.
        return self.as_sql(compiler, connection, template="(%(expressions)s) / 3600000000")


def _by_hour(keys: Collection[int], now: datetime) -> Mapping[int, Counter[int]]:
    """Counts the failures of the last week by how many whole hours they are past."""
    found: dict[int, Counter[int]] = defaultdict(Counter)
    since = Failure.objects.filter(group__problem__in=keys, failed_at__gt=hour_of(now) - PAST, failed_at__lte=now)
    past = _HoursPast(Value(now, DateTimeField()) - F("failed_at"))
    rows = since.order_by().annotate(past=past).values_list("group__problem", "past")
    for problem, hours, count in rows.annotate(count=Count("pk")):
        found[problem][hours] = count
    return found


def _open_again(problems: Collection[Problem]) -> dict[int, int]:
    """Counts the open failures that bring resolved problems back."""
    found = {}
    for problem in problems:
        if problem.source == Problem.Source.CRM:
            found[problem.pk] = crm_ledger.open_again(problem)
            continue
        rows = Failure.objects.filter(group__problem=problem, fate=Failure.Fate.OPEN)
        if problem.resolved_before is not None:
            rows = rows.filter(_brings_back(problem.resolved_before))
        found[problem.pk] = rows.count()
    return found


def _brings_back(resolved_before: Any) -> Q:
    """Selects failures that bring a problem back; one without a beginning is taken by when it failed."""
    return Q(began_at__gte=resolved_before) | Q(began_at=None, failed_at__gte=resolved_before)


def _touched(keys: Collection[int]) -> set[int]:
    """Returns the problems that people did something about, or that batches or policies of retries name."""
    if not keys:
        return set()
    acted = Exists(ProblemAct.objects.filter(problem=OuterRef("pk"), actor__isnull=False))
    merged = Exists(Problem.objects.filter(merged_into=OuterRef("pk")))
    retried = Exists(RetryBatch.objects.filter(problem=OuterRef("pk")))
    has_policy = Exists(RetryPolicy.objects.filter(problem=OuterRef("pk")))
    return set(Problem.objects.filter(acted | merged | retried | has_policy, pk__in=keys).values_list("pk", flat=True))
