"""Processes that read pages collect garbage seldom, and never what was there when they began."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from dashboard.server import __main__ as server
from monitor import garbage
from monitor.management.commands import sync
from monitor.supervisor import leader

PROGRAM = """
import gc
from monitor import garbage
garbage.settle()
kept = gc.get_freeze_count()
more = [[] for _ in range(1000)]
garbage.settle()
print(gc.get_threshold() == (garbage.YOUNG, garbage.OLDER, garbage.OLDEST), kept > 1000, gc.get_freeze_count() == kept)
"""


def test_what_is_there_is_kept_once_and_the_rest_looked_at_seldom() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True", "True"]


@pytest.mark.django_db
def test_a_persons_sync_and_the_workers_cluster_set_it_before_they_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(garbage, "settle", lambda: done.append("settled"))
    monkeypatch.setattr(leader, "_tie_forks_to_their_parents", lambda: None)
    monkeypatch.setattr(leader.worker_marks, "connect", lambda: None)
    monkeypatch.setattr(leader.allowed_tasks, "install", lambda: None)
    monkeypatch.setattr(leader.Cluster, "start", lambda self: done.append("cluster"))
    monkeypatch.setattr(leader.Cluster, "__init__", lambda self: None)
    monkeypatch.setattr(sync.Command, "_all", lambda self, accounts, **how: done.append("sync"))
    monkeypatch.setattr(sync, "accounts_named", lambda name: [])

    leader.lead()
    sync.Command().handle(name=None, watch=False, no_wait=True)

    assert done == ["settled", "cluster", "settled", "sync"]


def test_the_web_server_sets_it_before_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(garbage, "settle", lambda: done.append("settled"))
    monkeypatch.setattr(server, "allow_files", lambda: None)
    monkeypatch.setattr(server, "log_what_nobody_caught", lambda: None)
    monkeypatch.setattr(server.signal, "signal", lambda number, act: None)

    class Served:
        """Closes the socket instead of listening on it."""

        def __init__(self, pages: object, sock: socket.socket, *limits: object, **more: object) -> None:
            sock.close()

        def serve(self) -> None:
            done.append("served")

    monkeypatch.setattr(server, "Listener", Served)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setattr(sys, "argv", ["dashboard.server", "--fd", str(listening.detach())])
        server.main()

    assert done == ["settled", "served"]
