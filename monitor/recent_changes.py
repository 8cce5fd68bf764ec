"""Finds what was changed near the beginning of an incident: definitions, and connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from monitor.models import Connection, FlowVersion, Incident, RuleVersion
from monitor.models.asking import Asking, answered
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
    """Returns what was changed from a day before an incident began, the newest first. One statement.

    Args:
        incident: which.
        flows: keys of its flows.
        until: up to when, that included.
        rules: keys of its workflow rules.
    """
    return answered(ask_changes_near(incident, flows, until, rules))


def ask_changes_near(
    incident: Incident, flows: Collection[int], until: datetime, rules: Collection[int] = ()
) -> Asking[list[FoundChange]]:
    """Asks for what `changes_near` returns."""
    since = incident.began_at - DAY
    seen = {"number__gt": 1, "first_seen_at__gte": since, "first_seen_at__lte": until}
    names = ("first_seen_at", "modified_time", "number")
    versions = FlowVersion.objects.filter(flow__in=flows, **seen).values_list(
        *names, "flow", "flow__flow_name", "flow__flow_id"
    )
    changed = RuleVersion.objects.filter(rule__in=rules, **seen).values_list(
        *names, "rule", "rule__name", "rule__rule_id"
    )
    connections = Connection.objects.filter(
        account=incident.account_id,
        gone_at=None,
        status_since__gte=since,
        status_since__lte=until,
        first_seen_at__lt=since,
    )
    shown = connections.values_list("status_since", "pk", "connection_name", "connection_id", "status")
    of_flows, of_rules, became = yield [
        versions.order_by("-first_seen_at", "-pk")[:MOST_FOUND] if flows else versions.none(),
        changed.order_by("-first_seen_at", "-pk")[:MOST_FOUND] if rules else changed.none(),
        shown.order_by("-status_since", "-pk")[:MOST_FOUND],
    ]
    found = [
        FoundChange(modified or seen_at, thing, key, name or own_id, number)
        for thing, rows in (("flow", of_flows), ("rule", of_rules))
        for seen_at, modified, number, key, name, own_id in rows
    ]
    found += [
        FoundChange(at, "connection", key, name or own_id, status=status) for at, key, name, own_id, status in became
    ]
    return sorted(found, key=lambda change: change.at, reverse=True)
