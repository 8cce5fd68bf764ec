"""Holds Zoho's counters of a flow against the mirror's rows: what has been read, what is missing.

Counters are for a flow's life, history is not: the first complete read sets *baseline = counter − rows*, and from
then on *counter = baseline + mirrored + pruned + in quarantine*, per status (`docs/reference/promises.md`, Invariants
of the mirror).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from monitor.models import ENDED, Execution, Flow, Quarantine


@dataclass(frozen=True, slots=True)
class Counters:
    """Holds Zoho's numbers of executions of one flow; None where it does not say."""

    total: int | None
    success: int | None
    failed: int | None

    @property
    def known(self) -> bool:
        """Says whether all three were given."""
        return None not in (self.total, self.success, self.failed)


@dataclass(frozen=True, slots=True)
class Rows:
    """Holds the numbers of mirrored executions of one flow, pruned ones included."""

    total: int
    success: int
    failed: int

    def __add__(self, other: Rows) -> Rows:
        """Adds other executions of the same flow."""
        return Rows(self.total + other.total, self.success + other.success, self.failed + other.failed)


@dataclass(frozen=True, slots=True)
class Baseline:
    """Holds what Zoho counts but had forgotten when the flow was first read completely."""

    total: int
    success: int
    failed: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Holds counter − (baseline + mirrored): above zero something is missing here, below zero rows came later."""

    total: int
    success: int
    failed: int

    @property
    def accounted(self) -> bool:
        """Says whether nothing that Zoho counted is missing."""
        return self.total <= 0 and self.success <= 0 and self.failed <= 0

    @property
    def even(self) -> bool:
        """Says whether Zoho and the mirror agree exactly."""
        return self.total == self.success == self.failed == 0


def baseline_of(counters: Counters, rows: Rows) -> Baseline | None:
    """Computes the baseline after a complete read; None without counters."""
    if counters.total is None or counters.success is None or counters.failed is None:
        return None
    return Baseline(counters.total - rows.total, counters.success - rows.success, counters.failed - rows.failed)


def balance(counters: Counters, baseline: Baseline | None, rows: Rows) -> Balance | None:
    """Computes how far the two are apart; None where it cannot be said (no counters, no baseline yet)."""
    if baseline is None or counters.total is None or counters.success is None or counters.failed is None:
        return None
    return Balance(
        counters.total - baseline.total - rows.total,
        counters.success - baseline.success - rows.success,
        counters.failed - baseline.failed - rows.failed,
    )


def were_reset(counters: Counters, read: Counters) -> bool:
    """Says whether Zoho's counters fell, which a life-long counter only does when it is reset.

    The one of failures falls when a failed run succeeds at last; the other two never.
    """
    pairs = ((counters.total, read.total), (counters.success, read.success))
    return any(now is not None and then is not None and now < then for now, then in pairs)


def hole_text(gap: Balance) -> str:
    """Says in one line for people what is missing."""
    if gap.total > 0:
        return f"Zoho counts {gap.total} more run{'s' if gap.total != 1 else ''} than it lists"
    return f"Zoho counts {gap.success:+d} successes and {gap.failed:+d} failures against what it lists"


# A run that ended within this long after the list of flows was read cannot be in the list's counters.
LATER = timedelta(minutes=15)


def mirrored(flow: Flow, *, listed_at: datetime | None = None) -> Rows:
    """Counts the executions of a flow by status, pruned ones included.

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
        ended=Count("pk", filter=ENDED),
    )
    past = flow.progress
    return Rows(
        total=flow.counted(every=counts["total"], ended=counts["ended"]) + past.pruned,
        success=counts["success"] + past.pruned_success,
        failed=counts["failed"] + past.pruned_failed,
    )


def aside(flow: Flow) -> Rows:
    """Counts the executions of a flow that are in quarantine: known of, though they cannot be mirrored."""
    return Rows(*flow.tally(Quarantine.objects.filter(flow=flow, left_at=None).values_list("status", flat=True)))


def known(flow: Flow, *, listed_at: datetime | None = None) -> Rows:
    """Counts all executions of a flow that are known of: mirrored, pruned or in quarantine. As `mirrored`."""
    return mirrored(flow, listed_at=listed_at) + aside(flow)


def counters_of(flow: Flow) -> Counters:
    """Returns what Zoho's list last said."""
    return Counters(flow.execution_count, flow.success_count, flow.failure_count)


def counters_when_read(flow: Flow) -> Counters:
    """Returns what Zoho's list said when the flow was last read completely."""
    past = flow.progress
    return Counters(past.read_execution_count, past.read_success_count, past.read_failure_count)


def stored_baseline(flow: Flow) -> Baseline | None:
    """Returns what Zoho had forgotten at the first complete read; None before it."""
    past = flow.progress
    if past.baseline_total is None or past.baseline_success is None or past.baseline_failed is None:
        return None
    return Baseline(past.baseline_total, past.baseline_success, past.baseline_failed)
