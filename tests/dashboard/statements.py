"""What a page asks the database, and whether a statement reads all executions."""

from __future__ import annotations

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

MOST = 8  # statements of a page, those for the session and the person with it


def asked(client: Client, address: str) -> list[str]:
    """Returns the statements of a page, without those that only bound its time."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
        found = [statement["sql"] for statement in captured.captured_queries]
    return [sql for sql in found if sql.lstrip("(").startswith(("SELECT", "WITH"))]


def whole_reads(statement: str) -> list[str]:
    """Returns the lines of a plan that read the table of executions from end to end."""
    server = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN' if server else 'EXPLAIN QUERY PLAN'} {statement.replace('%', '%%')}")
        plan = [str(row[-1]) for row in cursor.fetchall()]
    whole = r"Seq Scan on monitor_execution\b" if server else r"^SCAN monitor_execution$"
    return [line for line in plan if re.search(whole, line)]
