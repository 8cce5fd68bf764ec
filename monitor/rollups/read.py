"""Reads what a recount needs, in few statements however many hours there are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from itertools import islice
from typing import NamedTuple, TypeVar

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from monitor.error_classes import READ
from monitor.models import ChainMark, DayBucket, Execution, HourBucket, RetryAttempt, ZohoAccount
from monitor.models.spans import rows_within, utc
from monitor.periods import DAY, HOUR, day_start, hour_of
from monitor.quarters import Packed
from monitor.rollups.retry_chains import Key, Lineage, RetryLink
from monitor.rollups.success_rate import COUNT_FIELDS, SUCCESS, RunCounts

# (primary key of the flow, start of the hour in UTC)
FlowHour = tuple[int, datetime]
# (primary key of the flow, day in UTC)
FlowDay = tuple[int, date]

T = TypeVar("T")

# SQLite takes 32,766 parameters a statement as it is built by default.
IDS_A_STATEMENT = 5000
# Both keep times in UTC.
_QUARTER_ON_POSTGRESQL = "floor(extract(minute FROM e.started_time AT TIME ZONE 'UTC') / 15)::int"
_QUARTER_ON_SQLITE = "CAST(substr(e.started_time, 15, 2) AS INTEGER) / 15"
# Milliseconds since 1970.
_MOMENT_ON_POSTGRESQL = "round(date_part('epoch', e.{0}) * 1000)::bigint"
_MOMENT_ON_SQLITE = "CAST(strftime('%%s', e.{0}) AS INTEGER) * 1000 + CAST(substr(e.{0} || '000000', 21, 3) AS INTEGER)"
_MOMENTS = ("started_time", "completed_time", "first_failed_at", "changed_at")
_AND_MARKS = f"LEFT JOIN {ChainMark._meta.db_table} AS mark ON mark.execution_id = e.id"


class Row(NamedTuple):
    """Holds an execution as far as it is counted; `error` is (code, message, details), the texts cut.

    Attributes:
        pk: its primary key.
        mark: the kind of its `ChainMark`; empty where it has none.
        quarter: the one of its hour that it began in, from 0 to 3.
        started: when, in milliseconds since 1970, as are `ended` and `first_failed`: None where they are not known.
        changed: when our mirror saw it change last.
        is_unlisted: Zoho lists it no longer.
    """

    pk: int
    mark: str
    key: Key
    flow_hour: FlowHour
    quarter: int
    status: str
    first_status: str
    duration_ms: int | None
    started: int
    ended: int | None
    first_failed: int | None
    changed: int
    is_unlisted: bool
    error: tuple[str, str, str]


def rows_of(hours: set[FlowHour]) -> list[Row]:
    """Reads the executions that started in the given hours, in one statement; those without a start are in no hour."""
    places = sorted(hours)
    is_server = connection.vendor == "postgresql"
    quarter = _QUARTER_ON_POSTGRESQL if is_server else _QUARTER_ON_SQLITE
    moment = _MOMENT_ON_POSTGRESQL if is_server else _MOMENT_ON_SQLITE
    columns = (
        f"place, e.id, mark.kind, account_id, e.execution_id, {quarter}, status, first_status, duration_ms, "
        f"{', '.join(map(moment.format, _MOMENTS))}, e.unlisted_at IS NOT NULL, error_code"
    )
    texts = f"substr(e.error_message, 1, {READ}), substr(e.error_details, 1, {READ})"
    found = rows_within(Execution, "started_time", places, HOUR, f"{columns}, {texts}", _AND_MARKS)
    return [
        Row(*(pk, mark or "", (account, execution), places[place - 1], *counted, (code, message, details)))
        for place, pk, mark, account, execution, *counted, code, message, details in found
    ]


def hours_of(days: Collection[FlowDay]) -> dict[FlowHour, tuple[RunCounts, Packed]]:
    """Reads the stored counts of all hours (UTC) of some flows' days, and their quarters, in one statement."""
    begins = [(flow, day_start(day, UTC)) for flow, day in sorted(days)]
    found = rows_within(HourBucket, "hour", begins, DAY, f"place, e.hour, {', '.join(COUNT_FIELDS)}, quarters")
    return {
        (begins[place - 1][0], utc(hour)): (
            RunCounts(*[*numbers, json.loads(durations), json.loads(errors)]),
            json.loads(quarters),
        )
        for place, hour, *numbers, durations, errors, quarters in found
    }


def ends_of(hours: Collection[FlowHour]) -> dict[FlowHour, bytes]:
    """Reads when the runs of some hours are known to have ended, as their buckets keep it, in one statement."""
    places = sorted(hours)
    found = rows_within(HourBucket, "hour", places, HOUR, "place, ends") if places else []
    return {places[place - 1]: bytes(ends) for place, ends in found}


def days_there(days: Collection[FlowDay]) -> set[FlowDay]:
    """Reads which of some flows' days have a bucket, in one statement."""
    # All pairs of the flows and the days: few more than were asked for, and none is looked up by itself.
    rows = DayBucket.objects.filter(flow__in={flow for flow, _ in days}, day__in={day for _, day in days})
    return set(rows.values_list("flow_id", "day")) & set(days)


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
