"""A process that is killed, without a process: from the moment of its death it changes nothing any more.

`kill -9` leaves no time for `finally`. In process an exception runs through them all; so after it every statement
of the dead is refused, except the rolling back that the server would do for a lost connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

OF_THE_SERVER = ("ROLLBACK", "RELEASE SAVEPOINT", "SAVEPOINT")


class Killed(BaseException):
    """The process ends here."""


class Death:
    """Dies at the n-th statement, or when somebody says so.

    Args:
        at_statement: number of the statement (from 1) that is not executed any more; 0 for never.
    """

    def __init__(self, at_statement: int = 0) -> None:
        self.at_statement = at_statement
        self.statements = 0
        self.is_dead = False

    def die(self) -> None:
        """Ends the process; nothing that it does afterwards reaches the database."""
        self.is_dead = True
        raise Killed

    def wrapper(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """For `connection.execute_wrapper`."""
        if sql.lstrip().upper().startswith(OF_THE_SERVER):
            return execute(sql, params, many, context)
        self.statements += 1
        if self.is_dead or self.statements == self.at_statement:
            self.die()
        return execute(sql, params, many, context)


@contextmanager
def mortal(death: Death) -> Iterator[Death]:
    """What happens inside may die; the caller lives on as the next process."""
    with connection.execute_wrapper(death.wrapper):
        try:
            yield death
        except Killed:
            death.is_dead = True
