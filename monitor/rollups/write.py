"""Writes counts of hours, of the days that they are in, and of their accounts: a day is the sum of its hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta

from django.db.models import Max, Q

from monitor.ends import HourEnds, pack_ends
from monitor.models import ChainMark, CountedFlow, DayBucket, HourBucket
from monitor.models.bulk import insert, upsert
from monitor.quarters import Packed, Part, pack
from monitor.rollups import read
from monitor.rollups.account_totals import Moves
from monitor.rollups.read import FlowDay, FlowHour
from monitor.rollups.success_rate import COUNT_FIELDS, RunCounts


def write(
    wanted: Collection[FlowHour],
    counted: Mapping[FlowHour, Mapping[int, RunCounts]],
    ended: Mapping[FlowHour, HourEnds],
    now: datetime,
) -> None:
    """Writes the buckets of some hours, of the days they are in, and of their accounts. Nothing equal is written.

    Call it in a transaction that no other recount runs beside: of two that sum up the same day at once, one would
    miss the other's hours.

    Args:
        wanted: the hours that were recounted. No other hour's bucket is touched.
        counted: their counts by quarter; an hour that is not there has no runs, and gets no bucket.
        ended: when their finished runs ended and how, and when the others began.
        now: the time of the recount.
    """
    days = {_day(place) for place in wanted}
    stored = read.hours_of(days)
    hours = {place: _hour_of(parts) for place, parts in counted.items()}
    kept = {place: ended.get(place) or HourEnds() for place in hours}
    ends = {place: pack_ends(of.runs, of.unfinished, of.running) for place, of in kept.items()}
    fresh = [place for place in sorted(hours) if place not in stored]
    same = read.ends_of([place for place in hours if place in stored and stored[place] == hours[place]])
    changed = [place for place in sorted(hours) if place in stored and same.get(place) != ends[place]]
    columns = ("flow_id", "hour", *COUNT_FIELDS, "quarters", "ends", "last_end")
    rows = {
        place: (*place, *hours[place][0].numbers(), hours[place][1], ends[place], _last_end(place, kept[place]))
        for place in (*fresh, *changed)
    }
    insert(HourBucket, columns, [rows[place] for place in fresh])
    upsert(HourBucket, columns, [rows[place] for place in changed], ["flow_id", "hour"])
    gone = [place for place in wanted if place in stored and place not in hours]
    _delete_hours(gone)
    if fresh or changed or gone:
        others = {place: counts for place, (counts, _) in stored.items() if place not in wanted}
        moves = Moves()
        for place in (*fresh, *changed, *gone):
            moves.hour(place, stored.get(place), hours.get(place))
        moves.days(*_write_days(days, {**others, **{place: counts for place, (counts, _) in hours.items()}}))
        moves.write()
        _hand_over({flow for flow, _ in (*fresh, *changed, *gone)}, now)


def _last_end(place: FlowHour, ends: HourEnds) -> datetime | None:
    return None if ends.last is None else place[1] + timedelta(milliseconds=ends.last)


def _hand_over(flows: Collection[int], now: datetime) -> None:
    """Tells alerting which flows' counts changed: later than all that was told before, whatever the clock says."""
    newest = CountedFlow.objects.aggregate(at=Max("changed_at"))["at"]
    at = now if newest is None else max(now, newest + timedelta(microseconds=1))
    upsert(CountedFlow, ("flow_id", "changed_at"), [(flow, at) for flow in sorted(flows)], ["flow_id"])


def write_marks(marks: Mapping[int, tuple[str, str]]) -> None:
    """Writes which runs are counted otherwise than their status says. No statement where nothing has changed.

    Args:
        marks: kind stored and kind found by the run's primary key; "" for none.
    """
    changed = {pk: found for pk, (stored, found) in marks.items() if stored != found}
    rows = [(pk, kind) for pk, kind in sorted(changed.items()) if kind]
    upsert(ChainMark, ("execution_id", "kind"), rows, ["execution_id"])
    if gone := [pk for pk, kind in changed.items() if not kind]:
        ChainMark.objects.filter(execution__in=gone).delete()


def _hour_of(parts: Mapping[int, RunCounts]) -> tuple[RunCounts, Packed]:
    """Returns the counts of an hour, and its quarters as its bucket keeps them."""
    total = RunCounts()
    for counts in parts.values():
        total += counts
    packed = pack(
        [
            Part(quarter, c.succeeded, c.failed, c.first_succeeded, c.running, c.other, c.durations, c.errors)
            for quarter, c in parts.items()
        ]
    )
    return total, packed


def _write_days(days: Collection[FlowDay], hours: Mapping[FlowHour, RunCounts]) -> tuple[set[FlowDay], set[FlowDay]]:
    """Sums the days up and writes them.

    Args:
        days: the days to write.
        hours: all hours of the days.

    Returns:
        Which days got a bucket, and which lost theirs.
    """
    sums: dict[FlowDay, RunCounts] = defaultdict(RunCounts)
    for place, counts in hours.items():
        sums[_day(place)] += counts
    there = read.days_there(days)
    columns = ("flow_id", "day", *COUNT_FIELDS)
    rows = {place: (*place, *sums[place].numbers()) for place in sorted(sums)}
    # A first reading's days are all new, and go in several times as fast by themselves.
    insert(DayBucket, columns, [row for place, row in rows.items() if place not in there])
    upsert(DayBucket, columns, [row for place, row in rows.items() if place in there], ["flow_id", "day"])
    empty: dict[date, list[int]] = defaultdict(list)
    for flow, day in there - sums.keys():
        empty[day].append(flow)
    for day, flows in empty.items():
        DayBucket.objects.filter(day=day, flow_id__in=flows).delete()
    return set(rows) - there, there - sums.keys()


def _delete_hours(places: Iterable[FlowHour]) -> None:
    empty: dict[datetime, list[int]] = defaultdict(list)
    for flow, hour in places:
        empty[hour].append(flow)
    if empty:
        gone = Q()
        for hour, flows in empty.items():
            gone |= Q(hour=hour, flow_id__in=flows)
        HourBucket.objects.filter(gone).delete()


def _day(place: FlowHour) -> FlowDay:
    return place[0], place[1].date()
