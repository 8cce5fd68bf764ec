"""One flow's executions: the newest first, and everything again where Zoho's counters say so.

Three widening reads (issue 2, point 5): from the newest known run less a lookback; where counters moved
without a new row, the failed runs of the last 25 h (Zoho re-runs failures itself for 24 h: same id, failed
turns success; notes `zoho-api.md` section 7); where that does not explain it, the whole history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max, Min

from monitor.ingest import counts
from monitor.ingest.accounting import Balance, balance, baseline_of, hole_text, were_reset
from monitor.ingest.context import Context
from monitor.ingest.decide import recheck_at
from monitor.ingest.pace import hole_recheck
from monitor.ingest.store import store_page
from monitor.ingest.walk import Walked, walk
from monitor.models import Execution, Flow
from monitor.zoho.errors import NotFound
from monitor.zoho.flow import FlowClient

LOOKBACK = timedelta(minutes=15)  # longest run 5 min + clock skew 5 + margin 5 (reliability.md 2.2, rule 4)
RERUNS = timedelta(hours=25)
MOST_RECHECKS = 5  # running rows asked for by themselves in one sweep


@dataclass(frozen=True)
class Reading:
    """One flow being read: with what, since when, and whether a known hole is to be chased again."""

    context: Context
    client: FlowClient
    flow: Flow
    started: datetime
    chase: bool

    @property
    def listed_at(self) -> datetime | None:
        """Zoho's clock when it gave the counters that this reading is held against."""
        return self.context.listed_at.get(self.flow.flow_id)


def read_flow(context: Context, client: FlowClient, flow: Flow) -> None:
    """Brings one flow up to Zoho's counters as the list last gave them.

    Raises:
        ZohoError: a page could not be read; what came is stored, the flow does not count as read.
    """
    started = context.clock()
    chase = flow.recheck_at is None or flow.recheck_at <= started
    reading = Reading(context, client, flow, started, chase)
    if were_reset(counts.counters(flow), counts.read_counters(flow)):
        _set(flow, _new_baseline(reading) | {"read_execution_count": None})
    if flow.history_read_at is None:
        walked = _read_history(reading)
    else:
        walked = _read_recent(reading)
        if not _explained(reading):
            walked = _read_reruns(reading)
        if not _explained(reading):
            walked = _read_history(reading)
    _close(reading, walked)
    context.result.flows_read += 1


def firm_up(flow: Flow) -> None:
    """Sets the baseline for good: the counters did not move between two lists, and it was read in between."""
    base = baseline_of(counts.counters(flow), counts.mirrored(flow))
    if base is not None:
        Flow.objects.filter(pk=flow.pk, baseline_firm=False).update(
            baseline_total=base.total,
            baseline_success=base.success,
            baseline_failed=base.failed,
            baseline_firm=True,
        )


def recheck_running(context: Context, client: FlowClient) -> None:
    """Asks for running rows that are due, one by one: the counters may never tell that they ended."""
    now = context.clock()
    due = Execution.objects.filter(account=context.account, flow__gone_at=None, recheck_at__lte=now)
    for execution in due.select_related("flow", "account").order_by("recheck_at")[:MOST_RECHECKS]:
        read_one(context, client, execution.flow, execution.execution_id)


def read_one(context: Context, client: FlowClient, flow: Flow, execution_id: str) -> None:
    """Reads one execution by its id into the mirror; one that Zoho no longer has is left as it was."""
    mirrored = Execution.objects.filter(account=context.account, execution_id=execution_id)
    try:
        row = context.call(partial(client.get_execution, flow.flow_id, execution_id))
    except NotFound:
        mirrored.update(recheck_at=None)
        return
    now = context.clock()
    with transaction.atomic():
        context.lease.check()
        context.result.written += store_page(flow, [row], [], now)
        # Still running: next time later, whatever else the answer changed.
        mirrored.filter(recheck_at__lte=now).update(recheck_at=recheck_at(row.status, row.started_time, now))


def _read_history(reading: Reading) -> Walked:
    """All that Zoho still lists. An unfinished reading goes on at its page, and then looks at what is newer."""
    flow = reading.flow
    first = max(flow.backfill_page, 1)
    total = flow.execution_count

    def all_listed(walked: Walked) -> bool:
        return total is not None and first == 1 and len(walked.seen) >= total > 0

    walked = _walk(reading, since=None, enough=all_listed, first_page=first, remember_page=True)
    if first > 1:
        walked.seen |= _read_recent(reading).seen
    _set(flow, {"backfill_page": 0, "history_read_at": reading.started})
    if not flow.baseline_firm:
        _set(flow, _new_baseline(reading))
    return walked


def _read_recent(reading: Reading) -> Walked:
    known = Execution.objects.filter(flow=reading.flow)
    newest = known.aggregate(at=Max("started_time"))["at"]
    oldest_open = known.filter(recheck_at__isnull=False).aggregate(at=Min("started_time"))["at"]
    since = min((t for t in (newest, oldest_open) if t is not None), default=None)
    return _walk(
        reading,
        since=since - LOOKBACK if since is not None else None,
        enough=lambda walked: counts.counters(reading.flow).known and _explained(reading),
    )


def _read_reruns(reading: Reading) -> Walked:
    """The failed runs of the last 25 h, by one list from the oldest of them on."""
    failed = Execution.objects.filter(flow=reading.flow, status="failed", started_time__gte=reading.started - RERUNS)
    oldest = failed.aggregate(at=Min("started_time"))["at"]
    if oldest is None:
        return Walked()
    return _walk(reading, since=oldest - timedelta(seconds=1), enough=lambda walked: _explained(reading))


def _walk(reading: Reading, **how: Any) -> Walked:
    return walk(reading.context, reading.client, reading.flow, **how)


def gap(flow: Flow) -> Balance | None:
    """How far Zoho's counters and the mirror are apart; None where it cannot be said."""
    return balance(counts.counters(flow), counts.baseline(flow), counts.mirrored(flow))


def _explained(reading: Reading) -> bool:
    """Whether the counters' movement is explained by what is mirrored now.

    A gap already known (Zoho counts what it does not list) is not chased again by each sweep; only the
    recheck that is due for it reads everything once more.
    """
    apart = gap(reading.flow)
    if apart is None or apart.accounted:
        return True
    return not reading.chase and _signature(apart) == reading.flow.hole_signature


def _signature(apart: Balance) -> str:
    return f"{max(apart.total, 0)}/{max(apart.success, 0)}/{max(apart.failed, 0)}"


def _close(reading: Reading, walked: Walked) -> None:
    """The flow counts as read up to the counters of this sweep's list; what stays open is a hole with a reason."""
    flow, started = reading.flow, reading.started
    apart = gap(flow)
    values: dict[str, object] = {
        "read_execution_count": flow.execution_count,
        "read_success_count": flow.success_count,
        "read_failure_count": flow.failure_count,
        "executions_read_at": started,
        "newest_started": Execution.objects.filter(flow=flow).aggregate(at=Max("started_time"))["at"],
        "hole_reason": "",
        "hole_signature": "",
        "recheck_at": None,
        "hole_tries": 0,
    }
    if walked.repeats:
        values |= _hole("Zoho repeats the same page of executions: older runs cannot be read", "repeats", flow, started)
    elif apart is not None and not apart.accounted:
        if apart.total <= 0 or not flow.baseline_firm:
            # Every row that Zoho lists has just been read: its counters by status follow another rule, or
            # the baseline was taken while runs came in. Counting anew mends both.
            values |= _new_baseline(reading)
        else:
            values |= _hole(hole_text(apart), _signature(apart), flow, started)
    _set(flow, values)


def _hole(reason: str, signature: str, flow: Flow, started: datetime) -> dict[str, object]:
    return {
        "hole_reason": reason,
        "hole_signature": signature,
        "recheck_at": hole_recheck(flow.hole_tries, started),
        "hole_tries": flow.hole_tries + 1,
    }


def _new_baseline(reading: Reading) -> dict[str, object]:
    """The baseline counted anew, for good only after the counters stood still (`firm_up`)."""
    flow = reading.flow
    base = baseline_of(counts.counters(flow), counts.mirrored(flow, listed_at=reading.listed_at))
    if base is None:
        return {}
    return {
        "baseline_total": base.total,
        "baseline_success": base.success,
        "baseline_failed": base.failed,
        "baseline_firm": False,
    }


def _set(flow: Flow, values: dict[str, object]) -> None:
    Flow.objects.filter(pk=flow.pk).update(**values)
    for name, value in values.items():
        setattr(flow, name, value)
