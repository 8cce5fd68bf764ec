"""Takes dirty hours off their table, recounts them from the rows, and writes their buckets and their days'."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from monitor.faultpoints import faultpoint
from monitor.models import DirtyHour
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
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # no flow is older
_ALONE = 0x526F6C6C7570  # a number of our own for PostgreSQL's advisory lock


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
    taken = _take(size)
    if not taken:
        return 0
    rows = read.rows_of(taken)
    # Where the rows are pruned the bucket is all that there is.
    wanted = taken - closed_hours(taken)
    rows = [row for row in rows if row.flow_hour in wanted]
    lineage, hour_of = read.lineage_of(rows)
    write(wanted, _count(rows, lineage))
    _mark_roots(wanted, rows, lineage, hour_of)
    faultpoint("rollup-before-commit")
    return len(taken)


def _wait_for_others() -> None:
    """One recount at a time: two that sum up the same day would each miss the other's hours.

    On SQLite the (IMMEDIATE) transaction itself keeps others out.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ALONE])


def _take(size: int) -> set[read.FlowHour]:
    """Takes the newest dirty hours off the table, whole days where it can: each day is then summed up once.

    An hour that a page is marking at this moment is left for the next time, so that neither waits for the other. Who
    marks one of these from now on waits for our end, and marks it anew: what we do not see is counted then.
    """
    table = connection.ops.quote_name(DirtyHour._meta.db_table)
    newest = f"SELECT id FROM {table} WHERE hour >= %s ORDER BY hour DESC, flow_id DESC LIMIT %s"  # noqa: S608 - our own names
    since = _whole_days(size)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"DELETE FROM {table} WHERE id IN ({newest} FOR UPDATE SKIP LOCKED) "  # noqa: S608 - as above
                "RETURNING flow_id, extract(epoch FROM hour)::bigint",
                [since, size],
            )
            return {(flow, datetime.fromtimestamp(hour, UTC)) for flow, hour in cursor.fetchall()}
        adapted = connection.ops.adapt_datetimefield_value(since)
        cursor.execute(f"DELETE FROM {table} WHERE id IN ({newest}) RETURNING flow_id, hour", [adapted, size])  # noqa: S608 - as above
        return {(flow, read.utc(hour)) for flow, hour in cursor.fetchall()}


def _whole_days(size: int) -> datetime:
    """From when on the newest dirty hours are at most so many, to the day; all, where one day alone has more."""
    hours = DirtyHour.objects.order_by("-hour", "-flow_id").values_list("hour", flat=True)
    last = hours[size : size + 1].first()
    if last is None:
        return _LONG_AGO
    day = last.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    next_day = day + timedelta(days=1)
    return next_day if hours.filter(hour__gte=next_day).exists() else _LONG_AGO


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
