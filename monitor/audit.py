"""Writes the audit trail: who did what to which thing, and when. Nothing else creates an `AuditEntry`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model

from monitor.models import AlertRule, AlertState, AuditEntry, HookEndpoint, RetryAttempt, User, ZohoAccount

MONITOR = "monitor"  # the actor's name where no person is behind an act

# What the trail calls a thing; the others go by their model's name.
_WORDS: dict[type[Model], str] = {
    ZohoAccount: "account",
    AlertRule: "alert_rule",
    AlertState: "alert",
    HookEndpoint: "hook",
    RetryAttempt: "retry",
    User: "person",
}


def record(
    actor: User | None,
    action: str,
    thing: Model | type[Model],
    *,
    now: datetime,
    account: ZohoAccount | int | None = None,
    detail: dict[str, Any] | None = None,
) -> AuditEntry:
    """Appends one entry. Call it in the transaction that does the act, so that neither stands alone.

    Args:
        actor: who did it; None where the program did.
        action: such as ``"unmask"`` or ``"account.pause"``.
        thing: what it was done to; its kind and key are kept, they outlive the row. A model stands for all its rows.
        now: when.
        account: the Zoho account it concerns, or its primary key.
        detail: what changed; no secret and no personal data of third parties.

    Returns:
        The entry as it was stored.
    """
    return AuditEntry.objects.create(
        at=now,
        actor=actor,
        actor_name=actor.get_username() if actor is not None else MONITOR,
        action=action,
        account_id=account.pk if isinstance(account, ZohoAccount) else account,
        object_type=_WORDS.get(thing if isinstance(thing, type) else type(thing)) or str(thing._meta.model_name),
        object_id="" if isinstance(thing, type) else str(thing.pk),
        detail=detail or {},
    )


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Names what differs, as ``{"field": {"from": old, "to": new}}``.

    Args:
        before: values by field.
        after: values by field; a field that is not here has not changed.
    """
    return {key: {"from": before.get(key), "to": value} for key, value in after.items() if before.get(key) != value}
