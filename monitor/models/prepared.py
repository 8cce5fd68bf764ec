"""Keeps statements whose values alone differ: Django takes longer to put one together than the database to answer."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)
_BIGGEST = 2**63 - 1
_OF_ROWS = "_iterable_class", "_fields", "_prefetch_related_lookups", "_known_related_objects"
_STAND_INS: dict[type, Callable[[int], Any]] = {
    datetime: lambda place: datetime(2345, 6, 7, tzinfo=UTC) + timedelta(seconds=place),
    date: lambda place: date(2345, 6, 7) + timedelta(days=place),
    int: lambda place: 1_987_654_321 + place,
    str: lambda place: f"stands-in-for-value-{place}",
}


def rows_by(asked: QuerySet[M, Any], compiler: Any) -> QuerySet[M, Any]:
    """Returns a question that is compiled already.

    Django's own makes its rows, also those that it selects or fetches beside them.

    Args:
        asked: the question.
        compiler: gives its statement, or its rows.
    """
    query = copy(asked.query)
    query.get_compiler = lambda *_, **__: compiler  # type: ignore[method-assign]
    rows: Any = QuerySet(asked.model, query, DEFAULT_DB_ALIAS)
    for name in _OF_ROWS:
        setattr(rows, name, getattr(asked, name))
    return rows  # type: ignore[no-any-return]


class Prepared(Generic[M]):
    """Is a question whose statement is put together once a process, and asked with other values each time.

    Args:
        build: makes the question of its values, the same one whatever they are. Each value stands in the statement as
            it is given: a time that is computed of another one is a value of its own.
        kinds: of the values, in their order.
    """

    def __init__(self, build: Callable[..., QuerySet[M, Any]], *kinds: type[int | str | date]) -> None:
        self._build, self._kinds = build, kinds
        self._kept: dict[str, tuple[QuerySet[M, Any], Any, str, list[Any]]] = {}
        self._lock = Lock()

    def rows(self, *values: int | str | date) -> list[Any]:
        """Returns what the question finds; a row is what `build` asks for. As for `question`."""
        return list(self.question(*values))

    def question(self, *values: int | str | date) -> QuerySet[M, Any]:
        """Returns the question with its values, for who asks it with others.

        Args:
            values: as many as kinds.

        Raises:
            TypeError: one is of another kind.
        """
        if tuple(type(value) for value in values) != self._kinds:
            raise TypeError(f"takes {self._kinds}, not {tuple(type(value) for value in values)}")
        if any(isinstance(value, int) and abs(value) > _BIGGEST for value in values):
            return self._build(*[_STAND_INS[kind](0) for kind in self._kinds]).none()  # the database would fail at it
        kept, compiled, statement, places = self._put_together(DEFAULT_DB_ALIAS)
        stored = [_stored(value) for value in values]
        given = tuple(stored[place.place] if isinstance(place, _PlaceOfValue) else place for place in places)
        compiler = copy(compiled)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        compiler.as_sql = lambda *_, **__: (statement, given)
        return rows_by(kept, compiler)

    def first(self, *values: int | str | date) -> Any | None:
        """Returns the first row, None where there is none."""
        return next(iter(self.rows(*values)), None)

    def at(self, *values: int | str | date) -> PreparedAt[M]:
        """Returns the question with all values but the first one given."""
        return PreparedAt(self, values)

    def _put_together(self, using: str) -> tuple[QuerySet[M, Any], Any, str, list[Any]]:
        key = connections[using].vendor
        with self._lock:
            if key not in self._kept:
                values = [_STAND_INS[kind](place) for place, kind in enumerate(self._kinds)]
                stand_ins = {_stored(value): _PlaceOfValue(place) for place, value in enumerate(values)}
                rows = self._build(*values)
                compiler = rows.query.get_compiler(using=using)
                statement, parameters = compiler.as_sql()
                places = [stand_ins.get(value, value) for value in parameters]
                missing = [place for place in stand_ins.values() if place not in places]
                if missing:
                    raise ValueError(f"values stand in the statement in another form: {missing}")
                compiler.connection = None
                self._kept[key] = rows, compiler, statement, places
            return self._kept[key]


class PreparedAt(Generic[M]):
    """Is a prepared question of which the first value alone is still open: the key of a row."""

    def __init__(self, prepared: Prepared[M], values: tuple[int | str | date, ...]) -> None:
        self._prepared, self._values = prepared, values

    def rows(self, key: int) -> list[Any]:
        """Returns what the question finds for a key."""
        return self._prepared.rows(key, *self._values)


def _stored(value: Any) -> Any:
    """Returns a value as the database is given it."""
    if isinstance(value, datetime):
        return connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connections[DEFAULT_DB_ALIAS].ops.adapt_datefield_value(value)
    return value


class _PlaceOfValue:
    """Marks where a value goes in the parameters of a statement."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __repr__(self) -> str:
        return f"value {self.place}"
