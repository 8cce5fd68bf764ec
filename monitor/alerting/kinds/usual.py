"""Holds how a flow usually runs, for what is said of a rule before it has fired. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

DAYS_A_MONTH = 30
LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class UsualPace:
    """Holds how many runs end on a usual day, and which share of them fails (0 to 1)."""

    runs_a_day: float = 0.0
    failing: float = 0.0

    @property
    def runs_a_month(self) -> float:
        return self.runs_a_day * DAYS_A_MONTH


@dataclass(frozen=True, slots=True)
class NoticeTimes:
    """Holds after how long, at a usual pace, a condition notices what; None: it does not.

    Attributes:
        total: that every run fails.
        half: that every second run fails.
        silence: that no run comes any more.
        is_learning: whether it will notice silence once it has learned when the flow runs.
    """

    total: timedelta | None = None
    half: timedelta | None = None
    silence: timedelta | None = None
    is_learning: bool = False


def after_runs(count: float, usual: UsualPace) -> timedelta | None:
    """Returns how long so many runs take at a usual pace; None where none come, or where it takes years."""
    if usual.runs_a_day <= 0 or count / usual.runs_a_day > LONGEST_DAYS:
        return None
    return timedelta(days=count / usual.runs_a_day)
