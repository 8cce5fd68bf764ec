"""Counts what Zoho gave in a form that cannot be read, and runs of statuses that nobody knows."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from monitor.models import Execution, Quarantine, Stream, ZohoAccount
from monitor.models.asking import Asking, answered, ask
from monitor.privacy import mask_text


@dataclass(frozen=True)
class AsideLine:
    """Holds the records of one list that are in quarantine for one reason."""

    label: str
    reason: str
    count: int
    first_seen_at: datetime
    seen_at: datetime


MOST_LINES = 20


def ask_aside_lines(account: ZohoAccount) -> Asking[list[AsideLine]]:
    """Asks for what is in quarantine by list and reason, the most frequent first; never what the records say."""
    rows = Quarantine.objects.filter(account=account, left_at=None, flow__gone_at=None)
    grouped = rows.values("stream", "reason").annotate(
        count=Count("pk"), first_seen=Min("first_seen_at"), last_seen=Max("seen_at")
    )
    return [
        AsideLine(Stream(row["stream"]).label, row["reason"], row["count"], row["first_seen"], row["last_seen"])
        for row in (yield from ask(grouped.order_by("-count", "stream", "reason")[:MOST_LINES]))
    ]


def quarantined_runs(account: ZohoAccount) -> dict[int, list[str]]:
    """Returns the statuses of the runs in quarantine, by their flow."""
    return answered(ask_quarantined_runs(account))


def ask_quarantined_runs(account: ZohoAccount) -> Asking[dict[int, list[str]]]:
    """Asks for what `quarantined_runs` returns."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Quarantine.objects.filter(account=account, left_at=None, flow__gone_at=None).exclude(flow=None)
    for flow, status in (yield from ask(rows.values_list("flow_id", "status"))):
        if flow is not None:
            found[flow].append(status)
    return found


def open_quarantine(account: ZohoAccount) -> dict[str, int]:
    """Counts the records in quarantine by stream; of runs those of flows that are there."""
    return answered(ask_open_quarantine(account))


def ask_open_quarantine(account: ZohoAccount) -> Asking[dict[str, int]]:
    """Asks for what `open_quarantine` returns."""
    rows = Quarantine.objects.filter(account=account, left_at=None, flow__gone_at=None)
    return dict((yield from ask(rows.order_by("stream").values_list("stream").annotate(Count("pk")))))


def unknown_statuses(account: ZohoAccount) -> dict[str, int]:
    """Counts the runs of statuses that Zoho does not document, by its masked words: they are neither good nor bad."""
    return answered(ask_unknown_statuses(account))


def ask_unknown_statuses(account: ZohoAccount) -> Asking[dict[str, int]]:
    """Asks for what `unknown_statuses` returns."""
    rows = Execution.objects.filter(account=account, flow__gone_at=None)
    others = rows.exclude(status__in=Execution.Status.values)
    found = Counter[str]()
    for status, count in (yield from ask(others.order_by("status").values_list("status").annotate(Count("pk")))):
        found[mask_text(status)] += count
    return dict(found)
