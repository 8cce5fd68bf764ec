"""Gives the rows of every query that asks for no order in a random one: `scripts/test.py -p tests.unordered`.

A database may give them in any order. SQLite mostly gives them by their key and PostgreSQL as they lie, so that a test
or a page that takes the first of them is right until it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.models import OrderBy
from django.db.models.functions import Random
from django.db.models.sql.compiler import (
    SQLAggregateCompiler,
    SQLCompiler,
    SQLDeleteCompiler,
    SQLInsertCompiler,
    SQLUpdateCompiler,
)

_order_by = SQLCompiler.get_order_by
_OTHERS = (SQLAggregateCompiler, SQLDeleteCompiler, SQLInsertCompiler, SQLUpdateCompiler)


def _any_order(compiler: SQLCompiler) -> Any:
    found, query = _order_by(compiler), compiler.query
    # A subquery's order is nobody's to see; where rows are put together, what is not in them cannot order them.
    put_together = query.distinct or query.combinator or query.group_by is not None
    if found or query.subquery or put_together or isinstance(compiler, _OTHERS):
        return found
    chance = OrderBy(Random())
    return [(chance, (*compiler.compile(chance), False))]


@contextmanager
def unordered() -> Iterator[None]:
    """Shuffles what has no order, for as long as it is entered."""
    SQLCompiler.get_order_by = _any_order
    try:
        yield
    finally:
        SQLCompiler.get_order_by = _order_by


def pytest_configure(config: Any) -> None:
    """Shuffles for a whole run of the suite."""
    SQLCompiler.get_order_by = _any_order
