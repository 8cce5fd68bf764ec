"""Counts the last day of an incident's flows for the small chart of its mail."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum

from monitor.models import HourBucket
from monitor.periods import HOUR, last_hours

HOURS = 24


@dataclass(frozen=True, slots=True)
class ChartHour:
    """Holds how the runs that began in an hour ended."""

    start: datetime
    succeeded: int
    failed: int

    @property
    def tone(self) -> str:
        """Returns how the hour is coloured: none, good, some or bad."""
        if not self.succeeded + self.failed:
            return "none"
        if not self.failed:
            return "good"
        return "some" if self.succeeded else "bad"


def last_day(flows: Collection[int], now: datetime) -> tuple[ChartHour, ...]:
    """Returns the last 24 hours of flows, the oldest first; nothing for an incident without flows. One statement."""
    if not flows:
        return ()
    window = last_hours(now, HOURS)
    rows = HourBucket.objects.filter(flow__in=flows, hour__gte=window.start, hour__lt=window.end)
    sums = rows.order_by().values_list("hour").annotate(Sum("succeeded"), Sum("failed"))
    found = {hour: (good, bad) for hour, good, bad in sums}
    starts = [window.start + number * HOUR for number in range(HOURS)]
    return tuple(ChartHour(start, *found.get(start, (0, 0))) for start in starts)
