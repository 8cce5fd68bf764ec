"""Lists a flow's executions again and finds what came late, changed unseen, or was deleted.

Read in slices from the newest on, so that it can stop after any of them and go on by the time it has reached.
What Zoho no longer lists stays here as history, marked, so that its numbers and ours can both be right.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from monitor.faultpoints import faultpoint
from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import is_mass
from monitor.ingest.runs import counters
from monitor.ingest.runs.due_runs import settle
from monitor.ingest.runs.read_runs import LOOKBACK, read_one
from monitor.ingest.runs.walk_pages import Walk, Walked
from monitor.models import DirtyHour, Execution, Flow, FlowProgress
from monitor.zoho.flow import FlowClient

ROWS_A_SLICE = 1_000
MOST_PAGES = 400  # of one slice; a server that ignores the window gives everything it has
MOST_LOOKS = 10  # rows of one slice asked for by their ids
SECOND = timedelta(seconds=1)


@dataclass
class Found:
    """Collects what one slice brought.

    `next_until`: where the next, older slice ends; None after the last. `calls`: what it cost. `vanished`: rows
    newly marked as no longer listed. `believed`: whether the list was whole, as far as can be told.
    """

    new: int = 0
    changed: int = 0
    vanished: int = 0
    calls: int = 0
    next_until: datetime | None = None
    believed: bool = True


def reconcile(
    context: Context,
    client: FlowClient,
    flow: Flow,
    *,
    since: datetime | None,
    until: datetime | None,
    rows: int = ROWS_A_SLICE,
) -> Found:
    """Reconciles one slice of a flow.

    Args:
        context: of the sweep.
        client: of the account.
        flow: a mirrored flow.
        since: only runs from then on; None for all that Zoho still holds.
        until: only runs up to then; None for the newest slice.
        rows: of the mirror that a slice spans, about.

    Raises:
        ZohoError: as the calls do; what came is stored.
    """
    began = context.clock()
    if flow.progress.pruned_before is not None:
        since = max(since or flow.progress.pruned_before, flow.progress.pruned_before)
    edge = _edge(flow, since, until, rows)
    walked = Walk(
        context,
        client,
        flow,
        since=edge,
        until=until,
        enough=lambda walked: False,
        most_pages=MOST_PAGES,
        trust_short=False,
    ).go()
    found = Found(walked.written.new, walked.written.changed, calls=max(walked.pages, 1))
    settle(context, flow, walked.seen, client.last_server_date)
    if walked.lost or walked.repeats or walked.cut:
        found.believed = False
        return found
    ignores = edge is not None and walked.oldest is not None and walked.oldest < edge - SECOND
    # Rows that began at the very edges may be in the neighbouring slice, by how the server takes a bound.
    bottom = walked.oldest if ignores or edge is None else edge
    top = until or (client.last_server_date or began) - LOOKBACK
    _compare(context, client, flow, walked, (bottom, top), found)
    if found.new or found.changed:
        _unsettle(flow, began)
    found.next_until = None if ignores or edge is None or edge == since else edge
    return found


def _edge(flow: Flow, since: datetime | None, until: datetime | None, count: int) -> datetime | None:
    """Says where a slice of about so many mirrored rows begins; `since` where there are fewer."""
    rows = _between(flow, since, until)
    at = rows.order_by("-started_time").values_list("started_time", flat=True)[count : count + 1].first()
    if at is None:
        return since
    return min(at, until - SECOND) if until is not None else at


def _between(flow: Flow, since: datetime | None, until: datetime | None) -> QuerySet[Execution]:
    rows = Execution.objects.filter(flow=flow, started_time__isnull=False)
    if since is not None:
        rows = rows.filter(started_time__gt=since)
    return rows.filter(started_time__lt=until) if until is not None else rows


def _compare(
    context: Context,
    client: FlowClient,
    flow: Flow,
    walked: Walked,
    span: tuple[datetime | None, datetime],
    found: Found,
) -> None:
    """Marks what the list no longer has, and takes the mark from what it has again."""
    bottom, top = span
    back = [
        pk
        for pk, name in Execution.objects.filter(flow=flow, unlisted_at__isnull=False).values_list("pk", "execution_id")
        if name in walked.seen
    ]
    if back:
        _mark(context, back, None)
    if bottom is None:
        return  # an empty list of all history: nothing says what Zoho has forgotten and what was deleted
    rows = _between(flow, bottom, top).filter(unlisted_at=None)
    mirrored = dict(rows.values_list("execution_id", "pk"))
    absent = [name for name in mirrored if name not in walked.seen]
    gone = []
    for name in sorted(absent)[:MOST_LOOKS]:
        found.calls += 1
        if not read_one(context, client, flow, name):
            gone.append(mirrored[name])
        elif is_mass(len(absent), len(mirrored)):
            # The list is short of many rows at once, and one of them is there: the fault is the list's.
            found.believed = False
            break
    if gone:
        found.vanished = len(gone)
        _mark(context, gone, context.clock())


def _mark(context: Context, pks: Collection[int], at: datetime | None) -> None:
    with context.writing():
        rows = Execution.objects.filter(pk__in=pks)
        if at is None:
            rows.update(unlisted_at=None)
        else:
            rows.update(unlisted_at=at, recheck_at=None, rerun_due_at=None)
        # What Zoho lists no longer is no run that goes on.
        running = rows.filter(status=Execution.Status.RUNNING).values_list("flow_id", "started_time")
        DirtyHour.objects.mark([(flow, began) for flow, began in running if began is not None])
        faultpoint("reconcile-after-marks")


def _unsettle(flow: Flow, began: datetime) -> None:
    """Has the baseline counted again where rows were late for a reading: Zoho had not forgotten those.

    Nor are those that changed while a history was read in pieces. The baseline would hide as many runs that go
    missing later. It is counted again once the counters stand still.
    """
    flow.refresh_from_db()
    if flow.progress.executions_read_at is None:
        return
    late = Execution.objects.filter(
        flow=flow, changed_at__gte=began, started_time__lt=flow.progress.executions_read_at - LOOKBACK
    )
    if not late.exists():
        return
    apart = counters.balance(counters.counters_of(flow), counters.stored_baseline(flow), counters.known(flow))
    if apart is not None and min(apart.total, apart.success, apart.failed) < 0:
        FlowProgress.objects.filter(flow=flow).update(baseline_firm=False)
