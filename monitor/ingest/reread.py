"""Rows whose truth may have changed since they were read: running ones, and failed ones that Zoho runs again.

The counters often tell of it first, and then the flow is read anyway. This is for what they do not tell. Each
sweep spends only a share of the day's calls on it, however many runs fail; what is left is due in the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from monitor.ingest.context import Context
from monitor.ingest.due import due_rows, next_look, settle
from monitor.ingest.executions import read_one
from monitor.ingest.walk import Walk, Walked
from monitor.models import Execution, Flow, Product, Stream, StreamState
from monitor.zoho.errors import SignIn, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

SHARE = 0.10  # of the day's calls
DAY = timedelta(days=1)
LONGEST_SAVED = timedelta(hours=1)  # a share that was not used is not saved up for longer
FIRST, MOST = 5, 40  # calls in one sweep: the first one ever, any
LEAST_DAY = 1_000  # calls a day where the limit is not known: the smallest plan's
FULL_PAGE = 200


def allowance(calls_per_day: int | None, since: timedelta | None) -> int:
    """How many calls a sweep may spend on reading rows again. Pure.

    Args:
        calls_per_day: the account's limit; None while it is not known.
        since: time since calls were last spent on it; None for never.
    """
    if since is None:
        return FIRST
    per_second = SHARE * (calls_per_day or LEAST_DAY) / DAY.total_seconds()
    saved = max(timedelta(0), min(since, LONGEST_SAVED))
    return min(MOST, int(per_second * saved.total_seconds()))


def next_call(calls_per_day: int | None, last: datetime) -> datetime:
    """When the share has one call again. Pure.

    Args:
        calls_per_day: the account's limit; None while it is not known.
        last: when calls were last spent on it.
    """
    return last + DAY / (SHARE * (calls_per_day or LEAST_DAY)) + timedelta(seconds=1)


def pages_of(rows_between: int, page_size: int) -> int:
    """Calls that one list over a stretch of time costs: at least one. Pure."""
    return max(1, -(-rows_between // max(page_size, 1)))


def by_list(due: int, rows_between: int, page_size: int) -> bool:
    """Whether one list over all the due rows is cheaper than a call for each. Pure.

    Args:
        due: rows to be read again.
        rows_between: rows of the flow from the oldest of them to the newest.
        page_size: rows a page.
    """
    return pages_of(rows_between, page_size) < due


@dataclass
class Purse:
    """Calls that are left for this."""

    left: int


def reread_due(context: Context, client: FlowClient, most: int = MOST) -> None:
    """Reads the rows that are due again, flow by flow, as far as the share of calls reaches.

    Args:
        context: of the sweep.
        client: of the account.
        most: calls that it may cost now, whatever is left of the share.

    Raises:
        ZohoError: `Wait`, and what concerns the whole account; what came is stored, and the rest stays due.
    """
    now = context.clock()
    state, _ = StreamState.objects.get_or_create(account=context.account, stream=Stream.EXECUTIONS)
    last = state.cursor.get("reread_at")
    since = now - datetime.fromisoformat(last) if last else None
    purse = Purse(min(most, allowance(context.clients.gate.limits(Product.FLOW).per_day, since)))
    if purse.left <= 0:
        return
    by_flow: dict[int, list[Execution]] = defaultdict(list)
    for run in due_rows(context.account, now, client.last_server_date or now):
        by_flow[run.flow_id].append(run)
    if not by_flow:
        return
    with transaction.atomic():
        context.lease.check()
        # Others keep what is theirs in the same cursor.
        cursor = StreamState.objects.select_for_update().values_list("cursor", flat=True).get(pk=state.pk)
        StreamState.objects.filter(pk=state.pk).update(cursor=cursor | {"reread_at": now.isoformat()})
    flows = Flow.objects.in_bulk(by_flow)
    for flow_pk, runs in sorted(by_flow.items(), key=lambda pair: -len(pair[1])):
        if purse.left <= 0:
            break
        flow = flows[flow_pk]
        flow.account = context.account
        try:
            _reread(context, client, flow, runs, purse)
        except (Wait, SignIn, Unreachable):
            raise
        except ZohoError as error:
            # What cannot be read keeps neither the other flows nor the next sweep from being read.
            settle(context, flow, {run.execution_id for run in runs}, client.last_server_date)
            context.result.missing.append(f"{flow.shown_name}: runs that may have changed cannot be read: {error}")


def next_reread(context: Context) -> datetime | None:
    """When rows are due again and the share of calls reaches for one of them; None where no row will be due."""
    at = next_look(context.account)
    if at is None:
        return None
    rows = StreamState.objects.filter(account=context.account, stream=Stream.EXECUTIONS)
    last = (rows.values_list("cursor", flat=True).first() or {}).get("reread_at")
    if not last:
        return at
    return max(at, next_call(context.clients.gate.limits(Product.FLOW).per_day, datetime.fromisoformat(last)))


def _reread(context: Context, client: FlowClient, flow: Flow, runs: Sequence[Execution], purse: Purse) -> None:
    timed = [run for run in runs if run.started_time is not None]
    times = [run.started_time for run in timed if run.started_time is not None]
    unseen = {run.execution_id for run in runs}
    if len(timed) > 1:
        between = Execution.objects.filter(flow=flow, started_time__gte=min(times), started_time__lte=max(times))
        size = context.page_sizes[0] or context.full_page or FULL_PAGE
        if by_list(len(timed), between.count(), size):
            wanted = {run.execution_id for run in timed}
            walked = _list(context, client, flow, (min(times), max(times)), wanted, purse)
            settle(context, flow, walked.seen & unseen, client.last_server_date)
            unseen -= walked.seen
            if walked.cut:
                return
    for run in runs:
        if purse.left <= 0:
            return
        if run.execution_id in unseen:
            purse.left -= 1
            read_one(context, client, flow, run.execution_id)
            settle(context, flow, [run.execution_id], client.last_server_date)


def _list(
    context: Context,
    client: FlowClient,
    flow: Flow,
    span: tuple[datetime, datetime],
    wanted: Collection[str],
    purse: Purse,
) -> Walked:
    second = timedelta(seconds=1)
    walked = Walk(
        context,
        client,
        flow,
        since=span[0] - second,
        until=span[1] + second,
        enough=lambda walked: walked.seen.issuperset(wanted),
        most_pages=purse.left,
    ).go()
    purse.left -= max(walked.pages, 1)
    return walked
