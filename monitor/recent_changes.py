"""Finds what was changed near the beginning of an incident: definitions, and connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Connection, FlowVersion, Incident, RuleVersion
from monitor.periods import DAY

MOST_FOUND = 5  # of each, the newest


@dataclass(frozen=True, slots=True)
class FoundChange:
    """Holds one change.

    Attributes:
        at: when, as far as known.
        thing: "flow", "rule" or "connection".
        key: of the flow, workflow rule or connection.
        name: of the thing, as Zoho sent it: not masked.
        number: of the version; 0 for a connection.
        status: what the connection became; "" for a definition.
    """

    at: datetime
    thing: str
    key: int
    name: str
    number: int = 0
    status: str = ""


def changes_near(
    incident: Incident, flows: Collection[int], until: datetime, rules: Collection[int] = ()
) -> list[FoundChange]:
    """Returns what was changed from a day before an incident began, the newest first. Three statements at most.

    Args:
        incident: which.
        flows: keys of its flows.
        until: up to when, that included.
        rules: keys of its workflow rules.
    """
    since = incident.began_at - DAY
    found: list[FoundChange] = []
    seen = {"number__gt": 1, "first_seen_at__gte": since, "first_seen_at__lte": until}
    if flows:
        versions = FlowVersion.objects.filter(flow__in=flows, **seen).select_related("flow")
        for one in versions.defer("content", "changes", "flow__raw").order_by("-first_seen_at", "-pk")[:MOST_FOUND]:
            at = one.modified_time or one.first_seen_at
            found.append(FoundChange(at, "flow", one.flow_id, one.flow.flow_name or one.flow.flow_id, one.number))
    if rules:
        changed = RuleVersion.objects.filter(rule__in=rules, **seen).select_related("rule")
        for made in changed.defer("content", "changes").order_by("-first_seen_at", "-pk")[:MOST_FOUND]:
            at = made.modified_time or made.first_seen_at
            found.append(FoundChange(at, "rule", made.rule_id, made.rule.name or made.rule.rule_id, made.number))
    connections = Connection.objects.filter(
        account=incident.account_id,
        gone_at=None,
        status_since__gte=since,
        status_since__lte=until,
        first_seen_at__lt=since,
    )
    found += [
        FoundChange(
            link.status_since,
            "connection",
            link.pk,
            link.connection_name or link.connection_id,
            status=link.status,
        )
        for link in connections.order_by("-status_since", "-pk")[:MOST_FOUND]
    ]
    return sorted(found, key=lambda change: change.at, reverse=True)
