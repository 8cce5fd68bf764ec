"""Loads the problems of an account that failed lately, or of which an alert is open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce

from monitor.alerting.kinds.error_appears.condition import ErrorAppears, ProblemMaterial, folded
from monitor.alerting.kinds.subjects import PROBLEM, AlertSubject, SubjectMaterial
from monitor.models import AlertState, Failure, FailureGroup, Problem, ZohoAccount
from monitor.privacy import mask_text

HOUR = timedelta(hours=1)


def subjects(
    account: ZohoAccount, conditions: Sequence[ErrorAppears], now: datetime, stale: str
) -> list[SubjectMaterial]:
    """Returns the problems of an account that may be asked for. Four statements at most."""
    quiet = timedelta(hours=max(condition.quiet_hours for condition in conditions))
    states = AlertState.objects.filter(rule__account=account, rule__kind=ErrorAppears.kind, is_open=True)
    opened = [int(key) for key in states.values_list("subject_key", flat=True)]
    lately = Q(last_seen_at__gt=now - quiet, last_seen_at__lte=now)
    problems = list(Problem.objects.filter(lately | Q(pk__in=opened), account=account, merged_into=None).order_by("pk"))
    if not problems:
        return []
    often = _this_hour(account, now)
    texts = _texts(problems) if any(condition.text for condition in conditions) else {}
    found = []
    for problem in problems:
        count, first = often.get(problem.pk, (0, None))
        material = ProblemMaterial(
            state=problem.state,
            since=problem.state_since,
            first_seen_at=problem.first_seen_at,
            last_seen_at=problem.last_seen_at,
            texts=folded(f"{problem.title} {problem.app} {texts.get(problem.pk, '')}"),
            this_hour=count,
            hour_from=first,
        )
        if problem.pk in opened or any(condition.fits(material) for condition in conditions):
            name = mask_text(problem.title) or f"problem {problem.pk}"
            found.append(SubjectMaterial(AlertSubject(PROBLEM, str(problem.pk), name), material, stale))
    return found


def _this_hour(account: ZohoAccount, now: datetime) -> dict[int, tuple[int, datetime]]:
    """Returns how many runs failed within the last hour and when the first of them did, by problem."""
    # Each fate is named because the index begins with it.
    rows = Failure.objects.filter(
        account=account, fate__in=Failure.Fate.values, failed_at__gt=now - HOUR, failed_at__lte=now
    )
    of = Coalesce("group__problem__merged_into", "group__problem")
    counted = rows.order_by().values(problem=of).annotate(count=Count("pk"), first=Min("failed_at"))
    return {row["problem"]: (row["count"], row["first"]) for row in counted}


def _texts(problems: Sequence[Problem]) -> dict[int, str]:
    """Returns the codes and the messages of problems, with those that were merged into them."""
    keys = [problem.pk for problem in problems]
    groups = FailureGroup.objects.filter(Q(problem__in=keys) | Q(problem__merged_into__in=keys))
    found: defaultdict[int, list[str]] = defaultdict(list)
    columns = ("problem_id", "problem__merged_into", "app", "action", "error_code", "template")
    for problem, merged, *words in groups.values_list(*columns):
        found[merged or problem] += words
    return {problem: " ".join(words) for problem, words in found.items()}
