"""Has a flow read with the next sweep: before all others where a person waits, without haste after a callback."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, F, Q, When

from monitor.ingest.base.context import Context
from monitor.models import Flow, FlowProgress, SyncState

AGAIN_AFTER = timedelta(seconds=30)


def want(flow: Flow, now: datetime) -> bool:
    """Asks for a flow's executions soon, for a person: the reading may use what is kept for people.

    It writes no data and takes no lease. The next sweep of the account reads the flow first. Asking again so soon
    changes nothing, whether the answer is there or not: each wish costs calls of those kept for people.

    Args:
        flow: a mirrored flow.
        now: the present.

    Returns:
        Whether that is a new wish; False where somebody asked less than 30 s ago.
    """
    recently = Q(asked_at__gt=now - AGAIN_AFTER, asked_at__lte=now)
    if not FlowProgress.objects.filter(flow=flow).exclude(recently).update(wanted_at=now, asked_at=now):
        return False
    _hurry(flow.account_id, now)
    return True


def hint(flow: Flow, now: datetime) -> None:
    """Has a flow's executions read with the next sweep, from the background's share: nobody waits for them.

    Args:
        flow: a mirrored flow.
        now: the present.
    """
    FlowProgress.objects.filter(flow=flow, hinted_at=None).update(hinted_at=now)
    _hurry(flow.account_id, now)


def _hurry(account_id: int, now: datetime) -> None:
    later = Q(next_due_at=None) | Q(next_due_at__gt=now)
    SyncState.objects.filter(later, account=account_id).update(next_due_at=now)


def answered(context: Context, flow: Flow, read_from: datetime) -> None:
    """Takes back the wishes for a flow that was read completely: who asked before the reading began has the answer.

    Args:
        context: of the sweep that read it.
        flow: a mirrored flow.
        read_from: when the reading began.

    Raises:
        LeaseLost: another process reads the account now; the wish is its to answer.
    """
    since = {name: Case(When(**{f"{name}__gt": read_from}, then=F(name)), default=None) for name in _MARKS}
    with context.writing():
        marked = Q(wanted_at__lte=read_from) | Q(hinted_at__lte=read_from)
        FlowProgress.objects.filter(marked, flow=flow).update(**since)


_MARKS = ("wanted_at", "hinted_at")
