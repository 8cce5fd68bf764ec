"""The list of flows with Zoho's counters: what says which flows moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import F

from monitor.faultpoints import faultpoint
from monitor.ingest.absent import PATIENCE, doubt, is_mass
from monitor.ingest.context import Context
from monitor.ingest.quarantine import clipped, put_aside, write_or_put_aside
from monitor.models import Flow, Stream, StreamState, ZohoAccount
from monitor.zoho.errors import BadAnswer, NotAvailable, NotFound, Refused, SignIn, Wait, ZohoError
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import FlowPage, FlowSummary

MOST_PAGES = 500
MOST_LOOKS = 10  # flows asked for by their ids in one sweep
# Lists without it after which a flow is asked for by its id: one that answers is asked ever more seldom.
ASK_AFTER = [2**n for n in range(1, 14)]
MOST_MISSED = 2**14  # fits the column
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
    rejected: set[str] = set()
    promised = 0
    for page in range(1, MOST_PAGES + 1):
        try:
            answer = context.call(partial(client.list_flows, page=page))
        except (NotAvailable, Refused) as error:
            if page == 1:
                raise
            if len(seen) + len(rejected) < promised:
                raise BadAnswer(f"page {page} of the flows was refused, {promised} are promised: {error}") from error
            # Some servers answer a page beyond the last with an error. What is not listed is then not surely gone.
            context.note(Stream.FLOWS, StreamState.State.OK, items=len(seen))
            return page
        promised = max(promised, answer.total_count or 0)
        new = {flow.flow_id for flow in answer.flows} - seen
        new_rejected = {record.raw_text for record in answer.rejected} - rejected
        rejected |= new_rejected
        listed_at = client.last_server_date or context.clock()
        context.listed_at |= dict.fromkeys(new, listed_at)
        with transaction.atomic():
            context.lease.check()
            faultpoint("flows-before-rows")
            store_flows(context, answer.flows, started)
            context.result.aside += put_aside(context.account, Stream.FLOWS, answer.rejected, started)
            faultpoint("flows-after-rows")
        faultpoint("flows-committed")
        seen |= new
        context.progress("flows", len(seen), answer.total_count or len(seen))
        if _is_last(answer, seen, found_new=bool(new or new_rejected)):
            break
    context.note(Stream.FLOWS, StreamState.State.OK, items=len(seen))
    _note_absent(context, client, seen, started)
    return page


def _is_last(answer: FlowPage, seen: set[str], *, found_new: bool) -> bool:
    """By content: a server that ignores `page`, counts wrongly or cuts its pages makes neither a loop nor a gap."""
    if not found_new:
        return True
    size = len(answer.flows) + len(answer.rejected)
    is_short = answer.per_page is None or size < answer.per_page
    return bool(answer.total_count) and is_short and len(seen) + len(answer.rejected) >= (answer.total_count or 0)


def store_flows(context: Context, flows: Sequence[FlowSummary], started: datetime) -> None:
    """Inserts new flows and changes only the columns that differ; what the database refuses is put aside."""
    unique = list({flow.flow_id: flow for flow in flows}.values())
    write_or_put_aside(
        context.account, Stream.FLOWS, unique, partial(_write, context.account, started=started), started
    )


def _write(account: ZohoAccount, flows: Sequence[FlowSummary], *, started: datetime) -> None:
    ids = [flow.flow_id for flow in flows]
    stored = {flow.flow_id: flow for flow in Flow.objects.filter(account=account, flow_id__in=ids)}
    fresh: list[Flow] = []
    for summary in flows:
        values = clipped(Flow, {name: getattr(summary, name) for name in COLUMNS})
        have = stored.get(summary.flow_id)
        if have is None:
            fresh.append(
                Flow(account=account, flow_id=summary.flow_id, first_seen_at=started, seen_at=started, **values)
            )
            continue
        changes = {name: value for name, value in values.items() if getattr(have, name) != value}
        if changes:
            Flow.objects.filter(pk=have.pk).update(**changes)
    Flow.objects.bulk_create(fresh, ignore_conflicts=True)
    Flow.objects.filter(account=account, flow_id__in=ids).update(seen_at=started, missed_sweeps=0, gone_at=None)


def _note_absent(context: Context, client: FlowClient, seen: set[str], started: datetime) -> None:
    """A flow is gone after two complete lists without it and a 404 by its id; its history stays.

    Where many vanish at once the list is not believed for an hour; then, too, each is asked for by its id.
    """
    living = Flow.objects.filter(account=context.account, gone_at=None)
    absent = living.exclude(flow_id__in=seen)
    count, total = absent.count(), living.count()
    if not count:
        return
    absent.filter(missed_sweeps__lt=MOST_MISSED).update(missed_sweeps=F("missed_sweeps") + 1)
    doubtful = absent.filter(missed_sweeps__in=ASK_AFTER)
    if is_mass(count, total):
        doubt(context, count, total, "flows")
        doubtful = absent.filter(missed_sweeps__gte=2, seen_at__lt=started - PATIENCE)
    for flow in doubtful.order_by("seen_at", "pk")[:MOST_LOOKS]:
        if _is_gone(context, client, flow):
            Flow.objects.filter(pk=flow.pk).update(gone_at=started)


def _is_gone(context: Context, client: FlowClient, flow: Flow) -> bool:
    try:
        context.call(partial(client.get_flow, flow.flow_id))
    except (Wait, SignIn):
        raise
    except ZohoError as error:
        # The list is read all the same: what cannot be looked at now is looked at another time.
        return isinstance(error, NotFound) or (isinstance(error, NotAvailable) and error.status == 404)
    return False
