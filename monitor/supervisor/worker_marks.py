"""Marks each of the cluster's worker processes busy or idle in its own WorkerBeat row; runs inside them."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from typing import Any

from django.db import Error as DatabaseTrouble
from django.utils import timezone
from django_q.signals import post_execute_in_worker, post_spawn, pre_execute

from monitor import job_failures
from monitor.models import WorkerBeat
from monitor.supervisor.queue import CANARY_TASK

CLUSTER = "MONITOR_CLUSTER"  # environment variable: which cluster of which supervisor this process belongs to
logger = logging.getLogger(__name__)


def beat_prefix(cluster: str) -> str:
    """Returns what the names of a cluster's worker rows start with."""
    return f"worker:{cluster}:"


def connect() -> None:
    """Connects the marks to django-q2's signals; call it before the cluster forks."""
    post_spawn.connect(_idle, dispatch_uid="activity.spawned")
    pre_execute.connect(_busy, dispatch_uid="activity.busy")
    post_execute_in_worker.connect(_done, dispatch_uid="activity.idle")


def _busy(task: dict[str, Any], **kwargs: Any) -> None:
    function = str(task.get("func", ""))
    under_way = {}
    if function != CANARY_TASK:
        name = job_failures.name_of(function, tuple(task.get("args") or ()))
        under_way = {"job": name, "task_id": str(task.get("id", ""))}
    _mark(timezone.now(), busy=True, task=function, worked=True, under_way=under_way)


def _idle(**kwargs: Any) -> None:
    _mark(timezone.now(), busy=False, task="")


def _done(task: dict[str, Any], **kwargs: Any) -> None:
    _note(task, timezone.now())
    _mark(timezone.now(), busy=False, task="", worked=True)


def _note(task: dict[str, Any], now: datetime) -> None:
    """Notes whether a task failed; the next one of its name pauses for so long."""
    if "success" not in task or task.get("func") == CANARY_TASK:
        return
    name = job_failures.name_of(str(task.get("func", "")), tuple(task.get("args") or ()))
    try:
        if task.get("success"):
            job_failures.worked(name)
        else:
            # django-q2 puts the message before the traceback.
            job_failures.failed(name, str(task.get("result", "")).partition(" : Traceback")[0], now)
    except DatabaseTrouble as error:
        logger.warning("a failure of %s could not be noted: %s", name, type(error).__name__)


def _mark(
    now: datetime, *, busy: bool, task: str, worked: bool = False, under_way: dict[str, str] | None = None
) -> None:
    """Writes a mark. A lost one costs at most a needless restart; an exception out of here would cost the worker."""
    name = beat_prefix(os.environ.get(CLUSTER, "")) + str(os.getpid())
    values = {"pid": os.getpid(), "beat_at": now, "busy_since": now if busy else None, "task": task[:100]}
    if worked:
        # A task came through: while the canary waits in a long queue, this tells that the poller lives.
        # What is under way is put down to its job if this process dies in it.
        values["detail"] = {"worked": True} | (under_way or {})
    try:
        if not WorkerBeat.objects.filter(name=name).update(**values):
            WorkerBeat.objects.update_or_create(name=name, defaults=values)
    except DatabaseTrouble as error:
        logger.warning("a worker could not mark itself %s: %s", "busy" if busy else "idle", type(error).__name__)
