"""Reads what a recount needs, in few statements however many hours there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet

from monitor.error_classes import READ
from monitor.models import ChainMark, DayBucket, Execution, HourBucket, RetryAttempt, ZohoAccount
from monitor.models.bulk import numbers
from monitor.periods import DAY, HOUR, day_start, hour_of
from monitor.quarters import Packed
from monitor.rollups.count_runs import COUNT_FIELDS, SUCCESS, RunCounts
from monitor.rollups.retry_chains import Key, Lineage, RetryLink

# (primary key of the flow, start of the hour in UTC)
FlowHour = tuple[int, datetime]
# (primary key of the flow, day in UTC)
FlowDay = tuple[int, date]

T = TypeVar("T")

# SQLite takes 32,766 parameters a statement as it is built by default.
IDS_A_STATEMENT = 5000
# Times given in are the outer table whatever a planner thinks: each is one look into an index by flow and time.
# Statistics lag behind a first reading, and without them a planner may join by the flow alone.
_ON_POSTGRESQL = """
    unnest(%s::bigint[], %s::bigint[]) WITH ORDINALITY AS given (flow, began, place)
    CROSS JOIN LATERAL (
        SELECT * FROM {table} AS of_flow
        WHERE of_flow.flow_id = given.flow AND of_flow.{column} >= to_timestamp(given.began)
          AND of_flow.{column} < to_timestamp(given.began + {seconds})
        OFFSET 0
    ) AS e
"""
_ON_SQLITE = """
    (SELECT key + 1 AS place, json_extract(value, '$[0]') AS flow, json_extract(value, '$[1]') AS began,
            json_extract(value, '$[2]') AS ended FROM json_each(%s)) AS given
    CROSS JOIN {table} AS e
        ON e.flow_id = given.flow AND e.{column} >= given.began AND e.{column} < given.ended
"""
# Both keep times in UTC.
_QUARTER_ON_POSTGRESQL = "floor(extract(minute FROM e.started_time AT TIME ZONE 'UTC') / 15)::int"
_QUARTER_ON_SQLITE = "CAST(substr(e.started_time, 15, 2) AS INTEGER) / 15"
_AND_MARKS = f"LEFT JOIN {ChainMark._meta.db_table} AS mark ON mark.execution_id = e.id"


class Row(NamedTuple):
    """Holds an execution as far as it is counted; `error` is (code, message, details), the texts cut.

    Attributes:
        pk: its primary key.
        mark: the kind of its `ChainMark`; empty where it has none.
        quarter: the one of its hour that it began in, from 0 to 3.
    """

    pk: int
    mark: str
    key: Key
    flow_hour: FlowHour
    quarter: int
    status: str
    first_status: str
    duration_ms: int | None
    error: tuple[str, str, str]


def rows_of(hours: set[FlowHour]) -> list[Row]:
    """Reads the executions that started in the given hours, in one statement; those without a start are in no hour."""
    places = sorted(hours)
    quarter = _QUARTER_ON_POSTGRESQL if connection.vendor == "postgresql" else _QUARTER_ON_SQLITE
    columns = (
        f"place, {quarter}, e.id, mark.kind, account_id, e.execution_id, status, first_status, duration_ms, error_code"
    )
    texts = f"substr(e.error_message, 1, {READ}), substr(e.error_details, 1, {READ})"
    return [
        Row(
            pk,
            mark or "",
            (account, execution),
            places[place - 1],
            quarter,
            status,
            first_status,
            duration,
            (code, message, details),
        )
        for place, quarter, pk, mark, account, execution, status, first_status, duration, code, message, details in (
            _within(Execution, "started_time", places, HOUR, f"{columns}, {texts}", _AND_MARKS)
        )
    ]


def hours_of(days: Collection[FlowDay]) -> dict[FlowHour, tuple[RunCounts, Packed]]:
    """Reads the stored counts of all hours (UTC) of some flows' days, and their quarters, in one statement."""
    begins = [(flow, day_start(day, UTC)) for flow, day in sorted(days)]
    found = _within(HourBucket, "hour", begins, DAY, f"place, e.hour, {', '.join(COUNT_FIELDS)}, quarters")
    return {
        (begins[place - 1][0], utc(hour)): (
            RunCounts(*[*numbers, json.loads(durations), json.loads(errors)]),
            json.loads(quarters),
        )
        for place, hour, *numbers, durations, errors, quarters in found
    }


def days_there(days: Collection[FlowDay]) -> set[FlowDay]:
    """Reads which of some flows' days have a bucket, in one statement."""
    # All pairs of the flows and the days: few more than were asked for, and none is looked up by itself.
    rows = DayBucket.objects.filter(flow__in={flow for flow, _ in days}, day__in={day for _, day in days})
    return set(rows.values_list("flow_id", "day")) & set(days)


def utc(at: datetime | str) -> datetime:
    """Returns a time as a plain cursor gives it, in UTC: SQLite's has no zone, and may be text."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _within(
    model: type[Model], column: str, begins: list[FlowHour], length: timedelta, columns: str, more: str = ""
) -> list[tuple[Any, ...]]:
    """Selects columns of the rows `e` of some flows in spans of equal length; `place` is which span, from 1.

    `more` joins further tables to the rows.
    """
    names = {"table": connection.ops.quote_name(model._meta.db_table), "column": column}
    parameters: list[Any]
    if connection.vendor == "postgresql":
        given = _ON_POSTGRESQL.format(**names, seconds=int(length.total_seconds()))
        parameters = [numbers(flow for flow, _ in begins), numbers(int(at.timestamp()) for _, at in begins)]
    else:
        given, text = _ON_SQLITE.format(**names), connection.ops.adapt_datetimefield_value
        parameters = [json.dumps([(flow, text(at), text(at + length)) for flow, at in begins])]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {given} {more}", parameters)  # noqa: S608 - our own names
        return list(cursor.fetchall())


def lineage_of(rows: Sequence[Row]) -> tuple[Lineage, dict[Key, FlowHour]]:
    """Returns the chains of retries that the rows belong to.

    Returns:
        The chains, and the hour of each execution in them that has one.
    """
    attempts: dict[int, RetryLink] = {}
    asked: set[Key] = set()
    retried = _accounts_with_retries({row.key[0] for row in rows})
    waiting = {row.key for row in rows if row.key[0] in retried}
    while waiting:
        asked |= waiting
        found = list(_attempts_of(waiting))
        attempts |= {attempt.number: attempt for attempt in found}
        waiting = {key for attempt in found for key in (attempt.original, attempt.new) if key is not None} - asked
    ends = {key for attempt in attempts.values() for key in (attempt.original, attempt.new) if key is not None}
    successes: set[Key] = set()
    hour_by_key: dict[Key, FlowHour] = {}
    for account, ids in _by_account(ends):
        known = Execution.objects.filter(account_id=account, execution_id__in=ids)
        for execution, flow, started, status in known.values_list("execution_id", "flow_id", "started_time", "status"):
            if started is not None:
                hour_by_key[account, execution] = (flow, hour_of(started))
            if status == SUCCESS:
                successes.add((account, execution))
    return Lineage(attempts.values(), successes), hour_by_key


def _accounts_with_retries(accounts: Collection[int]) -> set[int]:
    """Returns the accounts in which anything was ever retried: the others need not be asked."""
    retried = RetryAttempt.objects.filter(account=OuterRef("pk"))
    return set(ZohoAccount.objects.filter(Exists(retried), pk__in=accounts).values_list("pk", flat=True))


def _attempts_of(keys: Iterable[Key]) -> Iterator[RetryLink]:
    """Reads the attempts that retried one of the executions or caused one of them."""
    for account, ids in _by_account(keys):
        of_account = RetryAttempt.objects.filter(account_id=account)
        if of_account.count() <= len(ids):
            # Fewer attempts than executions: all of them are read sooner than all executions are named.
            known = set(ids)
            yield from (
                a for a in _attempts(of_account, account) if a.original[1] in known or (a.new and a.new[1] in known)
            )
            continue
        # Two statements instead of an OR: each has an index of its own.
        yield from _attempts(of_account.filter(execution__account_id=account, execution__execution_id__in=ids), account)
        yield from _attempts(of_account.filter(new_execution_id__in=ids), account)


def _attempts(rows: QuerySet[RetryAttempt], account: int) -> Iterator[RetryLink]:
    columns = ("pk", "execution__execution_id", "new_execution_id", "state")
    for number, original, new, state in rows.order_by().values_list(*columns).iterator(chunk_size=5000):
        yield RetryLink(
            number=number,
            original=(account, original),
            new=(account, new) if new else None,
            succeeded=state == RetryAttempt.State.SUCCEEDED,
        )


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
