"""Leaves a connection to the database that Ctrl-C or SIGTERM may have broken off in the middle of a statement."""

from __future__ import annotations

from django.db import connection


def after_interruption(error: BaseException) -> None:
    """Closes the connection, unless the work ends with a plain exception or inside a transaction of the caller.

    One that still waits for the answer to a statement takes no other; a new one writes how the work ended.

    Args:
        error: what ends the work.
    """
    if not isinstance(error, Exception) and not connection.in_atomic_block:
        connection.close()
