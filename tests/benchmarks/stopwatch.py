"""Where the time of a run goes, by wrapping the functions that spend it; and the memory of this process."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import pytest


class Stopwatch:
    """Adds up seconds by name. A watched function within another is taken off the outer one's own time."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.worked: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._inner: list[tuple[float, float]] = [(0.0, 0.0)]

    def watch(self, patch: pytest.MonkeyPatch, owner: Any, name: str, called: str) -> None:
        """Counts the time of `owner.name` as `called`."""
        patch.setattr(owner, name, self.timed(getattr(owner, name), called))

    def timed(self, function: Callable[..., Any], called: str) -> Callable[..., Any]:
        """The function, timed."""

        @wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self._inner.append((0.0, 0.0))
            began, cpu = time.perf_counter(), time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                took, worked = time.perf_counter() - began, time.process_time() - cpu
                inner, inner_worked = self._inner.pop()
                self.seconds[called] += took - inner
                self.worked[called] += worked - inner_worked
                self.calls[called] += 1
                outer, outer_worked = self._inner[-1]
                self._inner[-1] = (outer + took, outer_worked + worked)

        return wrapper

    def table(self, whole: float, whole_worked: float) -> str:
        """A line for each name, the dearest first, and what nobody watched: seconds, and those of our processor."""
        rest = whole - sum(self.seconds.values()), whole_worked - sum(self.worked.values())
        lines = [f"  {'':34}{'s':>8}{'%':>6}{'worked':>8}{'calls':>8}"]
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            share = 100 * seconds / whole
            lines.append(f"  {name:34}{seconds:8.2f}{share:6.1f}{self.worked[name]:8.2f}{self.calls[name]:8}")
        lines.append(f"  {'all else':34}{rest[0]:8.2f}{100 * rest[0] / whole:6.1f}{rest[1]:8.2f}")
        return "\n".join(lines)


def memory() -> float:
    """What this process has in memory, MiB (VmRSS of /proc/self/status); 0 where there is no such file."""
    path = Path("/proc/self/status")
    if not path.exists():
        return 0.0
    line = next(line for line in path.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def processor(pid: int) -> float:
    """Seconds that a process of this machine has worked (/proc/PID/stat, fields 14 and 15); 0 where there is none."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 0.0
    fields = path.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
