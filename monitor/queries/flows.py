"""The list of flows and the page of one flow. Read-only."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, ExpressionWrapper, F, FloatField, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce

from monitor.models import AlertState, Execution, Flow, HourBucket
from monitor.queries import counts

LIST_DAYS = 7
SORTS = ("name", "failures", "rate", "runs", "last_run")


@dataclass(frozen=True)
class FlowFilter:
    """What the list of flows is narrowed to. `status` is active, inactive or gone; empty means all but gone."""

    text: str = ""
    status: str = ""
    account_id: int | None = None
    sort: str = "failures"


@dataclass(frozen=True)
class Mirrored:
    """What Zoho counts of a flow beside what is mirrored, for one result.

    `counter` = `baseline` + `mirrored` + `pruned` where the mirror is complete (baseline: what Zoho had
    forgotten at the first complete read). `missing` is None while Zoho's counter or the baseline is unknown.
    """

    label: str
    counter: int | None
    baseline: int | None
    mirrored: int
    pruned: int

    @property
    def before(self) -> int | None:
        """What the counter knows and the mirror rightly does not hold."""
        return None if self.baseline is None else self.baseline + self.pruned

    @property
    def missing(self) -> int | None:
        if self.counter is None or self.baseline is None:
            return None
        return self.counter - self.baseline - self.mirrored - self.pruned


def flow_list(wanted: FlowFilter, now: datetime) -> QuerySet[Flow]:
    """Flows with `runs`, `failures`, `rate` (per cent) of the last 7 days and `last_run` (a time)."""
    flows = _narrowed(wanted).select_related("account")
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=LIST_DAYS)
    week = HourBucket.objects.filter(flow=OuterRef("pk"), hour__gte=since).order_by().values("flow")
    newest = Execution.objects.filter(flow=OuterRef("pk"), started_time__isnull=False).order_by("-started_time")
    last_hour = HourBucket.objects.filter(flow=OuterRef("pk")).order_by("-hour")
    flows = flows.annotate(
        failures=Coalesce(Subquery(week.annotate(n=Sum("failed")).values("n")), 0),
        runs=Coalesce(Subquery(week.annotate(n=Sum(F("failed") + F("succeeded"))).values("n")), 0),
        # Where its rows are pruned the flow still ran: an hour's start is the nearest that is known.
        last_run=Coalesce(Subquery(newest.values("started_time")[:1]), Subquery(last_hour.values("hour")[:1])),
    )
    share = ExpressionWrapper(100.0 * (F("runs") - F("failures")) / F("runs"), output_field=FloatField())
    flows = flows.annotate(rate=Case(When(runs__gt=0, then=share), default=None, output_field=FloatField()))
    return flows.order_by(*_ORDERS[wanted.sort])


_ORDERS: dict[str, tuple[Any, ...]] = {
    "name": ("flow_name", "pk"),
    "failures": ("-failures", F("rate").asc(nulls_last=True), "flow_name", "pk"),
    "rate": (F("rate").asc(nulls_last=True), "-failures", "pk"),
    "runs": ("-runs", "flow_name", "pk"),
    "last_run": (F("last_run").desc(nulls_last=True), "pk"),
}


def _narrowed(wanted: FlowFilter) -> QuerySet[Flow]:
    flows = Flow.objects.select_related("progress").defer("raw", "description", "account__client_secret")
    if wanted.account_id is not None:
        flows = flows.filter(account_id=wanted.account_id)
    if wanted.text:
        flows = flows.filter(
            Q(flow_name__icontains=wanted.text) | Q(trigger_app__icontains=wanted.text) | Q(flow_id=wanted.text)
        )
    if wanted.status == "gone":
        return flows.filter(gone_at__isnull=False)
    flows = flows.filter(gone_at=None)
    if wanted.status == "active":
        return flows.filter(status="active")
    if wanted.status == "inactive":
        return flows.exclude(status="active")
    return flows


def daily_results(flow_ids: list[int], now: datetime, days: int = 14) -> dict[int, list[tuple[int, int]]]:
    """(succeeded, failed) per flow and day of 24 hours, oldest first, for sparklines. One statement."""
    start = now - timedelta(days=days)
    table: dict[int, list[tuple[int, int]]] = defaultdict(lambda: [(0, 0)] * days)
    rows = HourBucket.objects.filter(flow_id__in=flow_ids, hour__gte=start, hour__lte=now)
    for flow_id, hour, succeeded, failed in rows.values_list("flow_id", "hour", "succeeded", "failed"):
        place = min(int((hour - start) / timedelta(days=1)), days - 1)
        before = table[flow_id][place]
        table[flow_id][place] = (before[0] + succeeded, before[1] + failed)
    return table


def completeness(flow: Flow) -> list[Mirrored]:
    """Zoho's counters beside ours: all, successes, failures. One statement."""
    ours = Execution.objects.filter(flow=flow).aggregate(
        total=Count("id"),
        success=Count("id", filter=Q(status="success")),
        failed=Count("id", filter=Q(status="failed")),
    )
    past = flow.progress
    counted = flow.counted(every=ours["total"], success=ours["success"], failed=ours["failed"])
    return [
        Mirrored("All runs", flow.execution_count, past.baseline_total, counted, past.pruned),
        Mirrored("Success", flow.success_count, past.baseline_success, ours["success"], past.pruned_success),
        Mirrored("Failed", flow.failure_count, past.baseline_failed, ours["failed"], past.pruned_failed),
    ]


def open_alerts(flow: Flow) -> QuerySet[AlertState]:
    """The flow's open incidents, newest first."""
    return (
        AlertState.objects.filter(flow=flow, is_open=True).select_related("rule", "acknowledged_by").order_by("-since")
    )


def histograms(flow: Flow, start: datetime, end: datetime) -> list[tuple[datetime, list[int]]]:
    """The flow's histograms of durations per hour, or per day of a long time."""
    return counts.histograms(counts.buckets(start=start, end=end, flow_id=flow.pk))


def errors(flow: Flow, start: datetime, end: datetime) -> list[tuple[datetime, dict[str, int]]]:
    """The flow's failed runs by class of error, likewise."""
    return counts.errors(counts.buckets(start=start, end=end, flow_id=flow.pk))
