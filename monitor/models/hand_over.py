"""Takes what one stage left for the next: hours off their table, one process at a time, once more after a deadlock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection
from django.db.models import QuerySet

from monitor.models.buckets import MarkedHour
from monitor.models.bulk import delete

Answer = TypeVar("Answer")
MOST_AGAIN = 3  # deadlocks of one piece of work


def again_on_deadlock(work: Callable[[], Answer]) -> Answer:
    """Does a piece of work, and does it again where the database chose it to end a deadlock.

    People's acts lock the same rows at the same time (docs/reference/faults.md, F39): one of us goes again.

    Args:
        work: one whole transaction.

    Raises:
        OperationalError: another trouble of the database, or a deadlock again and again.
    """
    for _ in range(MOST_AGAIN):
        try:
            return work()
        except OperationalError as error:
            if not _is_deadlock(error):
                raise
    return work()


def _is_deadlock(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == "40P01"


def hold(rows: QuerySet[Any]) -> list[Any]:
    """Locks rows in the order of their keys, and returns the keys; call it in a transaction.

    Whoever changes several rows that others change, too, holds them first: two who hold them in one order never wait
    for each other. SQLite's transactions are exclusive anyway.
    """
    held = rows.order_by("pk").select_for_update(no_key=True, of=("self",))
    return list(held.values_list("pk", flat=True))


def is_our_turn(lock: int, *, waits: bool = True) -> bool:
    """Takes a lock for the transaction that goes on, so that nobody else does the same at the same time.

    On SQLite the (IMMEDIATE) transaction itself keeps others out.

    Args:
        lock: a number of our own for PostgreSQL's advisory lock.
        waits: for whoever has it; else the answer is False.
    """
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        if waits:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            return True
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])


def take_hours(model: type[MarkedHour], size: int, since: datetime) -> set[tuple[int, datetime]]:
    """Takes the newest marked hours off their table, those from `since` on: flow's primary key and hour, each.

    An hour that somebody is marking at this moment is left for the next time, so that neither waits for the other. Who
    marks one of these from now on waits for our end, and marks it again: what we do not see is looked at then.
    """
    if connection.vendor != "postgresql":
        newest = model._default_manager.filter(hour__gte=since).order_by("-hour", "-flow_id")
        held = list(newest.values_list("pk", "flow_id", "hour")[:size])
        delete(model, [pk for pk, _, _ in held])
        return {(flow, hour) for _, flow, hour in held}
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        # As an array the rows are chosen once. In an IN (...) of rows the planner may choose anew for each row it looks
        # at, each time passing over those that are deleted already: more would go than were asked for.
        cursor.execute(
            f"DELETE FROM {table} WHERE id = ANY (ARRAY(SELECT id FROM {table} WHERE hour >= %s "  # noqa: S608 - our own
            "ORDER BY hour DESC, flow_id DESC LIMIT %s FOR UPDATE SKIP LOCKED)) "
            "RETURNING flow_id, extract(epoch FROM hour)::bigint",
            [since, size],
        )
        return {(flow, datetime.fromtimestamp(hour, UTC)) for flow, hour in cursor.fetchall()}
