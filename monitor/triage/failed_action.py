"""Finds which action of a flow failed: its app and its kind, by the id that Zoho gives with the error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from monitor.models import FlowVersion

DEEPEST = 20  # branches within branches


@dataclass(frozen=True, slots=True)
class FailedAction:
    """Holds an action's app and kind as Zoho spells them, both "" where they are not known."""

    app: str = ""
    kind: str = ""


def actions_of(wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], FailedAction]:
    """Finds actions by their flow's primary key and their id. One statement.

    By the newest definition: an id is never given twice, and what has left the definition is looked for in vain.
    """
    flows = {flow for flow, action in wanted if action}
    newest = FlowVersion.objects.filter(flow=OuterRef("flow")).order_by("-number").values("pk")[:1]
    versions = FlowVersion.objects.filter(flow__in=flows, pk=Subquery(newest)) if flows else FlowVersion.objects.none()
    known = {flow: dict(_actions(content)) for flow, content in versions.values_list("flow_id", "content")}
    return {(flow, action): known.get(flow, {}).get(action, FailedAction()) for flow, action in wanted}


def _actions(part: Any, depth: int = 0) -> Iterator[tuple[str, FailedAction]]:
    """Walks a definition, into branches and loops as well. Pure."""
    if depth > DEEPEST:
        return
    if isinstance(part, Mapping):
        if part.get("action_id"):
            yield str(part["action_id"]), FailedAction(_word(part.get("app")), _word(part.get("action")))
        for inner in part.values():
            yield from _actions(inner, depth + 1)
    elif isinstance(part, list):
        for inner in part:
            yield from _actions(inner, depth + 1)


def _word(value: Any) -> str:
    return value[:200] if isinstance(value, str) else ""
