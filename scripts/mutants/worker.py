"""Gives orders to the processes that run tests, and judges what they say."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants.forked import EVENTS, ORDERS
from mutants.mutations import Mutation
from mutants.places import ROOT

ARGUMENTS = ["-q", "-p", "mutants.forked", "-p", "no:randomly", "-p", "no:cacheprovider", "--capture=sys"]
START_LIMIT = 600.0  # seconds to import, to collect and to make the database
TEST_LIMIT = 30.0  # seconds at least for one test, and
TIMES_SLOWER = 20.0  # at most so many times as long as without a mutation


class EnvironmentBrokenError(Exception):
    """Says that the unmutated tests cannot be run here: nothing can be said about mutations."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Holds what the tests said of one order.

    Attributes:
        state: passed, failed, late, ended (the process went away), broken (not collected), unswappable, or error
            (the order could not be obeyed: nothing is known).
        test: the one that failed or did not end.
        ran: how many tests were run.
    """

    state: str
    test: str = ""
    why: str = ""
    ran: int = 0

    @property
    def noticed(self) -> bool:
        return self.state in ("failed", "late", "ended", "broken")


class Worker:
    """Holds a copy of the tree with two processes: one forks ready tests, the other imports anew for each order."""

    def __init__(self, folder: Path, paths: list[Path], seconds: dict[str, float]) -> None:
        self._folder = folder
        self._seconds = seconds
        self._tree = folder / "tree"
        copy_tree(paths, self._tree)
        self._running: list[Process] = []
        self._count = 0

    def start(self) -> None:
        """Starts both processes; the unmutated tree has to be collected, and its database made.

        Raises:
            EnvironmentBrokenError: it cannot.
        """
        for name, arguments in (("ready", ["pytest", *self._arguments("ready")]), ("fresh", ["mutants.loader"])):
            self._running.append(Process(["-m", *arguments], self._tree, self._folder / f"{name}.log"))
        for process in self._running:
            process.await_ready()

    def stop(self) -> None:
        """Ends both processes."""
        for process in self._running:
            process.stop()

    def run(self, mutation: Mutation | None, tests: list[str], *, anew: bool = False) -> Outcome:
        """Runs tests until one fails.

        Args:
            mutation: what to run them with; None: unmutated.
            tests: their ids, in this order.
            anew: import and collect again, also where a ready process would do.
        """
        ready, fresh = self._running
        if mutation is None:
            return self._order(fresh if anew else ready, None, "", tests)
        file = self._tree / mutation.path
        original = file.read_bytes()
        file.write_bytes(mutation.apply(original))
        try:
            if mutation.function is not None and not anew:
                outcome = self._order(ready, mutation.function, str(file), tests)
                if outcome.state != "unswappable":
                    return outcome
            return self._order(fresh, None, str(file), tests)
        finally:
            file.write_bytes(original)

    def _arguments(self, name: str) -> list[str]:
        return [*ARGUMENTS, f"--basetemp={self._folder / name}"]

    def _order(self, process: Process, function: tuple[str, int] | None, file: str, tests: list[str]) -> Outcome:
        self._count += 1
        arguments = self._arguments(f"fresh{self._count}")
        process.order({"function": function, "file": file, "tests": tests, "arguments": arguments})
        try:
            return self._judge(process)
        finally:
            shutil.rmtree(self._folder / f"fresh{self._count}", ignore_errors=True)

    def _judge(self, process: Process) -> Outcome:
        outcome: Outcome | None = None
        test, ran, group, limit = "", 0, 0, START_LIMIT
        while True:
            event = process.event(limit)
            match event:
                case None:
                    if not group:
                        raise EnvironmentBrokenError(f"no answer; see {process.log}")
                    os.killpg(group, signal.SIGKILL)
                    outcome, limit = outcome or Outcome("late", test, "it did not end in time", ran), START_LIMIT
                case {"event": "started", "pid": pid}:
                    group = pid
                case {"event": "begins"}:
                    test, limit = event["test"], self._limit(event["test"])
                case {"event": "tested"}:
                    ran, limit = ran + 1, START_LIMIT
                    if event["failed"] and outcome is None:
                        outcome = Outcome("failed", test, event["failed"], ran)
                case {"event": "passed"}:
                    outcome = outcome or Outcome("passed", ran=ran)
                case {"event": "broken"}:
                    outcome = outcome or Outcome("broken", test, event["why"], ran)
                case {"event": "error", "why": why}:
                    state = "unswappable" if why.startswith("CannotSwapError") else "error"
                    outcome = outcome or Outcome(state, test, why, ran)
                case {"event": "ended"}:
                    return outcome or Outcome("ended", test, f"the process went away ({event['status']})", ran)

    def _limit(self, test: str) -> float:
        return max(TEST_LIMIT, TIMES_SLOWER * self._seconds.get(test, 0.0))


class Process:
    """Holds one of the long-lived processes, with the ends of its two pipes."""

    def __init__(self, arguments: list[str], cwd: Path, log: Path) -> None:
        orders, self._orders = os.pipe()
        self._events, events = os.pipe()
        self.log = log
        self._buffer = b""
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=cwd,
                env=environment(cwd) | {ORDERS: str(orders), EVENTS: str(events)},
                pass_fds=(orders, events),
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        os.close(orders)
        os.close(events)

    def await_ready(self) -> None:
        while (event := self.event(START_LIMIT)) is not None:
            if event["event"] == "ready":
                return
            if event["event"] == "broken":
                raise EnvironmentBrokenError(event["why"])
        raise EnvironmentBrokenError(f"the tests were not loaded in time: {self.log.read_text()[-3000:]}")

    def order(self, order: dict[str, Any]) -> None:
        text = json.dumps(order).encode() + b"\n"
        while text:
            text = text[os.write(self._orders, text) :]

    def event(self, limit: float) -> dict[str, Any] | None:
        """Returns the next event; None where none has come in `limit` seconds.

        Raises:
            EnvironmentBrokenError: the process has ended.
        """
        deadline = time.monotonic() + limit
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._events], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            read = os.read(self._events, 65536)
            if not read:
                raise EnvironmentBrokenError(f"the tests' process ended: {self.log.read_text()[-3000:]}")
            self._buffer += read
        line, _, self._buffer = self._buffer.partition(b"\n")
        event: dict[str, Any] = json.loads(line)
        return event

    def stop(self) -> None:
        os.close(self._orders)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._events)


def environment(tree: Path) -> dict[str, str]:
    """Returns the variables that tests are run with: those of `make test` on SQLite."""
    ours = (
        "DATABASE_URL",
        "TEST_DATABASE_URL",
        "EMAIL_URL",
        "PUBLIC_URL",
        "ALLOWED_HOSTS",
        "DEMO",
        "TRUST_PROXY",
        "ALLOW_LOOPBACK",
        "TRUSTED_PROXIES",
    )
    ours += ("HYPOTHESIS_PROFILE",)
    kept = {key: value for key, value in os.environ.items() if key not in ours}
    return kept | {
        "DEBUG": "1",
        "DATABASE_URL": "sqlite:///var/never-used.sqlite3",
        "PYTHONPATH": str(tree / "scripts"),
    }


def copy_tree(paths: list[Path], target: Path) -> None:
    """Copies files of the checkout; compiled files are checked by content, as a mutated one may keep its size."""
    for path in paths:
        (target / path.parent).mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target / path)
    (target / "var").mkdir(exist_ok=True)
    # Tests that ask Git for the files of the tree find them.
    for command in (["git", "init", "-q"], ["git", "add", "-A"]):
        subprocess.run(command, cwd=target, check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "monitor", "dashboard"],
        cwd=target,
        check=True,
    )


def folders(root: Path, count: int) -> Iterator[Path]:
    """Yields a folder for each worker."""
    for number in range(count):
        folder = root / f"worker{number}"
        folder.mkdir(parents=True)
        yield folder
