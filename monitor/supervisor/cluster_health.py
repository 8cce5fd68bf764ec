"""Decides whether the cluster is to be replaced, from facts and the time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

# A canary takes about a second. With the 2 s until the next one is sent and the restart (2 to 3 s) this stays well
# below the 15 s that are promised.
CANARY_LIMIT = timedelta(seconds=5)
# A new cluster imports Django and forks six times first; on a busy machine that takes its time.
START_LIMIT = timedelta(seconds=20)
# django-q2's guard ends a task 3 s after its time-out; when all are older than this, the guard is gone.
TIMEOUT_MARGIN = timedelta(seconds=8)
# The guard looks every 0.5 s and replaces a dead worker at once, unless it hangs on that worker's lock.
REPLACE_LIMIT = timedelta(seconds=8)


@dataclass(frozen=True)
class LivingWorker:
    """Holds one living worker process as its beat shows it.

    Attributes:
        since: when it last turned busy or idle.
        busy: whether it is inside a task.
    """

    since: datetime
    busy: bool


@dataclass(frozen=True)
class ClusterFacts:
    """Holds what is known of the cluster.

    Attributes:
        leader_alive: whether the process that was started still runs.
        started_at: when it was started.
        workers: the living workers that have reported.
        expected: how many workers the settings ask for.
        ready_at: when as many workers as expected were first seen alive; None = not yet.
        complete_at: when they were last all seen alive.
        asked_at: when the oldest canary that waits for an answer was sent; None = none waits.
        task_timeout: how long a task may last.
        short_lives: how many clusters before this one were replaced soon after their start. Each stretches the
            limits: on a machine that is merely too slow, one restart after the other would make it slower still.
    """

    leader_alive: bool
    started_at: datetime
    workers: Sequence[LivingWorker]
    expected: int
    ready_at: datetime | None
    complete_at: datetime | None
    asked_at: datetime | None
    task_timeout: timedelta
    short_lives: int = 0


def fault(facts: ClusterFacts, now: datetime) -> str:
    """Says why the cluster is to be replaced, or "" when it is well, busy or still starting.

    Busy is not frozen: while every worker is inside a task and none is older than the time-out, an unanswered
    canary only waits its turn. A canary that waits although a worker is idle shows that tasks no longer reach
    the workers, or results no longer leave them.
    """
    if not facts.leader_alive:
        return "the cluster's leader has ended"
    stretch = 1 + min(facts.short_lives, 5)
    if facts.ready_at is None or facts.complete_at is None:
        late = now - facts.started_at > START_LIMIT * stretch
        return "the cluster's workers did not start" if late else ""
    if now - facts.complete_at > REPLACE_LIMIT:
        return "a dead worker was not replaced"
    if facts.workers and all(worker.busy for worker in facts.workers):
        limit = facts.task_timeout + TIMEOUT_MARGIN
        stuck = all(now - worker.since > limit for worker in facts.workers)
        return "every worker is stuck in a task beyond its time-out" if stuck else ""
    if facts.asked_at is None:
        return ""
    idle_since = min((worker.since for worker in facts.workers if not worker.busy), default=facts.ready_at)
    waiting_since = max(facts.asked_at, facts.ready_at, idle_since)
    return "tasks no longer reach an idle worker" if now - waiting_since > CANARY_LIMIT * stretch else ""


def pause(failures: int) -> timedelta:
    """Returns the wait before the next start, after `failures` short-lived ones in a row: 0, 0, 1, 2, 4 … 30 s."""
    return timedelta(seconds=0 if failures <= 1 else min(30, 2 ** (min(failures, 7) - 2)))
