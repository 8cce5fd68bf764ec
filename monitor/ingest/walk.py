"""Walks the pages of one flow's executions and stores each: stops by what comes, not by what was promised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from django.db import transaction

from monitor.ingest.context import Context
from monitor.ingest.store import Written, store_page
from monitor.models import Flow
from monitor.zoho.errors import Refused
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import ExecutionPage

MOST_PAGES = 10_000
# Zoho's documented page (seed zoho-flow-api.md, section 8): a repeated page shorter than this was the last one.
DOCUMENTED_PAGE = 50


@dataclass
class Walked:
    """What a walk saw. `repeats`: the server gave the same full page twice, so the rest cannot be read."""

    written: Written = field(default_factory=Written)
    seen: set[str] = field(default_factory=set)
    repeats: bool = False


def walk(
    context: Context,
    client: FlowClient,
    flow: Flow,
    *,
    since: datetime | None,
    enough: Callable[[Walked], bool],
    first_page: int = 1,
    remember_page: bool = False,
) -> Walked:
    """Reads pages until one is empty or brings nothing new, or `enough` says so.

    Args:
        since: only executions from then on; None for all that Zoho still holds.
        enough: asked after each stored page; saves the call for the empty page where the counters are met.
        first_page: where an unfinished walk goes on (from 1).
        remember_page: writes the next page into the flow's row, in the transaction of the page.
    """
    walked = Walked()
    last_ids: set[str] = set()
    before = 0
    for page in range(first_page, MOST_PAGES):
        answer = _ask(context, client, flow, since, page)
        size = len(answer.rows) + len(answer.rejected)
        # A page with rows after it was a full one, and so is one of the size asked for.
        full = max(before if size else 0, size if size == context.page_sizes[0] else 0)
        context.full_page = max(full, context.full_page or 0) or None
        with transaction.atomic():
            context.lease.check()
            written = store_page(flow, answer.rows, answer.rejected, context.clock())
            if remember_page:
                Flow.objects.filter(pk=flow.pk).update(backfill_page=page + 1)
        new = written.ids - walked.seen
        walked.written += written
        walked.seen |= written.ids
        context.result.written += written
        if not new and not answer.rejected:
            walked.repeats = written.ids == last_ids and len(written.ids) >= DOCUMENTED_PAGE
            return walked
        if _is_last(context, answer, walked) or enough(walked):
            return walked
        last_ids, before = written.ids, size
    walked.repeats = True
    return walked


def _ask(context: Context, client: FlowClient, flow: Flow, since: datetime | None, page: int) -> ExecutionPage:
    """One page, of 200 rows where Zoho allows it: its largest page size for executions is not documented."""
    while True:
        size = context.page_sizes[0]
        ask = partial(client.list_executions, flow.flow_id, from_date=since, page=page, per_page=size)
        try:
            return context.call(ask)
        except Refused:
            if len(context.page_sizes) == 1 or page > 1:
                raise
            context.page_sizes.pop(0)


def _is_last(context: Context, answer: ExecutionPage, walked: Walked) -> bool:
    """A page shorter than a full one; or all of them, where the server says how many there are.

    The seed's reply says neither how many pages there are nor how long one may be, so until a full page has
    been seen from this account, only an empty page is the end.
    """
    if context.full_page is not None and len(answer.rows) + len(answer.rejected) < context.full_page:
        return True
    if answer.total_count is None:
        return False
    return len(walked.seen) + walked.written.quarantined >= answer.total_count > 0
