"""Acknowledges and snoozes alerts for a person."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from monitor import audit
from monitor.access import may
from monitor.models import AlertState, User

NOTE_LENGTH = 300


def acknowledge(state: AlertState, user: User, note: str, now: datetime) -> bool:
    """Acknowledges an open incident for a person. The next episode begins unacknowledged.

    Args:
        state: the alert as the person saw it; a later episode is not acknowledged by a look at an earlier one.
        user: who acknowledges.
        note: what they say to it; cut at 300 characters.
        now: when.

    Returns:
        Whether it was acknowledged: False if the incident is over, or someone was faster.

    Raises:
        PermissionDenied: the person may not.
    """
    account = state.rule.account
    if not may(user, "acknowledge", account):
        raise PermissionDenied
    note = "".join(sign if sign.isprintable() else " " for sign in note).strip()[:NOTE_LENGTH]
    with transaction.atomic():
        open_state = AlertState.objects.filter(
            pk=state.pk, is_open=True, episode=state.episode, acknowledged_at__isnull=True
        )
        if not open_state.update(acknowledged_at=now, acknowledged_by=user, acknowledge_note=note):
            return False
        detail = {"episode": state.episode, "note": note}
        audit.record(user, "alert.acknowledge", state, now=now, account=account, detail=detail)
    return True
