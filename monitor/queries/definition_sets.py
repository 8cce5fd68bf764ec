"""Reads what the flows, rules and connected workflows of an account are made of, now or as they were at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from monitor.definition_compare import CONNECTED, FLOW, RULE, Defined, DefinitionSet
from monitor.models import (
    ConnectedVersion,
    ConnectedWorkflow,
    Flow,
    FlowVersion,
    RuleVersion,
    WorkflowRule,
    ZohoAccount,
)

CHUNK = 500  # contents in memory at once


@dataclass(frozen=True, slots=True)
class DefinedKind:
    """Describes where a kind of thing and its versions are kept."""

    model: type[Any]
    version: type[Any]
    parent: str
    zoho_id: str
    name: str


SOURCES: dict[str, DefinedKind] = {
    FLOW: DefinedKind(Flow, FlowVersion, "flow", "flow_id", "flow_name"),
    RULE: DefinedKind(WorkflowRule, RuleVersion, "rule", "rule_id", "name"),
    CONNECTED: DefinedKind(ConnectedWorkflow, ConnectedVersion, "workflow", "workflow_id", "name"),
}


@dataclass(frozen=True, slots=True)
class VersionMark:
    """Holds when a version was seen, without its content. `pk` is the version's."""

    pk: int
    number: int
    first_seen_at: datetime
    seen_before: datetime | None
    modified_time: datetime | None

    @property
    def began_at(self) -> datetime:
        """Returns since when it stood: as Zoho says, where that is possible; else when it was first seen.

        The first version may have stood long before it was read.
        """
        said, before = self.modified_time, self.seen_before
        is_possible = said is not None and said <= self.first_seen_at and (before is None or said > before)
        return said if said is not None and is_possible else self.first_seen_at


def standing_at(marks: Iterable[VersionMark], at: datetime) -> int | None:
    """Returns the key of the version that stood at a time; None where none is known to have. Pure."""
    stood = [mark for mark in marks if mark.began_at <= at]
    return max(stood, key=lambda mark: mark.number).pk if stood else None


def of_account(account: ZohoAccount, at: datetime | None = None) -> DefinitionSet:
    """Reads the definitions of an account. Some statements a kind; contents a chunk at a time.

    Args:
        account: whose.
        at: as they were then, by the versions that were seen; None: as they were last read.
    """
    things: list[Defined] = []
    unread: list[tuple[str, str]] = []
    for kind, source in SOURCES.items():
        rows = {row[0]: row[1:] for row in _there(source, account, at)}
        chosen = _chosen(source, rows, at)
        unread += [(kind, name or zoho_id) for pk, (zoho_id, name) in rows.items() if pk not in chosen]
        for pk, content in _contents(source, chosen):
            zoho_id, name = rows[pk]
            things.append(Defined(kind, zoho_id, called(source, content) or name, content))
    return DefinitionSet(account.name, things, unread=unread)


def called(source: DefinedKind, content: Mapping[str, Any]) -> str:
    """Returns the name within a definition, which is that of its time; "" where there is none."""
    name = content.get(source.name)
    return name if isinstance(name, str) else ""


def _there(source: DefinedKind, account: ZohoAccount, at: datetime | None) -> Iterator[tuple[int, str, str]]:
    rows = source.model.objects.filter(account=account).order_by("pk")
    if at is None:
        rows = rows.filter(gone_at=None)
    else:
        came = Q(first_seen_at__lte=at) | Q(created_time__lte=at)
        rows = rows.filter(came, Q(gone_at=None) | Q(gone_at__gt=at))
    yield from rows.values_list("pk", source.zoho_id, source.name)


def _chosen(source: DefinedKind, rows: Mapping[int, Any], at: datetime | None) -> dict[int, int]:
    """Chooses a version of each thing: its key by the thing's."""
    marks: dict[int, list[VersionMark]] = {}
    found = source.version.objects.filter(**{f"{source.parent}__id__among": list(rows)}).order_by("pk")
    for thing, *mark in found.values_list(
        f"{source.parent}_id", "pk", "number", "first_seen_at", "seen_before", "modified_time"
    ):
        marks.setdefault(thing, []).append(VersionMark(*mark))
    if at is None:
        return {thing: max(own, key=lambda mark: mark.number).pk for thing, own in marks.items()}
    standing = {thing: standing_at(own, at) for thing, own in marks.items()}
    return {thing: pk for thing, pk in standing.items() if pk is not None}


def _contents(source: DefinedKind, chosen: Mapping[int, int]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    keys = list(chosen.values())
    for start in range(0, len(keys), CHUNK):
        rows = source.version.objects.filter(pk__among=keys[start : start + CHUNK]).order_by("pk")
        yield from rows.values_list(f"{source.parent}_id", "content")
