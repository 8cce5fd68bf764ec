"""Reads what is marked on the axis of time of a chart: definitions and connections that changed, and incidents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from monitor.models import ConnectedVersion, ConnectionChange, FlowVersion, Incident, RuleVersion
from monitor.models.addresses import address_of
from monitor.models.flows import NAMELESS
from monitor.periods import Window
from monitor.privacy import mask_name
from monitor.queries.together import Row

MOST = 100  # of each kind, the newest
_VERSIONS = {"flow": (FlowVersion, "flow_name"), "rule": (RuleVersion, "name"), "workflow": (ConnectedVersion, "name")}
_PAGES = {"flow": "flow_version", "rule": "rule_version", "workflow": "connected_version"}


@dataclass(frozen=True, slots=True)
class MarkedMoment:
    """Holds a change or an incident of a period.

    Attributes:
        at: when; of a change as far as Zoho says so, of an incident when it began.
        kind: flow, rule, workflow or connection for a change; incident.
        name: of what was changed, masked; of an incident its account.
        key: of the thing, or the incident.
        number: of the version; 0 for an incident, or a connection.
        status: of a connection, what it became; "" where it was deleted.
    """

    at: datetime
    kind: str
    name: str
    key: int
    number: int = 0
    status: str = ""

    @property
    def url(self) -> str:
        """Is the address of the incident, the connection, or the version."""
        page = _PAGES.get(self.kind)
        return address_of(self.kind, self.key) if page is None else reverse(page, args=[self.key, self.number])


def parts(window: Window) -> dict[str, QuerySet[Any, Any]]:
    """Asks for what `marks_of_period` reads, by name, for `together`."""
    found: dict[str, QuerySet[Any, Any]] = {}
    for kind, (model, name) in _VERSIONS.items():
        rows = model.objects.filter(  # type: ignore[attr-defined]
            number__gt=1, first_seen_at__gte=window.start, first_seen_at__lte=window.end
        )
        columns = ("first_seen_at", "modified_time", f"{kind}__{name}", kind, "number")
        found[f"marks_{kind}"] = rows.order_by("-first_seen_at", "-pk").values_list(*columns)[:MOST]
    changes = ConnectionChange.objects.exclude(kind=ConnectionChange.Kind.CAME).filter(
        at__gte=window.start, at__lte=window.end
    )
    columns = ("at", "connection__connection_name", "connection__app", "connection", "status")
    found["marks_connection"] = changes.order_by("-at", "-pk").values_list(*columns)[:MOST]
    incidents = Incident.objects.filter(opened_at__gte=window.start, opened_at__lte=window.end)
    found["marks_incident"] = incidents.order_by("-opened_at", "-pk").values_list("began_at", "account__name", "pk")[
        :MOST
    ]
    return found


def marks_of_period(found: Mapping[str, Sequence[Row]], window: Window) -> list[MarkedMoment]:
    """Puts changes and incidents together, the newest first. Pure.

    Args:
        found: the rows of `parts`.
        window: that they are of; what began before it is not marked.
    """
    marks = [MarkedMoment(at, "incident", account, key) for at, account, key in found["marks_incident"]]
    for kind in _VERSIONS:
        for seen, modified, name, key, number in found[f"marks_{kind}"]:
            marks.append(MarkedMoment(modified or seen, kind, mask_name(name) or NAMELESS, key, number))
    for at, name, app, key, status in found["marks_connection"]:
        shown = mask_name(name) or mask_name(app) or NAMELESS
        marks.append(MarkedMoment(at, "connection", shown, key, status=mask_name(status)))
    within = [mark for mark in marks if window.start <= mark.at]
    return sorted(within, key=lambda mark: (mark.at, mark.kind, mark.key), reverse=True)
