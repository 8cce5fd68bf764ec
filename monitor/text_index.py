"""Gives PostgreSQL an index of trigrams over masked text, where it may be had: a search then reads what it finds.

Made after each `manage.py migrate`, and not by a migration: the extension may be refused today and granted tomorrow.
Without it a search reads the masked text of all runs that have one.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, connections, transaction

from monitor.models import Execution

NAME = "execution_trigrams"
logger = logging.getLogger(__name__)


def make_after_migrate(*, using: str, **kwargs: Any) -> None:
    """Makes the index where the database is PostgreSQL and lets us have its extension pg_trgm.

    Args:
        using: the connection that was migrated.
        kwargs: what else the signal `post_migrate` says.
    """
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    table = connection.ops.quote_name(Execution._meta.db_table)
    try:
        with transaction.atomic(using), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {NAME} ON {table} USING gin (search_text gin_trgm_ops) "
                "WHERE masked_by IS NOT NULL"
            )
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        logger.info("no index of trigrams, so that searches of error texts read all of them: %s", reason)
