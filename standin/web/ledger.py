"""Writes down what the stand-in was asked, for tests to count."""

import re
from collections import Counter
from dataclasses import dataclass, field

RETRY = re.compile(r".*/flows/[^/]+/executions/(?P<execution_id>[^/]+)/retry")
LONG_NUMBER = re.compile(r"(?<=/)\d{12,}(?=/|$)")
KEPT = 5000


@dataclass(slots=True)
class Call:
    """Holds one call as it was answered; `at` is the world's time."""

    at: str
    method: str
    path: str
    query: str
    status: int
    fault: str


@dataclass(slots=True)
class Ledger:
    """Counts for the life of the process; the retries that were carried out are in the world."""

    calls: list[Call] = field(default_factory=list)
    by_path: Counter[str] = field(default_factory=Counter)
    retries_received: Counter[str] = field(default_factory=Counter)
    token_posts: Counter[str] = field(default_factory=Counter)

    def note_retry(self, method: str, path: str) -> None:
        """Counts a retry at the door, whatever becomes of it."""
        found = RETRY.fullmatch(path)
        if found and method == "POST":
            self.retries_received[found["execution_id"]] += 1

    def clear(self) -> None:
        """Begins to count from zero."""
        self.calls.clear()
        for counter in (self.by_path, self.retries_received, self.token_posts):
            counter.clear()

    def note(self, call: Call) -> None:
        """Writes down an answered call; ids in the path are folded for the count by path."""
        if len(self.calls) >= KEPT:
            del self.calls[: KEPT // 10]
        self.calls.append(call)
        self.by_path[f"{call.method} {LONG_NUMBER.sub('{id}', call.path)} {call.status}"] += 1
