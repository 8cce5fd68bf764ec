"""Finds flows that pause longer than they ever do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from monitor.models import Flow, HourBucket
from monitor.models.asking import Asking, Statement, answered, ask
from monitor.models.spans import epoch

LOOK_BACK = timedelta(days=28)
SHORTEST = timedelta(hours=24)
MIN_ACTIVE_HOURS = 5
FACTOR = 1.5


@dataclass(frozen=True)
class SilentFlow:
    """Holds a flow that paused longer than it ever does. Both lengths are counted between hours with runs."""

    flow: Flow
    last_run: datetime
    pause: timedelta
    longest_before: timedelta


def silent_flows(now: datetime, *, among: Collection[int] | None = None) -> list[SilentFlow]:
    """Active flows whose present pause is 1.5 times the longest of the four weeks before, and over a day; worst first.

    The pause is counted to the last list in which Zoho's counters of the flow had not moved, not to `now`: of
    the time after it nobody knows, and an outage of ours is no silence of theirs. Flows with a hole, or whose
    newest runs are not read yet, are left out for the same reason. At most two statements.

    Args:
        now: the present.
        among: primary keys of flows; None: all.
    """
    return answered(ask_silent_flows(now, among=among))


def ask_silent_flows(now: datetime, *, among: Collection[int] | None = None) -> Asking[list[SilentFlow]]:
    """Asks for what `silent_flows` returns."""
    if among is not None and not among:
        return []
    read = yield from ask(_pauses(_quiet(now, among), now - LOOK_BACK))
    pauses = {key: (datetime.fromtimestamp(last, UTC), timedelta(seconds=int(gap))) for key, last, gap in read}
    if not pauses:
        return []
    rows = Flow.objects.filter(pk__in=pauses).select_related("account", "progress", "ownership__owner")
    flows = yield from ask(rows.defer("raw", "account__client_secret").order_by())
    found = [_silence(flow, *pauses[flow.pk]) for flow in flows]
    silent = [one for one in found if one is not None]
    return sorted(silent, key=lambda one: (-(one.pause / one.longest_before), one.flow.pk))


def _quiet(now: datetime, among: Collection[int] | None) -> QuerySet[Flow, Any]:
    """Finds flows that are looked at and have not run for over a day: of each one look at its newest hour."""
    newest = HourBucket.objects.filter(flow=OuterRef("pk"), hour__gte=now - LOOK_BACK).order_by("-hour")
    flows = Flow.objects.filter(status="active", gone_at=None, progress__hole_reason="", account__is_active=True)
    if among is not None:
        flows = flows.filter(pk__in=among)
    quiet = flows.annotate(last=Subquery(newest.values("hour")[:1])).filter(last__lt=now - SHORTEST)
    return quiet.order_by().values("id", "seen_at")


def _pauses(flows: QuerySet[Flow, Any], since: datetime) -> Statement:
    """Makes the question when some flows last ran and how long they paused before at most, each in seconds.

    Left out are those that hardly ever run, and those that may well have paused as long before.
    """
    is_server = connection.vendor == "postgresql"
    hours = connection.ops.quote_name(HourBucket._meta.db_table)
    sql, parameters = flows.query.sql_with_params()
    # Each flow is one look into the index by flow and hour, whatever a planner thinks of how many are quiet.
    of_flow = f"(SELECT flow_id, hour FROM {hours} AS e WHERE e.flow_id = quiet.id AND e.hour >= %s OFFSET 0) AS e"  # noqa: S608 - our own names
    joined = f"LATERAL {of_flow}" if is_server else f"{hours} AS e ON e.flow_id = quiet.id AND e.hour >= %s"
    at, seen = epoch("e.hour"), epoch("quiet.seen_at")
    # A second more: what the list says is kept to the microsecond, and compared as such by `_silence`.
    pause = "(MAX(seen) + 1 - MAX(at))"
    statement = (
        "SELECT flow_id, MAX(at), MAX(gap) FROM ("  # noqa: S608 - our own names
        f"SELECT e.flow_id, {at} AS at, {seen} AS seen, "
        f"{at} - LAG({at}) OVER (PARTITION BY e.flow_id ORDER BY e.hour) AS gap "
        f"FROM ({sql}) AS quiet CROSS JOIN {joined}"
        f") AS active GROUP BY flow_id HAVING COUNT(*) >= {MIN_ACTIVE_HOURS} "
        f"AND {pause} >= {SHORTEST.total_seconds()} AND {pause} >= {FACTOR} * MAX(gap)"
    )
    return Statement(statement, [*parameters, connection.ops.adapt_datetimefield_value(since)], 3)


def _silence(flow: Flow, last: datetime, longest: timedelta) -> SilentFlow | None:
    if flow.has_moved:
        return None
    pause = flow.seen_at - last
    if pause < SHORTEST or pause < FACTOR * longest:
        return None
    return SilentFlow(flow=flow, last_run=last, pause=pause, longest_before=longest)
