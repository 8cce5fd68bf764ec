"""Says how many executions of its plan an account has used this month, and how fast it uses them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import F, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from monitor.connection.limits import EXECUTIONS_A_MONTH
from monitor.models import AccountDay, ZohoAccount
from monitor.periods import DAY, day_of, day_start

PACE_DAYS = 7
COUNTED = ("account", "used", "of_week", "oldest")
NOTHING_COUNTED = (0, 0, None)


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

    def passes(self, now: datetime) -> bool:
        """Returns whether it will be more than the plan has, at this pace, as far as both are known."""
        forecast = self.forecast(now)
        return self.limit is not None and forecast is not None and forecast > self.limit

    def forecast(self, now: datetime) -> int | None:
        """Returns how many there will be by the end of the month at this pace; None where it is not known."""
        if self.pace_a_day is None:
            return None
        return round(self.used + max(self.ends_at - now, timedelta(0)) / DAY * self.pace_a_day)


def month_use(account: ZohoAccount, now: datetime) -> MonthUse:
    """Returns what an account has used this month. One statement."""
    counted = counted_in_month(now).filter(account=account).values_list(*COUNTED).first()
    return month_use_of(account.plan, counted[1:] if counted else NOTHING_COUNTED, now)


def counted_in_month(now: datetime) -> QuerySet[AccountDay, Any]:
    """Counts what accounts used up to today, by account, as `COUNTED` names it.

    That is: of this month, of the seven days before today, and since which day anything is counted.
    """
    today = day_of(now)
    runs = F("succeeded") + F("failed")
    week = Q(day__gte=today - timedelta(days=PACE_DAYS), day__lt=today)
    return (
        AccountDay.objects.filter(day__lte=today)
        .order_by("account")
        .values("account")
        .annotate(
            used=Coalesce(Sum(runs, filter=Q(day__gte=today.replace(day=1))), 0),
            of_week=Coalesce(Sum(runs, filter=week), 0),
            oldest=Min("day"),
        )
    )


def month_use_of(plan: str, counted: tuple[int, int, date | None], now: datetime) -> MonthUse:
    """Returns what an account has used this month. Pure.

    Args:
        plan: of Zoho Flow, as a person said; "" where that is not known.
        counted: of `counted_in_month`.
        now: the present.
    """
    used, of_week, oldest = counted
    today = day_of(now)
    is_known = oldest is not None and oldest <= today - timedelta(days=PACE_DAYS)
    return MonthUse(
        limit=EXECUTIONS_A_MONTH.get(plan),
        used=used,
        pace_a_day=of_week / PACE_DAYS if is_known else None,
        ends_at=day_start((today.replace(day=1) + timedelta(days=32)).replace(day=1), UTC),
    )
