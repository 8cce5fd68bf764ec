"""The mirror's own counts of a flow's executions, and its row's counters, as values to decide on."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q

from monitor.ingest.runs.counters import Baseline, Counters, Rows
from monitor.models import Execution, Flow

# A run that ended within this long after the list of flows was read cannot be in the list's counters.
LATER = timedelta(minutes=15)


def mirrored(flow: Flow, *, listed_at: datetime | None = None) -> Rows:
    """Executions of a flow by status, pruned ones included.

    Args:
        listed_at: Zoho's clock when it gave the flow's counters; runs that began or ended just after are left out.
    """
    rows = Execution.objects.filter(flow=flow)
    if listed_at is not None:
        # Zoho's Date header is cut to the second: a run of that second counts as listed.
        after = listed_at + timedelta(seconds=1)
        rows = rows.exclude(completed_time__gte=after, completed_time__lt=after + LATER)
        rows = rows.exclude(started_time__gte=after, started_time__lt=after + LATER)
    counts = rows.aggregate(
        total=Count("pk"),
        success=Count("pk", filter=Q(status="success")),
        failed=Count("pk", filter=Q(status="failed")),
    )
    past = flow.progress
    return Rows(
        total=flow.counted(every=counts["total"], success=counts["success"], failed=counts["failed"]) + past.pruned,
        success=counts["success"] + past.pruned_success,
        failed=counts["failed"] + past.pruned_failed,
    )


def counters(flow: Flow) -> Counters:
    """What Zoho's list last said."""
    return Counters(flow.execution_count, flow.success_count, flow.failure_count)


def read_counters(flow: Flow) -> Counters:
    """What Zoho's list said when the flow was last read completely."""
    return Counters(
        flow.progress.read_execution_count, flow.progress.read_success_count, flow.progress.read_failure_count
    )


def baseline(flow: Flow) -> Baseline | None:
    """What Zoho had forgotten at the first complete read; None before it."""
    if (
        flow.progress.baseline_total is None
        or flow.progress.baseline_success is None
        or flow.progress.baseline_failed is None
    ):
        return None
    return Baseline(flow.progress.baseline_total, flow.progress.baseline_success, flow.progress.baseline_failed)
