"""Selects what people were notified of so long ago that nobody looks it up any more.

A row stays, however old it is, while it waits to go out, and while something could be sent, or sent again, for want of
it: whoever was told of the beginning is told of the end, and no digest comes twice for one day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from monitor.models import (
    ChannelMessage,
    Delivery,
    Digest,
    Edit,
    Incident,
    Notice,
    Occasion,
    Outgoing,
    RetryAttempt,
    Transition,
)

UNSETTLED = (Outgoing.State.QUEUED, Outgoing.State.SENDING)
NEW = Transition.Dispatch.NEW


def outlived(edge: datetime) -> list[QuerySet[Any]]:
    """Finds all that may go, the least that hangs on others first.

    Args:
        edge: what happened earlier has outlived its age.
    """
    return [outlived_occasions(edge), outlived_digests(edge), outlived_mails(edge), outlived_messages(edge)]


def outlived_occasions(edge: datetime) -> QuerySet[Occasion]:
    """Finds the occasions that may go, each with its mail.

    Kept beyond their age: what was not looked at yet, whose mail is still on its way, and that the outcome of a
    retry or change is unknown while it is, for nobody is told of that twice.

    Args:
        edge: what happened earlier has outlived its age.
    """
    is_over = Q(delivery=None) | ~Q(delivery__state__in=UNSETTLED)
    old = Occasion.objects.filter(is_over, at__lt=edge).exclude(dispatch_state=NEW)
    old = old.exclude(retry__state__in=RetryAttempt.OPEN_STATES).exclude(edit__state__in=Edit.OPEN_STATES)
    return old.order_by("at", "pk")


def outlived_digests(edge: datetime) -> QuerySet[Digest]:
    """Finds the digests that may go: a person's once their occasions are gone, a channel's with their messages.

    The newest of a reader and kind stays, for by it the next one is due, and tells of the time since.

    Args:
        edge: what was made earlier has outlived its age.
    """
    later = Digest.objects.filter(kind=OuterRef("kind"), due_at__gt=OuterRef("due_at"))
    newer = Exists(later.filter(person=OuterRef("person"))) | Exists(later.filter(channel=OuterRef("channel")))
    told = Occasion.objects.filter(digest=OuterRef("pk"))
    waits = ChannelMessage.objects.filter(digest=OuterRef("pk"), state__in=UNSETTLED)
    old = Digest.objects.filter(newer, ~Exists(told), ~Exists(waits), until__lt=edge, due_at__lt=edge)
    return old.order_by("until", "pk")


def outlived_mails(edge: datetime) -> QuerySet[Delivery]:
    """Finds the mails of incidents that may go; that, when and to how many something was mailed stays with the notice.

    Args:
        edge: incidents that were over earlier have outlived their age.
    """
    return Delivery.objects.filter(notice__incident__in=_settled(edge)).order_by("pk")


def outlived_messages(edge: datetime) -> QuerySet[ChannelMessage]:
    """Finds the messages to channels that may go, as mails do.

    Args:
        edge: incidents that were over earlier have outlived their age.
    """
    return ChannelMessage.objects.filter(notice__incident__in=_settled(edge)).order_by("pk")


def _settled(edge: datetime) -> QuerySet[Incident]:
    """Returns the incidents that were over before, of which nothing is to be written or sent any more.

    Of one that goes on everything stays: who was told of it is told of its end.
    """
    of = {"notice__incident": OuterRef("pk")}
    waiting = (
        Delivery.objects.filter(state__in=UNSETTLED, **of),
        ChannelMessage.objects.filter(state__in=UNSETTLED, **of),
    )
    late = (
        Delivery.objects.filter(created_at__gte=edge, **of),
        ChannelMessage.objects.filter(created_at__gte=edge, **of),
    )
    new = Notice.objects.filter(incident=OuterRef("pk"), dispatch_state=NEW)
    kept = [Exists(rows) for rows in (new, *waiting, *late)]
    found = Incident.objects.filter(closed_at__lt=edge)
    for one in kept:
        found = found.filter(~one)
    return found.order_by()
