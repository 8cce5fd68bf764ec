"""Decides what a batch of retries does next: a canary, five more, then the rest; it stops by itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

SECOND_STEP = 5  # items after the canary
CALLS_AN_ITEM = 4  # a look before, the POST, and mostly two looks after
PASS = timedelta(seconds=10)  # between two looks at most; what was missed for longer is not caught up with
FEWEST_OF_REST = 6  # ended items of the rest before they are judged
MOST_AT_ONCE = 50  # started in one pass
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """Holds what is known of a running batch. An item that was skipped is in none of the numbers of its step.

    Attributes:
        canary: items of the first step.
        step: which step it is in: 0 the canary, 1 the next five, 2 the rest.
        waiting: items that have not had their turn.
        open: items that were started and have not ended, of all steps.
        started: items started in this step, ended ones included.
        succeeded: of those.
        failed: of those, an outcome that stays unknown included.
        per_minute: items started in a minute at most.
        next_start_at: when the next may start; None for at once.
    """

    canary: int
    step: int
    waiting: int
    open: int
    started: int
    succeeded: int
    failed: int
    per_minute: int
    next_start_at: datetime | None = None

    @property
    def size(self) -> int | None:
        """Returns how many items the step has; None for the rest."""
        return {0: self.canary, 1: SECOND_STEP}.get(self.step)

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True)
class NextStep:
    """Holds what to do: start up to `count` items, wait, go to the next step, stop for `reason`, or finish."""

    do: Literal["start", "wait", "advance", "stop", "finish"]
    count: int = 0
    reason: str = ""


WAIT = NextStep("wait")


def next_step(facts: BatchFacts, now: datetime) -> NextStep:
    """Returns what a running batch does next.

    Args:
        facts: see `BatchFacts`.
        now: the present, aware.
    """
    if facts.waiting == 0 and facts.open == 0:
        return NextStep("finish")
    if is_failing(facts):
        what = {0: "the first step", 1: "the second step"}.get(facts.step, "the rest")
        of = f"{facts.failed} of {facts.ended} failed or stayed unknown"
        return NextStep("stop", reason=f"Half or more of {what} did not succeed: {of}.")
    if facts.waiting == 0:
        return WAIT
    size = facts.size
    if size is not None and facts.started >= size:
        return NextStep("advance") if facts.ended >= facts.started else WAIT
    room = facts.waiting if size is None else min(size - facts.started, facts.waiting)
    count = min(room, due_starts(facts.per_minute, facts.next_start_at, now), MOST_AT_ONCE)
    return NextStep("start", count) if count else WAIT


def is_failing(facts: BatchFacts) -> bool:
    """Returns whether half of a step has failed: a step of known size when it is over, the rest as it goes on."""
    if facts.size is not None:
        is_over = facts.started > 0 and facts.ended >= facts.started and facts.started >= facts.size
        return is_over and 2 * facts.failed >= facts.ended
    return facts.ended >= FEWEST_OF_REST and 2 * facts.failed >= facts.ended


def due_starts(per_minute: int, next_start_at: datetime | None, now: datetime) -> int:
    """Returns how many items may start by now at a pace, one at least once the next is due.

    Args:
        per_minute: the pace.
        next_start_at: when the next may start.
        now: the present.
    """
    if next_start_at is None:
        return 1
    if now < next_start_at:
        return 0
    return 1 + int((now - max(next_start_at, now - PASS)) / (MINUTE / per_minute))


def next_start(per_minute: int, next_start_at: datetime | None, now: datetime, started: int) -> datetime:
    """Returns when the next item may start once some have; what was missed while nobody looked is not caught up with.

    Args:
        per_minute: the pace.
        next_start_at: as it was.
        now: the present.
        started: how many were started now.
    """
    begin = max(next_start_at or now, now - PASS)
    return begin + started * (MINUTE / per_minute)


def pace_within(per_minute: int, calls_a_minute: int | None) -> float:
    """Returns how many items start in a minute at most where each takes calls of a limited number.

    Args:
        per_minute: the pace that a person chose.
        calls_a_minute: that the account may make; None where that is not known.
    """
    return per_minute if not calls_a_minute else min(per_minute, calls_a_minute / CALLS_AN_ITEM)


def time_needed(items: int, per_minute: float) -> timedelta:
    """Returns how long a batch takes at least at a pace."""
    return items * (MINUTE / per_minute)
