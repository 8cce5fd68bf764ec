"""One flow's statistics asked of Zoho and held against the mirror; a difference has the period read again."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import Count, Q, QuerySet

from monitor.ingest.base.context import Context
from monitor.ingest.night import statistics as stats
from monitor.ingest.night.reconcile import reconcile
from monitor.ingest.night.statistics import Ours, Tally
from monitor.ingest.runs.holes import NO_HOLE, STATISTICS
from monitor.models import Execution, Flow, FlowProgress
from monitor.zoho.flow import FlowClient

MOST_SLICES = 20


def check(context: Context, client: FlowClient, flow: Flow, votes: dict[str, int]) -> tuple[int, dict[str, int]]:
    """Asks for a flow's statistics and follows a difference.

    Args:
        context: of the sweep.
        client: of the account.
        flow: a mirrored flow.
        votes: what earlier flows have taught, see `statistics.learn`.

    Returns:
        What it cost in calls, and the votes after this flow.

    Raises:
        NotAvailable: this server has no statistics.
        ZohoError: as the calls do.
    """
    answer = context.call(partial(client.execution_stats, flow.flow_id, stats.PERIOD))
    zoho = Tally(answer.total, answer.successful, answer.failed)
    now = client.last_server_date or context.clock()
    calls = 1
    if flow.progress.pruned_before is not None and flow.progress.pruned_before > stats.widest(now):
        return calls, votes
    candidates = _candidates(flow, now)
    matched = stats.matching(zoho, candidates)
    if stats.is_telling(candidates):
        votes = stats.learn(votes, matched)
    believed = stats.credible(votes)
    if stats.is_worth_reading(matched, believed, votes):
        calls += _read_again(context, client, flow, since=stats.widest(now))
        candidates = _candidates(flow, now)
    _tell(context, flow, stats.missing(zoho, candidates, believed))
    return calls, votes


def _read_again(context: Context, client: FlowClient, flow: Flow, *, since: datetime) -> int:
    calls, until = 0, None
    for _ in range(MOST_SLICES):
        found = reconcile(context, client, flow, since=since, until=until)
        calls += found.calls
        until = found.next_until
        if until is None:
            break
    return calls


def _candidates(flow: Flow, now: datetime) -> dict[str, Ours]:
    """The mirror's numbers for each meaning of the period, and Zoho's own for the flow's life."""
    rows = Execution.objects.filter(flow=flow, unlisted_at=None, started_time__lte=now)
    found = {name: _count(rows, start, end, now) for name, (start, end) in stats.windows(now).items()}
    if flow.execution_count is not None and flow.success_count is not None and flow.failure_count is not None:
        loose = found["rolling"].loose
        found[stats.LIFE] = Ours(flow.execution_count, flow.success_count, flow.failure_count, loose)
    return found


def _count(rows: QuerySet[Execution], start: datetime, end: datetime, now: datetime) -> Ours:
    edge, moment = stats.EDGE, now - stats.MOMENT
    near = Q(started_time__range=(start - edge, start + edge)) | Q(started_time__range=(end - edge, end + edge))
    fresh = Q(started_time__gte=moment) | Q(completed_time__gte=moment)
    within = Q(started_time__gte=start, started_time__lt=end)
    unsure = ~Q(status__in=("success", "failed")) & within
    found = rows.filter(started_time__gte=start - edge).aggregate(
        total=Count("pk", filter=within),
        success=Count("pk", filter=within & Q(status="success")),
        failed=Count("pk", filter=within & Q(status="failed")),
        loose=Count("pk", filter=near | fresh | unsure),
    )
    return Ours(**found)


def _tell(context: Context, flow: Flow, missing: int) -> None:
    """A difference that reading again has not closed is a hole until the statistics agree."""
    values: dict[str, object] = {}
    if missing:
        if not flow.progress.hole_reason or flow.progress.hole_signature.startswith(STATISTICS):
            values = {"hole_reason": stats.text(missing), "hole_signature": f"{STATISTICS}:{missing}"}
    elif flow.progress.hole_signature.startswith(STATISTICS):
        values = dict(NO_HOLE)
    if values:
        with context.writing():
            FlowProgress.objects.filter(flow=flow).update(**values)
