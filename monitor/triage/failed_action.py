"""Finds which action of a flow failed: its app and its kind, by the id that Zoho gives with the error."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet

from monitor.models import FlowVersion
from monitor.models.definitions import actions_in

VERSIONS = 20  # of a flow, the newest, that an action is looked for in


@dataclass(frozen=True, slots=True)
class FailedAction:
    """Holds an action's app and kind as Zoho spells them, both "" where they are not known."""

    app: str = ""
    kind: str = ""


def actions_of(wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], FailedAction]:
    """Finds actions by their flow's primary key and their id. One statement, a second where an action is gone.

    An id is never given twice: what has left the newest definition is looked for in the older ones.
    """
    flows = {flow for flow, action in wanted if action}
    newest = FlowVersion.objects.filter(flow=OuterRef("flow")).order_by("-number").values("pk")
    known = _known(flows, newest[:1])
    missing = {flow for flow, action in wanted if action and flow in known and action not in known[flow]}
    for flow, older in _known(missing, newest[1:VERSIONS]).items():
        known[flow] = older | known[flow]
    return {(flow, action): known.get(flow, {}).get(action, FailedAction()) for flow, action in wanted}


def _known(flows: Collection[int], versions: QuerySet[Any, Any]) -> dict[int, dict[str, FailedAction]]:
    """Returns the actions of some versions of some flows; where two name one, the newer says what it is."""
    known: dict[int, dict[str, FailedAction]] = {}
    rows = FlowVersion.objects.filter(flow__in=flows, pk__in=versions) if flows else FlowVersion.objects.none()
    for flow, content in rows.order_by("number").values_list("flow_id", "content"):
        actions = {key: FailedAction(app, kind) for key, app, kind in actions_in(content)}
        known.setdefault(flow, {}).update(actions)
    return known
