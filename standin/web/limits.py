"""Counts calls against a plan.

Sources: docs/reference/zoho-flow.md, "Plans and limits"; docs/reference/zoho-crm.md, "Credits and concurrency".
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from standin.clock import DAY

MINUTE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Plan:
    """Holds a plan's limits; None is no limit. `credits` are CRM's for a rolling day, `at_once` its concurrency."""

    name: str
    per_minute: int | None
    per_day: int | None
    credits: int | None
    at_once: int | None
    seed_crm_per_day: int | None
    flows: int | None


# CRM's credits are a base and so many a user; there are three users. Source: docs/reference/zoho-crm.md,
# "Credits and concurrency".
PLANS = {
    "free": Plan("free", 10, 1_000, 5_000, 5, 5_000, 5),
    "standard": Plan("standard", 30, 10_000, 50_750, 10, 10_000, 25),
    "professional": Plan("professional", 60, 50_000, 51_500, 15, 25_000, 100),
    "enterprise": Plan("enterprise", 120, 200_000, 53_000, 20, 50_000, None),
    "unlimited": Plan("unlimited", None, None, None, None, None, None),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Holds whether a call is granted, and what the headers say; `wait` in seconds when it is not."""

    granted: bool
    wait: int = 0
    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None


class FlowLimit:
    """Counts calls in a rolling minute and in a day that ends at midnight UTC."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._minute: deque[datetime] = deque()
        self._day: object = None
        self._today = 0

    def ask(self, now: datetime) -> Verdict:
        """Counts one call, or refuse it without counting."""
        per_minute, per_day = self.plan.per_minute, self.plan.per_day
        if per_minute is None or per_day is None:
            return Verdict(granted=True)
        while self._minute and self._minute[0] <= now - MINUTE:
            self._minute.popleft()
        if self._day != now.date():
            self._day, self._today = now.date(), 0
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        reset = int(midnight.timestamp())
        if self._today >= per_day:
            return Verdict(
                granted=False, wait=int((midnight - now).total_seconds()) + 1, limit=per_day, remaining=0, reset=reset
            )
        left = per_day - self._today
        if len(self._minute) >= per_minute:
            wait = (self._minute[0] + MINUTE - now).total_seconds()
            return Verdict(granted=False, wait=int(wait) + 1, limit=per_day, remaining=left, reset=reset)
        self._minute.append(now)
        self._today += 1
        return Verdict(granted=True, limit=per_day, remaining=left - 1, reset=reset)


class CrmCredits:
    """Counts credits over a rolling 24 hours, one for most calls, by the minute."""

    def __init__(self, plan: Plan, *, seed_dialect: bool) -> None:
        self.limit = plan.seed_crm_per_day if seed_dialect else plan.credits
        self._spent: deque[tuple[datetime, int]] = deque()
        self._sum = 0

    def ask(self, now: datetime, cost: int = 1) -> Verdict:
        """Spends `cost` credits, or refuse."""
        if self.limit is None:
            return Verdict(granted=True)
        while self._spent and self._spent[0][0] <= now - DAY:
            self._sum -= self._spent.popleft()[1]
        if self._sum + cost > self.limit:
            oldest = self._spent[0][0] if self._spent else now
            wait = int((oldest + DAY - now).total_seconds()) + 1
            return Verdict(
                granted=False,
                wait=wait,
                limit=self.limit,
                remaining=self.limit - self._sum,
                reset=int((now + DAY).timestamp()),
            )
        self._sum += cost
        minute = now.replace(second=0, microsecond=0)
        if self._spent and self._spent[-1][0] == minute:
            cost += self._spent.pop()[1]
        self._spent.append((minute, cost))
        reset = int((self._spent[0][0] + DAY).timestamp())
        return Verdict(granted=True, limit=self.limit, remaining=self.limit - self._sum, reset=reset)
