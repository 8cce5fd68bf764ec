"""Keeps the sums of an account's hours and days in step with the buckets of its flows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.db.models import Count, Sum

from monitor.models import AccountDay, AccountHour, DayBucket, Flow, HourBucket
from monitor.models.bulk import delete, upsert
from monitor.quarters import Packed, Part, pack, unpack
from monitor.rollups.read import FlowDay, FlowHour
from monitor.rollups.success_rate import RunCounts

# What is summed up, in the order of `Part`.
SUMMED = ("succeeded", "failed", "first_succeeded", "running", "other")
Numbers = list[int]
_NOTHING = (0,) * len(SUMMED)


@dataclass
class SumChange:
    """Adds up how the sum of an hour or a day changes: its counts, how many buckets it has, its quarters."""

    counts: Numbers = field(default_factory=lambda: list(_NOTHING))
    buckets: int = 0
    quarters: dict[int, Numbers] = field(default_factory=dict)

    def add(self, counts: Sequence[int], *, factor: int = 1) -> None:
        """Adds counts, or takes them away with -1."""
        self.counts = [mine + factor * more for mine, more in zip(self.counts, counts, strict=True)]

    def add_parts(self, parts: Iterable[Part], *, factor: int = 1) -> None:
        """Adds quarters of an hour, or takes them away with -1."""
        for part in parts:
            mine = self.quarters.setdefault(part.quarter, list(_NOTHING))
            self.quarters[part.quarter] = [have + factor * more for have, more in zip(mine, part[1:6], strict=True)]

    def join(self, more: SumChange) -> None:
        """Adds another change."""
        self.add(more.counts)
        self.buckets += more.buckets
        self.add_parts(_parts(more.quarters))

    @property
    def is_sound(self) -> bool:
        """Returns whether it can be a sum: nothing in it is less than nothing."""
        return min(self.buckets, *self.counts, *chain(*self.quarters.values())) >= 0

    def packed(self) -> Packed:
        """Returns its quarters as its row keeps them."""
        return pack([part for part in _parts(self.quarters) if any(part[1:6])])

    def __bool__(self) -> bool:
        return bool(self.buckets or any(self.counts) or any(any(numbers) for numbers in self.quarters.values()))


def _parts(quarters: Mapping[int, Numbers]) -> Iterator[Part]:
    for quarter, (succeeded, failed, first_succeeded, running, other) in quarters.items():
        yield Part(quarter, succeeded, failed, first_succeeded, running, other)


class Moves:
    """Gathers what changes of flows' buckets, and adds it to the sums of their accounts.

    Call `write` in the transaction that writes the buckets, and that no other one of this kind runs beside.
    """

    def __init__(self) -> None:
        self._hours: dict[FlowHour, SumChange] = defaultdict(SumChange)
        self._days: dict[FlowDay, SumChange] = defaultdict(SumChange)

    def hour(
        self, place: FlowHour, before: tuple[RunCounts, Packed] | None, after: tuple[RunCounts, Packed] | None
    ) -> None:
        """Notes that an hour is counted otherwise than before, and so its day.

        Args:
            place: the flow and hour.
            before: the stored counts and quarters; None: there was no bucket.
            after: those that are written; None: the bucket goes.
        """
        change = self._hours[place]
        for told, factor in ((before, -1), (after, 1)):
            if told is not None:
                numbers = told[0].numbers()[: len(SUMMED)]
                change.buckets += factor
                change.add(numbers, factor=factor)
                change.add_parts(unpack(told[1], *numbers), factor=factor)
        self._days[place[0], place[1].date()].add(change.counts)

    def days(self, made: Iterable[FlowDay], gone: Iterable[FlowDay]) -> None:
        """Notes which days got a bucket, and which lost theirs."""
        for places, factor in ((made, 1), (gone, -1)):
            for place in places:
                self._days[place].buckets += factor

    def take_hours(self, keys: Collection[int]) -> None:
        """Notes that buckets of hours are deleted, and not for being counted anew: their days stay as they are."""
        rows = HourBucket.objects.filter(pk__in=keys).values_list("flow_id", "hour", *SUMMED, "quarters")
        for flow, hour, *numbers, quarters in rows:
            change = self._hours[flow, hour]
            change.buckets -= 1
            change.add(numbers, factor=-1)
            change.add_parts(unpack(quarters, *numbers), factor=-1)

    def take_days(self, keys: Collection[int]) -> None:
        """Notes that buckets of days are deleted for their age."""
        for flow, day, *numbers in DayBucket.objects.filter(pk__in=keys).values_list("flow_id", "day", *SUMMED):
            self._days[flow, day].buckets -= 1
            self._days[flow, day].add(numbers, factor=-1)

    def write(self) -> None:
        """Adds all that was noted to the accounts' rows; call it once, when the flows' buckets are written.

        Five statements; more where sums go, or where a row was not the sum that it ought to be: it is summed up anew.
        """
        flows = {flow for flow, _ in (*self._hours, *self._days)}
        if not flows:
            return
        accounts = dict(Flow.objects.filter(pk__in=flows).order_by().values_list("pk", "account_id"))
        _add_hours(_by_account(self._hours, accounts))
        _add_days(_by_account(self._days, accounts))


def _by_account(changes: Mapping[tuple[int, Any], SumChange], accounts: Mapping[int, int]) -> dict[Any, SumChange]:
    found: dict[Any, SumChange] = defaultdict(SumChange)
    for (flow, at), change in changes.items():
        if flow in accounts:  # else it has gone meanwhile, and its account with it
            found[accounts[flow], at].join(change)
    return {place: change for place, change in found.items() if change}


def _add_hours(changes: Mapping[tuple[int, datetime], SumChange]) -> None:
    if not changes:
        return
    accounts, hours = {account for account, _ in changes}, {hour for _, hour in changes}
    there: dict[tuple[int, datetime], int] = {}
    stored = AccountHour.objects.filter(account__in=accounts, hour__in=hours)
    columns = ("pk", "account_id", "hour", "buckets", *SUMMED, "quarters")
    for key, account, hour, buckets, *numbers, quarters in stored.values_list(*columns):
        if (change := changes.get((account, hour))) is not None:
            there[account, hour] = key
            change.buckets += buckets
            change.add(numbers)
            change.add_parts(unpack(quarters, *numbers))
    wrong = [place for place, change in changes.items() if not change.is_sound]
    changes = {**changes, **_hours_anew(wrong)}
    rows = [(*place, c.buckets, *c.counts, c.packed()) for place, c in sorted(changes.items()) if c.buckets]
    upsert(AccountHour, ("account_id", "hour", "buckets", *SUMMED, "quarters"), rows, ["account_id", "hour"])
    if gone := [key for place, key in there.items() if not changes[place].buckets]:
        delete(AccountHour, gone)


def _add_days(changes: Mapping[tuple[int, date], SumChange]) -> None:
    if not changes:
        return
    accounts, days = {account for account, _ in changes}, {day for _, day in changes}
    there: dict[tuple[int, date], int] = {}
    stored = AccountDay.objects.filter(account__in=accounts, day__in=days)
    for key, account, day, buckets, *numbers in stored.values_list("pk", "account_id", "day", "buckets", *SUMMED):
        if (change := changes.get((account, day))) is not None:
            there[account, day] = key
            change.buckets += buckets
            change.add(numbers)
    wrong = [place for place, change in changes.items() if not change.is_sound]
    changes = {**changes, **_days_anew(wrong)}
    rows = [(*place, c.buckets, *c.counts) for place, c in sorted(changes.items()) if c.buckets]
    upsert(AccountDay, ("account_id", "day", "buckets", *SUMMED), rows, ["account_id", "day"])
    if gone := [key for place, key in there.items() if not changes[place].buckets]:
        delete(AccountDay, gone)


def _hours_anew(places: Collection[tuple[int, datetime]]) -> dict[tuple[int, datetime], SumChange]:
    """Sums up hours of accounts from the buckets of their flows."""
    found = {place: SumChange() for place in places}
    for account, hour in places:
        rows = HourBucket.objects.filter(flow__account=account, hour=hour).values_list(*SUMMED, "quarters")
        for *numbers, quarters in rows:
            found[account, hour].buckets += 1
            found[account, hour].add(numbers)
            found[account, hour].add_parts(unpack(quarters, *numbers))
    return found


def _days_anew(places: Collection[tuple[int, date]]) -> dict[tuple[int, date], SumChange]:
    """Sums up days of accounts from the buckets of their flows."""
    found = {place: SumChange() for place in places}
    for account, day in places:
        rows = DayBucket.objects.filter(flow__account=account, day=day)
        summed = rows.aggregate(buckets=Count("pk"), **{f"sum_{name}": Sum(name, default=0) for name in SUMMED})
        found[account, day] = SumChange([summed[f"sum_{name}"] for name in SUMMED], summed["buckets"])
    return found
