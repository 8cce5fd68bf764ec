"""Reads the audit trail: who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from monitor.models import AuditEntry


@dataclass(frozen=True)
class AuditFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        address: of the client, the whole of it.
        start: at or after; end: before.
    """

    action: str = ""
    actor: str = ""
    address: str = ""
    object_type: str = ""
    object_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


def entries(wanted: AuditFilter) -> QuerySet[AuditEntry]:
    """Finds the entries that fit, the newest first."""
    rows = AuditEntry.objects.select_related("account").defer("account__client_secret")
    if wanted.action:
        rows = rows.filter(action=wanted.action)
    if wanted.actor:
        rows = rows.filter(actor_name__icontains=wanted.actor)
    if wanted.address:
        rows = rows.filter(address=wanted.address)
    if wanted.object_type:
        rows = rows.filter(object_type=wanted.object_type)
    if wanted.object_id:
        rows = rows.filter(object_id=wanted.object_id)
    if wanted.start is not None:
        rows = rows.filter(at__gte=wanted.start)
    if wanted.end is not None:
        rows = rows.filter(at__lt=wanted.end)
    return rows


def words(detail: Any) -> list[str]:
    """Returns what an entry holds besides, as short phrases; empty values are left out. Pure."""
    if not isinstance(detail, dict):
        return [str(detail)] if detail else []
    phrases: list[str] = []
    for key, value in detail.items():
        name = str(key).replace("_", " ")
        if isinstance(value, dict) and set(value) == {"from", "to"}:
            phrases.append(f"{name}: {_text(value['from'])} → {_text(value['to'])}")
        elif isinstance(value, list):
            phrases += [f"{name}: {item}" for item in value]
        elif value not in (None, "", {}):
            phrases.append(f"{name}: {_text(value)}")
    return phrases


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in (None, "") else str(value)


def actions() -> list[str]:
    """Returns every kind of action that was ever written down."""
    return list(AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct())
