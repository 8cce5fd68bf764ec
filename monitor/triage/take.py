"""Takes counted hours off their table and brings the ledger of failures, and their problems, up to date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from monitor.models import (
    ChainMark,
    CountedHour,
    Execution,
    Failure,
    FailureGroup,
    Problem,
    RetryAttempt,
    WriteOff,
)
from monitor.models.bulk import upsert
from monitor.models.hand_over import is_our_turn, take_hours
from monitor.models.spans import rows_within
from monitor.periods import HOUR
from monitor.triage import supersede
from monitor.triage.activity import log
from monitor.triage.failed_action import FailedAction, actions_of
from monitor.triage.fate import FailedOnce, fate_of
from monitor.triage.fingerprint import VERSION, FailureCause, cause_of
from monitor.triage.seen import widen

HOURS_AT_ONCE = 500
TITLE_LENGTH = 300
ALONE = 0x547269616765  # a number of our own for PostgreSQL's advisory lock
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_FAILED_ONCE = "WHERE e.status = 'failed' OR e.first_failed_at IS NOT NULL"
_COLUMNS = (
    "account_id",
    "flow_id",
    "status",
    "started_time",
    "completed_time",
    "first_failed_at",
    "first_seen_at",
    "error_code",
    "error_message",
    "error_details",
    "error_action_id",
    "trigger_data",
    "payload_removed_at",
)
_ENTERED = ("account_id", "flow_id", "group_id", "failed_at", "began_at", "record", "fate")


@dataclass(frozen=True, slots=True)
class TakenHours:
    """Says what a run did: hours looked at, failures entered or changed, and the problems they belong to."""

    hours: int = 0
    failures: int = 0
    problems: frozenset[int] = frozenset()


@transaction.atomic
def take(now: datetime, *, waits: bool = True) -> TakenHours:
    """Looks at the failures of some counted hours, the newest first. Call it again until no hours are left.

    Args:
        now: the present.
        waits: for another process that does the same; else the hours are left to it.
    """
    if not is_our_turn(ALONE, waits=waits):
        return TakenHours()
    hours = take_hours(CountedHour, HOURS_AT_ONCE, _LONG_AGO)
    if not hours:
        return TakenHours()
    keys = [pk for (pk,) in rows_within(Execution, "started_time", sorted(hours), HOUR, "e.id", _FAILED_ONCE)]
    problems, count = enter(keys, now)
    closed = supersede.by_successes_of(hours, now)
    return TakenHours(len(hours), count + len(closed), frozenset(problems | problems_of(closed)))


@transaction.atomic
def by_earlier_successes(now: datetime) -> set[int]:
    """Closes failures by successes that were mirrored before them; returns the problems that they belong to."""
    return problems_of(supersede.by_earlier_successes(now)) if is_our_turn(ALONE, waits=False) else set()


def enter(keys: Collection[int], now: datetime) -> tuple[set[int], int]:
    """Enters runs that failed into the ledger, or brings their entries up to date. Call it where nobody else does.

    Args:
        keys: primary keys of runs that failed at least once.
        now: the present.

    Returns:
        Primary keys of the problems whose failures changed, and how many entries did.
    """
    runs = list(Execution.objects.filter(pk__in=keys).only(*_COLUMNS))
    retries = ChainMark.objects.filter(execution__in=keys, kind=ChainMark.Kind.RETRY)
    own = set(retries.values_list("execution_id", flat=True))
    # Locked: a person may be giving one of them up at this moment.
    entered = Failure.objects.select_for_update(of=("self",)).select_related("group").in_bulk(keys)
    # The run of a retry is told by the run that was retried.
    doubled = [failure for pk, failure in entered.items() if pk in own]
    Failure.objects.filter(pk__in=[failure.pk for failure in doubled]).delete()
    runs = [run for run in runs if run.pk not in own]
    places = _places(runs, entered, now)
    outcomes = _outcomes(runs, entered)
    rows, touched = [], {failure.group.problem_id for failure in doubled}
    for run in runs:
        old, (group, record) = entered.get(run.pk), places[run.pk]
        fate = fate_of(outcomes[run.pk])
        values = (run.account_id, run.flow_id, group.pk, _failed_at(run), run.started_time, record, fate)
        if old is not None and _values_of(old) == values:
            continue
        fate_at = _since(run, fate) if old is None else old.fate_at if old.fate == fate else now
        by = old.superseded_by_id if old is not None and fate == Failure.Fate.SUPERSEDED else None
        rows.append((run.pk, *values, fate_at, by))
        touched |= {group.problem_id} | ({old.group.problem_id} if old else set())
    upsert(Failure, ("execution_id", *_ENTERED, "fate_at", "superseded_by_id"), sorted(rows), ["execution_id"])
    widen(touched)
    supersede.look_back([(row[2], row[5]) for row in rows if row[6] and row[7] == Failure.Fate.OPEN])
    return touched, len(rows) + len(doubled)


def _places(
    runs: Sequence[Execution], entered: Mapping[int, Failure], now: datetime
) -> dict[int, tuple[FailureGroup, str]]:
    """Finds the group of each run and its record's digest.

    They stay as they were entered once its error or its data are no longer there to be read: a good run says nothing of
    how it failed, and old ones lose what they carried.
    """
    kept = {run.pk for run in runs if run.pk in entered and (not run.is_failed or run.payload_removed_at is not None)}
    read = [run for run in runs if run.pk not in kept]
    groups, records = _groups(read, now), supersede.records_of(read, now)
    found = {run.pk: (groups[run.pk], records[run.pk]) for run in read}
    return found | {pk: (entered[pk].group, entered[pk].record) for pk in kept}


def problems_of(failures: Iterable[int]) -> set[int]:
    """Returns the primary keys of the problems that some failures belong to."""
    return set(Failure.objects.filter(pk__in=list(failures)).values_list("group__problem_id", flat=True))


def _values_of(failure: Failure) -> tuple[object, ...]:
    return tuple(getattr(failure, name) for name in _ENTERED)


def _failed_at(run: Execution) -> datetime:
    return run.first_failed_at or run.completed_time or run.started_time or run.first_seen_at


def _since(run: Execution, fate: str) -> datetime:
    """Says since when a fate holds that a run has at first sight."""
    ended = run.completed_time if fate == Failure.Fate.RECOVERED else None
    return ended or _failed_at(run)


def _outcomes(runs: Sequence[Execution], entered: Mapping[int, Failure]) -> dict[int, FailedOnce]:
    keys = [run.pk for run in runs]
    good = set(
        RetryAttempt.objects.filter(execution__in=keys, state=RetryAttempt.State.SUCCEEDED).values_list(
            "execution_id", flat=True
        )
    )
    made_good = ChainMark.objects.filter(execution__in=keys, kind=ChainMark.Kind.MADE_GOOD)
    good |= set(made_good.values_list("execution_id", flat=True))
    given_up = set(WriteOff.objects.filter(failure__in=keys).values_list("failure_id", flat=True))
    return {
        run.pk: FailedOnce(
            status=run.status,
            has_good_retry=run.pk in good,
            # Also where the later run is no longer kept.
            is_superseded=run.pk in entered and entered[run.pk].fate == Failure.Fate.SUPERSEDED,
            is_written_off=run.pk in given_up,
        )
        for run in runs
    }


@dataclass(frozen=True, slots=True)
class Caused:
    """Holds the cause of a run's failure, and the action that failed."""

    cause: FailureCause
    action: FailedAction
    code: str


def _causes(runs: Sequence[Execution]) -> dict[int, Caused]:
    """Finds the cause of each run's failure."""
    actions = actions_of({(run.flow_id, run.error_action_id) for run in runs})
    found = {}
    for run in runs:
        action = actions[run.flow_id, run.error_action_id]
        cause = cause_of(
            app=action.app,
            action=action.kind,
            code=run.error_code,
            message=run.error_message,
            details=run.error_details,
            trigger_data=run.trigger_data,
        )
        found[run.pk] = Caused(cause, action, run.error_code)
    return found


def _groups(runs: Sequence[Execution], now: datetime) -> dict[int, FailureGroup]:
    """Finds the group of each run, and makes those that are new, each with a problem of its own."""
    caused = _causes(runs)
    wanted: dict[tuple[int, str], list[Execution]] = defaultdict(list)
    for run in runs:
        wanted[run.account_id, caused[run.pk].cause.fingerprint].append(run)
    known = FailureGroup.objects.filter(
        account__in={account for account, _ in wanted}, fingerprint__in={print_ for _, print_ in wanted}
    )
    groups = {(group.account_id, group.fingerprint): group for group in known}
    for place, members in wanted.items():
        if place not in groups:
            groups[place] = _new_group(members, caused[members[0].pk], now)
    return {run.pk: groups[place] for place, members in wanted.items() for run in members}


def _new_group(members: Sequence[Execution], caused: Caused, now: datetime) -> FailureGroup:
    times, cause = [_failed_at(run) for run in members], caused.cause
    about: dict[str, Any] = {
        "account_id": members[0].account_id,
        "app": caused.action.app,
        "remedy": cause.remedy,
        "first_seen_at": min(times),
    }
    problem = Problem.objects.create(
        **about, title=cause.template[:TITLE_LENGTH], last_seen_at=max(times), state_since=now
    )
    log(problem, "seen", now=now, actor=None, detail={"to": Problem.State.NEW})
    return FailureGroup.objects.create(
        **about,
        problem=problem,
        fingerprint=cause.fingerprint,
        version=VERSION,
        action=caused.action.kind,
        error_code=caused.code,
        template=cause.template,
    )
