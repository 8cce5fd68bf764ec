"""Stores pages of executions: one transaction a page, one bad row never stops the rest, no pruned run comes back."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.db import DataError, IntegrityError, connection

from monitor.ingest.base.quarantine import let_go_read, put_aside, write_or_put_aside
from monitor.ingest.base.result import Written
from monitor.ingest.runs.merge import COPIED, NEW_COLUMNS, Stored, change_of, merge, new_values, rank
from monitor.ingest.runs.place_in_time import why_no_place
from monitor.models import NEVER_PRUNED, DirtyHour, Execution, ExecutionEvent, Flow, FlowProgress, Retention, ages
from monitor.models.bulk import among, insert, insert_new
from monitor.zoho.shapes import ExecutionRow, Rejected

STATUS_LENGTH = 32  # characters; of the column
NAMES = ("execution_id", "id")  # of the field with a run's own id
STRAY = "its id is that of a run of another flow (execution_id)"


class NotAsPresumed(Exception):  # noqa: N818 - named for what happened
    """Says that the database did not take a page as it was given: it has to be looked at row by row."""


def store_page(
    flow: Flow,
    rows: Sequence[ExecutionRow],
    rejected: Sequence[Rejected],
    now: datetime,
    zoho_now: datetime | None = None,
) -> Written:
    """Stores one page. Call it inside a transaction that has checked the lease.

    A row that the database refuses is found by halving the page, and put aside; so is a new one that has no place in
    time. Of a known one the rest is believed.

    Args:
        zoho_now: the present by Zoho's clock, where it gave one.
    """
    written = Written()
    placed, lost = _placed(flow, _once_each(rows), max(now, zoho_now or now))

    def write(some: Sequence[ExecutionRow], *, shared: bool = False) -> None:
        nonlocal written
        written += _write(flow, some, _stored(flow, [row.execution_id for row in some]), now, shared=shared)

    let_go_read(flow.account, "executions", [row.execution_id for row in placed], now, flow=flow)
    put = partial(write_or_put_aside, flow.account, "executions", placed, now=now, flow=flow, names=NAMES)
    try:
        refused = put(write)
    except IntegrityError:
        # Another reader (a refresh after a retry) stored one of them since we looked: rare, so only now with care.
        written = Written()
        refused = put(partial(write, shared=True))
    written.apart += refused
    written.quarantined += refused + put_aside(flow.account, "executions", [*rejected, *lost], now, flow=flow)
    return written


def store_new_page(
    flow: Flow,
    rows: Sequence[ExecutionRow],
    seen: Container[str],
    rejected: Sequence[Rejected],
    now: datetime,
    zoho_now: datetime | None = None,
) -> Written:
    """Stores one page of which nearly all is presumed to be new: no row is looked up, and none is undone by itself.

    Args:
        seen: ids of executions that may be there. Of the others only those are looked for that are old enough to be
            pruned.
        zoho_now: the present by Zoho's clock, where it gave one.

    Raises:
        NotAsPresumed: one was there, has no place in time, or the database refused one. The transaction is of no use
            any more: the page goes into another one, by `store_page`.
    """
    unique, latest = _once_each(rows), max(now, zoho_now or now)
    if any(why_no_place(row, latest) for row in unique):
        raise NotAsPresumed
    let_go_read(flow.account, "executions", [row.execution_id for row in unique], now, flow=flow)
    try:
        # Before the edge of pruning single rows are kept, and such a page is not missed by what it would insert.
        old = now - NEVER_PRUNED
        again = [
            row.execution_id
            for row in unique
            if row.execution_id in seen or (row.started_time is not None and row.started_time < old)
        ]
        written = _write(flow, unique, _stored(flow, again) if again else {}, now)
    except (IntegrityError, DataError, OverflowError, ValueError) as error:
        raise NotAsPresumed from error
    written.quarantined += put_aside(flow.account, "executions", rejected, now, flow=flow)
    return written


def _placed(
    flow: Flow, rows: Sequence[ExecutionRow], latest: datetime
) -> tuple[Sequence[ExecutionRow], list[Rejected]]:
    """Parts rows that have a place in time, by themselves or as they stand here, from those that are put aside."""
    reasons = {row.execution_id: reason for row in rows if (reason := why_no_place(row, latest))}
    if not reasons:
        return rows, []
    stored = _stored(flow, list(reasons))
    known = {name for name, have in stored.items() if have.flow_id == flow.pk}
    placed = [
        replace(row, started_time=None) if row.execution_id in reasons else row
        for row in rows
        if row.execution_id not in reasons or row.execution_id in known
    ]
    lost = [row for row in rows if row.execution_id in reasons and row.execution_id not in known]
    return placed, [row.put_aside(reasons[row.execution_id]) for row in lost]


def _once_each(rows: Sequence[ExecutionRow]) -> Sequence[ExecutionRow]:
    """Keeps one of a row that comes twice in a page: its more final copy, the later one of equals."""
    if len({row.execution_id for row in rows}) == len(rows) and all(len(row.status) <= STATUS_LENGTH for row in rows):
        return rows
    unique: dict[str, ExecutionRow] = {}
    for given in rows:
        row = given if len(given.status) <= STATUS_LENGTH else replace(given, status=given.status[:STATUS_LENGTH])
        have = unique.get(row.execution_id)
        if have is None or rank(row.status) >= rank(have.status):
            unique[row.execution_id] = row
    return list(unique.values())


def _write(
    flow: Flow, rows: Sequence[ExecutionRow], stored: dict[str, Execution], now: datetime, *, shared: bool = False
) -> Written:
    """Writes rows; `stored` is what is there of them, by id; `shared`: others store the same rows at this moment.

    A row with the id of another flow's run is put aside: it would change that one, or be in no count.
    """
    retained = Retained(flow, rows, now)
    fresh = [row for row in rows if row.execution_id not in stored and retained.allows(row)]
    written = Written(new=_insert(flow, fresh, now, shared=shared))
    dirty = [(flow.pk, row.started_time) for row in fresh if row.started_time is not None]
    if written.new < len(fresh):
        # No answer is thrown away for coming second: it is held against the other's. Those that were inserted here
        # are equal to their answers, and so change nothing.
        stored |= _stored(flow, [row.execution_id for row in fresh])
    strays: list[Rejected] = []
    for row in rows if stored else ():
        have = stored.get(row.execution_id)
        if have is None:
            continue
        if have.flow_id == flow.pk:
            written += _update(have, retained.trimmed(have, row), now, dirty)
        else:
            written.apart += have.status != row.status
            strays.append(row.put_aside(STRAY))
    if strays:
        written.quarantined += put_aside(flow.account, "executions", strays, now, flow=flow)
    DirtyHour.objects.mark(dirty)
    retained.close()
    return written


def _stored(flow: Flow, ids: Sequence[str]) -> dict[str, Execution]:
    """Looks up the rows with these ids, by id; of whatever flow of the account.

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
    columns = ("execution_id", *NEW_COLUMNS)
    made = [(row.execution_id, *new_values(row, now)) for row in rows]
    if shared:
        return insert_new(Execution, columns, made, common)
    insert(Execution, columns, made, common)
    return len(made)


def _update(have: Execution, row: ExecutionRow, now: datetime, dirty: list[tuple[int, datetime]]) -> Written:
    stored = Stored(
        status=have.status,
        first_status=have.first_status,
        rerun_count=have.rerun_count,
        first_failed_at=have.first_failed_at,
        values={name: getattr(have, name) for name in (*COPIED, "said_names")},
        last_failed_at=have.last_failed_at,
    )
    changes = merge(stored, row, now)
    if not changes:
        return Written(apart=have.status != row.status)
    # Compare-and-set on what the decision was based on.
    same = Execution.objects.filter(pk=have.pk, status=have.status, changed_at=have.changed_at)
    updated = same.update(changed_at=now, **changes)
    if updated:
        _remember(have, stored, row, now)
    times = {have.started_time, row.started_time} if updated else set()
    dirty.extend((have.flow_id, started) for started in times if started is not None)
    return Written(changed=updated, apart=not updated or changes.get("status", have.status) != row.status)


def _remember(have: Execution, stored: Stored, row: ExecutionRow, now: datetime) -> None:
    """Leaves a trace of what was final and is so no longer, in the transaction of the change."""
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


class Retained:
    """Says of one page which new rows are kept and what of known ones; made inside the page's transaction.

    The transaction has locked the account's SyncState row, as pruning does: the two never overlap.
    """

    def __init__(self, flow: Flow, rows: Sequence[ExecutionRow], now: datetime) -> None:
        self._flow = flow
        self._payload_edge = ages().payload_edge(now)
        self._oldest_payload: datetime | None = None
        self._before: datetime | None = None
        if any(row.started_time is not None and row.started_time < now - NEVER_PRUNED for row in rows):
            # Not the flow's value in memory: it was loaded before this transaction.
            self._before = FlowProgress.objects.values_list("pruned_before", flat=True).get(flow=flow.pk)

    def allows(self, row: ExecutionRow) -> bool:
        """Says whether a row that is not in the mirror may come in: not one that was counted and taken away."""
        if is_pruned(self._before, row.started_time):
            return False
        self._note(row)
        return True

    def trimmed(self, have: Execution, row: ExecutionRow) -> ExecutionRow:
        """Returns the answer about a known row, without the payload where that was taken away for its age."""
        if have.payload_removed_at is None:
            self._note(row)
            return row
        return replace(row, trigger_data=None, error_details="")

    def close(self) -> None:
        """Has pruning look again from the oldest payload that came in behind its place."""
        if self._oldest_payload is not None:
            behind = Retention.objects.filter(account=self._flow.account_id, payload_at__gte=self._oldest_payload)
            behind.update(payload_at=self._oldest_payload, payload_key=0)

    def _note(self, row: ExecutionRow) -> None:
        if row.started_time is None or row.started_time >= self._payload_edge:
            return
        if row.trigger_data is not None or row.error_details:
            self._oldest_payload = min(self._oldest_payload or row.started_time, row.started_time)


def is_pruned(pruned_before: datetime | None, at: datetime | None) -> bool:
    """Says whether a run of that time is counted and no longer kept. Pure.

    Args:
        pruned_before: of its flow.
        at: when it began.
    """
    return pruned_before is not None and at is not None and at < pruned_before
