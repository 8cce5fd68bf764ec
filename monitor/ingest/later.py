"""A flow that could not be read is tried again by itself, ever more seldom.

Without this a flow that Zoho refuses would be due again in the very next sweep, and cost a call every few seconds.
"""

from __future__ import annotations

from datetime import datetime

from monitor.ingest.close import MOST_TRIES
from monitor.ingest.plan import failed_recheck
from monitor.models import Flow


def put_off(flow: Flow, now: datetime) -> None:
    """Leaves a flow alone for a while; a counter of it that moves has it read all the same.

    Args:
        flow: that could not be read.
        now: the present.
    """
    flow.recheck_at = failed_recheck(flow.hole_tries, now)
    flow.hole_tries = min(flow.hole_tries + 1, MOST_TRIES)
    Flow.objects.filter(pk=flow.pk).update(recheck_at=flow.recheck_at, hole_tries=flow.hole_tries)
