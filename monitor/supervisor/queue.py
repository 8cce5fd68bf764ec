"""Writes the queue's tables for the supervisor: puts jobs and canaries in, and deletes what is done."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django_q.conf import Conf
from django_q.models import OrmQ, Task
from django_q.tasks import async_task

from monitor.schedules import JOBS

CANARY_TASK = "monitor.tasks.canary"
_JOB_TASKS = {job.task for job in JOBS}
KEEP_SUCCESSES = timedelta(hours=1)
KEEP_FAILURES = timedelta(days=7)
BELIEVED = timedelta(seconds=15)  # so long a job that was taken is believed to be under way
_BATCH = 500
logger = logging.getLogger(__name__)


def queued(now: datetime) -> set[str]:
    """Returns the functions that stand in the queue, running ones included.

    One that was taken long ago belongs to a worker that died in it: its row stays locked for minutes (`Conf.RETRY`),
    and must not keep the next one from being put in. Where it only runs for long, a second one does no harm.

    Args:
        now: the present.
    """
    rows = OrmQ.objects.filter(key=Conf.CLUSTER_NAME)
    given_up = rows.filter(lock__gt=now, lock__lt=now - BELIEVED + timedelta(seconds=Conf.RETRY))
    # A row that cannot be read gives a task without a function.
    return {str(row.task.get("func")) for row in rows.exclude(pk__in=given_up.values("pk"))}


def enqueue(task: str) -> None:
    """Puts a periodic job into the queue."""
    async_task(task)


def send_canary(token: str) -> str:
    """Puts a canary into the queue; returns the task's number, by which `answered` knows it."""
    return str(async_task(CANARY_TASK, token))


def answered(task_ids: Iterable[str]) -> set[str]:
    """Returns which canaries have gone full circle: queue, worker, and the result that the cluster wrote."""
    return set(Task.objects.filter(pk__in=list(task_ids)).values_list("pk", flat=True))


def forget(token: str, now: datetime) -> None:
    """Deletes what a killed cluster left locked for minutes: the periodic jobs, its canaries, very old canaries.

    Args:
        token: what the killed cluster's canaries start with.
        now: the present.
    """
    stale = []
    for row in OrmQ.objects.filter(key=Conf.CLUSTER_NAME):
        function, args = row.task.get("func"), row.task.get("args") or ("",)
        old = now - row.task.get("started", now) > timedelta(seconds=Conf.RETRY)
        if function in _JOB_TASKS or (function == CANARY_TASK and (old or str(args[0]).startswith(token))):
            stale.append(row.pk)
    OrmQ.objects.filter(pk__in=stale).delete()


def take_out(task_id: str) -> None:
    """Deletes the task that a process died in: else the queue would give it out again and again, whatever it kills.

    What it should have done is due as before, and comes with the next task of its kind.
    """
    taken = OrmQ.objects.filter(key=Conf.CLUSTER_NAME)
    OrmQ.objects.filter(pk__in=[row.pk for row in taken if row.task.get("id") == task_id]).delete()


def prune(now: datetime) -> int:
    """Deletes rows of finished tasks that have outlived their time, some hundreds at a time; returns how many."""
    old = Task.objects.filter(success=True, stopped__lt=now - KEEP_SUCCESSES) | Task.objects.filter(
        success=False, stopped__lt=now - KEEP_FAILURES
    )
    count = 0
    while batch := list(old.values_list("pk", flat=True)[:_BATCH]):
        Task.objects.filter(pk__in=batch).delete()
        count += len(batch)
    return count
