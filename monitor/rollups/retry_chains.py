"""Finds which executions are retries of which. Pure.

A retry may get a row of its own at Zoho (docs/reference/zoho-flow.md, "Retry of an execution"), and
that row may fail and be retried in turn. The chain counts once, at its root.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

# (primary key of the account, Zoho's execution id): two accounts may use the same id.
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class RetryLink:
    """Holds a retry: `number` orders attempts in time, `new` is the run it caused, as far as known."""

    number: int
    original: Key
    new: Key | None
    succeeded: bool


class Lineage:
    """Links some attempts to chains."""

    def __init__(self, attempts: Iterable[RetryLink], successes: Collection[Key] = ()) -> None:
        """Links attempts to chains.

        Args:
            attempts: all that touch the executions asked about, those of whole chains.
            successes: the executions among `Attempt.new` whose status is success now.
        """
        self._successes = successes
        self._attempts: dict[Key, list[RetryLink]] = defaultdict(list)
        self._parents: dict[Key, set[Key]] = defaultdict(set)
        for attempt in sorted(attempts, key=lambda a: a.number):
            self._attempts[attempt.original].append(attempt)
            # Zoho may name the original again (a re-run in place), and a retry of B might be given out as A
            # again: the later link that would close a ring is no link, or the whole ring would count nowhere.
            if attempt.new is not None and attempt.new not in self._ancestors(attempt.original):
                self._parents[attempt.new].add(attempt.original)

    def is_retry(self, key: Key) -> bool:
        """Returns whether the execution's row is a retry's own."""
        return key in self._parents

    def was_retried(self, key: Key) -> bool:
        """Returns whether a person's retry of it was sent."""
        return key in self._attempts

    def is_rescued(self, key: Key) -> bool:
        """Returns whether a retry of it, or a retry of that retry, succeeded."""
        if key not in self._attempts:
            return False
        seen: set[Key] = set()
        waiting = [key]
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            for attempt in self._attempts.get(current, ()):
                if attempt.succeeded or (attempt.new is not None and attempt.new in self._successes):
                    return True
                if attempt.new is not None:
                    waiting.append(attempt.new)
        return False

    def roots(self, key: Key) -> set[Key]:
        """Returns the first executions of its chain: itself, where it is no retry."""
        return {ancestor for ancestor in self._ancestors(key) if ancestor not in self._parents}

    def _ancestors(self, key: Key) -> set[Key]:
        """Returns the execution itself and all that it is a retry of."""
        found = {key}
        waiting = [key]
        while waiting:
            for parent in self._parents.get(waiting.pop(), ()):
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found
