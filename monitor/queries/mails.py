"""Every mail: to whom, about what, and what became of it."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from monitor.models import Delivery


def mails(state: str = "", text: str = "") -> QuerySet[Delivery]:
    """Deliveries, the newest first, without their bodies.

    Args:
        state: a value of `Delivery.State`, or "" for all.
        text: part of the subject or the address.
    """
    rows = Delivery.objects.select_related("recipient").defer("text", "html")
    if state:
        rows = rows.filter(state=state)
    if text:
        rows = rows.filter(Q(subject__icontains=text) | Q(address__icontains=text))
    return rows


def whole_mails() -> QuerySet[Delivery]:
    """Deliveries with their bodies and what they are about."""
    return Delivery.objects.select_related("recipient", "transition__alert__rule", "transition__alert__flow").defer(
        "transition__alert__flow__raw"
    )
