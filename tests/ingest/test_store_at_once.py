"""Two readers store the same rows: whoever comes second loses no answer."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from monitor.ingest.runs import store
from monitor.ingest.runs.store import NotAsPresumed, store_new_page, store_page
from monitor.models import DirtyHour, Execution, Flow, Quarantine
from monitor.zoho.shapes.executions import ExecutionRow, execution_row
from tests import factories
from tests.bystander import own


def a_row(number: int, status: str, at: datetime) -> ExecutionRow:
    final = status != "running"
    return execution_row(
        {
            "execution_id": str(number),
            "status": status,
            "started_time": (at - timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "completed_time": at.strftime("%Y-%m-%dT%H:%M:%SZ") if final else None,
        },
        "1",
    )


@pytest.fixture
def blind_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look finds nothing, as if the other reader stored its rows just after it."""
    look, looks = store._stored, []

    def stored(flow: Flow, ids: Any) -> dict[str, Execution]:
        looks.append(ids)
        return {} if len(looks) == 1 else look(flow, ids)

    monkeypatch.setattr(store, "_stored", stored)


@pytest.mark.django_db
@pytest.mark.usefixtures("blind_once")
@pytest.mark.parametrize(
    ("there", "answer", "expected"),
    [("running", "success", "success"), ("success", "running", "success"), ("failed", "failed", "failed")],
)
def test_a_row_that_another_reader_stored_meanwhile_is_held_against_the_answer(
    now: datetime, there: str, answer: str, expected: str
) -> None:
    flow = factories.make_flow()
    factories.make_execution(flow, there, execution_id="1", started_time=now - timedelta(minutes=1))
    own(Execution).update(completed_time=now if there != "running" else None)

    written = store_page(flow, [a_row(1, answer, now), a_row(2, "success", now)], [], now)

    assert dict(own(Execution).values_list("execution_id", "status")) == {"1": expected, "2": "success"}
    assert (written.new, written.quarantined, own(Quarantine).count()) == (1, 0, 0)
    assert DirtyHour.objects.exists()


@pytest.mark.django_db
def test_of_a_page_on_new_ground_only_what_the_walk_has_seen_is_looked_for(now: datetime) -> None:
    flow = factories.make_flow()
    store_page(flow, [a_row(1, "running", now)], [], now)

    with CaptureQueriesContext(connection) as asked:
        written = store_new_page(flow, [a_row(2, "failed", now), a_row(3, "success", now)], {"1"}, [], now)
    assert not [query for query in asked if query["sql"].startswith("SELECT") and "execution_id" in query["sql"]]
    again = store_new_page(flow, [a_row(1, "success", now), a_row(4, "success", now)], {"1"}, [], now)

    assert (written.new, written.changed, again.new, again.changed) == (2, 0, 1, 1)
    assert dict(own(Execution).values_list("execution_id", "status")) == {
        "1": "success",
        "2": "failed",
        "3": "success",
        "4": "success",
    }


@pytest.mark.django_db
def test_on_new_ground_too_a_row_that_pruning_has_kept_takes_its_answer(now: datetime) -> None:
    """It is old enough that nothing would be inserted, and so nothing says that it is there."""
    flow = factories.make_flow(pruned_before=now - timedelta(days=110))
    began = now - timedelta(days=120)
    factories.make_execution(flow, "running", execution_id="1", started_time=began)
    answer = replace(a_row(1, "success", began + timedelta(minutes=5)), started_time=began)

    written = store_new_page(flow, [answer], {}, [], now)

    assert (written.new, written.changed) == (0, 1)
    assert own(Execution).get().status == "success"


@pytest.mark.django_db
def test_a_page_that_is_not_all_new_leaves_nothing_behind_but_word_of_it(now: datetime) -> None:
    flow = factories.make_flow()
    store_page(flow, [a_row(1, "running", now)], [], now)
    DirtyHour.objects.all().delete()

    with pytest.raises(NotAsPresumed), transaction.atomic():
        store_new_page(flow, [a_row(2, "success", now), a_row(1, "success", now)], set(), [], now)

    assert dict(own(Execution).values_list("execution_id", "status")) == {"1": "running"}
    assert not DirtyHour.objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_transactions_that_insert_the_same_page_end_with_each_row_once_and_the_final_status(now: datetime) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite lives in memory, which threads cannot share")
    flow = factories.make_flow()
    running = [a_row(number, "running", now) for number in range(50)]
    final = [replace(row, status="success", completed_time=now) for row in running]
    looked, errors = threading.Barrier(2), []

    def read(rows: list[ExecutionRow]) -> None:
        try:
            with transaction.atomic():
                own(Execution).first()  # its own connection is open before the other begins
                looked.wait(timeout=20)
                store_page(flow, rows, [], now)
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=read, args=[rows]) for rows in (running, final)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert set(own(Execution).values_list("status", flat=True)) == {"success"}
    assert own(Execution).count() == 50
