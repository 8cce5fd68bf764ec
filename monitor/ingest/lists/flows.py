"""Reads the list of flows with Zoho's counters, which says which flows moved."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction

from monitor.faultpoints import faultpoint
from monitor.hide_secrets import without_secrets
from monitor.ingest.base import stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.quarantine import clipped, let_go_unlisted, put_aside, write_or_put_aside
from monitor.ingest.lists.gone_flows import mark_gone
from monitor.models import ApiCall, Flow, FlowProgress, Stream, StreamState, ZohoAccount
from monitor.models.definitions import packed_apps
from monitor.privacy import SecretMask
from monitor.zoho.errors import BadAnswer, NotAvailable, Refused
from monitor.zoho.flow import FlowClient
from monitor.zoho.shapes import FlowPage, FlowSummary

MOST_PAGES = 500
LONGEST_ROUND = timedelta(hours=6)  # a round that was left longer ago is begun again
PROBE_AGE = timedelta(hours=1)  # for so long Zoho's total is believed after it was right
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


@dataclass
class Round:
    """Remembers one walk over the whole list; on a large account it takes several sweeps.

    `page` is the next to be asked for, `pages` how many there were the last time (0: not known).
    """

    began: datetime
    page: int = 1
    pages: int = 0
    seen: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)
    rejected_before: int = 0  # in earlier sweeps of this round
    promised: int = 0
    probed_at: datetime | None = None  # when a page beyond the last was last seen to be empty
    probed_total: int = 0  # and how many flows there were then
    due_at: datetime | None = None  # when the list was due, as written down; None for at once

    def has_all(self, now: datetime) -> bool:
        """Says whether Zoho's total is reached, and was right an hour ago at most: saves the call for an empty page."""
        fresh = self.probed_at is not None and timedelta(0) <= now - self.probed_at <= PROBE_AGE
        return fresh and 0 < self.promised == self.probed_total <= self.found

    @property
    def found(self) -> int:
        """Counts the records so far, unreadable ones included."""
        return len(self.seen) + len(self.rejected) + self.rejected_before

    @classmethod
    def load(cls, account: ZohoAccount, now: datetime) -> Round:
        """Returns the round that an earlier sweep left unfinished, or a new one."""
        rows = StreamState.objects.filter(account=account, stream=Stream.FLOWS)
        kept, due_at = rows.values_list("cursor", "next_due_at").first() or ({}, None)
        began = datetime.fromisoformat(kept["began"]) if kept.get("began") else None
        walk = cls(now, pages=int(kept.get("pages", 0)))
        if began is not None and kept["page"] > 1 and timedelta(0) <= now - began <= LONGEST_ROUND:
            listed = Flow.objects.filter(account=account, seen_at__gte=began).values_list("flow_id", flat=True)
            walk = cls(began, int(kept["page"]), walk.pages, set(listed), rejected_before=int(kept["rejected"]))
        if kept.get("probed"):
            walk.probed_at, walk.probed_total = datetime.fromisoformat(kept["probed"]), int(kept["total"])
        walk.due_at = due_at
        return walk

    def save(self, context: Context, *, finished: bool, **more: datetime) -> None:
        """Leaves word for the next sweep, while the lease is ours.

        Args:
            finished: whether the round came to its end.
            more: other columns of the stream's row that change with it.

        Raises:
            LeaseLost: another process is on a round of its own.
        """
        cursor: dict[str, object] = {"pages": self.pages}
        if not finished:
            rejected = len(self.rejected) + self.rejected_before
            cursor |= {"began": self.began.isoformat(), "page": self.page, "rejected": rejected}
        if self.probed_at is not None:
            cursor |= {"probed": self.probed_at.isoformat(), "total": self.probed_total}
        stream_due.write(context, Stream.FLOWS, cursor=cursor, **more)


def read_flows(context: Context, client: FlowClient) -> int:
    """Reads the whole list and stores it.

    Returns:
        How many calls it cost.

    Raises:
        ZohoError: the list could not be read to its end; what came is stored, nothing counts as gone.
    """
    walk = Round(context.clock())
    while not read_page(context, client, walk):
        pass
    walk.save(context, finished=True)
    return walk.pages


def read_page(
    context: Context, client: FlowClient, walk: Round, then: Callable[[list[Flow]], None] | None = None
) -> bool:
    """Reads the round's next page and stores it.

    Args:
        then: is told the page's flows once they are stored.

    Returns:
        Whether it was the last: then the round is noted, and what it did not have is looked into.

    Raises:
        ZohoError: the page could not be read; nothing counts as gone.
    """
    page = walk.page
    try:
        with context.clients.gate.doing(ApiCall.Kind.LIST):
            answer = context.call(partial(client.list_flows, page=page))
    except (NotAvailable, Refused) as error:
        if page == 1:
            raise
        if walk.found < walk.promised:
            raise BadAnswer(f"page {page} of the flows was refused, {walk.promised} are promised: {error}") from error
        # Some servers answer a page beyond the last with an error. What is not listed is then not surely gone.
        context.note(Stream.FLOWS, StreamState.State.OK, items=len(walk.seen), began=walk.began)
        walk.pages = page - 1
        walk.probed_at, walk.probed_total = context.clock(), walk.promised
        return True
    walk.promised = max(walk.promised, answer.total_count or 0)
    new = {flow.flow_id for flow in answer.flows} - walk.seen
    new_rejected = {record.raw_text for record in answer.rejected} - walk.rejected
    walk.rejected |= new_rejected
    kept = keep_page(context, client, answer, page, walk.began, new)
    walk.seen |= new
    walk.page = page + 1
    context.progress("flows", len(walk.seen), answer.total_count or len(walk.seen))
    if then is not None:
        then(kept())
    found_new = bool(new or new_rejected)
    if page < MOST_PAGES and not _is_last(answer, walk, context.clock(), found_new=found_new):
        return False
    walk.pages = page if found_new or page == 1 else page - 1
    if not found_new:
        walk.probed_at, walk.probed_total = context.clock(), walk.promised
    if Stream.FLOWS in context.lists_aside:
        with context.writing():
            let_go_unlisted(context.account, Stream.FLOWS, walk.began, context.clock())
    context.note(Stream.FLOWS, StreamState.State.OK, items=len(walk.seen), began=walk.began)
    mark_gone(context, client, walk.seen, walk.began)
    return True


def keep_page(
    context: Context, client: FlowClient, answer: FlowPage, page: int, started: datetime, ids: set[str]
) -> Callable[[], list[Flow]]:
    """Stores one page; `ids` are those of its flows whose counters are new by it.

    Returns:
        What gives the page's flows as they are stored.
    """
    listed_at = client.last_server_date or context.clock()
    context.listed_at |= dict.fromkeys(ids, listed_at)
    mask = context.mask  # outside of the transaction: a key that is made now must stay, whatever becomes of the page
    with context.writing():
        faultpoint("flows-before-rows")
        still = store_flows(context, mask, answer.flows, started, page)
        put_aside(context.account, Stream.FLOWS, answer.rejected, started)
        faultpoint("flows-after-rows")
    faultpoint("flows-committed")
    every = {flow.flow_id for flow in answer.flows}
    return (lambda: still) if len(still) == len(every) else partial(living, context, every)


def _is_last(answer: FlowPage, walk: Round, now: datetime, *, found_new: bool) -> bool:
    """Says by content whether it was the last page: a server that miscounts makes no loop and no gap."""
    if not found_new or walk.has_all(now):
        return True
    size = len(answer.flows) + len(answer.rejected)
    is_short = answer.per_page is None or size < answer.per_page
    return bool(answer.total_count) and is_short and walk.found >= (answer.total_count or 0)


def store_flows(
    context: Context, mask: SecretMask, flows: Sequence[FlowSummary], started: datetime, page: int
) -> list[Flow]:
    """Inserts new flows and changes only the columns that differ; what the database refuses is put aside.

    Returns:
        Those on which nothing differed, as they are stored.
    """
    unique, still = list({flow.flow_id: flow for flow in flows}.values()), list[Flow]()
    write = partial(_write, context.account, mask, still, started=started, page=page)
    names = ("flow_id", "id")
    write_or_put_aside(context.account, Stream.FLOWS, unique, write, started, is_atomic=True, names=names)
    return still


def _write(
    account: ZohoAccount,
    mask: SecretMask,
    still: list[Flow],
    flows: Sequence[FlowSummary],
    *,
    started: datetime,
    page: int,
) -> None:
    ids = [flow.flow_id for flow in flows]
    rows = Flow.objects.filter(account=account, flow_id__in=ids)
    stored = {flow.flow_id: flow for flow in rows.select_related("progress")}
    fresh: list[Flow] = []
    changed: dict[int, dict[str, Any]] = {}
    for summary in flows:
        values = clipped(Flow, without_secrets(mask, {name: getattr(summary, name) for name in COLUMNS}))
        have = stored.get(summary.flow_id)
        if have is None:
            apps = packed_apps([values["trigger_app"]])
            row = {"first_seen_at": started, "seen_at": started, "apps": apps, **values}
            fresh.append(Flow(account=account, flow_id=summary.flow_id, **row))
            continue
        changes = {name: value for name, value in values.items() if getattr(have, name) != value}
        if "trigger_app" in changes:  # which of the others are still used its definition says, which is read anew
            changes["apps"] = packed_apps([values["trigger_app"], *have.apps.split("\n")])
        if changes:
            changed[have.pk] = changes
    if fresh or changed:
        # Only what Zoho sent can be refused: a page on which nothing moved needs no way back.
        with transaction.atomic():
            for pk, changes in changed.items():
                Flow.objects.filter(pk=pk).update(**changes)
            Flow.objects.bulk_create(fresh, ignore_conflicts=True)
            begun = rows.filter(progress=None).values_list("pk", flat=True) if fresh else []
            FlowProgress.objects.bulk_create(FlowProgress(flow_id=pk) for pk in begun)
    seen = {"seen_at": started, "missed_sweeps": 0, "gone_at": None, "list_page": page}
    rows.update(**seen)
    for have in stored.values():
        if have.pk not in changed:
            have.account = account  # not joined: each copy would be decrypted by itself
            vars(have).update(seen)
            still.append(have)


def living(context: Context, ids: Collection[str] | None = None) -> list[Flow]:
    """Returns the account's flows that are not gone, all or those with the given ids of Zoho's."""
    rows = (
        Flow.objects.filter(account=context.account, gone_at=None)
        .select_related("progress")
        .defer("raw", "description")
    )
    found = list(rows if ids is None else rows.filter(flow_id__in=ids))
    for flow in found:
        flow.account = context.account  # not joined: each copy would be decrypted by itself
    return found
