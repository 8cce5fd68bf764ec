"""Says which runs are to be read again and when: by the clocks of running rows and of Zoho's re-runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import Min, Q, QuerySet

from monitor.ingest.base.context import Context
from monitor.ingest.runs.merge import recheck_at
from monitor.models import Execution, Flow, ZohoAccount
from monitor.zoho.reruns import LOOK_AFTER, look_after, next_rerun

MOST_ROWS = 2_000
FEW = 20  # rows that tell when the next re-run is to be looked at
NEEDED = (
    "pk", "flow_id", "execution_id", "status", "started_time", "completed_time", "first_failed_at", "rerun_due_at",
    "recheck_at", "error_code", "error_message", "error_details",
)  # fmt: skip


def due_rows(account: ZohoAccount, now: datetime, zoho_now: datetime) -> list[Execution]:
    """Finds rows of an account that are due, those first that have waited longest; only the columns of `NEEDED`.

    Args:
        account: whose rows.
        now: the present, by our clock.
        zoho_now: the present by Zoho's clock.
    """
    rows = Execution.objects.filter(account=account, flow__gone_at=None, unlisted_at=None)
    running = rows.filter(recheck_at__lte=now).order_by("recheck_at")
    failed = rows.filter(status="failed", rerun_due_at__lte=zoho_now - LOOK_AFTER).order_by("rerun_due_at")
    found = [*running.only(*NEEDED)[:MOST_ROWS], *failed.only(*NEEDED)[:MOST_ROWS]]
    return [run for run in found if run.status != "failed" or _is_looked_at(run, zoho_now)]


def _is_looked_at(run: Execution, zoho_now: datetime) -> bool:
    """Says whether the outcome of the re-run that was due can be seen by now."""
    if run.rerun_due_at is None or run.first_failed_at is None:
        return False
    return run.first_failed_at + look_after(run.rerun_due_at - run.first_failed_at) <= zoho_now


def next_look(account: ZohoAccount) -> datetime | None:
    """Says when the next row is to be read again; None where there is none.

    Args:
        account: whose rows.
    """
    rows = Execution.objects.filter(account=account, flow__gone_at=None, unlisted_at=None)
    running = rows.exclude(recheck_at=None).order_by("recheck_at").values_list("recheck_at", flat=True).first()
    failed = rows.filter(status="failed", rerun_due_at__isnull=False, first_failed_at__isnull=False)
    pairs = failed.order_by("rerun_due_at").values_list("rerun_due_at", "first_failed_at")[:FEW]
    some = [(due, first) for due, first in pairs if due is not None and first is not None]
    times = [first + look_after(due - first) for due, first in some]
    if len(some) == FEW:
        times.append(some[-1][0] + LOOK_AFTER)  # of the others none can be looked at sooner
    return min([*times, *([running] if running is not None else [])], default=None)


def oldest_due(flow: Flow, since: datetime, zoho_now: datetime, most_rows: int) -> datetime | None:
    """Returns the start of the oldest failed row of a flow that is due, if a list from there on is about one page.

    Args:
        flow: that is to be read anyway.
        since: rows that began earlier do not count.
        zoho_now: the present by Zoho's clock.
        most_rows: rows of one page.
    """
    rows: QuerySet[Execution] = Execution.objects.filter(flow=flow, started_time__gte=since)
    due = rows.filter(status="failed", rerun_due_at__lte=zoho_now - LOOK_AFTER, unlisted_at=None)
    at: datetime | None = due.aggregate(at=Min("started_time"))["at"]
    return at if at is not None and rows.filter(started_time__gte=at).count() < most_rows else None


def settle(context: Context, flow: Flow, seen: Collection[str], zoho_now: datetime | None) -> None:
    """Has rows that were seen and have not changed due again by their clock, later.

    Args:
        context: of the sweep.
        flow: whose rows were read.
        seen: Zoho's ids of the rows that were read just now.
        zoho_now: Zoho's clock; None where it gave none.
    """
    now = context.clock()
    due = Q(recheck_at__lte=now) | Q(rerun_due_at__lte=(zoho_now or now))
    # A walk may have seen many thousands; those that are due are few.
    rows = [run for run in Execution.objects.filter(due, flow=flow).only(*NEEDED) if run.execution_id in seen]
    for run in rows:
        run.recheck_at = recheck_at(run.status, run.started_time, now)
        error = (run.error_code, run.error_message, run.error_details)
        still = next_rerun(run.first_failed_at, error, zoho_now or now, ended=run.completed_time)
        run.rerun_due_at = still if run.status == "failed" else None
    if rows:
        with context.writing():
            Execution.objects.bulk_update(rows, ["recheck_at", "rerun_due_at"], batch_size=100)
