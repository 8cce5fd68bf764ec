"""Many rows into a table at once: what the two databases do best, behind one meaning.

Django's `bulk_create` makes a model of each row and a statement of each batch, which costs several times what the
database itself does with the rows (figures: tests/benchmarks/test_throughput.py). PostgreSQL takes rows fastest by
COPY, which knows no conflict; where rows may be there already, both databases take the same INSERT … ON CONFLICT.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db import connection, models

Row = Mapping[str, Any]
# What was read from JSON holds no ring.
_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


def insert(model: type[models.Model], rows: Sequence[Row]) -> None:
    """Inserts rows that are not there.

    Args:
        rows: by name of column (`flow_id`, not `flow`), all with the same names. Other columns get their defaults.

    Raises:
        IntegrityError: one is there. Nothing was inserted, and the transaction is of no use any more.
        DataError: a value that the column does not take; ValueError or OverflowError: one that no column takes.
    """
    if not rows:
        return
    columns, values = _table_form(model, rows, as_text=True)
    if connection.vendor == "postgresql":
        _copy(model, columns, values)
    else:
        _execute_many(_insert(model, columns), values)


def insert_new(model: type[models.Model], rows: Sequence[Row]) -> int:
    """Inserts rows; one that is there already (by any constraint of uniqueness) is left as it is. Slower.

    Args:
        rows: as for `insert`.

    Returns:
        How many were inserted: fewer than given means that somebody else came first.

    Raises:
        DataError, ValueError, OverflowError: as `insert`.
    """
    if not rows:
        return 0
    columns, values = _table_form(model, rows)
    return _execute_many(_insert(model, columns) + " ON CONFLICT DO NOTHING", values)


def upsert(model: type[models.Model], rows: Sequence[Row], key: Sequence[str]) -> None:
    """Inserts rows, or sets their columns where the key is there already.

    Args:
        rows: by name of column, all with the same names, no key twice. Give them in the order of the key: two
            writers then lock in the same order and never deadlock.
        key: the columns of a constraint of uniqueness.
    """
    if not rows:
        return
    columns, values = _table_form(model, rows)
    changes = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in columns if name not in key)
    conflict = f" ON CONFLICT ({', '.join(map(_quoted, key))}) DO UPDATE SET {changes}"
    _execute_many(_insert(model, columns) + conflict, values)


def delete(model: type[models.Model], keys: Sequence[int], where: str = "true", *values: Any) -> int:
    """Deletes rows by their primary keys, those that `where` is true of. What refers to them is not looked after.

    Args:
        where: SQL of our own, with a mark for each of `values`.
    """
    table = _quoted(model._meta.db_table)
    condition, parameter = among(_quoted("id"), keys)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {condition} AND {where}", [parameter, *values])  # noqa: S608 - as above
        return int(cursor.rowcount)


def among(column: str, values: Sequence[int | str]) -> tuple[str, Any]:
    """A condition with one parameter, however many values there are, and the parameter."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", list(values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))  # noqa: S608 - our own column


def _table_form(
    model: type[models.Model], rows: Sequence[Row], *, as_text: bool = False
) -> tuple[list[str], list[list[Any]]]:
    """Columns and their values as the database's driver takes them; `as_text`: for COPY, which takes text for all."""
    given = list(rows[0])
    if any(len(row) != len(given) for row in rows):
        raise TypeError("rows with different columns")
    fields = {field.attname: field for field in model._meta.concrete_fields if not field.primary_key}
    defaults = {name: field.get_default() for name, field in fields.items() if name not in rows[0] and not field.null}
    pick: Callable[[Row], tuple[Any, ...]] = itemgetter(*given)
    more = tuple(defaults.values())
    columns = [*given, *defaults]
    converters = [
        (place, convert) for place, name in enumerate(columns) if (convert := _converter(fields[name], as_text))
    ]
    values: list[list[Any]] = []
    for row in rows:
        value = [*pick(row), *more] if more else list(pick(row))
        for place, convert in converters:
            item = value[place]
            if item is not None:
                value[place] = convert(item)
        values.append(value)
    return columns, values


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
    """JSON text; most objects of errors are empty."""
    if not value and type(value) is dict:
        return "{}"
    return _encode(value)


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
