"""Decides whether a flow's runs are all mirrored, and why not: of one flow, and as columns of an account's flows.

The one judge of it, for lists, pages, banners, `status` and `/healthz/ready`: an account is complete where each of its
flows is.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q

from monitor.languages import gettext_noop
from monitor.models import Flow

HOLE, UNREAD, UNCOUNTED, MOVED = "hole", "unread", "uncounted", "moved"
WORDS = {
    UNREAD: gettext_noop("not read yet"),
    UNCOUNTED: gettext_noop("Zoho names no counters of it that can be read: whether runs are missing is not known"),
    MOVED: gettext_noop("counters moved since it was read"),
}


def gap_of(flow: Flow, swept_at: datetime | None) -> str:
    """Names what keeps a flow from being complete: a hole, unread, uncounted or moved; "" where nothing does.

    Counters that moved count from the end of the sweep that listed them: until then the flow's runs are being read.

    Args:
        flow: with its progress.
        swept_at: when the last sweep of its account ended; None before the first.
    """
    past = flow.progress
    if past.hole_reason:
        return HOLE
    if past.executions_read_at is None:
        return UNREAD
    if not flow.has_counters:
        return UNCOUNTED
    return MOVED if flow.counters_moved and swept_at is not None and flow.seen_at < swept_at else ""


def why_incomplete(flow: Flow, swept_at: datetime | None) -> str:
    """Says in words why a flow is not complete; "" where it is. As `gap_of`."""
    gap = gap_of(flow, swept_at)
    return flow.progress.hole_reason if gap == HOLE else WORDS.get(gap, "")


def of_accounts_flows() -> dict[str, Q]:
    """Says `gap_of` in SQL, by its names, for counting the flows of accounts.

    A flow with a hole that was never read to its end is in both.
    """
    here = Q(flows__gone_at=None)
    hole = here & ~Q(flows__progress__hole_reason="")
    unread = here & Q(flows__progress__executions_read_at=None)
    read = here & Q(flows__progress__hole_reason="", flows__progress__executions_read_at__isnull=False)
    counters = ("execution_count", "success_count", "failure_count")
    without, moved = Q(), Q()
    for name in counters:
        without |= Q(**{f"flows__{name}": None})
        moved |= Q(**{f"flows__progress__read_{name}": None}) | ~Q(
            **{f"flows__progress__read_{name}": F(f"flows__{name}")}
        )
    return {
        HOLE: hole,
        UNREAD: unread,
        UNCOUNTED: read & without,
        MOVED: read & ~without & moved & Q(flows__seen_at__lt=F("sync__last_finished_at")),
    }
