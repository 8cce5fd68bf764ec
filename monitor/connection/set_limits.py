"""Sets how many calls an account's products may get from us, in place of what its plan or edition says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from monitor import audit
from monitor.models import User, ZohoAccount

LIMITS = ("plan", "calls_per_minute", "calls_per_day", "crm_credits_per_day", "crm_calls_at_once")


def set_limits(account: ZohoAccount, values: Mapping[str, Any], *, actor: User, now: datetime) -> bool:
    """Stores a person's numbers with an entry of the audit trail.

    Args:
        account: it gets the values, too.
        values: by names of `LIMITS`, within the ranges that the forms and commands allow; None for the plan's own.
        actor: who sets them.
        now: the present.

    Returns:
        Whether anything changed.
    """
    with transaction.atomic():
        row = ZohoAccount.objects.select_for_update().get(pk=account.pk)
        before = {name: getattr(row, name) for name in LIMITS}
        changes = audit.changes(before, dict(values))
        for name, value in values.items():
            setattr(row, name, value)
            setattr(account, name, value)
        row.save(update_fields=LIMITS)
        audit.record(actor, "account.limits", row, now=now, account=row, detail=changes)
    return bool(changes)
