"""Reads rows of many flows in many spans of time with one statement, on both databases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Model

from monitor.models.bulk import numbers

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


def epoch(column: str) -> str:
    """Says a column's time in whole seconds since 1970 in SQL, for a statement with parameters.

    Args:
        column: its name, of our own.
    """
    is_server = connection.vendor == "postgresql"
    return f"extract(epoch FROM {column})::bigint" if is_server else f"CAST(strftime('%%s', {column}) AS INTEGER)"


def rows_within(
    model: type[Model],
    column: str,
    begins: Sequence[tuple[int, datetime]],
    length: timedelta,
    columns: str,
    more: str = "",
) -> list[tuple[Any, ...]]:
    """Selects columns of the rows `e` of some flows in spans of equal length, in one statement.

    Args:
        model: a table with a flow and a time.
        column: the time.
        begins: a flow's primary key and the beginning of the span, each.
        length: of every span.
        columns: SQL of our own; `place` is which span, from 1.
        more: SQL of our own behind the rows: joins of further tables, conditions.
    """
    with connection.cursor() as cursor:
        cursor.execute(*select_within(model, column, begins, length, columns, more))
        return list(cursor.fetchall())


def select_within(
    model: type[Model],
    column: str,
    begins: Sequence[tuple[int, datetime]],
    length: timedelta,
    columns: str,
    more: str = "",
) -> tuple[str, list[Any]]:
    """Gives the statement of `rows_within` and its parameters."""
    names = {"table": connection.ops.quote_name(model._meta.db_table), "column": column}
    parameters: list[Any]
    if connection.vendor == "postgresql":
        given = _ON_POSTGRESQL.format(**names, seconds=int(length.total_seconds()))
        parameters = [numbers(flow for flow, _ in begins), numbers(int(at.timestamp()) for _, at in begins)]
    else:
        given, text = _ON_SQLITE.format(**names), connection.ops.adapt_datetimefield_value
        parameters = [json.dumps([(flow, text(at), text(at + length)) for flow, at in begins])]
    return f"SELECT {columns} FROM {given} {more}", parameters  # noqa: S608 - our own names


def rows_from(
    model: type[Model], column: str, since: Sequence[tuple[int, datetime]], hour: str, packed: str
) -> list[tuple[int, int, bytes]]:
    """Selects flow, hour (in seconds since 1970) and a packed column of rows from some moment on, in one statement.

    Args:
        model: a table with a flow and a time.
        column: the time.
        since: a flow's primary key and from when on, each.
        hour: the column of the hour.
        packed: the packed column.
    """
    table = connection.ops.quote_name(model._meta.db_table)
    parameters: list[Any]
    if connection.vendor == "postgresql":
        given = "unnest(%s::bigint[], %s::float8[]) AS given (flow, since)"
        began, seconds = "to_timestamp(given.since)", f"date_part('epoch', e.{hour})::bigint"
        parameters = [numbers(flow for flow, _ in since), [at.timestamp() for _, at in since]]
    else:
        each = "json_extract(value, '$[0]') AS flow, json_extract(value, '$[1]') AS since"
        given = f"(SELECT {each} FROM json_each(%s)) AS given"  # noqa: S608 - no name is in it
        began, seconds = "given.since", f"CAST(strftime('%%s', e.{hour}) AS INTEGER)"
        parameters = [json.dumps([(flow, connection.ops.adapt_datetimefield_value(at)) for flow, at in since])]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.flow_id, {seconds}, e.{packed} FROM {given} "  # noqa: S608 - our own names
            f"JOIN {table} AS e ON e.flow_id = given.flow AND e.{column} >= {began}",
            parameters,
        )
        return list(cursor.fetchall())


def utc(at: datetime | str) -> datetime:
    """Returns a time as a plain cursor gives it, in UTC: SQLite's has no zone, and may be text."""
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
