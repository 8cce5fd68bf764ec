"""Holds how a flow usually runs, for what is said of a rule before it has fired. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class UsualPace:
    """Holds how many runs end on a usual day, and which share of them fails (0 to 1)."""

    runs_a_day: float = 0.0
    failing: float = 0.0

    @property
    def runs_a_month(self) -> float:
        return self.runs_a_day * DAYS_A_MONTH
