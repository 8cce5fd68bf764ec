"""Shows the overview: totals, worst flows, open alerts, silent flows, broken connections."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from django.db.models import Count, F, Max, QuerySet

from monitor.models import AlertState, Connection, DayBucket, Flow, HourBucket
from monitor.periods import Window, last_days, slot_starts
from monitor.queries import counts
from monitor.queries.counts import Counts, Piece

SILENCE_LOOK_BACK = timedelta(days=28)
SHORTEST_SILENCE = timedelta(hours=24)
MIN_ACTIVE_HOURS = 5
SILENCE_FACTOR = 1.5
MOST_CANDIDATES = 50


@dataclass(frozen=True)
class PeriodFigures:
    """Holds the runs of a window in pieces, their sum, and the sum of the window of equal length before.

    Attributes:
        window: whole hours.
        end: the present: a chart of the window ends here.
        begins: where the slots of the window begin; the first may begin before it.
        pieces: counts of stretches that none of them cuts.
        totals: of the window.
        before: of the window of the same length before.
    """

    window: Window
    end: datetime
    begins: list[datetime]
    pieces: list[Piece]
    totals: Counts
    before: Counts


@dataclass(frozen=True)
class OverviewCards:
    """Holds what the cards of the overview list."""

    worst: list[FlowCounts]
    alerts: list[AlertState]
    silent: list[SilentFlow]
    broken: list[Connection]


@dataclass(frozen=True)
class FlowCounts:
    """Holds a flow and its runs in a period."""

    flow: Flow
    counts: Counts


@dataclass(frozen=True)
class SilentFlow:
    """Holds a flow that paused longer than it ever does. Both lengths are counted between hours with runs."""

    flow: Flow
    last_run: datetime
    pause: timedelta
    longest_before: timedelta


def period(
    now: datetime,
    days: int,
    *,
    slot_hours: int = 24,
    zone: tzinfo = UTC,
    account_id: int | None = None,
    flow_id: int | None = None,
) -> PeriodFigures:
    """Returns the runs of the last so many days. Two statements; a few more for a year, or where slots cut hours.

    Args:
        now: the present.
        days: how many times 24 hours.
        slot_hours: the length of a chart's slot.
        zone: by whose clock a slot begins.
        account_id: only of this account.
        flow_id: only of this flow.
    """
    window = last_days(now, days)
    begins = slot_starts(window, slot_hours, zone)
    found = counts.pieces(window, begins, account_id=account_id, flow_id=flow_id)
    totals = sum((piece.counts for piece in found), Counts())
    before = counts.total(window.before(), account_id=account_id, flow_id=flow_id)
    return PeriodFigures(window=window, end=now, begins=begins, pieces=found, totals=totals, before=before)


def cards(now: datetime, days: int) -> OverviewCards:
    """Returns the flows that fail most in the last `days`, open alerts, silent flows and broken connections."""
    return OverviewCards(
        worst=worst_flows(now, days),
        alerts=list(open_alerts()),
        silent=silent_flows(now),
        broken=list(broken_connections()),
    )


def why_unknown(start: datetime, *, is_read: bool, flow: Flow | None = None) -> str:
    """Says why there are no figures of a time that begins at `start`; empty where there are.

    Args:
        start: the beginning of the time.
        is_read: whether the first reading of history has come back so far.
        flow: only of this flow; None: of all flows.
    """
    if not is_read:
        return "the time before is not read yet"
    return "" if is_known_since(start, flow=flow) else "the time before is not known"


def is_known_since(start: datetime, *, flow: Flow | None = None) -> bool:
    """Returns whether runs that began at `start` would be counted here: else their number is not 0 but not known.

    Zoho forgets runs and goes on counting them: where its counters hold more than the mirror, the account's oldest
    bucket tells how far back the mirror reaches.

    Args:
        start: the beginning of a time, aware.
        flow: only of this flow; None: of all flows.
    """
    if flow is not None:
        return not flow.progress.baseline_total or _reaches_back(flow.account_id, start)
    forgotten = Flow.objects.filter(gone_at=None, progress__baseline_total__gt=0).order_by()
    return all(_reaches_back(account, start) for account in forgotten.values_list("account_id", flat=True).distinct())


def _reaches_back(account_id: int, start: datetime) -> bool:
    hours = HourBucket.objects.filter(flow__account_id=account_id, hour__lte=start)
    return hours.exists() or DayBucket.objects.filter(flow__account_id=account_id, day__lte=start.date()).exists()


def worst_flows(now: datetime, days: int, *, limit: int = 8) -> list[FlowCounts]:
    """Flows with the most failures in the period, worst first. Two statements."""
    found = [row for row in counts.by_flow(last_days(now, days)).items() if row[1].failed]
    worst = sorted(found, key=lambda row: (-row[1].failed, row[0]))[:limit]
    flows = (
        Flow.objects.select_related("account", "progress")
        .defer("raw", "account__client_secret")
        .in_bulk([flow for flow, _ in worst])
    )
    return [FlowCounts(flows[flow], of_flow) for flow, of_flow in worst if flow in flows]


def open_alerts(limit: int = 8) -> QuerySet[AlertState]:
    """Open incidents, the unacknowledged first, then the newest."""
    return (
        AlertState.objects.filter(is_open=True)
        .select_related("rule", "flow__account", "acknowledged_by")
        .defer("flow__raw", "flow__account__client_secret")
        .order_by(F("acknowledged_at").asc(nulls_first=True), "-since")[:limit]
    )


def broken_connections(limit: int = 8) -> QuerySet[Connection]:
    """Connections that Zoho does not call active, the longest broken first."""
    return (
        Connection.objects.filter(gone_at=None)
        .exclude(status="active")
        .select_related("account")
        .defer("raw", "account__client_secret")
        .order_by("status_since")[:limit]
    )


def silent_flows(now: datetime, *, limit: int = 8) -> list[SilentFlow]:
    """Active flows whose present pause is 1.5 times the longest of the four weeks before, and over a day.

    The pause is counted to the last list in which Zoho's counters of the flow had not moved, not to `now`: of
    the time after it nobody knows, and an outage of ours is no silence of theirs. Flows with a hole, or whose
    newest runs are not read yet, are left out for the same reason. At most three statements.
    """
    since = now - SILENCE_LOOK_BACK
    candidates = {
        row["flow_id"]: row["last"]
        for row in HourBucket.objects.filter(
            hour__gte=since,
            flow__status="active",
            flow__gone_at=None,
            flow__progress__hole_reason="",
            flow__account__is_active=True,
        )
        .values("flow_id")
        .annotate(last=Max("hour"), hours=Count("id"))
        .filter(hours__gte=MIN_ACTIVE_HOURS, last__lt=now - SHORTEST_SILENCE)
        .order_by("-hours")[:MOST_CANDIDATES]
    }
    if not candidates:
        return []
    flows = (
        Flow.objects.select_related("account", "progress").defer("raw", "account__client_secret").in_bulk(candidates)
    )
    active: dict[int, list[datetime]] = defaultdict(list)
    hours = HourBucket.objects.filter(flow_id__in=candidates, hour__gte=since).order_by("hour")
    for flow_id, hour in hours.values_list("flow_id", "hour"):
        active[flow_id].append(hour)
    found = [_silence(flows[flow_id], active[flow_id]) for flow_id in candidates if flow_id in flows]
    silent = [one for one in found if one is not None]
    return sorted(silent, key=lambda one: one.pause / one.longest_before, reverse=True)[:limit]


def _silence(flow: Flow, hours: list[datetime]) -> SilentFlow | None:
    if flow.has_moved or len(hours) < 2:
        return None
    longest = max(after - before for before, after in pairwise(hours))
    pause = flow.seen_at - hours[-1]
    if pause < SHORTEST_SILENCE or pause < SILENCE_FACTOR * longest:
        return None
    return SilentFlow(flow=flow, last_run=hours[-1], pause=pause, longest_before=longest)
