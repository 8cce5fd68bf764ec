"""Starts the demo's processes, waits until they answer, watches them, and ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Self

from django.core.management.base import CommandError

from monitor.management.ports import listeners
from monitor.supervisor import processes
from standin.demo.settings import FOLDER, MARKER, ROOT

GRACE = 10.0  # seconds: the worker gives its tasks 3
READY = 60.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


class Ended(Exception):  # noqa: N818  (no error: somebody pressed Ctrl-C)
    """Says that somebody wants the demo to end."""


class Show:
    """Holds the demo's processes, in the order of their start.

    Args:
        say: prints one line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ending = False
        self._signals = 0

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._end()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if not self._ending:
            self._ending = True
            raise Ended

    def start(self, name: str, *arguments: str, **secrets: str) -> None:
        """Starts a command in a session of its own; what it prints goes to var/demo/NAME.log."""
        with (FOLDER / f"{name}.log").open("wb") as log:
            self._children[name] = processes.spawn(
                [sys.executable, str(ROOT / "manage.py"), *arguments],
                environ=os.environ | {"PYTHONUNBUFFERED": "1"} | secrets,
                log=log,
            )

    def wait_until_it_answers(self, name: str, url: str, port: int) -> None:
        """Waits until a child serves `url` and the port is really its own.

        Raises:
            CommandError: it ended, somebody else answers, or nobody does.
        """
        deadline = time.monotonic() + READY
        while time.monotonic() < deadline:
            self.check()
            if _answers(url):
                group = self._children[name].pid
                owners = listeners(port)
                if owners is None or any(_group(pid) == group for pid in owners):
                    return
                raise CommandError(f"port {port} was taken by another program while the demo started")
            time.sleep(0.1)
        raise CommandError(f"{name} does not answer; see {FOLDER / name}.log")

    def check(self) -> None:
        """Raises CommandError where a child has ended, naming it and its last line."""
        for name, child in self._children.items():
            if processes.ended(child):
                lines = (FOLDER / f"{name}.log").read_text(errors="replace").strip().splitlines()
                raise CommandError(
                    f"{name} ended ({lines[-1] if lines else 'without a word'}); see var/demo/{name}.log"
                )

    def watch(self) -> None:
        """Waits until somebody ends the demo, or a child ends."""
        while True:
            self.check()
            time.sleep(0.25)

    def _end(self) -> None:
        self._ending = True
        seen = self._signals
        for child in self._children.values():
            processes.ask_to_end(child)  # all at once, so that they end side by side
        deadline = time.monotonic() + GRACE
        for child in self._children.values():
            processes.wait_for_end(
                child,
                grace=max(0.0, deadline - time.monotonic()),
                hurry=lambda: self._signals > max(seen, 1),
            )
        for pid in processes.marked(MARKER, os.environ[MARKER]):
            with suppress(ProcessLookupError):  # it has ended by itself
                os.kill(pid, signal.SIGKILL)  # one that was started in the moment of the signal


def _answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
