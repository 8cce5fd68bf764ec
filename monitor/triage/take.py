"""Takes counted hours off their table and brings the ledger of failures, and their problems, up to date."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, transaction

from monitor.models import ChainMark, CountedHour, Execution, Failure, FailureGroup
from monitor.models.bulk import upsert
from monitor.models.hand_over import again_on_deadlock, is_our_turn, take_hours
from monitor.models.spans import rows_within
from monitor.periods import HOUR
from monitor.triage import supersede
from monitor.triage.groups import error_digest, failed_at, groups_of, unread_groups
from monitor.triage.outcomes import fates_of
from monitor.triage.seen import ALONE, touch_problems_of

HOURS_AT_ONCE = 500
RUNS_AT_ONCE = 20_000  # failed ones of a transaction: what has more waits, but for a single hour
CHUNK = 5_000  # runs in memory, and keys in a statement
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
    "said_names",
    "payload_removed_at",
)
_ENTERED = ("account_id", "flow_id", "group_id", "failed_at", "began_at", "record", "error_digest", "fate")
Place = tuple[FailureGroup, str, str]  # of a failure: its group, its record, the digest of its error
Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenHours:
    """Says what a run did: hours looked at, failures entered or changed, and the problems they belong to."""

    hours: int = 0
    failures: int = 0
    problems: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class EnteredRuns:
    """Says what was entered: how many entries changed, the groups whose problems are to be brought up to date."""

    failures: int
    groups: frozenset[int]


def take(now: datetime, *, waits: bool = True) -> TakenHours:
    """Looks at the failures of some counted hours, the newest first. Call it again until no hours are left.

    Where something in them cannot be entered fewer are taken, at last one: its runs are then entered one by one, and
    what cannot be read is put into a problem of its own. So no run keeps others back.

    Args:
        now: the present.
        waits: for another process that does the same; else the hours are left to it.

    Raises:
        OperationalError, InterfaceError: the database is in trouble; nothing was taken.
    """
    size = HOURS_AT_ONCE
    while True:
        try:
            return again_on_deadlock(partial(_take, size, now, waits=waits, one_by_one=size == 0))
        except (OperationalError, InterfaceError):
            raise
        except Exception as fault:
            if size == 0:
                raise
            logger.error("%d hours could not be entered at once: %s", size, type(fault).__name__)
            size //= 4  # 125, 31, 7, 1, and then the runs of one hour by themselves


@transaction.atomic
def _take(size: int, now: datetime, *, waits: bool, one_by_one: bool) -> TakenHours:
    if not is_our_turn(ALONE, waits=waits):
        return TakenHours()
    hours = take_hours(CountedHour, max(size, 1), _LONG_AGO)
    if not hours:
        return TakenHours()
    hours, keys = _within_bounds(hours)
    chunks = [keys[first : first + CHUNK] for first in range(0, len(keys), CHUNK)]
    close = partial(supersede.by_successes_of, hours, now)
    if one_by_one:
        done = [_enter_one_by_one(chunk, now) for chunk in chunks]
        closed = _attempt("what good runs close", close) or []
    else:
        done = [enter(chunk, now) for chunk in chunks]
        closed = close()
    groups = _groups_of(closed).union(*(some.groups for some in done))
    failures = sum(some.failures for some in done) + len(closed)
    return TakenHours(len(hours), failures, frozenset(touch_problems_of(groups)))


def _groups_of(failures: Iterable[int]) -> set[int]:
    return set(Failure.objects.filter(pk__in=list(failures)).values_list("group_id", flat=True))


def _within_bounds(hours: Collection[tuple[int, datetime]]) -> tuple[set[tuple[int, datetime]], list[int]]:
    """Returns the newest of some hours that hold no more than `RUNS_AT_ONCE` failed runs, one at least, and their keys.

    The others are put back for the next time.
    """
    newest = sorted(hours, key=lambda place: (place[1], place[0]), reverse=True)
    rows = rows_within(Execution, "started_time", newest, HOUR, "place, e.id", _FAILED_ONCE)
    runs: dict[int, list[int]] = {}
    for place, pk in rows:
        runs.setdefault(place - 1, []).append(pk)
    keys: list[int] = []
    for number in range(len(newest)):
        if keys and len(keys) + len(runs.get(number, ())) > RUNS_AT_ONCE:
            CountedHour.objects.mark(newest[number:])
            return set(newest[:number]), keys
        keys += runs.get(number, ())
    return set(newest), keys


def by_earlier_successes(now: datetime, go_on: Callable[[], bool] = lambda: True) -> set[int]:
    """Closes failures by successes that were mirrored before them; returns the problems that they belong to.

    Args:
        now: the present.
        go_on: asked before each step, which is a transaction; what is left then goes on from there the next time.
    """
    problems: set[int] = set()
    for flow in supersede.flows_to_look_at():
        while go_on():
            step = again_on_deadlock(partial(_attempt, f"successes of flow {flow}", partial(_look_at, flow, now)))
            if step is None:
                break  # it keeps no other flow back
            problems |= step.problems
            if step.is_last:
                break
    return problems


@dataclass(frozen=True, slots=True)
class LookedAt:
    """Says what a look at earlier successes of a flow did, and whether nothing of it is left."""

    problems: frozenset[int]
    is_last: bool


def _look_at(flow: int, now: datetime) -> LookedAt:
    if not is_our_turn(ALONE, waits=False):
        return LookedAt(frozenset(), is_last=True)
    closed, is_last = supersede.by_earlier_successes_of(flow, now)
    return LookedAt(frozenset(touch_problems_of(_groups_of(closed))), is_last)


def _enter_one_by_one(keys: Collection[int], now: datetime) -> EnteredRuns:
    done = []
    for key in keys:
        some = _attempt(f"run {key}", partial(enter, [key], now))
        some = some or _attempt(f"run {key} without its data", partial(enter, [key], now, is_unread=True))
        if some is not None:
            done.append(some)
    return EnteredRuns(sum(some.failures for some in done), frozenset().union(*(some.groups for some in done)))


def _attempt(what: str, work: Callable[[], Answer]) -> Answer | None:
    """Does a piece of work that may fail without the transaction; None where it did."""
    try:
        with transaction.atomic():
            return work()
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001 - told without its message, which may quote the run
        logger.error("%s could not be entered: %s", what, type(fault).__name__)
        return None


def enter(keys: Collection[int], now: datetime, *, is_unread: bool = False) -> EnteredRuns:
    """Enters runs that failed into the ledger, or brings their entries up to date. Call it where nobody else does.

    Args:
        keys: primary keys of runs that failed at least once.
        now: the present.
        is_unread: what they say cannot be read: they belong to the group of those that cannot.
    """
    runs = list(Execution.objects.filter(pk__in=keys).only(*_COLUMNS, *([] if is_unread else ["trigger_data"])))
    retries = ChainMark.objects.filter(execution__in=keys, kind=ChainMark.Kind.RETRY)
    own = set(retries.values_list("execution_id", flat=True))
    # Locked: a person may be giving one of them up at this moment.
    locked = Failure.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=keys).order_by("pk")
    entered = {failure.pk: failure for failure in locked.select_related("group")}
    # The run of a retry is told by the run that was retried.
    doubled = [failure for pk, failure in entered.items() if pk in own]
    Failure.objects.filter(pk__in=[failure.pk for failure in doubled]).delete()
    runs = [run for run in runs if run.pk not in own]
    places = _unread_places(runs, now) if is_unread else _places(runs, entered, now)
    rows = sorted(_rows(runs, entered, places, now))
    columns = ("execution_id", *_ENTERED, "fate_at", "superseded_by_id")
    upsert(Failure, columns, rows, ["execution_id"])
    supersede.look_back([(row[2], row[5]) for row in rows if row[6] and row[8] == Failure.Fate.OPEN])
    groups = {row[3] for row in rows} | {entered[row[0]].group_id for row in rows if row[0] in entered}
    return EnteredRuns(len(rows) + len(doubled), frozenset(groups | {failure.group_id for failure in doubled}))


def _rows(
    runs: Sequence[Execution], entered: Mapping[int, Failure], places: Mapping[int, Place], now: datetime
) -> Iterator[tuple[Any, ...]]:
    """Yields the entries that are new or have changed, as `enter` writes them."""
    fates = fates_of(runs, entered)
    for run in runs:
        old, (group, record, digest), fate = entered.get(run.pk), places[run.pk], fates[run.pk]
        about = (run.account_id, run.flow_id, group.pk, failed_at(run), run.started_time, record, digest, fate)
        if old is not None and about == tuple(getattr(old, name) for name in _ENTERED):
            continue
        fate_at = _since(run, fate) if old is None else old.fate_at if old.fate == fate else now
        by = old.superseded_by_id if old is not None and fate == Failure.Fate.SUPERSEDED else None
        yield (run.pk, *about, fate_at, by)


def _places(runs: Sequence[Execution], entered: Mapping[int, Failure], now: datetime) -> dict[int, Place]:
    """Finds the group of each run and its record's digest.

    They stay as they were entered once its error or its data are no longer there to be read: a good run says nothing of
    how it failed, and old ones lose what they carried.
    """
    kept = {run.pk for run in runs if run.pk in entered and (not run.is_failed or run.payload_removed_at is not None)}
    read = [run for run in runs if run.pk not in kept]
    digests = {run.pk: error_digest(run) for run in read}
    groups, records = groups_of(read, digests, entered, now), supersede.records_of(read, now)
    found = {run.pk: (groups[run.pk], records[run.pk], digests[run.pk]) for run in read}
    return found | {pk: (entered[pk].group, entered[pk].record, entered[pk].error_digest) for pk in kept}


def _unread_places(runs: Sequence[Execution], now: datetime) -> dict[int, Place]:
    groups = unread_groups(runs, now)
    return {run.pk: (groups[run.pk], "", "") for run in runs}


def _since(run: Execution, fate: str) -> datetime:
    """Says since when a fate holds that a run has at first sight."""
    ended = run.completed_time if fate == Failure.Fate.RECOVERED else None
    return ended or failed_at(run)
