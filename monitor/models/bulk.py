"""Writes many rows into a table at once: what the two databases do best, behind one meaning.

Django's `bulk_create` makes a model of each row and a statement of each batch, which costs several times what the
database itself does with the rows (figures: tests/benchmarks/test_throughput.py). PostgreSQL takes rows fastest by
COPY, which knows no conflict; where rows may be there already, both databases take the same INSERT … ON CONFLICT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from django.db import connection, models

Rows = Sequence[Sequence[Any]]
NOTHING: Mapping[str, Any] = {}


def insert(model: type[models.Model], columns: Sequence[str], rows: Rows, common: Mapping[str, Any] = NOTHING) -> None:
    """Inserts rows that are not there.

    Args:
        columns: names of columns (`flow_id`, not `flow`). Those that are not named get their defaults.
        rows: their values, in this order.
        common: values of further columns, by name, that all rows have in common.

    Raises:
        IntegrityError: one is there. Nothing was inserted, and the transaction is of no use any more.
        DataError: a value that the column does not take; ValueError or OverflowError: one that no column takes.
    """
    if not rows:
        return
    names, values = _table_form(model, columns, rows, common, as_text=True)
    if connection.vendor == "postgresql":
        _copy(model, names, values)
    else:
        _execute_many(_insert(model, names), values)


def insert_new(
    model: type[models.Model], columns: Sequence[str], rows: Rows, common: Mapping[str, Any] = NOTHING
) -> int:
    """Inserts rows; one that is there already (by any constraint of uniqueness) is left as it is. Slower.

    Args:
        columns, rows, common: as for `insert`.

    Returns:
        How many were inserted: fewer than given means that somebody else came first.

    Raises:
        DataError, ValueError, OverflowError: as `insert`.
    """
    if not rows:
        return 0
    names, values = _table_form(model, columns, rows, common)
    return _execute_many(_insert(model, names) + " ON CONFLICT DO NOTHING", values)


def upsert(model: type[models.Model], columns: Sequence[str], rows: Rows, key: Sequence[str]) -> None:
    """Inserts rows, or sets their columns where the key is there already.

    Args:
        columns: as for `insert`.
        rows: as for `insert`, no key twice. Give them in the order of the key: two writers then lock in the same
            order and never deadlock.
        key: the columns of a constraint of uniqueness.
    """
    if not rows:
        return
    names, values = _table_form(model, columns, rows, NOTHING)
    changes = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in names if name not in key)
    conflict = f" ON CONFLICT ({', '.join(map(_quoted, key))}) DO UPDATE SET {changes}"
    _execute_many(_insert(model, names) + conflict, values)


def update(model: type[models.Model], columns: Sequence[str], rows: Rows) -> None:
    """Sets columns of rows by their primary keys; one that is gone is left out.

    Args:
        columns: as for `insert`.
        rows: their values in this order, and the key behind them.
    """
    if not rows:
        return
    fields = {f.attname: f for f in model._meta.concrete_fields}
    by_column: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, name in enumerate(columns):
        if convert := _converter(fields[name], as_text=False):
            by_column[place] = [None if value is None else convert(value) for value in by_column[place]]
    changes = ", ".join(f"{_quoted(name)} = %s" for name in columns)
    statement = f"UPDATE {_quoted(model._meta.db_table)} SET {changes} WHERE id = %s"  # noqa: S608 - our own names
    _execute_many(statement, list(zip(*by_column, strict=True)))


def delete(model: type[models.Model], keys: Sequence[int], where: str = "true", *values: Any) -> int:
    """Deletes rows by their primary keys, those that `where` is true of, and nothing that refers to them.

    Args:
        where: SQL of our own, with a mark for each of `values`.
    """
    table = _quoted(model._meta.db_table)
    condition, parameter = among(_quoted("id"), keys)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {condition} AND {where}", [parameter, *values])  # noqa: S608 - as above
        return int(cursor.rowcount)


def refresh_statistics(model: type[models.Model]) -> None:
    """Has PostgreSQL look at the columns that a table which has just grown much is searched by.

    By what it knew before, it would read all of it for one row, until it looks by itself minutes later. SQLite goes by
    its indexes alone.
    """
    if connection.vendor != "postgresql":
        return
    searched = [
        str(f.column) for f in model._meta.concrete_fields if not isinstance(f, models.JSONField | models.TextField)
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {_quoted(model._meta.db_table)} ({', '.join(map(_quoted, searched))})")


def numbers(values: Iterable[int]) -> str:
    """Writes PostgreSQL's text of an array of whole numbers, for `%s::bigint[]`: the driver is slower with a list."""
    return f"{{{','.join(map(str, values))}}}"


def among(column: str, values: Sequence[int | str]) -> tuple[str, Any]:
    """Builds a condition with one parameter, however many values there are, and the parameter."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", list(values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))  # noqa: S608 - our own column


def _table_form(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Rows,
    common: Mapping[str, Any],
    *,
    as_text: bool = False,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Returns columns and their values as the database's driver takes them; `as_text`: for COPY, all as text.

    Raises:
        ValueError: rows of different lengths.
    """
    fields = {f.attname: f for f in model._meta.concrete_fields if not f.primary_key or f.attname in columns}
    defaults = {
        name: field.get_default()
        for name, field in fields.items()
        if name not in columns and name not in common and not field.null
    }
    constant = dict(common) | defaults
    by_column: list[Sequence[Any]] = list(zip(*rows, strict=True))
    for place, name in enumerate(columns):
        if convert := _converter(fields[name], as_text):
            by_column[place] = [None if value is None else convert(value) for value in by_column[place]]
    for name, value in constant.items():
        convert = _converter(fields[name], as_text)
        by_column.append([value if value is None or convert is None else convert(value)] * len(rows))
    return [*columns, *constant], list(zip(*by_column, strict=True))


def _converter(field: models.Field[Any, Any], as_text: bool) -> Callable[[Any], Any] | None:
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.DateTimeField) and connection.vendor == "postgresql" and as_text:
        return datetime.isoformat  # a third of the time that the driver takes for a moment
    if isinstance(field, models.DateTimeField) and connection.vendor != "postgresql":
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.DateField) and connection.vendor != "postgresql":
        return str
    return None


def _json(value: Any) -> str:
    """Writes JSON text, whole numbers of any length with every digit.

    Raises:
        ValueError: a text that is none (half a surrogate pair), or what is no JSON.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # also for a number beyond 64 bits, which the standard library can write
        return _json_of_any_size(value)


def _json_of_any_size(value: Any) -> str:
    """Writes JSON text by the standard library, which is slower and knows numbers of any length."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except TypeError as error:
        raise ValueError(str(error)) from error
    return text


def _copy(model: type[models.Model], columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
    statement = f"COPY {_quoted(model._meta.db_table)} ({', '.join(map(_quoted, columns))}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _insert(model: type[models.Model], columns: Sequence[str]) -> str:
    names, marks = ", ".join(map(_quoted, columns)), ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {_quoted(model._meta.db_table)} ({names}) VALUES ({marks})"  # noqa: S608 - our own names


def _execute_many(statement: str, rows: Sequence[Sequence[Any]]) -> int:
    """Runs a statement for each row; returns how many rows it changed."""
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.executemany(statement, rows)
            return int(cursor.rowcount)
    # Django's own cursor writes each row's values into a statement of its own; this one prepares the statement
    # once and sends all rows without waiting for an answer to each.
    from psycopg import Cursor

    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as prepared:
        prepared.executemany(statement, rows)
        return int(prepared.rowcount)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
