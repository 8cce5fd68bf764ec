"""Selects what people were notified of so long ago that nobody looks it up any more."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from monitor.models import Delivery, Occasion, RetryAttempt, Transition


def outlived_occasions(edge: datetime) -> QuerySet[Occasion]:
    """Finds the occasions that may go, each with its mail.

    Kept beyond their age: what was not looked at yet, whose mail is still on its way, and that a retry's outcome is
    unknown while it is, for nobody is told of that twice.

    Args:
        edge: what happened earlier has outlived its age.
    """
    is_over = Q(delivery=None) | ~Q(delivery__state__in=[Delivery.State.QUEUED, Delivery.State.SENDING])
    old = Occasion.objects.filter(is_over, at__lt=edge).exclude(dispatch_state=Transition.Dispatch.NEW)
    return old.exclude(retry__state__in=RetryAttempt.OPEN_STATES).order_by("at", "pk")
