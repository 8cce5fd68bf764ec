"""Reads what a rule and each of its actions did day by day, from what the readings of its usage reports added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Min, Q

from monitor.models import UsageSnapshot, WorkflowRule
from monitor.models.crm import action_key
from monitor.periods import day_of, first_of_days
from monitor.queries.rule_actions import action_shown
from monitor.rule_words.vocabulary import action_name

ActionKey = tuple[str, str]
MOST_LISTED = 31  # readings that a page shows one by one


@dataclass(frozen=True, slots=True)
class UsedDay:
    """Holds what a day's readings added; None where that is not known. After a reset it is at least right."""

    day: date
    done: int | None
    failed: int | None
    is_reset: bool = False


@dataclass(frozen=True, slots=True)
class ActionUse:
    """Holds what one action of a rule did in a period.

    Attributes:
        key: names it in an address.
        name: as it is shown; "" where it has none.
        kind: of what kind it is, in words.
        days: of the period, those that were read.
    """

    key: str
    name: str
    kind: str
    days: tuple[UsedDay, ...]

    @property
    def done(self) -> int | None:
        return _sum(day.done for day in self.days)

    @property
    def failed(self) -> int | None:
        return _sum(day.failed for day in self.days)

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
        days: of the period, those that were read, the oldest first.
        triggered: how often it ran; None where no reading says.
        done_before: in as many days before; None where these were not read in full.
        failed_before: likewise.
        actions: of the newest reading.
        snapshots: the newest of the period, the newest first.
    """

    begins: date
    last: date
    first_day: date | None
    days: tuple[UsedDay, ...]
    triggered: int | None
    done_before: int | None
    failed_before: int | None
    actions: tuple[ActionUse, ...]
    snapshots: tuple[UsageSnapshot, ...]

    @property
    def done(self) -> int | None:
        return _sum(day.done for day in self.days)

    @property
    def failed(self) -> int | None:
        return _sum(day.failed for day in self.days)

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
    own = UsageSnapshot.objects.filter(rule=rule).order_by()
    first = own.values("rule").annotate(first=Min("day")).values("first")
    rows = list(rule.snapshots.filter(Q(day__gte=start) | Q(day__in=first)).order_by("day"))
    return put_together(rows, begins, start, last)


def put_together(rows: Sequence[UsageSnapshot], begins: date, start: date, last: date) -> RulePeriod:
    """Adds up a period. Pure.

    Args:
        rows: from `start` on and the first of all, the oldest first.
        begins: the first day of the period.
        start: the first day of the period before.
        last: the last day of the period.
    """
    first_day = rows[0].day if rows else None
    within = [row for row in rows if row.day >= begins]
    before = [row for row in rows if start <= row.day < begins]
    has_before = first_day is not None and first_day < start
    return RulePeriod(
        begins=begins,
        last=last,
        first_day=first_day,
        days=tuple(UsedDay(row.day, row.succeeded, row.failed, row.is_reset) for row in within),
        triggered=_sum(row.triggered for row in within),
        done_before=_sum(row.succeeded for row in before) or 0 if has_before else None,
        failed_before=_sum(row.failed for row in before) or 0 if has_before else None,
        actions=_actions(rows, begins),
        snapshots=tuple(within[: -MOST_LISTED - 1 : -1]),
    )


def _actions(rows: Sequence[UsageSnapshot], begins: date) -> tuple[ActionUse, ...]:
    if not rows:
        return ()
    steps = action_steps(rows)
    found: dict[ActionKey, Mapping[str, Any]] = {}
    for item in rows[-1].actions:
        found.setdefault(key_of(item), item)
    return tuple(
        ActionUse(
            key=key[1] if not key[0] else f"n{place}",
            name=action_shown(str(item.get("type", "")), str(item.get("name", ""))),
            kind=action_name(str(item.get("type", ""))),
            days=tuple(step for step in steps.get(key, ()) if step.day >= begins),
        )
        for place, (key, item) in enumerate(found.items(), start=1)
    )


def action_steps(rows: Sequence[UsageSnapshot]) -> dict[ActionKey, list[UsedDay]]:
    """Computes what each action did from one reading to the next, as far as the two count from one day. Pure.

    Args:
        rows: the oldest first; what the first one holds cannot be laid on a day.
    """
    found: dict[ActionKey, list[UsedDay]] = {}
    previous: UsageSnapshot | None = None
    for row in rows:
        now, was = counts_of(row), {} if previous is None else counts_of(previous)
        is_known = previous is not None and row.since is not None and row.since == previous.since
        if is_known and previous is not None and row.is_reset:
            is_known = row.reset_time is not None and row.reset_time != previous.reset_time
            was = {}
        for key, (done, failed) in now.items():
            done_was, failed_was = was.get(key, (0, 0))
            grew = is_known and done >= done_was and failed >= failed_was
            day = UsedDay(row.day, done - done_was, failed - failed_was, row.is_reset)
            found.setdefault(key, []).append(day if grew else UsedDay(row.day, None, None, row.is_reset))
        previous = row
    return found


def counts_of(row: UsageSnapshot) -> dict[ActionKey, tuple[int, int]]:
    """Sums up the counters of a reading by action: one that stands in several places counts once for each. Pure."""
    sums: dict[ActionKey, tuple[int, int]] = {}
    for item in row.actions:
        done, failed = sums.get(key_of(item), (0, 0))
        sums[key_of(item)] = (done + int(item.get("success") or 0), failed + int(item.get("failure") or 0))
    return sums


def key_of(item: Mapping[str, Any]) -> ActionKey:
    """Returns what names an action of a reading. Pure."""
    return action_key(str(item.get("id", "")), str(item.get("type", "")), str(item.get("name", "")))


def _sum(values: Any) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
