"""A row in the queue's table runs a function of the list, and no other, in no form."""

from __future__ import annotations

import logging
import os
from multiprocessing import Queue, Value
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from django_q import cluster

from monitor.schedules import JOBS
from monitor.supervisor import allowed_tasks
from monitor.supervisor.allowed_tasks import ALLOWED, AllowedTasks, TaskRefused, allowed, refuse
from monitor.supervisor.queue import CANARY_TASK


def task_of(function: Any, *args: Any, **more: Any) -> dict[str, Any]:
    return {"id": "1", "name": "n", "func": function, "args": args, "kwargs": {}, "started": timezone.now(), **more}


def test_every_job_and_the_canary_are_on_the_list() -> None:
    assert {job.task for job in JOBS} | {CANARY_TASK, "monitor.tasks.sync_account"} <= ALLOWED


@pytest.mark.parametrize("function", sorted(ALLOWED))
def test_a_door_is_run_as_it_is(function: str) -> None:
    task = task_of(function, 7)
    assert allowed(task) is task


@pytest.mark.parametrize(
    "function",
    ["os.system", os.system, "monitor.tasks.pipeline.housekeeping", "monitor.tasks.timezone.now", "builtins.exec",
     "monitor.pipeline.housekeeping", "subprocess.run", "monitor.tasks", "", None, 7, "monitor.tasks.tick ", b"x"],
)  # fmt: skip
def test_anything_else_is_refused_with_its_name_and_without_its_arguments(function: Any) -> None:
    task = allowed(task_of(function, "touch /tmp/x", hook="os.system") | {"kwargs": {"a": 1}})
    assert task["func"] == "monitor.supervisor.allowed_tasks.refuse"
    assert len(task["args"]) == 1
    assert task["kwargs"] == {}
    assert "hook" not in task
    assert "touch" not in str(task)


def test_a_hook_beside_an_allowed_function_is_refused_too() -> None:
    assert allowed(task_of("monitor.tasks.tick", hook="os.system"))["func"].endswith(".refuse")


def test_a_refusal_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(TaskRefused, match=r"os\.system is not run"):
        refuse("os.system")
    assert "refused a task of the queue: os.system" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("function", ["os.system", os.system])
def test_a_worker_does_not_run_what_a_row_names(function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One worker a task: django-q2 ends a worker whose process has grown large, and the suite's own has.
    monkeypatch.setattr(cluster, "worker", cluster.worker)
    monkeypatch.setattr("django_q.worker.close_old_django_connections", lambda: None)
    allowed_tasks.install()
    made = tmp_path / "made"
    tasks: Any = Queue()
    results: Any = Queue()
    for task in (task_of(function, f"touch {made}", sync=False), "STOP"):
        tasks.put(task)
    cluster.worker(tasks, results, Value("f", -1), 10)
    done = results.get(timeout=30)
    assert done["success"] is False
    assert "is not run" in done["result"]
    assert not made.exists()
    for queue in (tasks, results):
        queue.close()
        queue.cancel_join_thread()


def test_the_sign_to_stop_is_passed_on() -> None:
    class Stopped:
        def get(self) -> str:
            return "STOP"

    assert AllowedTasks(Stopped()).get() == "STOP"
