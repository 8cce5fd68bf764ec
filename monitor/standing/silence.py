"""Finds flows that pause longer than they ever do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.db.models import Count, Max

from monitor.models import Flow, HourBucket

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
    since = now - LOOK_BACK
    hours = HourBucket.objects.filter(hour__gte=since)
    if among is not None:
        hours = hours.filter(flow_id__in=among)
    known = hours.filter(
        flow__status="active",
        flow__gone_at=None,
        flow__progress__hole_reason="",
        flow__account__is_active=True,
    )
    counted = known.order_by().values("flow_id").annotate(last=Max("hour"), hours=Count("id"))
    candidates = counted.filter(hours__gte=MIN_ACTIVE_HOURS, last__lt=now - SHORTEST).values("flow_id")
    rows = Flow.objects.filter(pk__in=candidates).select_related("account", "progress")
    flows = list(rows.defer("raw", "account__client_secret"))
    if not flows:
        return []
    active: dict[int, list[datetime]] = defaultdict(list)
    theirs = HourBucket.objects.filter(flow__in=[flow.pk for flow in flows], hour__gte=since).order_by("hour")
    for flow_id, hour in theirs.values_list("flow_id", "hour"):
        active[flow_id].append(hour)
    found = [_silence(flow, active[flow.pk]) for flow in flows]
    silent = [one for one in found if one is not None]
    return sorted(silent, key=lambda one: (-(one.pause / one.longest_before), one.flow.pk))


def _silence(flow: Flow, hours: list[datetime]) -> SilentFlow | None:
    if flow.has_moved or len(hours) < 2:
        return None
    longest = max(after - before for before, after in pairwise(hours))
    pause = flow.seen_at - hours[-1]
    if pause < SHORTEST or pause < FACTOR * longest:
        return None
    return SilentFlow(flow=flow, last_run=hours[-1], pause=pause, longest_before=longest)
