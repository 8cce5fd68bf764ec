"""Is the process that leads the queue's cluster: a copy of the supervisor, which shares with it all that is imported.

Started as a program of its own it would hold Django and the models once more, 35 MiB (docs/benchmarks.md).
"""

from __future__ import annotations

import os
import signal

from django.db import connections
from django_q.cluster import Cluster

from monitor import garbage
from monitor.supervisor import allowed_tasks, processes, worker_marks


def start(token: str) -> processes.Forked:
    """Starts the leader of a cluster, which starts the workers.

    Args:
        token: of the cluster; its rows bear it.
    """
    # Two processes must not speak on one connection; the next question opens another one.
    connections.close_all()
    garbage.settle()
    return processes.fork(lead, environ={worker_marks.CLUSTER: token})


def lead() -> None:
    """Leads the cluster until SIGTERM."""
    worker_marks.connect()
    allowed_tasks.install()
    garbage.settle()
    _tie_forks_to_their_parents()
    Cluster().start()


def _tie_forks_to_their_parents() -> None:
    """Ties leader, sentinel and workers together: where one is killed, those below it end with it."""
    parent = os.getpid()

    def in_child() -> None:
        nonlocal parent
        grandparent, parent = parent, os.getpid()
        processes.die_with_parent(grandparent, signal.SIGKILL)

    os.register_at_fork(after_in_child=in_child)
