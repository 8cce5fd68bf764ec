"""Decides the state of a problem by its failures and by time. Pure; people's acts are in `acts`.

States as Sentry has them (https://docs.sentry.io/product/issues/states-triage/): *new* for a week, then *ongoing*;
*escalating* when it fails far more often than before; *regressed* when it comes back after it was resolved; *archived*
and *resolved* are put away until something happens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pstdev

from monitor.languages import gettext_noop

NEW_FOR = timedelta(days=7)
CALM_FOR = timedelta(days=1)  # an escalation is over after a day without a spike
FEWEST = 10  # failures in an hour below which nothing escalates
UNRESOLVED = ("new", "ongoing", "escalating", "regressed")
# The forms of the reasons below, which are stored: pages say them by `monitor.sentences`.
REASONS = (
    gettext_noop("Every failed run of it has come to an end."),
    gettext_noop("Every failure of it has come to an end."),
    gettext_noop("No failed run belongs to it any more."),
    gettext_noop("No failure belongs to it any more."),
    gettext_noop("It has not failed unusually often for a day."),
    gettext_noop("A week has gone by."),
    gettext_noop("A failed run of it is open though it was resolved."),
    gettext_noop("A failure of it is open though it was resolved."),
    gettext_noop("%(n)s failed runs of it are open though it was resolved."),
    gettext_noop("%(n)s failures of it are open though it was resolved."),
    gettext_noop("Its time in the archive is over."),
    gettext_noop("It has come to %(n)s failed runs."),
    gettext_noop("It has come to %(n)s failures."),
    gettext_noop("%(n)s runs failed with it within an hour, far more than before."),
    gettext_noop("%(n)s failures of it came within an hour, far more than before."),
)


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """Holds what is known of a problem.

    Attributes:
        state: one of `Problem.State`.
        since: when it came to be in it, aware.
        first_seen_at: when its first run failed, aware.
        failures: of all fates.
        open: failures that are still open.
        open_again: while it is resolved, those of the open ones that bring it back.
        by_hour: failures of each of the last hours, the oldest first, without the present hour.
        this_hour: failures within the last 60 minutes.
        archived_until: comes back then; None where no time was set.
        archived_after: comes back at so many failures; None where no number was set.
        is_touched: somebody owns it or did something about it.
        what: one of its failures is called.
    """

    state: str
    since: datetime
    first_seen_at: datetime
    failures: int
    open: int
    open_again: int = 0
    by_hour: Sequence[int] = ()
    this_hour: int = 0
    archived_until: datetime | None = None
    archived_after: int | None = None
    is_touched: bool = False
    what: str = "failed run"


@dataclass(frozen=True, slots=True)
class StateChange:
    """Holds the state to go to, and why, as a sentence for people."""

    state: str
    reason: str


def next_state(facts: ProblemFacts, now: datetime) -> StateChange | None:
    """Returns what becomes of a problem by itself; None where it stays as it is.

    Args:
        facts: see `ProblemFacts`.
        now: the present, aware.
    """
    if facts.state == "resolved":
        return _from_resolved(facts)
    if facts.state == "archived":
        return _from_archived(facts, now)
    if not facts.open:
        gone = f"No {facts.what} belongs to it any more."
        return StateChange("resolved", f"Every {facts.what} of it has come to an end." if facts.failures else gone)
    if facts.state != "escalating" and is_escalating(facts, now):
        return StateChange("escalating", _spike(facts))
    if facts.state == "escalating":
        is_over = now - facts.since >= CALM_FOR and not is_escalating(facts, now)
        return StateChange("ongoing", "It has not failed unusually often for a day.") if is_over else None
    if facts.state in ("new", "regressed") and now - facts.since >= NEW_FOR:
        return StateChange("ongoing", "A week has gone by.")
    return None


def is_to_go(facts: ProblemFacts) -> bool:
    """Returns whether a problem is nobody's and nothing's any more: its failures went to others, and nobody saw it."""
    return facts.state in UNRESOLVED and not facts.failures and not facts.is_touched


def _from_resolved(facts: ProblemFacts) -> StateChange | None:
    if not facts.open_again:
        return None
    runs = f"A {facts.what} of it is" if facts.open_again == 1 else f"{facts.open_again:,} {facts.what}s of it are"
    return StateChange("regressed", f"{runs} open though it was resolved.")


def _from_archived(facts: ProblemFacts, now: datetime) -> StateChange | None:
    if facts.archived_until is not None:
        return StateChange("ongoing", "Its time in the archive is over.") if now >= facts.archived_until else None
    if facts.archived_after is not None:
        reached = facts.failures >= facts.archived_after
        return StateChange("ongoing", f"It has come to {facts.failures:,} {facts.what}s.") if reached else None
    return StateChange("escalating", _spike(facts)) if is_escalating(facts, now) else None


def _spike(facts: ProblemFacts) -> str:
    whats = "runs failed with it" if facts.what == "failed run" else f"{facts.what}s of it came"
    return f"{facts.this_hour:,} {whats} within an hour, far more than before."


def is_escalating(facts: ProblemFacts, now: datetime) -> bool:
    """Returns whether it fails far more often than its own past lets one expect."""
    return facts.this_hour >= max(FEWEST, usual_limit(facts.by_hour, now - facts.first_seen_at))


def usual_limit(by_hour: Sequence[int], age: timedelta) -> float:
    """Returns how many failures in an hour would still be usual.

    Args:
        by_hour: failures of each of the last hours.
        age: how long the problem has been known. A young one has no past to go by: ten times its worst hour.

    Returns:
        Failures per hour; infinite where nothing is known to compare with.
    """
    worst = max(by_hour, default=0)
    if not worst:
        return math.inf
    if age < NEW_FOR:
        return 10.0 * worst
    mean, spread = fmean(by_hour), pstdev(by_hour)
    spike = mean + min(max((mean + 5 * spread) / mean, 5), 8) * mean
    bursty = worst * min(max(2.0, 5 * math.exp(-0.65 * spread / mean)), 5)
    return max(spike, bursty)
