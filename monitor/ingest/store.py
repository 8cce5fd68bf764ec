"""Pages of executions into the table: one transaction a page, one bad row never stops the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Self

from django.db import IntegrityError, connection

from monitor.ingest.decide import COPIED, Stored, change_of, merge, new_values, rank
from monitor.ingest.quarantine import put_aside, write_or_put_aside
from monitor.ingest.retained import Retained
from monitor.models import DirtyHour, Execution, ExecutionEvent, Flow
from monitor.models.bulk import among, insert, insert_new
from monitor.zoho.shapes import ExecutionRow, Rejected

STATUS_LENGTH = 32  # characters; of the column


@dataclass
class Written:
    """What storing a page changed, in rows."""

    new: int = 0
    changed: int = 0
    quarantined: int = 0

    def __iadd__(self, other: Written) -> Self:
        self.new += other.new
        self.changed += other.changed
        self.quarantined += other.quarantined
        return self


def store_page(flow: Flow, rows: Sequence[ExecutionRow], rejected: Sequence[Rejected], now: datetime) -> Written:
    """Stores one page. Call it inside a transaction that has checked the lease.

    A row that the database refuses is found by halving the page, and quarantined.
    """
    written = Written()
    unique = _once_each(rows)

    def write(some: Sequence[ExecutionRow], *, shared: bool = False) -> None:
        new, changed = _write(flow, some, now, shared=shared)
        written.new += new
        written.changed += changed

    try:
        refused = write_or_put_aside(flow.account, "executions", unique, write, now)
    except IntegrityError:
        # Another reader (a refresh after a retry) stored one of them since we looked: rare, so only now with care.
        written = Written()
        refused = write_or_put_aside(flow.account, "executions", unique, partial(write, shared=True), now)
    written.quarantined = refused + put_aside(flow.account, "executions", rejected, now)
    return written


def _once_each(rows: Sequence[ExecutionRow]) -> list[ExecutionRow]:
    """A row that comes twice in a page counts by its more final copy, the later one of equals."""
    unique: dict[str, ExecutionRow] = {}
    for given in rows:
        row = given if len(given.status) <= STATUS_LENGTH else replace(given, status=given.status[:STATUS_LENGTH])
        have = unique.get(row.execution_id)
        if have is None or rank(row.status) >= rank(have.status):
            unique[row.execution_id] = row
    return list(unique.values())


def _write(flow: Flow, rows: Sequence[ExecutionRow], now: datetime, *, shared: bool) -> tuple[int, int]:
    """How many were new, how many changed. `shared`: others store the same rows at this moment."""
    stored = _stored(flow, [row.execution_id for row in rows])
    retained = Retained(flow, rows, now)
    fresh = [row for row in rows if row.execution_id not in stored and retained.allows(row)]
    new = _insert(flow, fresh, now, shared=shared)
    dirty = [(flow.pk, row.started_time) for row in fresh if row.started_time is not None]
    if new < len(fresh):
        # No answer is thrown away for coming second: it is held against the other's. Those that were inserted here
        # are equal to their answers, and so change nothing.
        stored |= _stored(flow, [row.execution_id for row in fresh])
    changed = 0
    for row in rows:
        have = stored.get(row.execution_id)
        if have is not None and have.flow_id == flow.pk:
            changed += _update(have, retained.trimmed(have, row), now, dirty)
    DirtyHour.objects.mark(dirty)
    retained.close()
    return new, changed


def _stored(flow: Flow, ids: Sequence[str]) -> dict[str, Execution]:
    """The rows with these ids, by id; of whatever flow of the account.

    PostgreSQL is made to look each id up, and by the one index that begins with it (`account_id + 0` is in none): while
    a first reading fills the table its statistics lag behind, and it would rather read all rows of the account.
    """
    table = Execution._meta.db_table
    if connection.vendor == "postgresql":
        statement = f"""
            SELECT e.* FROM unnest(%s::text[]) AS given (id) CROSS JOIN LATERAL (
                SELECT * FROM {table} WHERE execution_id = given.id AND account_id + 0 = %s OFFSET 0
            ) AS e
        """  # noqa: S608 - our own table's name
        rows = Execution.objects.raw(statement, [list(ids), flow.account_id])
    else:
        condition, parameter = among("execution_id", ids)
        statement = f"SELECT * FROM {table} WHERE account_id = %s AND {condition}"  # noqa: S608 - as above
        rows = Execution.objects.raw(statement, [flow.account_id, parameter])
    return {row.execution_id: row for row in rows}


def _insert(flow: Flow, rows: Sequence[ExecutionRow], now: datetime, *, shared: bool) -> int:
    common = {"account_id": flow.account_id, "flow_id": flow.pk, "first_seen_at": now, "changed_at": now}
    made = [{**common, "execution_id": row.execution_id, **new_values(row, now)} for row in rows]
    if shared:
        return insert_new(Execution, made)
    insert(Execution, made)
    return len(made)


def _update(have: Execution, row: ExecutionRow, now: datetime, dirty: list[tuple[int, datetime]]) -> int:
    stored = Stored(
        status=have.status,
        first_status=have.first_status,
        rerun_count=have.rerun_count,
        first_failed_at=have.first_failed_at,
        values={name: getattr(have, name) for name in COPIED},
    )
    changes = merge(stored, row, now)
    if not changes:
        return 0
    # Compare-and-set on what the decision was based on.
    same = Execution.objects.filter(pk=have.pk, status=have.status, changed_at=have.changed_at)
    updated = same.update(changed_at=now, **changes)
    if updated:
        _remember(have, stored, row, now)
    times = {have.started_time, row.started_time} if updated else set()
    dirty.extend((have.flow_id, started) for started in times if started is not None)
    return updated


def _remember(have: Execution, stored: Stored, row: ExecutionRow, now: datetime) -> None:
    """What was final and is so no longer leaves its trace in the transaction of the change."""
    change = change_of(stored, row)
    if change is None:
        return
    kinds = ExecutionEvent.Kind
    ExecutionEvent.objects.create(
        execution=have,
        kind=kinds.RERUN if change.is_rerun else kinds.ENDED,
        from_status=change.from_status,
        to_status=change.to_status,
        completed_time=row.completed_time,
        seen_at=now,
    )
