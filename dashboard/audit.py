"""Writes down what a person did. Call it in the transaction that does it, so that neither stands alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model

from monitor.models import AlertRule, AuditEntry, User, ZohoAccount

# The words of the trail are people's, not the code's; the stages write the same ones.
_WORDS: dict[type[Model], str] = {ZohoAccount: "account", AlertRule: "alert_rule", User: "person"}


def record(
    actor: User,
    action: str,
    thing: Model,
    *,
    now: datetime,
    account: ZohoAccount | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Appends one entry.

    Args:
        actor: who did it.
        action: such as ``"unmask"`` or ``"account.pause"``.
        thing: what it was done to; its kind and key are kept, they outlive the row.
        now: when.
        account: the Zoho account it concerns.
        detail: what changed; no secret and no personal data of third parties.
    """
    return AuditEntry.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.get_username(),
        action=action,
        account=account,
        object_type=_WORDS.get(type(thing)) or str(thing._meta.model_name),
        object_id=str(thing.pk),
        detail=detail or {},
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """``{"field": {"from": old, "to": new}}`` of what differs."""
    return {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
