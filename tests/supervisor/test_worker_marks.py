from __future__ import annotations

import os

import pytest
from django.db import OperationalError
from django_q.signals import post_execute_in_worker, post_spawn, pre_execute

from monitor.models import WorkerBeat
from monitor.supervisor import worker_marks


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(worker_marks.CLUSTER, "c1")
    worker_marks.connect()
    yield
    for signal, name in ((post_spawn, "spawned"), (pre_execute, "busy"), (post_execute_in_worker, "idle")):
        assert signal.disconnect(dispatch_uid=f"activity.{name}")


def beat() -> WorkerBeat:
    return WorkerBeat.objects.get(name=f"worker:c1:{os.getpid()}")


@pytest.mark.django_db
def test_a_worker_marks_itself_idle_busy_and_idle_again(connected: None):
    post_spawn.send(sender="django_q", proc_name="x")
    assert beat().busy_since is None
    task = {"func": "monitor.tasks.sync_account", "args": (7,), "id": "a1"}
    pre_execute.send(sender="django_q", func=None, task=task)
    assert (beat().busy_since is not None, beat().task, beat().pid) == (True, "monitor.tasks.sync_account", os.getpid())
    assert beat().detail == {"worked": True, "job": "sync_account:7", "task_id": "a1"}
    post_execute_in_worker.send(sender="django_q", func=None, task={})
    assert (beat().busy_since, beat().task, beat().detail) == (None, "", {"worked": True})
    pre_execute.send(sender="django_q", func=None, task={"func": "monitor.tasks.canary", "args": ("t-1",)})
    assert beat().detail == {"worked": True}


@pytest.mark.django_db
def test_a_worker_survives_a_database_that_is_away(connected: None, monkeypatch: pytest.MonkeyPatch, caplog):
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(WorkerBeat.objects, "filter", away)
    pre_execute.send(sender="django_q", func=None, task={"func": "monitor.tasks.tick"})
    assert "could not mark itself busy" in caplog.text
