"""Takes a slot of the ledger where one is free, and ends it: the two statements that every call costs.

They are written out because they stand before and after each page of a first reading: through the ORM they cost more
time than parsing the page (figures: tests/benchmarks/test_throughput.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from monitor.connection.limits import ABANDONED, MARGIN, MINUTE, NOT_CREDIBLE, CallLimits
from monitor.models import ApiBudget, ApiCall, ZohoAccount

_COLUMNS = ("account_id", "product", "method", "path", "kind", "credits", "started_at")


def locked_budget(account: ZohoAccount, product: str) -> ApiBudget | None:
    """Returns the budget's row, locked.

    PostgreSQL serialises takers on it; SQLite's IMMEDIATE transaction does it by itself.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    columns, converters = _reading(connection.vendor)
    statement = (
        f"SELECT {', '.join(map(connection.ops.quote_name, columns))} FROM {ApiBudget._meta.db_table} "  # noqa: S608 - our own names
        f"WHERE account_id = %s AND product = %s{lock}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [account.pk, product])
        row = cursor.fetchone()
    if row is None:
        return None
    values = list(row)
    for place, convert, expression in converters:
        values[place] = convert(values[place], expression, connection)
    return ApiBudget.from_db(connection.alias, columns, values)


@cache
def _reading(vendor: str) -> tuple[list[str], list[tuple[int, Callable[..., Any], Any]]]:
    """Returns the columns of a budget, and what makes a value of Django's out of one of the database, in order."""
    fields = ApiBudget._meta.concrete_fields
    expressions = [field.get_col(ApiBudget._meta.db_table) for field in fields]
    converters = [
        (place, convert, expression)
        for place, expression in enumerate(expressions)
        for convert in [*connection.ops.get_db_converters(expression), *expression.get_db_converters(connection)]
    ]
    return [field.attname for field in fields], converters


def take(call: ApiCall, allowed: CallLimits, now: datetime) -> int | None:
    """Writes a call down where the minute, and the calls under way, leave room for it.

    Call it in a transaction that holds `locked_budget`, and after that statement: what other takers wrote before they
    gave up the lock is seen then.

    Args:
        call: not stored yet.
        allowed: what this kind of work may use; its `per_day` is not looked at.
        now: the present.

    Returns:
        The row's key, None where there is no room.
    """
    table = ApiCall._meta.db_table
    values = [call.account_id, call.product, call.method, call.path, call.kind, call.credits, _adapted(call.started_at)]
    conditions, parameters = ["true" if connection.vendor == "postgresql" else "1"], list[Any]()
    ours = f"FROM {table} WHERE account_id = %s AND product = %s"
    under_way = f"(SELECT count(*) {ours} AND finished_at IS NULL AND started_at > %s)"
    counted = [call.account_id, call.product, _adapted(now - ABANDONED)]
    if allowed.at_once is not None:
        conditions.append(f"{under_way} < %s")
        parameters += [*counted, allowed.at_once]
    if allowed.per_minute is not None:
        ended = f"(SELECT count(*) {ours} AND finished_at > %s AND finished_at <= %s)"
        conditions.append(f"{under_way} + {ended} < %s")
        since, until = _adapted(now - MINUTE - MARGIN), _adapted(now + NOT_CREDIBLE)
        parameters += [*counted, call.account_id, call.product, since, until, allowed.per_minute]
    statement = (
        f"INSERT INTO {table} ({', '.join(_COLUMNS)}) "
        f"SELECT {', '.join(['%s'] * len(_COLUMNS))} WHERE {' AND '.join(conditions)}"
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{statement} RETURNING id", [*values, *parameters])
            row = cursor.fetchone()
            return None if row is None else int(row[0])
        cursor.execute(statement, [*values, *parameters])
        return int(cursor.lastrowid) if cursor.rowcount == 1 else None


def end(key: int, now: datetime, status: int | None) -> None:
    """Writes down how a call ended.

    Args:
        key: of the ledger's row.
        now: the present.
        status: the answer's HTTP status; None where none came.
    """
    table = ApiCall._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET finished_at = %s, status = %s WHERE id = %s",  # noqa: S608 - our own table's name
            [_adapted(now), status, key],
        )


def _adapted(at: datetime) -> Any:
    return at if connection.vendor == "postgresql" else connection.ops.adapt_datetimefield_value(at)
