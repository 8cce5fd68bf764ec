"""Where the time of a run goes, by wrapping the functions that spend it; and the memory of this process."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest


class Stopwatch:
    """Adds up seconds by name. A watched function within another is taken off the outer one's own time.

    Args:
        database: seconds that the database's process has worked so far.
    """

    def __init__(self, database: Callable[[], float]) -> None:
        self._database = database
        self.served: dict[str, float] = defaultdict(float)
        self.seconds: dict[str, float] = defaultdict(float)
        self.worked: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inner: list[tuple[float, float, float]] = [(0.0, 0.0, 0.0)]

    def watch(self, patch: pytest.MonkeyPatch, owner: Any, name: str, called: str) -> None:
        """Counts the time of `owner.name` as `called`."""
        patch.setattr(owner, name, self.timed(getattr(owner, name), called))

    def timed(self, function: Callable[..., Any], called: str) -> Callable[..., Any]:
        """The function, timed."""

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self._inner.append((0.0, 0.0, 0.0))
            began, cpu, database = time.perf_counter(), time.process_time(), self._database()
            try:
                return function(*args, **kwargs)
            finally:
                took, worked = time.perf_counter() - began, time.process_time() - cpu
                served = self._database() - database
                inner, inner_worked, inner_served = self._inner.pop()
                self.seconds[called] += took - inner
                self.worked[called] += worked - inner_worked
                self.served[called] += served - inner_served
                self.calls[called] += 1
                outer, outer_worked, outer_served = self._inner[-1]
                self._inner[-1] = (outer + took, outer_worked + worked, outer_served + served)

        return wrapper

    def table(self, whole: float, whole_worked: float, whole_served: float) -> str:
        """A line for each name, the dearest first, and what nobody watched.

        Seconds on the wall, those that our process worked, and those that the database's did.
        """
        rest = whole - sum(self.seconds.values())
        lines = [f"  {'':34}{'s':>8}{'%':>6}{'ours':>8}{'database':>10}{'calls':>8}"]
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            share = 100 * seconds / whole
            worked, served = self.worked[name], self.served[name]
            lines.append(f"  {name:34}{seconds:8.2f}{share:6.1f}{worked:8.2f}{served:10.2f}{self.calls[name]:8}")
        worked, served = whole_worked - sum(self.worked.values()), whole_served - sum(self.served.values())
        lines.append(f"  {'all else':34}{rest:8.2f}{100 * rest / whole:6.1f}{worked:8.2f}{served:10.2f}")
        return "\n".join(lines)


def memory() -> float:
    """What this process has in memory, MiB (VmRSS of /proc/self/status); 0 where there is no such file."""
    path = Path("/proc/self/status")
    if not path.exists():
        return 0.0
    line = next(line for line in path.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor(pid: int) -> float:
    """Seconds that a process of this machine has worked (/proc/PID/schedstat, field 1); 0 where there is none."""
    try:
        return int(os.pread(_schedstat(pid), 64, 0).split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


@cache
def _schedstat(pid: int) -> int:
    """Kept open: it is read before and after each watched call, and must not cost what it measures."""
    return os.open(f"/proc/{pid}/schedstat", os.O_RDONLY)
