"""Takes dirty hours off their table, recounts them from the rows, and writes their buckets."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from monitor.faultpoints import faultpoint
from monitor.models import DirtyHour, HourBucket
from monitor.rollups import read
from monitor.rollups.fold import Counts, Run, fold
from monitor.rollups.lineage import Key, Lineage

logger = logging.getLogger(__name__)

# Hours a transaction: short enough that a writer of the mirror hardly waits, long enough to save queries.
BATCH_HOURS = 120
COUNT_FIELDS = [column.name for column in fields(Counts)]


def rebuild_dirty(now: datetime, *, limit: int = 500) -> int:
    """Recounts dirty hours, the newest first.

    Safe to run in several processes at once: a bucket is written only in a transaction that holds its dirty
    hour, so that of two recounts the one that read later also writes later.

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
    # On SQLite the (IMMEDIATE) transaction itself keeps others out and the lock is no statement at all.
    held = list(DirtyHour.objects.select_for_update(skip_locked=True).order_by("-hour", "flow_id")[:size])
    if not held:
        return 0
    wanted = {(dirty.flow_id, dirty.hour) for dirty in held}
    rows = read.rows_of(wanted)
    lineage, hour_of = read.lineage_of(rows)
    _store(wanted, rows, lineage)
    _mark_roots(wanted, rows, lineage, hour_of)
    by_marks: dict[int, list[int]] = defaultdict(list)
    for dirty in held:
        by_marks[dirty.marks].append(dirty.pk)
    for marks, keys in by_marks.items():
        # An hour marked anew since it was read stays for the next recount.
        DirtyHour.objects.filter(pk__in=keys, marks=marks).delete()
    faultpoint("rollup-before-commit")
    return len(held)


def _store(wanted: set[read.FlowHour], rows: Sequence[read.Row], lineage: Lineage) -> None:
    """Writes the buckets of the hours; an hour without rows has none."""
    runs: dict[read.FlowHour, list[Run]] = defaultdict(list)
    for row in rows:
        runs[row.flow_hour].append(
            Run(
                status=row.status,
                first_status=row.first_status,
                duration_ms=row.duration_ms,
                is_retry=lineage.is_retry(row.key),
                is_rescued=lineage.is_rescued(row.key),
            )
        )
    HourBucket.objects.bulk_create(
        [HourBucket(flow_id=flow, hour=hour, **asdict(fold(runs[flow, hour]))) for flow, hour in sorted(runs)],
        update_conflicts=True,
        unique_fields=["flow", "hour"],
        update_fields=COUNT_FIELDS,
    )
    empty: dict[datetime, list[int]] = defaultdict(list)
    for flow, hour in wanted - runs.keys():
        empty[hour].append(flow)
    if empty:
        gone = Q()
        for hour, flows in empty.items():
            gone |= Q(hour=hour, flow_id__in=flows)
        HourBucket.objects.filter(gone).delete()


def _mark_roots(
    wanted: set[read.FlowHour], rows: Iterable[read.Row], lineage: Lineage, hour_of: Mapping[Key, read.FlowHour]
) -> None:
    """Marks the hours whose counts hang on rows of this batch: where the first run of a chain began.

    What became of a retry is counted at its root, and who changed the retry's row need not know that.
    """
    roots = {root for row in rows if lineage.is_retry(row.key) for root in lineage.roots(row.key)}
    DirtyHour.objects.mark({hour_of[root] for root in roots if root in hour_of} - wanted)
