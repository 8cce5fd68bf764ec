"""Reads what a recount needs, in few statements however many hours there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple, TypeVar

from django.db.models import Q

from monitor.models import Execution, RetryAttempt
from monitor.rollups.fold import SUCCESS
from monitor.rollups.lineage import Attempt, Key, Lineage

# (primary key of the flow, start of the hour in UTC)
FlowHour = tuple[int, datetime]

T = TypeVar("T")

HOUR = timedelta(hours=1)
# Hours this near are read in one piece and the rows between left aside: dearer rows, fewer statements.
NEAR = 6 * HOUR
SPANS_A_STATEMENT = 100
# SQLite takes 32,766 parameters a statement as it is built by default.
IDS_A_STATEMENT = 5000


class Row(NamedTuple):
    """An execution as far as it is counted."""

    key: Key
    flow_hour: FlowHour
    status: str
    first_status: str
    duration_ms: int | None


def floor_hour(at: datetime) -> datetime:
    """The start of the hour (UTC) that a time lies in."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def rows_of(hours: set[FlowHour]) -> list[Row]:
    """The executions that started in the given hours; those without a start time are in no hour."""
    rows = []
    for spans in _chunks(_spans(hours), SPANS_A_STATEMENT):
        wanted = Q()
        for start, end, flows in spans:
            wanted |= Q(flow_id__in=flows, started_time__gte=start, started_time__lt=end)
        found = Execution.objects.filter(wanted).values_list(
            "account_id", "execution_id", "flow_id", "started_time", "status", "first_status", "duration_ms"
        )
        for account, execution, flow, started, status, first_status, duration in found.iterator(chunk_size=5000):
            if started is not None and (place := (flow, floor_hour(started))) in hours:
                rows.append(Row((account, execution), place, status, first_status, duration))
    return rows


def lineage_of(rows: Sequence[Row]) -> tuple[Lineage, dict[Key, FlowHour]]:
    """The chains of retries that the rows belong to.

    Returns:
        The chains, and the hour of each execution in them that has one.
    """
    attempts: dict[int, Attempt] = {}
    asked: set[Key] = set()
    waiting = {row.key for row in rows}
    while waiting:
        asked |= waiting
        found = list(_attempts_of(waiting))
        attempts |= {attempt.number: attempt for attempt in found}
        waiting = {key for attempt in found for key in (attempt.original, attempt.new) if key is not None} - asked
    ends = {key for attempt in attempts.values() for key in (attempt.original, attempt.new) if key is not None}
    successes: set[Key] = set()
    hour_of: dict[Key, FlowHour] = {}
    for account, ids in _by_account(ends):
        known = Execution.objects.filter(account_id=account, execution_id__in=ids)
        for execution, flow, started, status in known.values_list("execution_id", "flow_id", "started_time", "status"):
            if started is not None:
                hour_of[account, execution] = (flow, floor_hour(started))
            if status == SUCCESS:
                successes.add((account, execution))
    return Lineage(attempts.values(), successes), hour_of


def _attempts_of(keys: Iterable[Key]) -> Iterator[Attempt]:
    """The attempts that retried one of the executions or caused one of them."""
    columns = ("pk", "execution__execution_id", "new_execution_id", "state")
    for account, ids in _by_account(keys):
        of_account = RetryAttempt.objects.filter(account_id=account)
        # Two statements instead of an OR: each has an index of its own.
        for touching in (
            of_account.filter(execution__account_id=account, execution__execution_id__in=ids),
            of_account.filter(new_execution_id__in=ids),
        ):
            for number, original, new, state in touching.order_by().values_list(*columns):
                yield Attempt(
                    number=number,
                    original=(account, original),
                    new=(account, new) if new else None,
                    succeeded=state == RetryAttempt.State.SUCCEEDED,
                )


def _spans(hours: Iterable[FlowHour]) -> list[tuple[datetime, datetime, list[int]]]:
    """(from, to, flows): the hours in few pieces, flows with the same piece together."""
    of_flow: dict[int, list[datetime]] = defaultdict(list)
    for flow, hour in hours:
        of_flow[flow].append(hour)
    flows_of: dict[tuple[datetime, datetime], list[int]] = defaultdict(list)
    for flow, starts in of_flow.items():
        starts.sort()
        first = last = starts[0]
        for start in starts[1:]:
            if start - last > NEAR:
                flows_of[first, last + HOUR].append(flow)
                first = start
            last = start
        flows_of[first, last + HOUR].append(flow)
    return [(start, end, flows) for (start, end), flows in flows_of.items()]


def _by_account(keys: Iterable[Key]) -> Iterator[tuple[int, list[str]]]:
    of_account: dict[int, list[str]] = defaultdict(list)
    for account, execution in keys:
        of_account[account].append(execution)
    for account, ids in of_account.items():
        for chunk in _chunks(ids, IDS_A_STATEMENT):
            yield account, chunk


def _chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
