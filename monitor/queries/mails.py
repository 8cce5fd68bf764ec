"""Reads mails: to whom, about what, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from monitor.models import Delivery


@dataclass(frozen=True)
class MailFilter:
    """Says what a person looks for; empty values do not narrow.

    Attributes:
        text: a part of the subject or the address.
        state: a value of `Delivery.State`.
    """

    text: str = ""
    state: str = ""


def mails(wanted: MailFilter) -> QuerySet[Delivery]:
    """Finds the deliveries that fit, the newest first, without their bodies."""
    rows = Delivery.objects.select_related("recipient").defer("text", "html")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.text:
        rows = rows.filter(Q(subject__icontains=wanted.text) | Q(address__icontains=wanted.text))
    return rows


def whole_mails() -> QuerySet[Delivery]:
    """Joins to deliveries their bodies and what they are about."""
    return Delivery.objects.select_related("recipient", "transition__alert__rule", "transition__alert__flow").defer(
        "transition__alert__flow__raw"
    )
