"""Asks who wanted a change to look in Zoho, where nothing shows what became of it.

Source: docs/reference/edits.md, "A lost answer to an edit".
"""

from __future__ import annotations

from datetime import datetime

from monitor.edits.transition import STATES
from monitor.models import Edit, notify_of_unknown_change
from monitor.sent_once.sweep import tell_owner
from monitor.sent_once.timing import BY_HAND_AFTER

AT_ONCE = 100


def ask_who_wanted(now: datetime) -> int:
    """Asks once for each change that is still unknown after 15 minutes, in any number of processes; it stays unknown.

    Args:
        now: the present, aware.

    Returns:
        How many were asked about.
    """
    untold = Edit.objects.filter(state=Edit.State.UNKNOWN, owner_told_at=None, sent_at__lte=now - BY_HAND_AFTER)
    oldest = untold.order_by("sent_at", "pk")[:AT_ONCE]
    return sum(tell_owner(STATES, edit, notify_of_unknown_change, now) for edit in oldest)
