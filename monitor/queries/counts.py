"""Sums of buckets: the figures behind every rate and chart. Read-only.

One flow is counted by its own buckets, everything and one account by the sums that rollups keeps of each account.

What people left out of the rates (`Correction`) is in the counts, and summed up beside them: by the hours that are
marked, in longer times as far as hours are kept.

Up to three months the hours are summed up. Longer times are summed up from days (UTC), which are 24 times fewer, but
for days that an edge or the beginning of a slot cuts: those by their hours, and where the hours are gone by the day's
beginning. An hour that the beginning of a slot cuts is taken by its quarters: so a day, a week or an hour of any zone
has the runs that the list of that time has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Q, QuerySet, Sum, Value

from monitor.models import AccountDay, AccountHour, DayBucket, HourBucket
from monitor.models.asking import Asking, ask
from monitor.periods import DAY, HOUR, Window, day_start, first_midnight_from, hour_of, midnight_of
from monitor.quarters import unpack
from monitor.queries.corrections import Marks, marks_of

LONGEST_BY_HOUR = 92 * DAY
_FIELDS = ("succeeded", "failed", "first_succeeded", "running", "other")
_LEFT: dict[str, str] = {
    "succeeded": "left_succeeded",
    "failed": "left_failed",
    "first_succeeded": "left_first_succeeded",
}
_ALL_FIELDS = (*_FIELDS, *_LEFT.values())
_NO_COUNTS = (0,) * len(_FIELDS)


@dataclass(frozen=True)
class Counts:
    """Runs of some flows in some time, by their final result (see `HourBucket`). Rates are per cent.

    What people left out of the rates is in the counts all the same; `left_…` says how much of them it is.
    """

    succeeded: int = 0
    failed: int = 0
    first_succeeded: int = 0
    running: int = 0
    other: int = 0
    left_succeeded: int = 0
    left_failed: int = 0
    left_first_succeeded: int = 0

    @property
    def finished(self) -> int:
        return self.succeeded + self.failed

    @property
    def left_out(self) -> int:
        """Finished runs that are in no rate, because people marked their time."""
        return self.left_succeeded + self.left_failed

    @property
    def rated(self) -> int:
        """Finished runs that the rates are of."""
        return max(self.finished - self.left_out, 0)

    @property
    def rated_failed(self) -> int:
        """Failed ones of those that the rates are of."""
        return max(self.failed - self.left_failed, 0)

    @property
    def total(self) -> int:
        return self.finished + self.running + self.other

    @property
    def rate(self) -> float | None:
        """Finished runs that succeeded in the end, per cent; None where nothing finished."""
        return 100 * (self.rated - self.rated_failed) / self.rated if self.rated else None

    @property
    def first_rate(self) -> float | None:
        """Finished runs that succeeded at the first attempt, per cent."""
        return 100 * (self.first_succeeded - self.left_first_succeeded) / self.rated if self.rated else None

    def __add__(self, more: Counts) -> Counts:
        # A page adds thousands: spelled out it takes a fifth of the time.
        return Counts(
            self.succeeded + more.succeeded,
            self.failed + more.failed,
            self.first_succeeded + more.first_succeeded,
            self.running + more.running,
            self.other + more.other,
            self.left_succeeded + more.left_succeeded,
            self.left_failed + more.left_failed,
            self.left_first_succeeded + more.left_first_succeeded,
        )

    def without(self, part: Counts) -> Counts:
        """Returns what is left where some of them are counted elsewhere; never less than nothing."""
        return Counts(*(max(getattr(self, name) - getattr(part, name), 0) for name in _ALL_FIELDS))

    def leaving_out(self, part: Counts) -> Counts:
        """Returns the same counts, with a part of them that is in no rate."""
        return replace(self, **{left: getattr(part, name) for name, left in _LEFT.items()})


_NOTHING = Counts()


@dataclass(frozen=True)
class Piece:
    """Holds the counts of a day, an hour or a quarter of one, by its beginning: none that a slot's beginning cuts."""

    at: datetime
    counts: Counts


@dataclass(frozen=True)
class Detail:
    """Holds the run times of such a stretch, as a histogram, and its failed runs by class of error."""

    at: datetime
    durations: Sequence[int]
    errors: dict[str, int]


@dataclass(frozen=True)
class _Scope:
    """Holds where the counts of a flow, an account or everything stand.

    Attributes:
        hours: the table of hours.
        days: the table of days.
        where: what of them counts.
        marked: which of the hours are in no rate; None for none.
        apart: buckets of flows that are in no rate, beside those; None for none.
    """

    hours: type[HourBucket | AccountHour]
    days: type[DayBucket | AccountDay]
    where: Q
    marked: Q | None = None
    apart: Q | None = None

    @property
    def left(self) -> list[_Scope]:
        """Returns the scopes of what is in no rate."""
        found = [] if self.marked is None else [replace(self, where=self.where & self.marked, marked=None, apart=None)]
        return found + self.beside

    @property
    def beside(self) -> list[_Scope]:
        """Returns the scope of flows' buckets that are in no rate, where the others are sums of accounts."""
        return [] if self.apart is None else [_Scope(HourBucket, DayBucket, self.apart)]


def sums(marked: Q | None = None) -> dict[str, Sum]:
    """Returns the aggregates that `of_sums` reads; their names do not hide the columns they sum.

    Args:
        marked: which of the rows are in no rate; None for none.
    """
    found = {f"sum_{name}": Sum(name) for name in _FIELDS}
    if marked is not None:
        found |= {f"sum_{left}": Sum(name, filter=marked) for name, left in _LEFT.items()}
    return found


def of_sums(row: dict[str, Any]) -> Counts:
    """Counts from a row with the aggregates of `sums`."""
    return Counts(**{name: row.get(f"sum_{name}") or 0 for name in _ALL_FIELDS})


def pieces(
    window: Window,
    begins: Collection[datetime] = (),
    *,
    account_id: int | None = None,
    flow_id: int | None = None,
    flows: Collection[int] | None = None,
    marks: Marks | None = None,
) -> list[Piece]:
    """Counts the runs of a window, of everything, an account or flows, oldest first. One to four statements.

    Where people left some of a long window out of the rates, as many more.

    Args:
        window: from a whole hour to a whole hour of UTC.
        begins: of the slots that the pieces are laid into; none cuts a piece. They lie on quarters of an hour.
        account_id: only of this account.
        flow_id: only of this flow.
        flows: only of these flows.
        marks: what is left out of the rates, where it is read already.
    """
    scope = _scope(account_id, flow_id, marks or marks_of(window, account_id, flow_id), flows)
    return _in_order(_counted(scope, window, begins))


def pieces_and_before(
    window: Window,
    begins: Collection[datetime],
    *,
    account_id: int | None = None,
    flow_id: int | None = None,
    flows: Collection[int] | None = None,
    marks: Marks,
) -> tuple[list[Piece], Counts]:
    """Counts as `pieces`, and the sum of the window of the same length before: up to three months in one statement.

    Args:
        window: as for `pieces`, as are the others.
        begins: of the window's slots.
        account_id: only of this account.
        flow_id: only of this flow.
        flows: only of these flows.
        marks: what is left out of the rates of both windows.
    """
    scope = _scope(account_id, flow_id, marks, flows)
    if window.length > LONGEST_BY_HOUR:
        before = total(window.before(), account_id=account_id, flow_id=flow_id, flows=flows, marks=marks)
        return _in_order(_counted(scope, window, begins)), before
    found = _counted_by_hours(scope, window, begins, with_before=True)
    return _in_order({at: of for at, of in found.items() if at >= window.start}), found[window.before().start]


def pieces_of_both(
    window: Window, begins: Collection[datetime], earlier: Collection[datetime], *, flow_id: int, marks: Marks
) -> tuple[list[Piece], list[Piece]]:
    """Counts a flow's runs of a window and of the one of the same length before: three months at most in one statement.

    Args:
        window: as for `pieces`.
        begins: of its slots.
        earlier: of the slots of the window before.
        flow_id: only of this flow.
        marks: what is left out of the rates of both windows.
    """
    before = window.before()
    if window.length > LONGEST_BY_HOUR:
        whose: dict[str, Any] = {"flow_id": flow_id, "marks": marks}
        return pieces(window, begins, **whose), pieces(before, earlier, **whose)
    whole, edges = Window(before.start, window.end), [*earlier, window.start, *begins]
    found = _in_order(_counted_by_hours(_scope(None, flow_id, marks, None), whole, edges))
    return [one for one in found if one.at >= window.start], [one for one in found if one.at < window.start]


def _in_order(found: Mapping[datetime, Counts]) -> list[Piece]:
    return [Piece(at, found[at]) for at in sorted(found) if found[at] != _NOTHING]


def _counted(scope: _Scope, window: Window, begins: Collection[datetime]) -> defaultdict[datetime, Counts]:
    """Counts by pieces: a long window by its days, but for those that are cut."""
    if window.length <= LONGEST_BY_HOUR:
        return _counted_by_hours(scope, window, begins)
    found: defaultdict[datetime, Counts] = defaultdict(Counts)
    cut_days = _cut_days(window, begins)
    hours = _sums_by(scope.hours.objects.filter(scope.where, hour__in=_hours_of(cut_days)), "hour")
    days = _sums_by(_days(scope, window), "day")
    for hour, counts in hours.items():
        # What is left of a day is of hours that are gone.
        days[hour.date()] = days[hour.date()].without(counts)
    for day, counts in days.items():
        found[day_start(day, UTC)] += counts
    # Each of these scopes counts the hours that are cut, too.
    _lay_hours(found, hours, replace(scope, marked=None), window, begins)
    _leave_out(found, [_counted_by_hours(part, window, begins) for part in scope.left])
    return found


def _leave_out(found: defaultdict[datetime, Counts], parts: Iterable[Mapping[datetime, Counts]]) -> None:
    """Says of counts by pieces which part of them is in no rate."""
    for part in parts:
        for at, left in part.items():
            found[at] += Counts().leaving_out(left)


def _counted_by_hours(
    scope: _Scope, window: Window, begins: Collection[datetime], *, with_before: bool = False
) -> defaultdict[datetime, Counts]:
    """Counts hours by pieces; in a long window those of a day that nothing cuts belong to its beginning.

    `with_before`: the window of the same length before is one piece more, at its beginning. It is of whole hours.
    """
    found: defaultdict[datetime, Counts] = defaultdict(Counts)
    before = window.before()
    hours = _hours_and_before(scope, window, before if with_before else None)
    if with_before and before.start in hours:
        found[before.start] = hours.pop(before.start)
    if window.length > LONGEST_BY_HOUR:
        cut_days = _cut_days(window, begins)
        for hour in [hour for hour in hours if hour.date() not in cut_days]:
            found[day_start(hour.date(), UTC)] += hours.pop(hour)
    _lay_hours(found, hours, scope, window, begins)
    _leave_out(found, [_counted_by_hours(part, window, begins, with_before=with_before) for part in scope.beside])
    return found


def _hours_and_before(scope: _Scope, window: Window, before: Window | None) -> defaultdict[datetime, Counts]:
    """Sums a window by its hours, and the one before as one. One statement."""
    summed = sums(scope.marked)

    def by(at: Any, part: Window) -> Any:
        rows: QuerySet[Any, Any] = _hours(scope, part).order_by().annotate(at=at)
        return rows.values("at").annotate(**summed).values_list("at", *summed)

    rows = by(F("hour"), window)
    if before is not None:
        rows = rows.union(by(Value(before.start, output_field=DateTimeField()), before), all=True)
    # The aggregates are in the order of the columns of `Counts`.
    found: defaultdict[datetime, Counts] = defaultdict(Counts)
    for at, *numbers in rows:
        found[at] = Counts(*[number or 0 for number in numbers])
    return found


def _lay_hours(
    found: defaultdict[datetime, Counts],
    hours: Mapping[datetime, Counts],
    scope: _Scope,
    window: Window,
    begins: Collection[datetime],
) -> None:
    """Adds hours, those that the beginning of a slot cuts by their quarters."""
    cut = _cut_hours(window, begins)
    for hour, counts in hours.items():
        if hour not in cut and window.start <= hour < window.end:
            found[hour] = found[hour] + counts if hour in found else counts
    if cut:
        is_left = ExpressionWrapper(scope.marked or Q(pk=None), BooleanField())
        rows = scope.hours.objects.filter(scope.where, hour__in=cut).annotate(is_left=is_left)
        for hour, left, *numbers, quarters in rows.values_list("hour", "is_left", *_FIELDS, "quarters"):
            for part in unpack(quarters, *numbers):
                counts = Counts(*part[1:6])
                found[hour + part.after] += counts.leaving_out(counts) if left else counts


def total(
    window: Window,
    *,
    account_id: int | None = None,
    flow_id: int | None = None,
    flows: Collection[int] | None = None,
    marks: Marks | None = None,
) -> Counts:
    """Returns the sum of a window, as `pieces` reads it."""
    found = pieces(window, account_id=account_id, flow_id=flow_id, flows=flows, marks=marks)
    return sum((piece.counts for piece in found), Counts())


def by_flow(
    window: Window,
    *,
    account_id: int | None = None,
    marks: Marks | None = None,
) -> dict[int, Counts]:
    """Returns the sum of a window for each flow that has runs in it. Two statements, four for a long window.

    Args:
        window: from a whole hour to a whole hour of UTC.
        account_id: only of this account.
        marks: what is left out of the rates, where it is read already.
    """
    scope = _of_flows(Q() if account_id is None else Q(flow__account_id=account_id))
    marked = (marks or marks_of(window, account_id)).hours
    if window.length <= LONGEST_BY_HOUR:
        return dict(_sums_by(_hours(scope, window), "flow_id", marked=marked))
    found = _counted_by_flow(scope, window)
    if marked is not None:
        for flow, left in _sums_by(_hours(scope, window).filter(marked), "flow_id").items():
            found[flow] = found[flow].leaving_out(left)
    return dict(found)


def ask_by_flow(window: Window, marks: Marks) -> Asking[dict[int, Counts]]:
    """Asks for what `by_flow` returns of a window that is counted by its hours.

    Args:
        window: of three months at most.
        marks: what is left out of the rates.
    """
    rows = _hours(_of_flows(Q()), window).order_by().values("flow_id").annotate(**sums(marks.hours))
    return {row["flow_id"]: of_sums(row) for row in (yield from ask(rows))}


def _counted_by_flow(scope: _Scope, window: Window) -> defaultdict[int, Counts]:
    """Sums a long window: by days, but for those that its ends cut."""
    cut_days = _cut_days(window, ())
    found: defaultdict[int, Counts] = defaultdict(Counts)
    days = _days(scope, window)
    for flow, counts in _sums_by(days.exclude(day__in=cut_days), "flow_id").items():
        found[flow] += counts
    at_edges = _sums_by(days.filter(day__in=cut_days), "flow_id", "day")
    hours = HourBucket.objects.filter(scope.where, hour__in=_hours_of(cut_days))
    for (flow, hour), counts in _sums_by(hours, "flow_id", "hour").items():
        at_edges[flow, hour.date()] = at_edges[flow, hour.date()].without(counts)
        if window.start <= hour < window.end:
            found[flow] += counts
    for (flow, _), counts in at_edges.items():
        found[flow] += counts
    return found


def details(window: Window, begins: Collection[datetime], *, flow_id: int) -> list[Detail]:
    """Reads the run times and errors of a flow's window by the same pieces, oldest first. One to three statements."""
    scope = _of_flows(Q(flow_id=flow_id) & (Q(duration_count__gt=0) | Q(failed__gt=0)))
    cut = _cut_hours(window, begins)
    columns = ("durations", "errors")
    if window.length <= LONGEST_BY_HOUR:
        hours = list(_hours(scope, window).exclude(hour__in=cut).values_list("hour", *columns))
        found = []
    else:
        cut_days = _cut_days(window, begins)
        rows = HourBucket.objects.filter(scope.where, hour__in=_hours_of(cut_days)).values_list("hour", *columns)
        told = {hour.date() for hour, *_ in rows}
        hours = [row for row in rows if window.start <= row[0] < window.end and row[0] not in cut]
        days = _days(scope, window).exclude(day__in=told).values_list("day", *columns)
        found = [Detail(day_start(day, UTC), durations, errors) for day, durations, errors in days]
    found += [Detail(*row) for row in hours]
    if cut:
        of_cut = HourBucket.objects.filter(scope.where, hour__in=cut).values_list("hour", *columns, "quarters")
        for hour, durations, errors, quarters in of_cut:
            parts = unpack(quarters, *_NO_COUNTS, durations, errors)
            found += [Detail(hour + part.after, part.durations, dict(part.errors)) for part in parts]
    return sorted(found, key=lambda one: one.at)


def _of_flows(where: Q) -> _Scope:
    return _Scope(HourBucket, DayBucket, where)


def _scope(account_id: int | None, flow_id: int | None, marks: Marks, flows: Collection[int] | None = None) -> _Scope:
    if flow_id is None and flows is None:
        where = Q() if account_id is None else Q(account_id=account_id)
        return _Scope(AccountHour, AccountDay, where, marks.account_hours, marks.flow_hours)
    where = Q()
    if account_id is not None:
        where &= Q(flow__account_id=account_id)
    if flow_id is not None:
        where &= Q(flow_id=flow_id)
    if flows is not None:
        where &= Q(flow__id__among=sorted(flows))
    return replace(_of_flows(where), marked=marks.hours)


def _cut_hours(window: Window, begins: Collection[datetime]) -> set[datetime]:
    """Finds the hours within which a slot begins."""
    return {hour_of(at) for at in begins if window.start < at < window.end and at != hour_of(at)}


def _cut_days(window: Window, begins: Collection[datetime]) -> set[date]:
    """Finds the days (UTC) within which a slot or the window begins or ends."""
    edges = [window.start, window.end, *(at for at in begins if window.start < at < window.end)]
    return {at.astimezone(UTC).date() for at in edges if at != midnight_of(at)}


def _hours_of(days: Collection[date]) -> list[datetime]:
    return [day_start(day, UTC) + n * HOUR for day in sorted(days) for n in range(24)]


def _hours(scope: _Scope, window: Window) -> QuerySet[Any]:
    return scope.hours.objects.filter(scope.where, hour__gte=window.start, hour__lt=window.end)


def _days(scope: _Scope, window: Window) -> QuerySet[Any]:
    """Returns the days that begin in a window."""
    first, last = first_midnight_from(window.start), first_midnight_from(window.end)
    return scope.days.objects.filter(scope.where, day__gte=first.date(), day__lt=last.date())


def _sums_by(rows: QuerySet[Any], *keys: str, marked: Q | None = None) -> defaultdict[Any, Counts]:
    """Sums by one key, or by a tuple of several; what is absent is nothing. One statement."""
    grouped: Any = rows.order_by().values(*keys).annotate(**sums(marked))
    found: defaultdict[Any, Counts] = defaultdict(Counts)
    for row in grouped:
        key = row[keys[0]] if len(keys) == 1 else tuple(row[name] for name in keys)
        found[key] = of_sums(row)
    return found
