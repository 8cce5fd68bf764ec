"""Deletes hour buckets of old days once their day is counted, and keeps pruned hours from being recounted.

What goes is taken from the sums of its account, too, in the same transaction: recounts and this take turns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F, Min

from monitor.models import Ages, DayBucket, DirtyHour, FlowProgress, HourBucket, PrunedHour
from monitor.models.hand_over import is_our_turn
from monitor.periods import DAY, midnight_of
from monitor.rollups.account_totals import Moves
from monitor.rollups.read import FlowHour

BATCH = 500  # buckets in a transaction; a flow has 24 a day
ALONE = 0x526F6C6C7570  # a number of our own for PostgreSQL's advisory lock: who writes buckets


@dataclass(frozen=True, slots=True)
class Hour:
    """Holds a bucket of one flow; `runs` are all that it counts."""

    pk: int
    hour: datetime
    runs: int


def may_go(hours: Collection[Hour], closed: Collection[datetime], day_runs: int | None, *, is_dirty: bool) -> bool:
    """Returns whether the hours of one flow and day may go. Pure.

    Args:
        hours: all that there are.
        closed: hours whose rows are pruned: the others can still change.
        day_runs: what the day's own bucket counts; None where there is none.
        is_dirty: an hour of the day is to be recounted.
    """
    return not is_dirty and day_runs == sum(h.runs for h in hours) and all(h.hour in closed for h in hours)


def prune_hours(ages: Ages, now: datetime, go_on: Callable[[], bool]) -> int:
    """Deletes hour buckets that have outlived their age, the oldest day first; returns how many.

    Args:
        ages: what is kept how long.
        now: the present.
        go_on: asked before each batch; False ends the run, and the next one goes on.
    """
    count = 0
    edge = ages.hours_edge(now)
    start = _first_day(edge)
    while start is not None:
        after: int | None = 0
        while after is not None:
            if not go_on():
                return count
            taken, after = _prune_batch(start, after)
            count += taken
        start = _first_day(edge, start + DAY)
    if (day := ages.days_edge(now)) is not None:
        _prune_days(day)
    return count


def closed_hours(wanted: Collection[FlowHour]) -> set[FlowHour]:
    """Returns which of the hours are never recounted, because their rows are pruned.

    Ask after the rows were read: what pruning took away before that is then seen here for sure.
    """
    flows = {flow for flow, _ in wanted}
    progress = FlowProgress.objects.filter(flow__in=flows, pruned_before__isnull=False)
    before = dict(progress.values_list("flow_id", "pruned_before"))
    old = {(flow, hour) for flow, hour in wanted if flow in before and hour < before[flow]}  # type: ignore[operator]
    if not old:
        return set()
    hours = {"flow__in": {flow for flow, _ in old}, "hour__in": {hour for _, hour in old}}
    counted = set(HourBucket.objects.filter(**hours).values_list("flow_id", "hour"))
    closed = set(PrunedHour.objects.filter(**hours).values_list("flow_id", "hour"))
    return {hour for hour in old if hour in closed or hour not in counted}


def _first_day(edge: datetime, since: datetime | None = None) -> datetime | None:
    rows = HourBucket.objects.filter(hour__lt=edge)
    if since is not None:
        rows = rows.filter(hour__gte=since)
    at: datetime | None = rows.aggregate(at=Min("hour"))["at"]
    return None if at is None else midnight_of(at)


@transaction.atomic
def _prune_days(before: date) -> None:
    is_our_turn(ALONE)
    keys = list(DayBucket.objects.filter(day__lt=before).values_list("pk", flat=True)[: 10 * BATCH])
    moves = Moves()
    moves.take_days(keys)
    DayBucket.objects.filter(pk__in=keys).delete()
    moves.write()


@transaction.atomic
def _prune_batch(start: datetime, after: int) -> tuple[int, int | None]:
    """Prunes some flows of one day; returns how many buckets went, and after which flow the next batch begins."""
    is_our_turn(ALONE)
    runs = F("succeeded") + F("failed") + F("running") + F("other") + F("retried")
    in_day = {"hour__gte": start, "hour__lt": start + DAY}
    rows = HourBucket.objects.filter(**in_day, flow__gt=after).order_by("flow_id", "hour")
    of_flow: dict[int, list[Hour]] = defaultdict(list)
    for flow, pk, hour, count in rows.values_list("flow_id", "pk", "hour", runs)[:BATCH]:
        of_flow[flow].append(Hour(pk, hour, count))
    is_full = sum(map(len, of_flow.values())) == BATCH
    if is_full:
        of_flow.popitem()  # perhaps cut off
    if not of_flow:
        return 0, None
    flows = list(of_flow)
    days = dict(DayBucket.objects.filter(day=start.date(), flow__in=flows).values_list("flow_id", runs))
    dirty = set(DirtyHour.objects.filter(**in_day, flow__in=flows).values_list("flow_id", flat=True))
    closed = _grouped(PrunedHour.objects.filter(**in_day, flow__in=flows).values_list("flow_id", "hour"))
    going = _going(of_flow, days, dirty, closed)
    moves = Moves()
    moves.take_hours(going)
    HourBucket.objects.filter(pk__in=going).delete()
    moves.write()
    return len(going), flows[-1] if is_full else None


def _going(
    of_flow: Mapping[int, list[Hour]],
    days: Mapping[int, int],
    dirty: Collection[int],
    closed: Mapping[int, Collection[datetime]],
) -> list[int]:
    return [
        hour.pk
        for flow, hours in of_flow.items()
        if may_go(hours, closed.get(flow, ()), days.get(flow), is_dirty=flow in dirty)
        for hour in hours
    ]


def _grouped(pairs: Iterable[tuple[int, datetime]]) -> dict[int, set[datetime]]:
    groups: dict[int, set[datetime]] = defaultdict(set)
    for flow, hour in pairs:
        groups[flow].add(hour)
    return groups
