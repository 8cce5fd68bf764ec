"""Every run that Zoho counts is in one place: counted, in quarantine, or a hole that is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import F, Sum

from monitor.models import Execution, Flow, HourBucket, Quarantine, ZohoAccount
from monitor.queries.status import status
from monitor.rollups.recount import rebuild_dirty
from tests.fake_zoho import Zoho

COUNTED = F("succeeded") + F("failed") + F("running") + F("other") + F("retried")


def report(account: ZohoAccount, zoho: Zoho) -> dict[str, Any]:
    """What `manage.py status --json` says of the account."""
    while rebuild_dirty(zoho.clock()):
        pass
    (found,) = status(zoho.clock(), account.name)["accounts"]
    assert isinstance(found, dict)
    return found


def faults(account: ZohoAccount, zoho: Zoho) -> Iterator[str]:
    """What does not add up."""
    found = report(account, zoho)
    runs = found["runs"]
    rows = Execution.objects.filter(account=account)
    counters = [flow.summary().get("execution_count") for flow in zoho.flows]
    if runs["zoho_counts"] != sum(count for count in counters if count is not None):
        yield f"Zoho counts {counters}, status says {runs['zoho_counts']}"
    known = sum(runs[name] for name in ("before_our_time", "counted", "removed", "quarantined", "holes", "unread"))
    if runs["zoho_counts"] != known - runs["newer"] - runs["without_counter"]:
        yield f"the parts do not add up: {runs}"
    buckets = HourBucket.objects.filter(flow__account=account).aggregate(n=Sum(COUNTED))["n"] or 0
    if buckets != rows.count():
        yield f"{rows.count()} runs are mirrored, {buckets} are counted in an hour"
    aside = Quarantine.objects.filter(account=account, stream="executions", left_at=None)
    both = set(aside.values_list("record_id", flat=True)) & set(rows.values_list("execution_id", flat=True))
    if both:
        yield f"in quarantine and counted: {both}"
    for flow in Flow.objects.filter(account=account).select_related("progress"):
        if flow.quarantined.filter(left_at=None).exists() and not flow.progress.hole_reason:
            yield f"flow {flow.flow_id} has runs in quarantine and says nothing of it"
    if (aside.exists() or runs["holes"]) and (found["complete"] or found["state"] == "ok"):
        yield f"said to be {found['state']}, complete: {found['complete']}, with {runs}"
