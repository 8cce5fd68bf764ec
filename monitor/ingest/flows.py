"""The list of flows with Zoho's counters: what says which flows moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import F

from monitor.ingest.context import Context
from monitor.ingest.quarantine import put_aside
from monitor.models import Flow, Stream, StreamState
from monitor.zoho.errors import NotFound
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import FlowPage, FlowSummary

MOST_PAGES = 500
VANISH_SHARE = 0.2  # more than this gone at once is taken for a fault of the answer, not for a mass delete
COLUMNS = (
    "flow_name",
    "description",
    "status",
    "trigger_app",
    "created_time",
    "modified_time",
    "execution_count",
    "success_count",
    "failure_count",
    "raw",
)


def read_flows(context: Context, client: FlowClient) -> int:
    """Reads the whole list and stores it.

    Returns:
        How many calls it cost.

    Raises:
        ZohoError: the list could not be read to its end; what came is stored, nothing counts as gone.
    """
    started = context.clock()
    seen: set[str] = set()
    page = 0
    while page < MOST_PAGES:
        page += 1
        answer = context.call(partial(client.list_flows, page=page))
        new = {flow.flow_id for flow in answer.flows} - seen
        listed_at = client.last_server_date or context.clock()
        context.listed_at |= dict.fromkeys(new, listed_at)
        with transaction.atomic():
            context.lease.check()
            store_flows(context, answer.flows, started)
            put_aside(context.account, Stream.FLOWS, answer.rejected, started)
        seen |= new
        context.progress("flows", len(seen), answer.total_count or len(seen))
        if _is_last(answer, seen, found_new=bool(new)):
            break
    _note_absent(context, client, seen, started)
    context.note(Stream.FLOWS, StreamState.State.OK, items=len(seen))
    return page


def _is_last(answer: FlowPage, seen: set[str], *, found_new: bool) -> bool:
    """By content first: a server that ignores `page`, or counts wrongly, must not make a loop."""
    if not found_new:
        return True
    if answer.total_count is not None and answer.total_count > 0:
        return len(seen) + len(answer.rejected) >= answer.total_count
    if answer.per_page:
        return len(answer.flows) + len(answer.rejected) < answer.per_page
    return False


def store_flows(context: Context, flows: Sequence[FlowSummary], started: datetime) -> None:
    """Inserts new flows and changes only the columns that differ."""
    ids = [flow.flow_id for flow in flows]
    stored = {flow.flow_id: flow for flow in Flow.objects.filter(account=context.account, flow_id__in=ids)}
    fresh: dict[str, Flow] = {}
    for summary in flows:
        values = {name: getattr(summary, name) for name in COLUMNS}
        have = stored.get(summary.flow_id)
        if have is None:
            fresh[summary.flow_id] = Flow(
                account=context.account, flow_id=summary.flow_id, first_seen_at=started, seen_at=started, **values
            )
            continue
        changes = {name: value for name, value in values.items() if getattr(have, name) != value}
        if changes:
            Flow.objects.filter(pk=have.pk).update(**changes)
    Flow.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    Flow.objects.filter(account=context.account, flow_id__in=ids).update(seen_at=started, missed_sweeps=0, gone_at=None)


def _note_absent(context: Context, client: FlowClient, seen: set[str], started: datetime) -> None:
    """A flow is gone after two complete lists without it and a 404 by its id; its history stays."""
    living = Flow.objects.filter(account=context.account, gone_at=None)
    absent = living.exclude(flow_id__in=seen)
    count, total = absent.count(), living.count()
    if not count:
        return
    if count > 1 and count > VANISH_SHARE * total:
        context.result.missing.append(f"{count} of {total} flows vanished from Zoho's list at once; nothing is removed")
        return
    absent.update(missed_sweeps=F("missed_sweeps") + 1)
    for flow in living.exclude(flow_id__in=seen).filter(missed_sweeps__gte=2):
        try:
            context.call(partial(client.get_flow, flow.flow_id))
        except NotFound:
            Flow.objects.filter(pk=flow.pk).update(gone_at=started)
