from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Task

from monitor.supervisor import queue

pytestmark = pytest.mark.django_db


def finished(name: str, stopped: datetime, *, success: bool) -> Task:
    return Task.objects.create(id=name, name=name, func="f", started=stopped, stopped=stopped, success=success)


def test_what_is_queued_is_known_by_its_function():
    queue.enqueue("monitor.tasks.tick")
    queue.send_canary("abc-1")
    assert queue.queued(timezone.now()) == {"monitor.tasks.tick", "monitor.tasks.canary"}


def test_a_job_whose_worker_died_in_it_does_not_keep_the_next_one_out(now: datetime):
    with time_machine.travel(now, tick=False):
        queue.enqueue("monitor.tasks.tick")
    taken = now + timedelta(seconds=1)
    OrmQ.objects.update(lock=taken + timedelta(seconds=Conf.RETRY))
    assert queue.queued(taken + timedelta(seconds=10)) == {"monitor.tasks.tick"}
    assert queue.queued(taken + timedelta(seconds=20)) == set()
    given_back = taken + timedelta(seconds=Conf.RETRY + 1)
    assert queue.queued(given_back) == {"monitor.tasks.tick"}


def test_a_row_that_cannot_be_read_hides_no_other(now: datetime):
    OrmQ.objects.create(key="monitor", payload="not signed by us", lock=now)
    queue.enqueue("monitor.tasks.tick")
    assert "monitor.tasks.tick" in queue.queued(now)


def test_a_canary_is_answered_when_its_result_is_written(now: datetime):
    task_id = queue.send_canary("abc-1")
    assert queue.answered([task_id]) == set()
    finished(task_id, now, success=True)
    assert queue.answered([task_id, "another"]) == {task_id}


def test_a_killed_clusters_jobs_and_canaries_are_forgotten_but_nobody_elses(now: datetime):
    with time_machine.travel(now, tick=False):
        queue.enqueue("monitor.tasks.tick")
        queue.enqueue("monitor.tasks.something_of_a_person")
        queue.send_canary("dead-1")
        queue.send_canary("other-1")
    queue.forget("dead-", now)
    left = [(row.func(), row.args()) for row in OrmQ.objects.order_by("pk")]
    assert left == [("monitor.tasks.something_of_a_person", ()), ("monitor.tasks.canary", ("other-1",))]


def test_canaries_that_nobody_waits_for_any_longer_are_forgotten(now: datetime):
    with time_machine.travel(now - timedelta(minutes=10), tick=False):
        queue.send_canary("other-1")
    queue.forget("dead-", now)
    assert OrmQ.objects.count() == 0


def test_finished_tasks_are_pruned_failures_later_than_successes(now: datetime):
    finished("fresh", now - timedelta(minutes=59), success=True)
    finished("old", now - timedelta(minutes=61), success=True)
    finished("failed", now - timedelta(days=6), success=False)
    finished("failed-old", now - timedelta(days=8), success=False)
    assert queue.prune(now) == 2
    assert set(Task.objects.values_list("pk", flat=True)) == {"fresh", "failed"}


def of_another_queue() -> OrmQ:
    """A row as the newest one, that belongs to another installation's cluster on the same database."""
    row = OrmQ.objects.latest("pk")
    OrmQ.objects.filter(pk=row.pk).update(key="another")
    return row


def test_another_queues_jobs_are_neither_ours_nor_forgotten_by_us(now: datetime):
    with time_machine.travel(now - timedelta(minutes=10), tick=False):
        queue.enqueue("monitor.tasks.tick")
        theirs = of_another_queue()
        queue.send_canary("dead-1")
        canary = of_another_queue()
    assert queue.queued(now) == set()
    queue.forget("dead-", now)
    assert set(OrmQ.objects.all()) == {theirs, canary}


@pytest.mark.parametrize(
    ("locked", "stands"),
    [
        (timedelta(0), True),
        (timedelta(seconds=1), False),
        (timedelta(seconds=Conf.RETRY) - queue.BELIEVED - timedelta(seconds=1), False),
        (timedelta(seconds=Conf.RETRY) - queue.BELIEVED, True),
    ],
)
def test_a_job_stands_in_the_queue_until_it_was_taken_too_long_ago(now: datetime, locked: timedelta, stands: bool):
    queue.enqueue("monitor.tasks.tick")
    OrmQ.objects.update(lock=now + locked)
    assert queue.queued(now) == ({"monitor.tasks.tick"} if stands else set())


@pytest.mark.parametrize(("age", "kept"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_a_canary_of_another_supervisor_is_forgotten_when_nobody_can_wait_for_it(
    now: datetime, age: timedelta, kept: bool
):
    with time_machine.travel(now - timedelta(seconds=Conf.RETRY) - age, tick=False):
        queue.send_canary("other-1")
    queue.forget("dead-", now)
    assert OrmQ.objects.exists() is kept


def test_more_finished_tasks_than_a_batch_are_pruned_to_the_last(now: datetime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queue, "_BATCH", 2)
    for number in range(5):
        finished(f"old {number}", now - queue.KEEP_SUCCESSES - timedelta(seconds=1), success=True)
    finished("a success of just then", now - queue.KEEP_SUCCESSES, success=True)
    finished("a failure of just then", now - queue.KEEP_FAILURES, success=False)
    assert queue.prune(now) == 5
    assert set(Task.objects.values_list("pk", flat=True)) == {"a success of just then", "a failure of just then"}


def test_only_canaries_that_are_asked_for_are_named_as_answered(now: datetime):
    for name in ("mine", "another"):
        finished(name, now, success=True)
    assert queue.answered(["mine", "nobody"]) == {"mine"}
