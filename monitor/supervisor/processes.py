"""Starts children in sessions of their own that cannot be orphaned, and ends whole process groups."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1  # prctl(2)
_PROC = Path("/proc")
# Loaded before any fork: a child between fork and exec must not import or load anything.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int, signal_number: int) -> None:
    """Asks the kernel to send this process a signal when its parent dies. Linux only; elsewhere it does nothing.

    Args:
        parent: process id of the parent. If it has gone already, the signal is sent at once.
        signal_number: such as SIGTERM.
    """
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal_number)


def spawn(
    command: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    log: IO[bytes] | None = None,
    files: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Starts a child in a session (so also a process group) of its own, which gets SIGTERM should we be killed.

    Args:
        command: the program and its arguments.
        environ: the child's environment; None = ours.
        log: where its output goes; None = where ours goes.
        files: open files that it gets under the same numbers.
    """
    parent = os.getpid()
    return subprocess.Popen(  # noqa: S603  (the command is our own)
        command,
        env=None if environ is None else dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=None if log is None else subprocess.STDOUT,
        start_new_session=True,
        pass_fds=tuple(files),
        preexec_fn=lambda: die_with_parent(parent, signal.SIGTERM),  # noqa: PLW1509  (we have no threads)
    )


class Forked:
    """Is a child that began as a copy of us; it can be asked and ended as one of `subprocess` can."""

    def __init__(self, process: multiprocessing.process.BaseProcess) -> None:
        self._process = process
        self.pid: int = process.pid or 0
        self.returncode: int | None = None  # None until it is collected

    def wait(self) -> int | None:
        """Collects it once it has ended; its exit code, or minus the number of the signal that ended it."""
        self._process.join()
        self.returncode = self._process.exitcode
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


Child = subprocess.Popen[bytes] | Forked


def fork(work: Callable[[], None], *, environ: Mapping[str, str]) -> Forked:
    """Starts a copy of this process that does some work, in a session of its own; it gets SIGTERM should we be killed.

    What is imported by now is shared with it. Nothing may be open here that both would use: no connection, no thread.

    Args:
        work: what it does instead of ours, whose handlers of SIGTERM and SIGINT it loses.
        environ: what is added to its environment.
    """
    parent = os.getpid()

    def begin() -> None:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(parent, signal.SIGTERM)
        os.environ.update(environ)
        work()

    process = multiprocessing.get_context("fork").Process(target=begin)
    process.start()
    return Forked(process)


def alive(pid: int) -> bool:
    """Returns whether a process runs. A zombie does not: it only waits to be collected."""
    try:
        with suppress(PermissionError):  # it is there, and somebody else's
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        # The name in brackets may hold anything, brackets too: the state comes after the last one (proc(5)).
        return _PROC.joinpath(str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return _libc is None


def ended(child: Child) -> bool:
    """Returns whether a child has ended, without collecting it: until then its group's number is not reused."""
    if child.returncode is not None:
        return True
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def kill_group(child: Child) -> None:
    """Ends what is left of a child's process group at once, and collects the child."""
    if child.returncode is None:
        with suppress(ProcessLookupError, PermissionError):  # nothing is left, or (macOS) only zombies are
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def ask_to_end(child: Child) -> None:
    """Sends SIGTERM to a child alone: sent to its whole group, some would end before those that need them."""
    if not ended(child):
        child.send_signal(signal.SIGTERM)


def wait_for_end(child: Child, *, grace: float, hurry: Callable[[], bool] = lambda: False) -> bool:
    """Gives a child that was asked to end its time, then ends what is left of its group.

    Args:
        child: a process made by `spawn`.
        grace: seconds it may take.
        hurry: asked again and again; true = do not wait any longer.

    Returns:
        Whether it ended by itself.
    """
    deadline = time.monotonic() + grace
    while not ended(child) and time.monotonic() < deadline and not hurry():
        time.sleep(0.05)
    polite = ended(child)
    kill_group(child)
    return polite


def marked(name: str, value: str) -> list[int]:
    """Lists running processes, other than this one, whose environment holds `name=value`. Linux only."""
    wanted = f"{name}={value}".encode()
    found = []
    for entry in _PROC.glob("[0-9]*"):
        try:
            held = wanted in (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if held and int(entry.name) != os.getpid() and alive(int(entry.name)):
            found.append(int(entry.name))
    return found
