"""Somebody waits for a flow: it is read at the next opportunity, before all others."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from monitor.models import Flow, SyncState


def want(flow: Flow, now: datetime) -> None:
    """Asks for a flow's executions soon; asking again while it waits changes nothing.

    A hint only: it writes no data and takes no lease. The next sweep of the account reads the flow first.

    Args:
        flow: a mirrored flow.
        now: the present.
    """
    Flow.objects.filter(pk=flow.pk, wanted_at=None).update(wanted_at=now)
    later = Q(next_due_at=None) | Q(next_due_at__gt=now)
    SyncState.objects.filter(later, account=flow.account_id).update(next_due_at=now)


def answered(flow: Flow, read_from: datetime) -> None:
    """The flow was read completely; who asked before the reading began has the answer.

    Args:
        flow: a mirrored flow.
        read_from: when the reading began.
    """
    Flow.objects.filter(pk=flow.pk, wanted_at__lte=read_from).update(wanted_at=None)
