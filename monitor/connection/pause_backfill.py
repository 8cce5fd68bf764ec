"""Pauses and resumes the reading of an account's history, for pages and commands alike."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitor import audit
from monitor.models import SyncState, User, ZohoAccount


def pause_backfill(account: ZohoAccount, *, paused: bool, actor: User, now: datetime) -> bool:
    """Pauses the reading of history, or lets it go on at the next opportunity.

    A pause holds back older pages only: the newest page of a flow and new runs are read all the same, and so is
    everything by a person's `sync`.

    Args:
        account: whose history.
        paused: what it shall be.
        actor: who, for the audit; whether they may is the caller's to ask.
        now: the present.

    Returns:
        Whether it was otherwise before; where not, nothing is written.
    """
    with transaction.atomic():
        if not ZohoAccount.objects.filter(pk=account.pk).exclude(backfill_paused=paused).update(backfill_paused=paused):
            return False
        if not paused:
            SyncState.objects.filter(account=account, next_due_at__gt=now).update(next_due_at=now)
        audit.record(actor, "backfill.pause" if paused else "backfill.resume", account, now=now, account=account)
    return True
