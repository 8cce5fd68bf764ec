"""Ends the questions that a page asks the database once they have taken too long together.

PostgreSQL counts each statement by itself, within a transaction of the page: a setting of the connection would reach
somebody else's statements where a pooler shares connections. SQLite is asked to stop by its own engine. Between two
statements the time of the whole page is looked at, on both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction

PAGE_SECONDS = 5.0
_CANCELED = "57014"  # https://www.postgresql.org/docs/current/errcodes-appendix.html, query_canceled
_STEPS = 20_000  # of SQLite's engine between two looks at the clock: about a millisecond


class PageTooSlow(Exception):  # noqa: N818 - it says what happened
    """Says that the time of a page is over before its questions are answered."""


@contextmanager
def limited(seconds: float, *, monotonic: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Lets the database answer for so many seconds within the block.

    Args:
        seconds: for all statements together; above 0.
        monotonic: the clock; given in for tests.

    Raises:
        PageTooSlow: a statement was to begin after the end.
        OperationalError: a statement was stopped; see `was_stopped`.
    """
    end = monotonic() + seconds

    def in_time(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if monotonic() > end:
            raise PageTooSlow
        return execute(sql, params, many, context)

    engine = _postgresql(seconds) if connection.vendor == "postgresql" else _sqlite(lambda: monotonic() > end)
    with engine, connection.execute_wrapper(in_time):
        yield


def was_stopped(error: BaseException) -> bool:
    """Returns whether an error of a page says that it took too long."""
    if isinstance(error, PageTooSlow):
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) == _CANCELED or str(error) == "interrupted"


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    with transaction.atomic(savepoint=False):
        connection.ensure_connection()
        raw = connection.connection
        with connection.wrap_database_errors:  # a database that went away meanwhile is told as everywhere else
            before = raw.execute("SHOW statement_timeout").fetchone()[0] if _is_nested() else None
            raw.execute(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}")
        yield
        if before is not None and raw.info.transaction_status.name != "INERROR":
            with connection.wrap_database_errors:
                raw.execute(f"SET LOCAL statement_timeout = '{before}'")


def _is_nested() -> bool:
    """Returns whether the page lies in a transaction that goes on after it, as in a test."""
    return len(connection.atomic_blocks) > 1


@contextmanager
def _sqlite(is_over: Callable[[], bool]) -> Iterator[None]:
    connection.ensure_connection()
    raw = connection.connection
    raw.set_progress_handler(is_over, _STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)
