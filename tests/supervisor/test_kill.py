"""The worker's processes are killed one after the other; the work must go on within 15 s."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from monitor.models import WorkerBeat
from monitor.supervisor import processes
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.story, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")]
PROMISE = 15.0


@pytest.fixture
def stage(tmp_path: Path, django_db_blocker) -> Iterator[Stage]:
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(tmp_path, url)
        stage.migrate()
        with second_connection(url):
            yield stage
            stage.close()
            assert stage.left() == []


@pytest.fixture
def worker(stage: Stage) -> subprocess.Popen[bytes]:
    child = stage.start("worker")
    wait_for("the first canary", lambda: last_canary() is not None, timeout=40)
    return child


def last_canary() -> datetime | None:
    beat = rows(WorkerBeat, name="canary").first()
    return beat.beat_at if beat else None


def workers() -> list[int]:
    return [beat.pid for beat in rows(WorkerBeat, name__startswith="worker:").order_by("pid")]


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def recovered_after(stage: Stage, victims: list[int]) -> float:
    """Kills, and waits until two workers live and two canaries sent after that have been answered."""
    began = time.monotonic()
    killed_at = timezone.now()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)

    def moved_on() -> bool:
        living = [pid for pid in workers() if processes.alive(pid)]
        canary = last_canary()
        # One canary may have been on its way while we killed: its worker was still alive then.
        return len(living) == 2 and canary is not None and (canary - killed_at).total_seconds() > 1

    wait_for("the canary to move again", moved_on, timeout=40)
    seconds = time.monotonic() - began
    print(f"recovered after {seconds:.1f} s\n{stage.log('worker').read_text()}")
    return seconds


def test_all_idle_workers_killed_at_once_freeze_the_queue_and_are_replaced(stage: Stage, worker):
    """One of them holds the queue's lock, so that django-q2 alone would stand still for ever (its issue 23)."""
    assert recovered_after(stage, workers()) < PROMISE


@pytest.mark.parametrize("which", [0, 1])
def test_one_idle_worker_killed_is_replaced(stage: Stage, worker, which: int):
    assert recovered_after(stage, [workers()[which]]) < PROMISE


def test_a_killed_sentinel_is_replaced_and_leaves_no_orphan(stage: Stage, worker):
    before = workers()
    assert recovered_after(stage, [parent(before[0])]) < PROMISE
    assert not [pid for pid in before if processes.alive(pid)]


def test_a_killed_leader_is_replaced_and_leaves_no_orphan(stage: Stage, worker):
    before = workers()
    assert recovered_after(stage, [parent(parent(before[0]))]) < PROMISE
    assert not [pid for pid in before if processes.alive(pid)]


def test_a_stopped_cluster_is_replaced(stage: Stage, worker):
    """SIGSTOP: nothing is dead, nothing moves."""
    before = workers()
    began = time.monotonic()
    os.killpg(os.getpgid(before[0]), signal.SIGSTOP)
    wait_for("new workers", lambda: len(set(workers()) - set(before)) == 2, timeout=40)
    print(f"replaced after {time.monotonic() - began:.1f} s")
    assert time.monotonic() - began < PROMISE


def test_sigterm_ends_all_within_the_grace(stage: Stage, worker):
    began = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=21) == 0
    print(f"ended after {time.monotonic() - began:.1f} s")
    assert stage.left() == []


def test_a_killed_supervisor_takes_its_cluster_along(stage: Stage, worker):
    worker.kill()
    worker.wait()
    wait_for("the cluster to end", lambda: not stage.left(), timeout=20)
    assert stage.left() == []


def test_two_supervisors_on_one_database_do_each_other_no_harm(stage: Stage, worker):
    second = stage.start("worker")
    wait_for("both clusters", lambda: len(workers()) == 4, timeout=40)
    pids = workers()
    time.sleep(20)  # several canaries and ticks of both
    assert workers() == pids, stage.log("worker").read_text()
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=21) == 0
    assert len(workers()) == 2
