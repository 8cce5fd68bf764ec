"""Puts off a flow that could not be read: it is tried again by itself, ever more seldom.

Without this a flow that Zoho refuses would be due again in the very next sweep, and cost a call every few seconds.
"""

from __future__ import annotations

from datetime import datetime

from monitor.ingest.base.context import Context
from monitor.ingest.base.retry_times import failed_recheck
from monitor.ingest.runs.holes import MOST_TRIES
from monitor.models import FLOW_REFUSED, Flow, FlowProgress
from monitor.zoho.errors import NotAvailable, NotFound, ZohoError

NO_LONGER_GIVEN = "Zoho no longer gives this flow's executions"
NOT_GIVEN = "Zoho does not give this flow's executions"
REASON_LENGTH = 300  # characters; of the column


def put_off(context: Context, flow: Flow, now: datetime, error: ZohoError | None = None) -> None:
    """Leaves a flow alone for a while; a counter of it that moves from here on has it read all the same.

    Args:
        context: of the sweep.
        flow: that could not be read.
        now: the present.
        error: what Zoho said; that it does not give a flow's runs is a hole, which the next reading closes.

    Raises:
        LeaseLost: another process reads the account now, and may have read this flow well.
    """
    values: dict[str, object] = {
        "recheck_at": failed_recheck(flow.progress.hole_tries, now),
        "hole_tries": min(flow.progress.hole_tries + 1, MOST_TRIES),
        "tried_counters": counters_text(flow),
    }
    # A flow that is not found has mostly just been deleted: the next list says so.
    is_refused = isinstance(error, NotAvailable) and (not isinstance(error, NotFound) or flow.progress.hole_tries > 0)
    if is_refused:
        what = NOT_GIVEN if flow.progress.executions_read_at is None else NO_LONGER_GIVEN
        values |= {"hole_reason": f"{what}: {error}"[:REASON_LENGTH], "hole_signature": FLOW_REFUSED}
    with context.writing():
        FlowProgress.objects.filter(flow=flow).update(**values)
    for name, value in values.items():
        setattr(flow.progress, name, value)


def given_again(flow: Flow) -> dict[str, object]:
    """Makes the columns of a flow of which a page has just come: it is refused no longer, read to its end or not.

    How often it is tried stays as it is: the next page may be refused again.
    """
    return {"hole_reason": "", "hole_signature": ""} if flow.progress.is_refused else {}


def counters_text(flow: Flow) -> str:
    """Writes Zoho's counters of a flow for one column."""
    return f"{flow.execution_count}/{flow.success_count}/{flow.failure_count}"


def is_put_off(flow: Flow, now: datetime) -> bool:
    """Says whether it could not be read for these very counters, and its next try is still to come."""
    return (
        flow.progress.tried_counters == counters_text(flow)
        and flow.progress.recheck_at is not None
        and flow.progress.recheck_at > now
    )
