"""Marks flows gone that were deleted in Zoho: two complete lists are without them, and their id answers 404."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db.models import F

from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import PATIENCE, count_absent, doubt, is_mass
from monitor.models import Flow
from monitor.zoho.errors import NotAvailable, NotFound, SignIn, Wait, ZohoError
from monitor.zoho.flow import FlowClient

MOST_LOOKS = 10  # flows asked for by their ids in one sweep
# Lists without it after which a flow is asked for by its id: one that answers is asked ever more seldom.
ASK_AFTER = [2**n for n in range(1, 14)]
MOST_MISSED = 2**14  # fits the column


def mark_gone(context: Context, client: FlowClient, seen: set[str], started: datetime) -> None:
    """Marks flows gone after two complete lists without them and a 404 by their id; their history stays.

    Where many vanish at once the list is not believed for an hour; then, too, each is asked for by its id.
    """
    living = Flow.objects.filter(account=context.account, gone_at=None)
    absent, count, total = count_absent(living, seen, "flow_id")
    if not count:
        return
    with context.writing():
        absent.filter(missed_sweeps__lt=MOST_MISSED).update(missed_sweeps=F("missed_sweeps") + 1)
    doubtful = absent.filter(missed_sweeps__in=ASK_AFTER)
    if is_mass(count, total):
        doubt(context, count, total, "flows")
        doubtful = absent.filter(missed_sweeps__gte=2, seen_at__lt=started - PATIENCE)
    for flow in doubtful.order_by("seen_at", "pk")[:MOST_LOOKS]:
        if _is_gone(context, client, flow):
            with context.writing():
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
