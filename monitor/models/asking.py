"""Lets what asks the database in several places ask in one statement: what a page shows costs few ways to it.

Who asks is a generator that yields questions and is sent their rows (`ask`). Several of them are put in step
(`in_step`): what each asks first is one statement, what each asks next another one. Who needs the answer at once, and
nothing beside it, takes `answered`. Each question is as it would be alone: Django makes its rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Count, QuerySet, Value
from django.utils.dateparse import parse_duration

from monitor.models.prepared import rows_by
from monitor.models.spans import utc

T = TypeVar("T")


@dataclass(frozen=True)
class Statement:
    """Is a question in SQL of our own.

    Attributes:
        sql: with places for its parameters.
        parameters: in their order.
        width: how many columns a row has: whole numbers, texts or nothing.
    """

    sql: str
    parameters: Sequence[Any]
    width: int


Question = QuerySet[Any, Any] | Statement
Asking = Generator[Sequence[Question], Sequence[list[Any]], T]
Reader = Callable[[Any], Any]

_ARRAYS = {"postgresql": "json_build_array({})", "sqlite": "json_array({})"}
_MOST_ARGUMENTS = 90  # of a function; PostgreSQL takes 100
# What JSON has no form for, as the driver would give it. SQLite's own forms are those that Django reads anyway.
_READERS: dict[str, dict[str, Reader]] = {
    "postgresql": {"DateTimeField": utc, "DateField": date.fromisoformat, "DurationField": parse_duration},
    "sqlite": {"FloatField": float},
}
# What goes into JSON as text: Django reads JSON from it, and SQLite's own form of a number has fifteen digits.
_AS_TEXT = {
    "postgresql": {"JSONField": "{}::text"},
    "sqlite": {"FloatField": "CASE WHEN {0} IS NOT NULL THEN printf('%%!.17g', {0}) END"},
}
_NO_FORM = {"BinaryField", "DecimalField", "TimeField", "UUIDField"}


def ask(rows: Question) -> Asking[list[Any]]:
    """Asks one question, and returns its rows."""
    (found,) = yield [rows]
    return found


def ask_first(rows: QuerySet[Any, Any]) -> Asking[Any | None]:
    """Asks one question, and returns its first row; None where there is none."""
    found = yield from ask(rows[:1])
    return found[0] if found else None


def ask_with(rows: QuerySet[Any, Any], **related: QuerySet[Any, Any]) -> Asking[list[Any]]:
    """Asks for rows and for what they are related to by many-to-many fields, and returns the rows.

    Each row has its related ones as `prefetch_related` would have read them, which takes a statement for each field.

    Args:
        rows: all of them, or a part that needs no order to be found.
        related: by the name of a field, what it leads to and in which order.
    """
    keys = rows.order_by().values("pk")
    questions: list[Question] = [rows]
    for name, targets in related.items():
        own: Any = rows.model._meta.get_field(name)
        source, target = own.m2m_field_name(), own.m2m_reverse_field_name()
        pairs = own.remote_field.through._default_manager.filter(**{f"{source}__in": keys}).order_by()
        questions += [pairs.values_list(source, target), targets.filter(pk__in=pairs.values(target))]
    found, *of_fields = yield questions
    for place, (name, targets) in enumerate(related.items()):
        pairs_of, read = of_fields[2 * place], of_fields[2 * place + 1]
        chosen = {(source, target) for source, target in pairs_of}
        for row in found:
            mine = targets.all()
            mine._result_cache = [one for one in read if (row.pk, one.pk) in chosen]  # noqa: SLF001 - as prefetching does
            row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = mine
    return found


def ask_count(rows: QuerySet[Any, Any]) -> Asking[int]:
    """Asks how many rows a question without a limit has."""
    counted = yield from ask(over_all(rows, counted=Count("pk")))
    return int(counted[0][0]) if counted else 0


def over_all(rows: QuerySet[Any, Any], **figures: Any) -> Question:
    """Makes the question for figures over all rows, as `aggregate` computes them: one row, with them in this order.

    It has no row where no row can be there.
    """
    # A constant is no group: the figures are those of all rows.
    one_group: QuerySet[Any, Any] = rows.order_by().values(over_all=Value(1))
    asked: QuerySet[Any, Any] = one_group.annotate(**figures).values_list(*figures)
    return asked


def in_step(*several: Asking[Any]) -> Asking[list[Any]]:
    """Puts several askers in step: their first questions together, then their next ones. Returns what each returns."""
    returned: list[Any] = [None] * len(several)
    waiting: dict[int, Sequence[Question]] = {}

    def go_on(place: int, rows: Sequence[list[Any]] | None) -> None:
        try:
            # A generator that has just begun takes no rows.
            waiting[place] = next(several[place]) if rows is None else several[place].send(rows)
        except StopIteration as end:
            returned[place] = end.value
            waiting.pop(place, None)

    for place in range(len(several)):
        go_on(place, None)
    while waiting:
        round_of = dict(waiting)
        found = yield [question for questions in round_of.values() for question in questions]
        begin = 0
        for place, questions in round_of.items():
            go_on(place, found[begin : begin + len(questions)])
            begin += len(questions)
    return returned


def answered(asking: Asking[T]) -> T:
    """Asks the database what is asked, and returns what comes of it. One statement each time that it asks."""
    try:
        questions = next(asking)
        while True:
            questions = asking.send(read_at_once(questions))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def read_at_once(questions: Sequence[Question]) -> list[list[Any]]:
    """Returns the rows of several questions, each in its own order and as it would give them alone. One statement.

    Raises:
        ValueError: a question asks for what JSON has no form for, or sorts distinct rows by what it does not select.
    """
    if len(questions) == 1:
        return [_alone(questions[0])]
    found: list[list[Any]] = [[] for _ in questions]
    compilers: dict[int, tuple[Any, list[str]]] = {}
    selects: list[str] = []
    tables: list[str] = []
    parameters: list[Any] = []
    for place, question in enumerate(questions):
        if isinstance(question, Statement):
            compilers[place] = None, [""] * question.width
            tables.append(f"part_{place} ({_columns(question.width)}) AS ({question.sql})")
            selects.append(_select(place, compilers[place][1]))
            parameters += question.parameters
            continue
        if getattr(question, "_result_cache", None) is not None:
            found[place] = list(question)  # it was fetched along with what it belongs to
            continue
        if question.query.is_empty():
            continue  # it would be put together first, which takes longer than most of what is found
        compiler = question.query.get_compiler(using=DEFAULT_DB_ALIAS)
        try:
            sql, given = compiler.as_sql()
        except EmptyResultSet:
            continue
        kinds = [column.output_field.get_internal_type() for column, *_ in compiler.select or ()]
        if compiler.has_extra_select or _NO_FORM & set(kinds):
            raise ValueError(f"cannot be asked with others: {question.model.__name__}, {sorted(set(kinds))}")
        compilers[place] = compiler, kinds
        tables.append(f"part_{place} ({_columns(len(kinds))}) AS ({sql})")
        selects.append(_select(place, kinds))
        parameters += given
    if len(compilers) < 2:
        for place, (compiler, _) in compilers.items():
            found[place] = _alone(questions[place], compiler)
        return found
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {', '.join(tables)} {' UNION ALL '.join(selects)}", parameters)
        answers = sorted(cursor.fetchall(), key=lambda row: row[1])
    texts: dict[int, list[str]] = {place: [] for place in compilers}
    for place, _, text in answers:
        texts[place].append(text)
    for place, (compiler, kinds) in compilers.items():
        rows = _read(texts[place], [_READERS[connection.vendor].get(kind) for kind in kinds])
        found[place] = [tuple(row) for row in rows] if compiler is None else _as_asked(questions[place], compiler, rows)
    return found


def _alone(question: Question, compiler: Any = None) -> list[Any]:
    """Asks one question by itself."""
    if isinstance(question, Statement):
        with connection.cursor() as cursor:
            cursor.execute(question.sql, question.parameters)
            return list(cursor.fetchall())
    return list(question if compiler is None else rows_by(question, compiler))


def _columns(width: int) -> str:
    return ", ".join(f"c{number}" for number in range(width))


def _select(place: int, kinds: Sequence[str]) -> str:
    """Says in SQL how the rows of a part are read.

    The order of a part is not that of a union: its rows are numbered as they come out of it.
    """
    return f"SELECT {place}, ROW_NUMBER() OVER (), {_array(kinds)} FROM part_{place}"  # noqa: S608 - our own names


def _array(kinds: Sequence[str]) -> str:
    """Says in SQL how the columns of a part are put into one text: arrays of an array, for functions take few."""
    array, as_text = _ARRAYS[connection.vendor], _AS_TEXT[connection.vendor]
    columns = [as_text.get(kind, "{}").format(f"c{number}") for number, kind in enumerate(kinds)]
    pieces = [columns[begin : begin + _MOST_ARGUMENTS] for begin in range(0, len(columns), _MOST_ARGUMENTS)]
    whole = array.format(", ".join(array.format(", ".join(piece)) for piece in pieces))
    return f"{whole}::text" if connection.vendor == "postgresql" else whole


def _read(texts: Iterable[str], readers: Sequence[Reader | None]) -> list[list[Any]]:
    to_be_read = [(place, read) for place, read in enumerate(readers) if read is not None]
    rows = []
    for text in texts:
        row = [value for piece in json.loads(text) for value in piece]
        for place, read in to_be_read:
            if row[place] is not None:
                row[place] = read(row[place])
        rows.append(row)
    return rows


def _as_asked(question: Any, compiler: Any, rows: list[list[Any]]) -> list[Any]:
    """Lets Django make the rows of a question from what was read, also those that it selects or fetches beside them."""
    compiler = copy(compiler)
    compiler.execute_sql = lambda *_, **__: [rows]
    return list(rows_by(question, compiler))
