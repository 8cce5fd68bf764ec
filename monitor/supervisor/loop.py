"""Runs the supervisor: one loop that keeps one cluster running and wakes the periodic jobs."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from types import FrameType

from django import db
from django.utils import timezone
from django.utils.module_loading import import_string

from monitor import vault
from monitor.job_failures import name_of, put_off
from monitor.models import WorkerBeat
from monitor.schedules import JOBS, due
from monitor.supervisor import cluster_health, queue
from monitor.supervisor.cluster import Cluster

GRACE = 20.0  # seconds a stopping cluster has for the tasks it is in
STEP = 0.5
BEAT_EVERY = timedelta(seconds=5)
PRUNE_EVERY = timedelta(seconds=60)
SHORT_LIFE = timedelta(seconds=30)
logger = logging.getLogger(__name__)


class Supervisor:
    """Starts the cluster, watches it, replaces it, and ends it.

    Args:
        say: prints one line for the operator.
        grace: seconds the cluster has to finish its tasks when all is to end.
    """

    def __init__(self, say: Callable[[str], None], *, grace: float = GRACE) -> None:
        self._say = say
        self._grace = grace
        self._signals = 0
        self._cluster: Cluster | None = None
        self._booted_at: datetime | None = None
        self._starts = 0
        self._failures = 0
        self._start_at: datetime | None = None
        self._last_fault = ""
        self._jobs_started: dict[str, datetime] = {}
        self._beat_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._database_ok = True

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT. A second signal does not wait for running tasks."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        try:
            while not self._signals:
                self._round(timezone.now())
                time.sleep(STEP)
        finally:
            self._end()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1

    def _round(self, now: datetime) -> None:
        try:
            db.close_old_connections()
            self._keep_cluster(now)
            self._start_jobs(now)
            self._beat(now)
            self._prune(now)
            if not self._database_ok:
                self._say("the database is back")
                self._database_ok = True
        except db.Error as error:
            self._database_trouble(error, now)

    def _keep_cluster(self, now: datetime) -> None:
        if self._cluster is None:
            if self._start_at is None or now >= self._start_at:
                self._cluster = Cluster(now, short_lives=self._failures)
                self._starts += 1
                self._say(f"cluster {self._cluster.token} starts (process {self._cluster.child.pid})")
            return
        facts = self._cluster.look(now)
        fault = cluster_health.fault(facts, now)
        if fault:
            self._replace(self._cluster, fault, now)
        elif facts.ready_at is not None:
            if facts.ready_at == now:
                seconds = (now - facts.started_at).total_seconds()
                self._say(f"cluster {self._cluster.token} is ready after {seconds:.1f} s")
            self._cluster.ask(now)

    def _replace(self, cluster: Cluster, fault: str, now: datetime) -> None:
        cluster.kill()
        self._cluster = None
        self._failures = self._failures + 1 if now - cluster.started_at < SHORT_LIFE else 0
        pause = cluster_health.pause(self._failures)
        self._start_at = now + pause
        self._last_fault = fault
        self._say(f"cluster {cluster.token} is replaced in {pause.total_seconds():.0f} s: {fault}")
        cluster.forget(now)
        queue.forget(cluster.token, now)

    def _start_jobs(self, now: datetime) -> None:
        jobs = due(JOBS, self._jobs_started, now)
        if not jobs:
            return
        waiting, paused = queue.queued(now), put_off(now)
        for job in jobs:
            if name_of(job.task) in paused:
                continue
            self._jobs_started[job.name] = now
            # An earlier one still waits or runs: a second would do nothing more.
            if job.task not in waiting and (not job.only_if or import_string(job.only_if)(now)):
                queue.enqueue(job.task)

    def _beat(self, now: datetime) -> None:
        if self._beat_at is not None and abs(now - self._beat_at) < BEAT_EVERY:
            return
        self._beat_at = now
        self._booted_at = self._booted_at or now
        detail = {
            "booted_at": self._booted_at.isoformat(),
            "starts": self._starts,
            "last_fault": self._last_fault,
            "locked": vault.trouble(),
        }
        WorkerBeat.objects.update_or_create(
            name="supervisor", defaults={"pid": os.getpid(), "beat_at": now, "detail": detail}
        )

    def _prune(self, now: datetime) -> None:
        if self._pruned_at is None or abs(now - self._pruned_at) >= PRUNE_EVERY:
            self._pruned_at = now
            queue.prune(now)

    def _database_trouble(self, error: db.Error, now: datetime) -> None:
        """Leaves the cluster alone: without its database it cannot answer, and comes back by itself."""
        if self._database_ok:
            self._say(f"the database does not answer ({type(error).__name__}); trying again")
        self._database_ok = False
        db.connections.close_all()
        if self._cluster is not None:
            self._cluster.database_was_away(now)

    def _end(self) -> None:
        if self._cluster is None:
            return
        self._say("stopping: running tasks may finish; a second signal ends them at once")
        seen = self._signals
        polite = self._cluster.stop(grace=self._grace, hurry=lambda: self._signals > max(seen, 1))
        self._say("stopped" if polite else "stopped; tasks that were still running will be done again")
        try:
            self._cluster.forget(timezone.now())
            WorkerBeat.objects.filter(name="supervisor", pid=os.getpid()).delete()
        except db.Error as error:
            # What is left there grows old and is seen as dead.
            self._say(f"its last heartbeat could not be taken away ({type(error).__name__})")
