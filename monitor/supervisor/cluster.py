"""Starts, watches and ends one cluster of the queue."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django_q.conf import Conf

from monitor import job_failures
from monitor.models import WorkerBeat
from monitor.supervisor import leader, processes, queue
from monitor.supervisor.cluster_health import ClusterFacts, LivingWorker
from monitor.supervisor.worker_marks import beat_prefix

CANARY_EVERY = timedelta(seconds=2)
_MAX_WAITING = 3  # canaries: the third shows whether the second was lost by chance
logger = logging.getLogger(__name__)


class Cluster:
    """Is a running cluster. Its rows bear its token, so two supervisors on one database do not mix theirs up."""

    def __init__(self, now: datetime, *, short_lives: int = 0) -> None:
        self._short_lives = short_lives
        self.token = secrets.token_hex(6)
        self.started_at = now
        self.ready_at: datetime | None = None
        self.complete_at: datetime | None = None
        self.answered_at: datetime | None = None
        self._waiting: dict[str, datetime] = {}
        self._asked_at: datetime | None = None
        self._count = 0
        self.child: processes.Child = leader.start(self.token)

    def look(self, now: datetime) -> ClusterFacts:
        """Reads the signs of life; asks the database for the workers' marks and the canaries' answers."""
        workers = self._living_workers(now)
        expected = int(Conf.WORKERS)
        if len(workers) >= expected:
            self.complete_at = now
            self.ready_at = self.ready_at or now
        self._collect_answers(now)
        return self._facts(workers, expected)

    def _facts(self, workers: list[LivingWorker], expected: int) -> ClusterFacts:
        return ClusterFacts(
            leader_alive=not processes.ended(self.child),
            started_at=self.started_at,
            workers=workers,
            expected=expected,
            ready_at=self.ready_at,
            complete_at=self.complete_at,
            asked_at=min(self._waiting.values(), default=None),
            task_timeout=timedelta(seconds=Conf.TIMEOUT),
            short_lives=self._short_lives,
        )

    def ask(self, now: datetime) -> None:
        """Sends a canary when one is due. While the cluster is busy they do not pile up."""
        if self._asked_at is not None and abs(now - self._asked_at) < CANARY_EVERY:
            return
        if len(self._waiting) < _MAX_WAITING:
            self._asked_at = now
            self._count += 1
            self._waiting[queue.send_canary(f"{self.token}-{self._count}")] = now

    def database_was_away(self, now: datetime) -> None:
        """Forgets the open canaries: what could not be answered is not held against the cluster."""
        self._waiting.clear()
        self._asked_at = None
        if self.complete_at is not None:
            self.complete_at = now

    def kill(self) -> None:
        """Ends all its processes at once. A frozen cluster does not hear SIGTERM."""
        processes.kill_group(self.child)

    def stop(self, *, grace: float, hurry: Callable[[], bool]) -> bool:
        """Ends the leader by SIGTERM and returns whether it did (sent to the whole group, django-q2 hangs)."""
        processes.ask_to_end(self.child)
        return processes.wait_for_end(self.child, grace=grace, hurry=hurry)

    def forget(self, now: datetime) -> None:
        """Deletes the marks of its workers, which are gone; jobs that ran beyond their time have failed."""
        marks = WorkerBeat.objects.filter(name__startswith=beat_prefix(self.token))
        for beat in marks.filter(busy_since__lt=now - timedelta(seconds=Conf.TIMEOUT)):
            self._died(beat, now)
        marks.delete()

    def _living_workers(self, now: datetime) -> list[LivingWorker]:
        """Reads the marks of the workers; a job whose process died in it has failed, and is not given out again."""
        workers, dead = [], []
        for beat in WorkerBeat.objects.filter(name__startswith=beat_prefix(self.token)):
            if processes.alive(beat.pid):
                workers.append(LivingWorker(since=beat.busy_since or beat.beat_at, busy=beat.busy_since is not None))
            else:
                dead.append(beat)
        if dead:
            WorkerBeat.objects.filter(pk__in=[beat.pk for beat in dead]).delete()
        for beat in dead:
            self._died(beat, now)
        return workers

    def _died(self, beat: WorkerBeat, now: datetime) -> None:
        if beat.busy_since is not None and beat.detail.get("job"):
            job_failures.died(beat.detail["job"], now)
            queue.take_out(beat.detail["task_id"])

    def _collect_answers(self, now: datetime) -> None:
        done = queue.answered(self._waiting) if self._waiting else set()
        if done:
            self.answered_at = now
            latest = max(self._waiting[task_id] for task_id in done)
            # An earlier one that a dying worker took along is not waited for any longer.
            self._waiting = {
                task_id: asked for task_id, asked in self._waiting.items() if task_id not in done and asked > latest
            }
