"""The list of executions is read in the order of an index: no filter and no page may sort the whole table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitor.models import Failure, ZohoAccount
from monitor.queries import executions
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import Key
from tests import factories

SORTED = {"postgresql": "Sort", "sqlite": "TEMP B-TREE FOR ORDER BY"}


@pytest.fixture
def listed(account: ZohoAccount) -> ZohoAccount:
    flow = factories.make_flow(account)
    for n in range(60):
        started = factories.NOON - timedelta(minutes=n)
        factories.make_execution(flow, "failed" if n % 5 == 0 else "success", started_time=started)
    return account


def plans(wanted: ExecutionFilter, *, sorts: bool = False) -> list[str]:
    """How the database reads each statement of one page."""
    with CaptureQueriesContext(
        connection,
    ) as statements:
        executions.page(wanted, 10)
    found = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table this small is cheaper to sort: what is asked is whether an index can serve the order at all.
            cursor.execute("ANALYZE monitor_execution")
            cursor.execute("ANALYZE monitor_failure, monitor_failuregroup")
            cursor.execute(f"SET LOCAL enable_sort = {'on' if sorts else 'off'}")
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        for statement in statements.captured_queries:
            cursor.execute(f"{explain} {statement['sql']}")
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return found


@pytest.mark.parametrize("place", ["top", "after", "before", "tail"])
@pytest.mark.parametrize("narrowed", ["", "status", "account", "flow", "span"])
def test_a_page_is_read_in_the_order_of_an_index(listed: ZohoAccount, narrowed: str, place: str) -> None:
    wanted = {
        "": ExecutionFilter(),
        "status": ExecutionFilter(status="failed"),
        "account": ExecutionFilter(account_id=listed.pk),
        "flow": ExecutionFilter(flow_id=listed.flows.get().pk),
        "span": ExecutionFilter(start=factories.NOON - timedelta(hours=2)),
    }[narrowed]
    middle = Key(factories.NOON - timedelta(minutes=30), 10**6)
    keys = {"top": {}, "after": {"after": middle}, "before": {"before": middle}, "tail": {"after": Key(None, 10**6)}}
    found = plans(replace(wanted, **keys[place]))
    assert found or (narrowed, place) == ("span", "tail")
    for plan in found:
        assert SORTED[connection.vendor] not in plan, plan


@pytest.mark.parametrize("flow", [False, True])
def test_a_search_reads_an_index_of_the_runs_that_have_a_text(listed: ZohoAccount, flow: bool) -> None:
    wanted = ExecutionFilter(text="Campaigns", flow_id=listed.flows.get().pk if flow else None)
    index = {"postgresql": ("execution_trigrams", "execution_masked"), "sqlite": ("execution_masked",)}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # By cost alone, a table this small is read whole or by any other index.
            cursor.execute("DROP INDEX execution_by_flow, execution_newest, execution_by_time, execution_by_status")
    searched = [plan for plan in plans(wanted) if "search_text" in plan or "masked" in plan]
    assert searched
    assert all(any(name in plan for name in index[connection.vendor]) for plan in searched)


@pytest.fixture
def failed(listed: ZohoAccount) -> Failure:
    """The ledger's entry of the oldest of the failed runs."""
    for run in listed.executions.filter(status="failed").order_by("-started_time"):
        found = factories.make_failure(run)
    return found


@pytest.mark.parametrize("narrowed", ["outcome", "account", "flow", "problem", "problem and flow", "age"])
def test_no_filter_by_the_ledger_reads_a_whole_table(failed: Failure, narrowed: str) -> None:
    hour = timedelta(hours=1)
    wanted = {
        "outcome": ExecutionFilter(outcome="open"),
        "account": ExecutionFilter(outcome="open", account_id=failed.account_id),
        "flow": ExecutionFilter(outcome="open", flow_id=failed.flow_id),
        "problem": ExecutionFilter(problem_id=failed.group.problem_id),
        "problem and flow": ExecutionFilter(problem_id=failed.group.problem_id, flow_id=failed.flow_id),
        "age": ExecutionFilter(
            outcome="open", failed_from=failed.failed_at - hour, failed_before=failed.failed_at + hour
        ),
    }[narrowed]
    found = [plan for plan in plans(wanted, sorts=True) if "failure" in plan]
    assert found
    for plan in found:
        for table in ("monitor_failure", "monitor_execution", "monitor_failuregroup"):
            assert f"Seq Scan on {table}" not in plan, plan
        # SQLite: a table without an index of its own beside it is read whole.
        whole = [line for line in plan.splitlines() if line.startswith("SCAN") and "USING" not in line]
        assert whole == [], plan


def test_the_ledger_narrows_a_list_as_its_counts_say(failed: Failure) -> None:
    at, problem = failed.failed_at, failed.group.problem_id
    second = timedelta(seconds=1)

    def found(**wanted: object) -> int:
        return executions.matching(ExecutionFilter(account_id=failed.account_id, **wanted)).count()  # type: ignore[arg-type]

    assert found(outcome="open") == 12
    assert found(outcome="open", status="success") == 0
    assert found(outcome="recovered") == 0
    assert found(problem_id=problem) == found(problem_id=problem, outcome="open", flow_id=failed.flow_id) == 1
    assert found(problem_id=problem + 10**6) == 0
    assert found(failed_from=at, failed_before=at + second) == 1
    assert found(failed_from=at + second, failed_before=at + 2 * second) == found(failed_before=at) == 0
    assert found() == 60
