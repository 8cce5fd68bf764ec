"""Pages of executions into the table: one transaction a page, one bad row never stops the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from monitor.ingest.decide import COPIED, Stored, merge, new_values, rank
from monitor.ingest.quarantine import put_aside, write_or_put_aside
from monitor.ingest.retained import Retained
from monitor.models import DirtyHour, Execution, Flow
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

    def write(some: Sequence[ExecutionRow]) -> None:
        new, changed = _write(flow, some, now)
        written.new += new
        written.changed += changed

    refused = write_or_put_aside(flow.account, "executions", _once_each(rows), write, now)
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


def _write(flow: Flow, rows: Sequence[ExecutionRow], now: datetime) -> tuple[int, int]:
    ids = [row.execution_id for row in rows]
    stored = {e.execution_id: e for e in Execution.objects.filter(account=flow.account, execution_id__in=ids)}
    fresh: list[Execution] = []
    dirty: list[tuple[int, datetime]] = []
    changed = 0
    retained = Retained(flow, rows, now)
    for row in rows:
        have = stored.get(row.execution_id)
        if have is None:
            if not retained.allows(row):
                continue
            fresh.append(_new_row(flow, row, now))
            if row.started_time is not None:
                dirty.append((flow.pk, row.started_time))
        elif have.flow_id == flow.pk:
            changed += _update(have, retained.trimmed(have, row), now, dirty)
    # Another reader of the same row (a refresh after a retry) may have come first: its row stands.
    Execution.objects.bulk_create(fresh, ignore_conflicts=True)
    DirtyHour.objects.mark(dirty)
    retained.close()
    return len(fresh), changed


def _new_row(flow: Flow, row: ExecutionRow, now: datetime) -> Execution:
    return Execution(
        account_id=flow.account_id,
        flow=flow,
        execution_id=row.execution_id,
        first_seen_at=now,
        changed_at=now,
        **new_values(row, now),
    )


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
    times = {have.started_time, row.started_time} if updated else set()
    dirty.extend((have.flow_id, started) for started in times if started is not None)
    return updated
