"""Lets the queue run the doors of `monitor.tasks` and nothing else: a row in its table is no right to run a function.

django-q2 calls whatever function a row names, and whatever hook beside it. Each worker of ours takes its tasks through
`AllowedTasks`, which has a refusal run in the place of anything else: the task fails and the log tells.
"""

from __future__ import annotations

import logging
from inspect import isfunction
from typing import Any, NoReturn

from django_q import cluster
from django_q.worker import worker

from monitor import tasks

logger = logging.getLogger(__name__)
ALLOWED = frozenset(
    f"{tasks.__name__}.{name}"
    for name, door in vars(tasks).items()
    if isfunction(door) and door.__module__ == tasks.__name__
)
LONGEST_NAME = 100


class TaskRefused(Exception):  # noqa: N818 - named for what happened
    """Says that a task names a function that the queue does not run."""


def install() -> None:
    """Has every worker that django-q2 starts from now on take its tasks through `AllowedTasks`."""
    cluster.worker = work


def work(task_queue: Any, *args: Any) -> None:
    """Runs a worker as django-q2 does, with the tasks that are allowed.

    Args:
        task_queue: where the tasks come from.
        args: what else django-q2 gives its workers.
    """
    worker(AllowedTasks(task_queue), *args)


class AllowedTasks:
    """Stands before a queue of tasks.

    Args:
        queue: the real one.
    """

    def __init__(self, queue: Any) -> None:
        self._queue = queue

    def get(self) -> Any:
        """Takes the next task, or the sign to stop."""
        task = self._queue.get()
        return allowed(task) if isinstance(task, dict) else task


def allowed(task: dict[str, Any]) -> dict[str, Any]:
    """Returns the task where it may be run; else one that is refused when it is run. Pure.

    Args:
        task: as it stood in the queue; its function is a dotted path, or whatever was packed into the row.
    """
    function = task.get("func")
    if isinstance(function, str) and function in ALLOWED and not task.get("hook"):
        return task
    name = (function if isinstance(function, str) else repr(function))[:LONGEST_NAME]
    refused = {key: value for key, value in task.items() if key != "hook"}
    return refused | {"func": f"{__name__}.{refuse.__name__}", "args": (name,), "kwargs": {}}


def refuse(name: str) -> NoReturn:
    """Stands in the place of a function that is not on the list.

    Args:
        name: what the task named.

    Raises:
        TaskRefused: always.
    """
    logger.error("refused a task of the queue: %s is no function of %s, or has a hook", name, tasks.__name__)
    raise TaskRefused(f"{name} is not run: the queue runs the functions of {tasks.__name__}, without hooks")
