"""Says when mails that are not urgent may come: the working hours of a rule. Pure."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Any

from monitor.periods import DAY, day_of, time_of_day

DAYS_AHEAD = 400  # a year of holidays in a row is no working hours
PAUSES_OF = 28  # days
ALL_DAYS = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """Holds on which days and from when to when people work.

    Attributes:
        zone: of the times.
        days: 0 for Monday to 6 for Sunday.
        begins: the time of the day when they begin.
        ends: and when they end; the same time or an earlier one is that of the next day.
        holidays: days without work.
    """

    zone: tzinfo = UTC
    days: frozenset[int] = ALL_DAYS
    begins: time = time(0)
    ends: time = time(0)
    holidays: frozenset[date] = frozenset()

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> WorkingHours | None:
        """Returns the working hours of a rule; None where mails may come at all hours, or where they cannot be read.

        Args:
            stored: `zone`, `days` (0 for Monday), `from`, `to`, `holidays` (ISO dates).
        """
        if not stored:
            return None
        try:
            return cls(
                zone=zoneinfo.ZoneInfo(str(stored.get("zone") or "UTC")),
                days=frozenset(int(day) for day in stored.get("days", ALL_DAYS)),
                begins=time.fromisoformat(str(stored.get("from") or "00:00")),
                ends=time.fromisoformat(str(stored.get("to") or "00:00")),
                holidays=frozenset(date.fromisoformat(str(day)) for day in stored.get("holidays", ())),
            )
        except (ValueError, TypeError, OSError, zoneinfo.ZoneInfoNotFoundError):
            # A mail too early is better than none.
            return None

    def opens(self, now: datetime) -> datetime | None:
        """Returns when a mail may come: now, or at the next beginning; None where no day is a working day."""
        today = day_of(now, self.zone)
        spans = (self._span(today + ahead * DAY) for ahead in range(-1, DAYS_AHEAD))
        return next((max(span[0], now) for span in spans if span is not None and span[1] > now), None)

    def longest_pause(self, now: datetime) -> timedelta:
        """Returns for how long a mail waits at the most within the next four weeks; 0 where nobody ever works."""
        today = day_of(now, self.zone)
        spans = [span for ahead in range(-1, PAUSES_OF) if (span := self._span(today + ahead * DAY)) is not None]
        return max((later[0] - earlier[1] for earlier, later in pairwise(spans)), default=timedelta(0))

    def _span(self, day: date) -> tuple[datetime, datetime] | None:
        if day.weekday() not in self.days or day in self.holidays:
            return None
        last = day if self.ends > self.begins else day + DAY
        return time_of_day(day, self.begins, self.zone), time_of_day(last, self.ends, self.zone)


def next_open(hours: Iterable[WorkingHours | None], now: datetime) -> datetime:
    """Returns when a mail of alerts with these working hours may come: as soon as one of them lets it.

    Args:
        hours: of each alert; None for all hours.
        now: the present.
    """
    known = list(hours)
    if not known or None in known:
        return now
    # Hours in which nobody ever works keep no mail back for good.
    return min((at for one in known if one is not None and (at := one.opens(now)) is not None), default=now)
