"""Finds the mirrored runs that a retry of unknown outcome may have caused, for a person to choose from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, TextField
from django.db.models.functions import Cast, Length

from monitor.models import Execution, RetryAttempt
from monitor.models.spans import rows_within
from monitor.retry.lost_answer import payload_hash
from monitor.retry.timing import LAG, RUN_WINDOW, SKEW

MOST_LOOKED_AT = 100  # runs of a flow that began in the time
MOST_SHOWN = 10
LONGEST_COMPARED = 20_000  # characters of trigger data
_SPAN = SKEW + RUN_WINDOW + LAG + timedelta(seconds=1)
# Which retry a run belongs to, if to any; the order in which they began.
_CLAIMED = """
    LEFT JOIN {table} AS claim ON claim.account_id = e.account_id AND claim.new_execution_id = e.execution_id
    ORDER BY e.started_time, e.id
"""


@dataclass(frozen=True)
class CandidateRun:
    """Holds a run that the retry may have caused; `is_alike` is None where its trigger data cannot be compared."""

    run: Execution
    is_alike: bool | None


@dataclass(frozen=True)
class Traces:
    """Holds what the mirror shows that a retry may have done.

    Attributes:
        ran_again: the original has ended anew since the POST, or is going on.
        candidates: runs of the flow that began in its time and belong to no retry, those with the same trigger data
            first.
        is_cut: more began than were looked at, or than are shown.
    """

    ran_again: bool = False
    candidates: list[CandidateRun] = field(default_factory=list)
    is_cut: bool = False


def begins_from(attempt: RetryAttempt) -> datetime:
    """Returns when a run that it caused began at the earliest, by Zoho's clock."""
    sent_at = attempt.sent_at or attempt.requested_at
    return sent_at + (attempt.zoho_ahead or timedelta(0)) - SKEW


def has_run_again(attempt: RetryAttempt, original: Execution) -> bool:
    """Returns whether the original is another than it was before the POST: by a retry, or by Zoho itself."""
    if original.status != Execution.Status.FAILED:
        return True
    ended, before = original.completed_time, attempt.original_completed_time
    return ended is not None and ended > max(before or begins_from(attempt), begins_from(attempt))


def traces_of(attempts: Sequence[RetryAttempt]) -> dict[int, Traces]:
    """Returns what the mirror shows of some retries, by their primary keys. Two statements.

    Args:
        attempts: of unknown outcome, with their executions and these trigger data.
    """
    places = [(one.execution.flow_id, begins_from(one).replace(microsecond=0)) for one in attempts]
    claimed = _CLAIMED.format(table=connection.ops.quote_name(RetryAttempt._meta.db_table))
    near: dict[int, list[int]] = defaultdict(list)
    columns = "place, e.id, claim.id"
    for place, key, claim in rows_within(Execution, "started_time", places, _SPAN, columns, claimed):
        attempt = attempts[place - 1]
        is_free = key != attempt.execution_id and claim in (None, attempt.pk)
        if is_free and len(near[place]) <= MOST_LOOKED_AT:
            near[place].append(key)
    wanted = [key for found in near.values() for key in found[:MOST_LOOKED_AT]]
    runs = {run.pk: run for run in _runs(wanted)}
    return {
        one.pk: _traces(one, [runs[key] for key in near.get(number, ()) if key in runs], len(near.get(number, ())))
        for number, one in enumerate(attempts, start=1)
    }


def _runs(keys: Sequence[int]) -> list[Execution]:
    size = Length(Cast("trigger_data", TextField()))
    rows = Execution.objects.filter(pk__in=keys).annotate(size=size)
    short = rows.filter(Q(size__lte=LONGEST_COMPARED) | Q(trigger_data__isnull=True))
    return list(short.only("account_id", "flow_id", "execution_id", "status", "started_time", "trigger_data"))


def _traces(attempt: RetryAttempt, near: Sequence[Execution], count: int) -> Traces:
    payload = payload_hash(attempt.execution.trigger_data)

    def alike(run: Execution) -> bool | None:
        other = payload_hash(run.trigger_data)
        return other == payload if other and payload else None

    found = [CandidateRun(run, alike(run)) for run in near]
    order: Mapping[bool | None, int] = {True: 0, None: 1, False: 2}
    found.sort(key=lambda one: (order[one.is_alike], one.run.started_time, one.run.pk))
    return Traces(has_run_again(attempt, attempt.execution), found[:MOST_SHOWN], count > min(len(near), MOST_SHOWN))
