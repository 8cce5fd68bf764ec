"""Takes dirty hours off their table, recounts them from the rows, and writes their buckets and their days'."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from django.db import transaction

from monitor.ends import HourEnds
from monitor.error_classes import OTHER, error_class
from monitor.faultpoints import faultpoint
from monitor.models import ChainMark, CountedHour, DirtyHour
from monitor.models.hand_over import again_on_deadlock, is_our_turn, take_hours
from monitor.periods import DAY, midnight_of
from monitor.rollups import read
from monitor.rollups.end_of_run import end_of, running_since, start_of
from monitor.rollups.prune import ALONE, closed_hours
from monitor.rollups.retry_chains import Key, Lineage
from monitor.rollups.success_rate import COUNT_FIELDS, FAILED, RUNNING, SUCCESS, CountedRun, RunCounts
from monitor.rollups.write import write, write_marks

__all__ = ["COUNT_FIELDS", "rebuild_dirty"]

logger = logging.getLogger(__name__)

# Hours a transaction: short enough that a writer of the mirror hardly waits, and that the rows of so many hours of
# busy flows fit into memory; long enough to save statements.
BATCH_HOURS = 1000
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # no flow is older
FINISHED = (SUCCESS, FAILED)


def rebuild_dirty(now: datetime, *, limit: int = 2000, waits: bool = True) -> int:
    """Recounts dirty hours, the newest first.

    Safe to run in several processes at once: they take turns, a transaction each. A bucket is written only in a
    transaction that has taken its dirty hour.

    Args:
        now: the time of the run.
        limit: how many hours at most. Call again until the answer is 0: a recount may mark further hours.
        waits: for another process that counts; else that one is left to it, and 0 is the answer.

    Returns:
        How many hours were recounted.
    """
    done = 0
    while done < limit:
        size = min(BATCH_HOURS, limit - done)
        count = again_on_deadlock(partial(_rebuild_batch, size, now, waits=waits))
        done += count
        if count == 0:
            break
        faultpoint("rollup-committed")
    if done:
        logger.debug("%d hours recounted at %s", done, now.isoformat(timespec="seconds"))
    return done


@transaction.atomic
def _rebuild_batch(size: int, now: datetime, *, waits: bool = True) -> int:
    if not is_our_turn(ALONE, waits=waits):
        return 0
    taken = take_hours(DirtyHour, size, _whole_days(size)) or take_hours(DirtyHour, size, _LONG_AGO)
    if not taken:
        return 0
    rows = read.rows_of(taken)
    # Where the rows are pruned the bucket is all that there is.
    wanted = taken - closed_hours(taken)
    rows = [row for row in rows if row.flow_hour in wanted]
    lineage, hour_of = read.lineage_of(rows)
    write(wanted, _count(rows, lineage), _ends(rows, lineage), now)
    write_marks({row.pk: (row.mark, _mark(row, lineage)) for row in rows})
    _mark_roots(wanted, rows, lineage, hour_of)
    CountedHour.objects.mark(taken)
    faultpoint("rollup-before-commit")
    return len(taken)


def _whole_days(size: int) -> datetime:
    """Returns from when on the newest dirty hours are at most so many, to the day: each day is summed up once.

    All of them, where one day alone has more.
    """
    hours = DirtyHour.objects.order_by("-hour", "-flow_id").values_list("hour", flat=True)
    last = hours[size : size + 1].first()
    if last is None:
        return _LONG_AGO
    next_day = midnight_of(last) + DAY
    return next_day if hours.filter(hour__gte=next_day).exists() else _LONG_AGO


def _count(rows: Sequence[read.Row], lineage: Lineage) -> dict[read.FlowHour, dict[int, RunCounts]]:
    """Counts the rows of each hour by its quarters."""
    counted: dict[read.FlowHour, dict[int, RunCounts]] = defaultdict(lambda: defaultdict(RunCounts))
    for row in rows:
        retry, rescued = lineage.is_retry(row.key), lineage.is_rescued(row.key)
        error = error_class(*row.error) if row.status == FAILED else OTHER
        run = CountedRun(row.status, row.first_status, row.duration_ms, retry, rescued, error)
        counted[row.flow_hour][row.quarter].add(run)
    return counted


def _ends(rows: Sequence[read.Row], lineage: Lineage) -> dict[read.FlowHour, HourEnds]:
    """Returns when the runs of each hour ended and how, and which began; a retry's own row is none of them."""
    found: dict[read.FlowHour, HourEnds] = defaultdict(HourEnds)
    for row in rows:
        if lineage.is_retry(row.key):
            continue
        if row.status in (SUCCESS, FAILED):
            found[row.flow_hour].runs.append(end_of(row, lineage))
        elif row.status == RUNNING and not row.is_unlisted:
            found[row.flow_hour].add_running(start_of(row), running_since(row))
        else:
            found[row.flow_hour].add_unfinished(start_of(row))
    return found


def _mark(row: read.Row, lineage: Lineage) -> str:
    """Returns how a run is counted otherwise than its status says; empty where it is not."""
    if lineage.is_retry(row.key):
        return str(ChainMark.Kind.RETRY)
    return str(ChainMark.Kind.MADE_GOOD) if row.status == FAILED and lineage.is_rescued(row.key) else ""


def _mark_roots(
    wanted: set[read.FlowHour], rows: Iterable[read.Row], lineage: Lineage, hour_of: Mapping[Key, read.FlowHour]
) -> None:
    """Marks the hours whose counts hang on rows of this batch: where the first run of a chain began.

    What became of a retry is counted at its root, and who changed the retry's row need not know that.
    """
    roots = {root for row in rows if lineage.is_retry(row.key) for root in lineage.roots(row.key)}
    DirtyHour.objects.mark({hour_of[root] for root in roots if root in hour_of} - wanted)
