"""Takes dirty hours off their table, recounts them from the rows, and writes their buckets and their days'."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from monitor.faultpoints import faultpoint
from monitor.models import DirtyHour
from monitor.models.bulk import delete
from monitor.rollups import read
from monitor.rollups.classes import OTHER, error_class
from monitor.rollups.fold import COUNT_FIELDS, FAILED, Counts, Run
from monitor.rollups.lineage import Key, Lineage
from monitor.rollups.prune import closed_hours
from monitor.rollups.write import write

__all__ = ["COUNT_FIELDS", "rebuild_dirty"]

logger = logging.getLogger(__name__)

# Hours a transaction: short enough that a writer of the mirror hardly waits, and that the rows of so many hours of
# busy flows fit into memory; long enough to save statements.
BATCH_HOURS = 1000
_ALONE = 0x526F6C6C7570  # a number of our own for PostgreSQL's advisory lock


class Held(NamedTuple):
    """A dirty hour that this transaction has locked."""

    pk: int
    flow_id: int
    hour: datetime
    marks: int


def rebuild_dirty(now: datetime, *, limit: int = 2000) -> int:
    """Recounts dirty hours, the newest first.

    Safe to run in several processes at once: they take turns, a transaction each. A bucket is written only in a
    transaction that holds its dirty hour.

    Args:
        now: the time of the run, for the log.
        limit: how many hours at most. Call again until the answer is 0: a recount may mark further hours.

    Returns:
        How many hours were recounted.
    """
    done = 0
    while done < limit:
        count = _rebuild_batch(min(BATCH_HOURS, limit - done))
        done += count
        if count == 0:
            break
        faultpoint("rollup-committed")
    if done:
        logger.debug("%d hours recounted at %s", done, now.isoformat(timespec="seconds"))
    return done


@transaction.atomic
def _rebuild_batch(size: int) -> int:
    _wait_for_others()
    held = _take(size)
    if not held:
        return 0
    wanted = {(dirty.flow_id, dirty.hour) for dirty in held}
    rows = read.rows_of(wanted)
    # Where the rows are pruned the bucket is all that there is.
    wanted -= closed_hours(wanted)
    rows = [row for row in rows if row.flow_hour in wanted]
    lineage, hour_of = read.lineage_of(rows)
    write(wanted, _count(rows, lineage))
    _mark_roots(wanted, rows, lineage, hour_of)
    _settle(held)
    faultpoint("rollup-before-commit")
    return len(held)


def _wait_for_others() -> None:
    """One recount at a time: two that sum up the same day would each miss the other's hours.

    On SQLite the (IMMEDIATE) transaction itself keeps others out.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])


def _take(size: int) -> list[Held]:
    """Locks the newest dirty hours, whole days where it can: each day is then summed up once.

    An hour that a page is marking at this moment is left for the next time, so that neither waits for the other.
    """
    newest = DirtyHour.objects.select_for_update(skip_locked=True).order_by("-hour", "-flow_id")
    held = [Held(*row) for row in newest.values_list("pk", "flow_id", "hour", "marks")[:size]]
    if len(held) < size:
        return held
    last = held[-1].hour.date()
    return [dirty for dirty in held if dirty.hour.date() != last] or held


def _settle(held: Iterable[Held]) -> None:
    """Takes the hours off the table; one marked anew since it was read stays for the next recount."""
    by_marks: dict[int, list[int]] = defaultdict(list)
    for dirty in held:
        by_marks[dirty.marks].append(dirty.pk)
    for marks, keys in by_marks.items():
        delete(DirtyHour, keys, "marks = %s", marks)


def _count(rows: Sequence[read.Row], lineage: Lineage) -> dict[read.FlowHour, Counts]:
    counted: dict[read.FlowHour, Counts] = defaultdict(Counts)
    for row in rows:
        is_retry, is_rescued = lineage.is_retry(row.key), lineage.is_rescued(row.key)
        error = error_class(*row.error) if row.status == FAILED else OTHER
        counted[row.flow_hour].add(Run(row.status, row.first_status, row.duration_ms, is_retry, is_rescued, error))
    return counted


def _mark_roots(
    wanted: set[read.FlowHour], rows: Iterable[read.Row], lineage: Lineage, hour_of: Mapping[Key, read.FlowHour]
) -> None:
    """Marks the hours whose counts hang on rows of this batch: where the first run of a chain began.

    What became of a retry is counted at its root, and who changed the retry's row need not know that.
    """
    roots = {root for row in rows if lineage.is_retry(row.key) for root in lineage.roots(row.key)}
    DirtyHour.objects.mark({hour_of[root] for root in roots if root in hour_of} - wanted)
