"""Finds an account that comes to the end of its plan: executions of a month, or calls of a day. Pure.

Executions are foretold: what has run this month, and for the rest of it the pace of the last seven days. Calls are
counted over any 24 hours and renew by themselves, so there what is spent tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import AlertStanding, ConditionState, Evaluation

EXECUTIONS, CALLS = "executions", "calls"
HOLD = 0.95  # an open alert has recovered below this part of its bound: a forecast moves with each run
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuotaMaterial:
    """Holds what is known of an account's plan.

    Attributes:
        executions_limit: of a month; None where the plan is not known or has none.
        executions: of this month.
        pace_a_day: executions a day, of the last seven; None where so many are not known.
        month_end: when it is over.
        calls_limit: of any 24 hours; None where it is not known.
        calls: within the last 24 hours, those of others too as far as Zoho says so.
    """

    executions_limit: int | None
    executions: int
    pace_a_day: float | None
    month_end: datetime
    calls_limit: int | None = None
    calls: int = 0


@dataclass(frozen=True, slots=True)
class PlanRunsOut:
    """Asks that an account stays within its plan.

    Attributes:
        of: executions of the month, or calls of a day.
        share: the part of the plan that is too much, in per cent.
        limit: executions a month, where the account has other numbers than its plan; 0: those of its plan.
    """

    kind: ClassVar[str] = "quota"

    of: str = EXECUTIONS
    share: float = 100.0
    limit: int = 0

    def __post_init__(self) -> None:
        if self.of not in (EXECUTIONS, CALLS):
            raise ValueError(f"of must be one of {EXECUTIONS}, {CALLS}")
        limits.number("share", self.share, 1, 100)
        limits.whole("limit", self.limit, 0, 1_000_000_000)

    @property
    def aspect(self) -> str:
        """Is what a narrower rule must look for too to replace this one."""
        return self.of

    def evaluate(self, material: QuotaMaterial, at: datetime, standing: AlertStanding) -> Evaluation:
        if self.of == CALLS:
            return self._found(material.calls_limit, material.calls, material.calls, at, standing)
        limit = self.limit or material.executions_limit
        if material.pace_a_day is None and limit is not None and material.executions < limit * self.share / 100:
            return Evaluation(ConditionState.LEARNING, {"limit": limit, "used": material.executions})
        left = max(material.month_end - at, timedelta(0)) / DAY
        forecast = material.executions + left * (material.pace_a_day or 0)
        return self._found(limit, material.executions, forecast, at, standing)

    def _found(
        self, limit: int | None, used: int, forecast: float, at: datetime, standing: AlertStanding
    ) -> Evaluation:
        if limit is None:
            return Evaluation(ConditionState.NO_DATA, {"used": used})
        numbers: dict[str, float] = {"limit": limit, "used": used, "forecast": round(forecast)}
        bound = limit * self.share / 100
        if standing.is_open and used < bound:
            bound *= HOLD
        if max(forecast, used) < bound:
            return Evaluation(ConditionState.CLEAR, numbers)
        return Evaluation(ConditionState.BREACHED, numbers, standing.began_at or at)


CONDITION = PlanRunsOut
