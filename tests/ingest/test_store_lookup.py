"""How a page's runs are looked up, whatever the database's statistics say of a table that grows fast."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.ingest.runs import store
from monitor.models import ZohoAccount
from tests import factories
from tests.fake_zoho import Zoho, sync
from tests.ingest.test_backfill import history


@pytest.mark.django_db
def test_runs_are_looked_up_by_their_id_and_never_by_their_account_alone(account: ZohoAccount) -> None:
    flow = factories.make_flow(account)
    for _ in range(20):
        factories.make_execution(flow, "success")
    with CaptureQueriesContext(connection) as statements:
        store._stored(flow, ["1", "2", "3"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Twenty rows are read sooner whole: what is asked is which index there is to take.
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} {statements.captured_queries[0]['sql']}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    names = {"postgresql": "one_row_per_execution", "sqlite": "(execution_id=? AND account_id=?)"}
    assert names[connection.vendor] in plan, plan


@pytest.mark.django_db
def test_a_page_more_costs_a_bounded_number_of_statements(account: ZohoAccount, zoho: Zoho) -> None:
    """Its transaction has six besides its bounds: lease, look-up, rows, hours, payload's place, how far it reaches."""
    asked = []
    for runs in (500, 1500):
        zoho.cap = 50
        history(zoho, runs)
        with CaptureQueriesContext(connection) as statements:
            sync(account, zoho)
        asked.append(sum(" SAVEPOINT" not in f" {query['sql']}" for query in statements.captured_queries))
    assert asked[1] - asked[0] <= 20 * 7
