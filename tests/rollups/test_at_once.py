"""Several recounts at once, for real: threads with connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from monitor.models import DayBucket, DirtyHour, Execution, HourBucket
from monitor.rollups import prune, recount
from tests import factories
from tests.bystander import own

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
THREADS = 4
HOUR = timedelta(hours=1)


def test_recounts_at_once_of_hours_of_one_day_lose_none_of_them(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite lives in memory, which threads cannot share")
    monkeypatch.setattr(recount, "BATCH_HOURS", 1)
    flow = factories.make_flow()
    midnight = now.replace(hour=0)
    rows = [factories.make_execution(flow, started_time=midnight + n * HOUR) for n in range(24)]
    DirtyHour.objects.mark((flow.pk, row.started_time) for row in rows)
    start, errors = threading.Barrier(THREADS), []

    def recount_all(number: int) -> None:
        try:
            start.wait(timeout=20)
            while recount.rebuild_dirty(now):
                if number == 0:  # and a writer of the mirror in between
                    changed = rows[len(rows) // 2]
                    Execution.objects.filter(pk=changed.pk).update(status="failed")
                    DirtyHour.objects.mark([(flow.pk, changed.started_time)])
                    number = 1
        except BaseException as error:  # noqa: BLE001 - told to the test
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=recount_all, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while recount.rebuild_dirty(now):
        pass

    assert errors == []
    day = own(DayBucket).get()
    assert own(HourBucket).count() == 24
    assert (day.succeeded + day.failed, day.failed) == (24, own(Execution).filter(status="failed").count())


@contextmanager
def another_process() -> Iterator[Any]:
    """A connection of its own with a transaction that stays open meanwhile."""
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite lives in memory, which threads cannot share")
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            yield cursor
            cursor.execute("ROLLBACK")
    finally:
        other.close()


def test_who_does_not_wait_leaves_the_hours_to_the_process_that_counts(now: datetime) -> None:
    row = factories.make_execution()
    DirtyHour.objects.mark([(row.flow_id, row.started_time)])

    with another_process() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [prune.ALONE])
        assert recount.rebuild_dirty(now, waits=False) == 0

    assert recount.rebuild_dirty(now, waits=False) == 1


def test_hours_that_are_being_marked_keep_none_of_the_others_from_being_counted(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "BATCH_HOURS", 2)
    flow = factories.make_flow()
    hours = [now - n * HOUR * 24 for n in range(4)]
    DirtyHour.objects.mark([(flow.pk, hour) for hour in hours])
    DirtyHour.objects.mark([(flow.pk, hours[0] - HOUR)])

    with another_process() as cursor:
        # Two of the newest day: a batch by whole days finds nothing to take.
        cursor.execute(f"UPDATE {DirtyHour._meta.db_table} SET marks = 2 WHERE hour > %s", [hours[1]])  # noqa: S608 - our own name
        assert recount.rebuild_dirty(now) == 3

    assert DirtyHour.objects.count() == 2
