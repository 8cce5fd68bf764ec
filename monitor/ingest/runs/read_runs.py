"""Reads one flow's executions: the newest first, and everything again where Zoho's counters say so.

Three widening reads (`docs/reference/promises.md`, Rules of reading): from the newest known run less a lookback;
where counters moved without a new row, the failed runs of the last 25 h (Zoho re-runs failures itself for 24 h: same
id, failed turns success; `docs/reference/zoho-flow.md`, Re-runs by Zoho); where that does not explain it, the whole
history.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db.models import Max, Min, QuerySet

from monitor.faultpoints import faultpoint
from monitor.ingest.base.context import Context
from monitor.ingest.base.page_habits import ONE_PAGE
from monitor.ingest.runs import counters
from monitor.ingest.runs.due_runs import oldest_due, settle
from monitor.ingest.runs.flow_reading import FlowReading
from monitor.ingest.runs.holes import close, explained, is_readable, new_baseline, note_all_read
from monitor.ingest.runs.merge import LONGEST_RECHECK, recheck_at
from monitor.ingest.runs.place_in_time import AHEAD
from monitor.ingest.runs.store import store_page
from monitor.ingest.runs.walk_pages import Walk, Walked
from monitor.models import Execution, Flow
from monitor.zoho.errors import NotAvailable, NotFound
from monitor.zoho.flow import FlowClient
from monitor.zoho.reruns import OVER_AFTER
from monitor.zoho.shapes.executions import ExecutionStats

LOOKBACK = timedelta(minutes=15)  # longest run 5 min + clock skew 5 + margin 5 (promises.md, Rules of reading)
LONGEST_HISTORY = timedelta(days=3650)
MOST_RESWEEPS = 2  # how often all pages are read again because they shifted meanwhile
MOST_STARTS = 3  # how often a walk begins again because its pages do not fit together


def read_flow(context: Context, client: FlowClient, flow: Flow) -> None:
    """Brings one flow up to Zoho's counters as the list last gave them.

    Raises:
        ZohoError: a page could not be read; what came is stored, the flow does not count as read.
    """
    started = context.clock()
    reset = counters.were_reset(counters.counters_of(flow), counters.counters_when_read(flow))
    chase = flow.progress.recheck_at is None or flow.progress.recheck_at <= started
    reading = FlowReading(context, client, flow, started, chase=chase, reset=reset)
    if _reads_everything(reading):
        walked = _read_all(reading)
    else:
        walked = read_recent(reading)
        if not explained(reading):
            walked = _read_reruns(reading)
        if not (explained(reading) and is_readable(reading)):
            walked = _read_all(reading)
    settle(context, flow, walked.seen, client.last_server_date)
    close(reading, walked)
    context.result.flows_read += 1


def _reads_everything(reading: FlowReading) -> bool:
    """Says whether nothing tells what is new: never read, counters reset, or none to hold the rows against."""
    flow, known = reading.flow, counters.counters_of(reading.flow).known
    if flow.progress.history_read_at is None or reading.reset:
        return True
    # Without counters nothing says that an old run has changed: a person who waits gets all of it.
    return counters.stored_baseline(flow) is None if known else reading.context.mode.begins_anew


def read_one(context: Context, client: FlowClient, flow: Flow, execution_id: str) -> bool:
    """Reads one execution by its id into the mirror; one that Zoho does not give is left as it was.

    Returns:
        Whether Zoho still has it, as far as it says.
    """
    mirrored = Execution.objects.filter(account=context.account, execution_id=execution_id)
    try:
        row = context.call(partial(client.get_execution, flow.flow_id, execution_id))
    except NotFound:
        with context.writing():
            mirrored.update(recheck_at=None, rerun_due_at=None)
        return False
    except NotAvailable:
        # That single runs are not to be had says nothing about their list.
        with context.writing():
            mirrored.exclude(recheck_at=None).update(recheck_at=context.clock() + LONGEST_RECHECK)
        return True
    now = context.clock()
    with context.writing():
        faultpoint("run-before-row")
        context.result.written += store_page(flow, [row], [], now, client.last_server_date)
        # Still running: next time later, whatever else the answer changed.
        mirrored.filter(recheck_at__lte=now).update(recheck_at=recheck_at(row.status, row.started_time, now))
        faultpoint("run-after-row")
    return True


def _read_all(reading: FlowReading) -> Walked:
    """Reads the history, and once or twice again where its pages shifted while they were read."""
    walked = read_history(reading)
    for _ in range(MOST_RESWEEPS):
        if not _is_doubtful(reading, walked):
            break
        walked = read_history(reading)
    return walked


def _is_doubtful(reading: FlowReading, walked: Walked) -> bool:
    """Says whether rows may have slipped past: by the pages' own counters, or by a gap that is about to close."""
    counted = reading.flow.execution_count
    if walked.whole and has_shifted(walked.stats, pages=walked.pages, seen=walked.count, counted=counted):
        return True
    # A walk that brought nothing new would bring nothing the next time either: that is a hole.
    moving = walked.written.new + walked.written.changed > 0
    return walked.pages > 1 and moving and not explained(reading)


def read_history(reading: FlowReading) -> Walked:
    """Reads all that Zoho still lists: a task goes on where the last one stopped, a person's sync begins again.

    Going on saves calls, but what moved between the pages meanwhile is only found by what is newer.
    """
    flow, context = reading.flow, reading.context
    first = 1 if context.mode.begins_anew else max(flow.progress.backfill_page - 1, 1)
    walked = Walked(lost=True)
    for start in range(MOST_STARTS):
        walked = walk(
            reading,
            since=None,
            enough=partial(all_listed, reading, whole=first == 1),
            first_page=first,
            remember_page=True,
            trust_short=flow.progress.history_read_at is None,
            strict=start < MOST_STARTS - 1,
        )
        if not walked.lost:
            break
        first = 1
    if first > 1:
        walked.add_seen(read_recent(reading))
    if not walked.repeats:
        if first == 1:
            note_all_read(reading)
        values: dict[str, object] = {"history_read_at": reading.started}
        if not flow.progress.baseline_firm or reading.reset:
            values |= new_baseline(reading)
        reading.set(values)
    return walked


def all_listed(reading: FlowReading, walked: Walked, *, whole: bool) -> bool:
    """Says whether as many runs were seen as Zoho counted when it gave its list: saves the call for an empty page.

    Runs that ended after the list do not count; and more runs than that mean that the counter is no measure.
    """
    total, listed_at = reading.flow.execution_count, reading.listed_at
    # The number first: the times of all runs seen so far are looked at once, and not after each page.
    if not whole or reading.reset or not total or listed_at is None or total != walked.count:
        return False
    return sum(at is not None and at < listed_at for at in walked.seen.values()) == total


def read_recent(reading: FlowReading) -> Walked:
    rows, started = Execution.objects.filter(flow=reading.flow), reading.started
    times = [
        rows.filter(started_time__lte=started + AHEAD).aggregate(at=Max("started_time"))["at"],
        _oldest(rows.filter(recheck_at__isnull=False), started - OVER_AFTER),
        oldest_due(reading.flow, started - OVER_AFTER, reading.zoho_now, reading.context.pages.sizes[0] or ONE_PAGE),
    ]
    known = counters.counters_of(reading.flow).known
    if not known:
        times.append(_oldest(rows.filter(status="failed"), started - OVER_AFTER))
    since = min((t for t in times if t is not None), default=reading.flow.progress.pruned_before)
    return walk(
        reading,
        since=max(since, started - LONGEST_HISTORY) - LOOKBACK if since is not None else None,
        enough=lambda walked: counters.stored_baseline(reading.flow) is not None and known and explained(reading),
    )


def _read_reruns(reading: FlowReading) -> Walked:
    """Reads the failed runs of the last 25 h, by one list from the oldest of them on."""
    failed = Execution.objects.filter(flow=reading.flow, status="failed")
    oldest = _oldest(failed, reading.started - OVER_AFTER)
    if oldest is None:
        return Walked()
    return walk(reading, since=oldest - timedelta(seconds=1), enough=lambda walked: explained(reading))


def _oldest(rows: QuerySet[Execution], since: datetime) -> datetime | None:
    at: datetime | None = rows.filter(started_time__gte=since).aggregate(at=Min("started_time"))["at"]
    return at


def walk(reading: FlowReading, **how: Any) -> Walked:
    return Walk(reading.context, reading.client, reading.flow, **how).go()


def has_shifted(stats: Sequence[ExecutionStats], *, pages: int, seen: int, counted: int | None) -> bool:
    """Says whether rows may have slipped past the walk because its pages shifted while it read them. Pure.

    Each page carries counters. In the documented example they are those of the flow's life; a server may as well count
    the rows of the window asked for. Which it is shows in the numbers, and is a reason to read again at most, never
    one to believe a number over the rows.

    Args:
        stats: the counters on the first page and on the last.
        pages: pages read; a single one is of one moment.
        seen: different rows of all pages.
        counted: the flow's life-long counter as the list of flows gave it; None where it has none.
    """
    if pages < 2 or len(stats) < 2:
        return False
    first, last = stats[0].total, stats[-1].total
    if first is None or last is None or counted is None:
        return False
    if first >= counted:
        # Counters of the flow's life grow with runs that lie outside the window. They fall when rows are taken out.
        return last < first
    return last != first or seen < last
