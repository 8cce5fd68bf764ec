"""Asks who wanted a change to look in Zoho, where nothing shows what became of it.

Source: docs/reference/edits.md, "A lost answer to an edit".
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitor.edits.conclude import BY_HAND_AFTER
from monitor.edits.transition import amend, record
from monitor.models import Edit, notify_of_unknown_change

AT_ONCE = 100


def ask_who_wanted(now: datetime) -> int:
    """Asks once for each change that is still unknown after 15 minutes, in any number of processes; it stays unknown.

    Args:
        now: the present, aware.

    Returns:
        How many were asked about.
    """
    untold = Edit.objects.filter(state=Edit.State.UNKNOWN, owner_told_at=None, sent_at__lte=now - BY_HAND_AFTER)
    return sum(_ask(edit, now) for edit in untold.order_by("sent_at", "pk")[:AT_ONCE])


def _ask(edit: Edit, now: datetime) -> bool:
    with transaction.atomic():
        is_asked = amend(edit, expect={"owner_told_at": None}, owner_told_at=now)
        if is_asked:
            record(edit, None, now, "edit.owner_told", {"asked": edit.requested_by_id})
            notify_of_unknown_change(edit, at=now)
    return is_asked
