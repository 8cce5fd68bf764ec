"""Keeps django-q2's own command for the supervisor: started by hand it would freeze one day unnoticed."""

from __future__ import annotations

import os
import signal
from typing import Any

from django.core.management.base import CommandError
from django_q.management.commands.qcluster import Command as QueueCommand

from monitor import garbage
from monitor.supervisor import allowed_tasks, processes, worker_marks


class Command(QueueCommand):  # type: ignore[misc]
    help = "The queue's cluster. Not to be started by hand: `manage.py worker` starts, watches and replaces it."

    def handle(self, *args: Any, **options: Any) -> None:
        if not os.environ.get(worker_marks.CLUSTER):
            raise CommandError("start `manage.py worker`: it runs this cluster and replaces it when it freezes")
        worker_marks.connect()
        allowed_tasks.install()
        garbage.settle()
        _tie_forks_to_their_parents()
        super().handle(*args, **options)


def _tie_forks_to_their_parents() -> None:
    """Ties leader, sentinel and workers together: where one is killed, those below it end with it."""
    parent = os.getpid()

    def in_child() -> None:
        nonlocal parent
        grandparent, parent = parent, os.getpid()
        processes.die_with_parent(grandparent, signal.SIGKILL)

    os.register_at_fork(after_in_child=in_child)
