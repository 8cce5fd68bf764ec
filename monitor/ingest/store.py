"""Pages of executions into the table: one transaction a page, one bad row never stops the rest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from django.db import DataError, transaction

from monitor.ingest.decide import COPIED, Stored, merge, new_values
from monitor.ingest.quarantine import put_aside
from monitor.models import DirtyHour, Execution, Flow
from monitor.zoho.shapes import ExecutionRow, Rejected


@dataclass
class Written:
    """What storing a page changed."""

    new: int = 0
    changed: int = 0
    quarantined: int = 0
    ids: set[str] = field(default_factory=set)

    def __iadd__(self, other: Written) -> Self:
        self.new += other.new
        self.changed += other.changed
        self.quarantined += other.quarantined
        self.ids |= other.ids
        return self


def store_page(flow: Flow, rows: Sequence[ExecutionRow], rejected: Sequence[Rejected], now: datetime) -> Written:
    """Stores one page. Call it inside a transaction that has checked the lease.

    A row that the database refuses is found by halving the page, and quarantined.
    """
    unique = {row.execution_id: row for row in rows}
    written = Written(ids=set(unique))
    written.quarantined += put_aside(flow.account, "executions", rejected, now)
    _store_some(flow, list(unique.values()), now, written)
    return written


def _store_some(flow: Flow, rows: list[ExecutionRow], now: datetime, written: Written) -> None:
    if not rows:
        return
    try:
        with transaction.atomic():
            new, changed = _write(flow, rows, now)
    except (DataError, OverflowError, ValueError) as error:
        if len(rows) == 1:
            text = json.dumps(rows[0].raw, default=str)[:4000]
            reason = f"the database refused it: {type(error).__name__}"
            written.quarantined += put_aside(flow.account, "executions", [Rejected(text, reason)], now)
            return
        middle = len(rows) // 2
        _store_some(flow, rows[:middle], now, written)
        _store_some(flow, rows[middle:], now, written)
        return
    written.new += new
    written.changed += changed


def _write(flow: Flow, rows: list[ExecutionRow], now: datetime) -> tuple[int, int]:
    ids = [row.execution_id for row in rows]
    stored = {e.execution_id: e for e in Execution.objects.filter(account=flow.account, execution_id__in=ids)}
    fresh: list[Execution] = []
    dirty: list[tuple[int, datetime]] = []
    changed = 0
    for row in rows:
        have = stored.get(row.execution_id)
        if have is None:
            fresh.append(_new_row(flow, row, now))
            if row.started_time is not None:
                dirty.append((flow.pk, row.started_time))
        elif have.flow_id == flow.pk:
            changed += _update(have, row, now, dirty)
    # Another reader of the same row (a refresh after a retry) may have come first: its row stands.
    Execution.objects.bulk_create(fresh, ignore_conflicts=True)
    DirtyHour.objects.mark(dirty)
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
