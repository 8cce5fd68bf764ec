"""Finds what was changed shortly before an incident began: flows' definitions, and connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Connection, FlowVersion, Incident
from monitor.notify.words import clean
from monitor.periods import DAY
from monitor.privacy import mask_name

SHOWN = 5


@dataclass(frozen=True, slots=True)
class RecentChange:
    """Holds when something was changed, as far as known, and what, masked."""

    at: datetime
    what: str


def changes_before(incident: Incident, flows: Collection[int], now: datetime) -> tuple[RecentChange, ...]:
    """Returns what was changed from a day before an incident began, the newest first. Two statements.

    Args:
        incident: which.
        flows: keys of its flows.
        now: the present.
    """
    since = incident.began_at - DAY
    versions = FlowVersion.objects.filter(
        flow__in=flows, number__gt=1, first_seen_at__gte=since, first_seen_at__lte=now
    )
    found = [
        RecentChange(
            version.modified_time or version.first_seen_at,
            f"the flow {mask_name(clean(version.flow.flow_name))} was changed (version {version.number})",
        )
        for version in versions.select_related("flow").defer("content", "changes").order_by("-first_seen_at")[:SHOWN]
    ]
    connections = Connection.objects.filter(
        account=incident.account_id, gone_at=None, status_since__gte=since, first_seen_at__lt=since
    )
    found += [
        RecentChange(
            one.status_since, f"the connection {mask_name(clean(one.connection_name))} became {clean(one.status)}"
        )
        for one in connections.order_by("-status_since")[:SHOWN]
    ]
    return tuple(sorted(found, key=lambda change: change.at, reverse=True)[:SHOWN])
