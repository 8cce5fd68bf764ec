"""Says how many executions of its plan an account has used this month, and how fast it uses them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import F, Min, Sum

from monitor.connection.limits import EXECUTIONS_A_MONTH
from monitor.models import DayBucket, ZohoAccount
from monitor.periods import DAY, day_of, day_start

PACE_DAYS = 7


@dataclass(frozen=True, slots=True)
class MonthUse:
    """Holds the executions of a month of UTC; a retry's own run is not among them.

    Attributes:
        limit: of the plan; None where that is not known, or has none.
        used: so far.
        pace_a_day: of the last seven days; None where so many are not known.
        ends_at: when the month is over.
    """

    limit: int | None
    used: int
    pace_a_day: float | None
    ends_at: datetime

    def forecast(self, now: datetime) -> int | None:
        """Returns how many there will be by the end of the month at this pace; None where it is not known."""
        if self.pace_a_day is None:
            return None
        return round(self.used + max(self.ends_at - now, timedelta(0)) / DAY * self.pace_a_day)


def month_use(account: ZohoAccount, now: datetime) -> MonthUse:
    """Returns what an account has used this month. Three statements."""
    today = day_of(now)
    first = today.replace(day=1)
    runs = Sum(F("succeeded") + F("failed"))
    rows = DayBucket.objects.filter(flow__account=account, day__lte=today)
    week = rows.filter(day__gte=today - timedelta(days=PACE_DAYS), day__lt=today).aggregate(runs=runs)["runs"] or 0
    known = rows.filter(day__gte=first).aggregate(runs=runs)["runs"] or 0
    oldest = rows.aggregate(day=Min("day"))["day"]
    is_known = oldest is not None and oldest <= today - timedelta(days=PACE_DAYS)
    return MonthUse(
        limit=EXECUTIONS_A_MONTH.get(account.plan),
        used=known,
        pace_a_day=week / PACE_DAYS if is_known else None,
        ends_at=day_start((first + timedelta(days=32)).replace(day=1), UTC),
    )
