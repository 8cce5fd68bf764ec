"""Reads what a rule and each of its actions did day by day, from what the readings of its usage reports added."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db.models import Max, Min, Q, QuerySet, Sum
from django.db.models.functions import JSONArray

from monitor.models import UsageSnapshot, WorkflowRule
from monitor.models.crm import action_key
from monitor.models.prepared import Prepared
from monitor.periods import day_of, first_of_days
from monitor.queries.rule_actions import action_shown
from monitor.queries.together import AsJson
from monitor.rule_words.vocabulary import action_name

ActionKey = tuple[str, str]
MOST_LISTED = 31  # readings that a page shows one by one


class UsedDay(NamedTuple):
    """Holds what a day's readings added; None where that is not known. After a reset it is at least right."""

    day: date
    done: int | None
    failed: int | None
    is_reset: bool = False


class DayReading(NamedTuple):
    """Holds the last reading of a day, as `UsageSnapshot` keeps it; times and other days as text, to be compared."""

    day: date
    triggered: int | None
    succeeded: int | None
    failed: int | None
    is_reset: bool
    since: str | None
    reset_time: str | None
    success_count: int | None
    failure_count: int | None
    actions: Sequence[Mapping[str, Any]]

    @property
    def counts_from(self) -> date | None:
        """Returns the first day that Zoho's counters covered."""
        return None if self.since is None else date.fromisoformat(self.since)


@dataclass(frozen=True, slots=True)
class ActionUse:
    """Holds what one action of a rule did in a period; None where nothing of it is known.

    Attributes:
        key: names it in an address.
        counted_as: names it in readings.
        name: as it is shown; "" where it has none.
        kind: of what kind it is, in words.
        done: how often it was done.
        failed: how often it failed.
    """

    key: str
    counted_as: ActionKey
    name: str
    kind: str
    done: int | None
    failed: int | None

    @property
    def rate(self) -> float | None:
        """Returns the share of what was done, per cent; None where nothing is known to have been tried."""
        return rate_of(self.done, self.failed)


@dataclass(frozen=True, slots=True)
class RulePeriod:
    """Holds what a rule did in a period.

    Attributes:
        begins: its first day.
        last: its last day: today, in UTC.
        first_day: of the first reading ever; None: never read.
        readings: of the period's days, and the newest one before them if there is one; the oldest first.
        triggered: how often it ran; None where no reading says.
        done_before: in as many days before; None where these were not read in full.
        failed_before: likewise.
        actions: of the newest reading.
    """

    begins: date
    last: date
    first_day: date | None
    readings: tuple[DayReading, ...]
    done: int | None
    failed: int | None
    triggered: int | None
    done_before: int | None
    failed_before: int | None
    actions: tuple[ActionUse, ...]

    @property
    def days(self) -> list[UsedDay]:
        """Returns what was added on each day that was read, the oldest first."""
        return [UsedDay(row.day, row.succeeded, row.failed, row.is_reset) for row in self._within()]

    @property
    def newest(self) -> list[DayReading]:
        """Returns the newest readings of the period, the newest first."""
        return self._within()[: -MOST_LISTED - 1 : -1]

    def days_of(self, action: ActionUse) -> list[UsedDay]:
        """Returns what an action did on each day that was read, the oldest first."""
        found = []
        for row, steps in action_steps(self.readings):
            if row.day >= self.begins:
                done, failed = steps.get(action.counted_as) or (None, None)
                found.append(UsedDay(row.day, done, failed, row.is_reset))
        return found

    def _within(self) -> list[DayReading]:
        return [row for row in self.readings if row.day >= self.begins]

    @property
    def rate(self) -> float | None:
        return rate_of(self.done, self.failed)

    @property
    def rate_before(self) -> float | None:
        return rate_of(self.done_before, self.failed_before)

    @property
    def known_from(self) -> date | None:
        """Returns the first day that is known, where the period begins earlier; None where all of it may be known."""
        return self.first_day if self.first_day is not None and self.first_day >= self.begins else None


def rate_of(done: int | None, failed: int | None) -> float | None:
    """Returns the share of what was done, per cent; None where nothing is known to have been tried. Pure."""
    tried = (done or 0) + (failed or 0)
    return 100 * (done or 0) / tried if tried else None


_READ = tuple(DayReading.__annotations__)  # its columns, in its order


def _of_period(rule: int, start: date, begins: date) -> QuerySet[UsageSnapshot, Any]:
    """Asks for the readings from `begins` on, the one before them, the sums from `start` on, and the first day."""
    own = UsageSnapshot.objects.filter(rule=rule).order_by()
    first = own.values("rule").annotate(at=Min("day")).values("at")
    lead = own.filter(day__lt=begins).values("rule").annotate(at=Max("day")).values("at")
    is_read, is_before = Q(day__gte=begins) | Q(day__in=lead), Q(day__gte=start, day__lt=begins)
    asked = own.filter(Q(day__gte=start) | Q(day__in=first) | Q(day__in=lead))
    return (
        asked.values("rule")
        .annotate(
            first=Min("day"),
            rows=AsJson(JSONArray(*_READ), filter=is_read),
            done_before=Sum("succeeded", filter=is_before),
            failed_before=Sum("failed", filter=is_before),
        )
        .values_list("first", "rows", "done_before", "failed_before")
    )


_PERIOD = Prepared(_of_period, int, date, date)


def read(rule: WorkflowRule, now: datetime, days: int) -> RulePeriod:
    """Reads what a rule did in the last days, today included. One statement.

    Args:
        rule: of which it is.
        now: the present.
        days: how many.
    """
    last = day_of(now)
    begins = first_of_days(last, days)
    start = first_of_days(begins, days + 1)
    first, rows, done, failed = _PERIOD.first(rule.pk, start, begins) or (None, None, None, None)
    return put_together(map(_reading, rows or ()), first, (done, failed), begins=begins, start=start, last=last)


def _reading(row: Sequence[Any]) -> DayReading:
    day, triggered, succeeded, failed, is_reset, since, reset_time, done, lost, actions = row
    # SQLite gives what is JSON in a row as text, and truth as a number.
    held = json.loads(actions) if isinstance(actions, str) else actions
    at = date.fromisoformat(day)
    return DayReading(at, triggered, succeeded, failed, bool(is_reset), since, reset_time, done, lost, held)


def put_together(
    rows: Iterable[DayReading],
    first_day: date | None,
    before: tuple[int | None, int | None],
    *,
    begins: date,
    start: date,
    last: date,
) -> RulePeriod:
    """Adds up a period. Pure.

    Args:
        rows: of the period, and the newest one before it, in any order.
        first_day: of the first reading ever; None: never read.
        before: what was done and failed in the period before.
        begins: the first day of the period.
        start: the first day of the period before.
        last: the last day of the period.
    """
    readings = sorted(rows, key=lambda row: row.day)
    within = [row for row in readings if row.day >= begins]
    has_before = first_day is not None and first_day < start
    return RulePeriod(
        begins=begins,
        last=last,
        first_day=first_day,
        readings=tuple(readings),
        done=_sum(row.succeeded for row in within),
        failed=_sum(row.failed for row in within),
        triggered=_sum(row.triggered for row in within),
        done_before=before[0] or 0 if has_before else None,
        failed_before=before[1] or 0 if has_before else None,
        actions=_actions(readings, begins),
    )


def _actions(readings: Sequence[DayReading], begins: date) -> tuple[ActionUse, ...]:
    if not readings:
        return ()
    sums: dict[ActionKey, list[int]] = {}
    for row, steps in action_steps(readings):
        for key, added in steps.items():
            if added is not None and row.day >= begins:
                known = sums.setdefault(key, [0, 0])
                known[0] += added[0]
                known[1] += added[1]
    found: dict[ActionKey, Mapping[str, Any]] = {}
    for item in readings[-1].actions:
        found.setdefault(key_of(item), item)
    return tuple(
        ActionUse(
            key=key[1] if not key[0] else f"n{place}",
            counted_as=key,
            name=action_shown(str(item.get("type", "")), str(item.get("name", ""))),
            kind=action_name(str(item.get("type", ""))),
            done=sums[key][0] if key in sums else None,
            failed=sums[key][1] if key in sums else None,
        )
        for place, (key, item) in enumerate(found.items(), start=1)
    )


def action_steps(
    readings: Iterable[DayReading],
) -> Iterator[tuple[DayReading, dict[ActionKey, tuple[int, int] | None]]]:
    """Computes what each action did from one reading to the next; None where the two do not count from one day. Pure.

    Args:
        readings: the oldest first; what the first one holds cannot be laid on a day.
    """
    previous: DayReading | None = None
    was: dict[ActionKey, tuple[int, int]] = {}
    for row in readings:
        counts = counts_of(row)
        is_known = previous is not None and row.since is not None and row.since == previous.since
        if is_known and previous is not None and row.is_reset:
            is_known = row.reset_time is not None and row.reset_time != previous.reset_time
            was = {}
        yield row, {key: _added(was.get(key), now) if is_known else None for key, now in counts.items()}
        previous, was = row, counts


def _added(was: tuple[int, int] | None, now: tuple[int, int]) -> tuple[int, int] | None:
    if was is None:
        return now
    return (now[0] - was[0], now[1] - was[1]) if now[0] >= was[0] and now[1] >= was[1] else None


def counts_of(row: DayReading) -> dict[ActionKey, tuple[int, int]]:
    """Sums up the counters of a reading by action: one that stands in several places counts once for each. Pure."""
    sums: dict[ActionKey, tuple[int, int]] = {}
    for item in row.actions:
        key, done, failed = key_of(item), int(item.get("success") or 0), int(item.get("failure") or 0)
        if key in sums:
            done, failed = done + sums[key][0], failed + sums[key][1]
        sums[key] = (done, failed)
    return sums


def key_of(item: Mapping[str, Any]) -> ActionKey:
    """Returns what names an action of a reading. Pure."""
    return action_key(str(item.get("id", "")), str(item.get("type", "")), str(item.get("name", "")))


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
