"""Claims new transitions and occasions, and writes a Delivery for each of their recipients."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from monitor.models import Delivery, Occasion, Transition, User
from monitor.notify.compose import Rendered
from monitor.notify.facts import facts_of
from monitor.notify.kinds import KINDS
from monitor.notify.kinds.alert import render
from monitor.notify.message import message_id
from monitor.notify.recipients import may_get, recipients

logger = logging.getLogger(__name__)

AT_ONCE = 200
MAILED = (Transition.Kind.FIRING, Transition.Kind.RESOLVED, Transition.Kind.CLOSED)


def dispatch_new(now: datetime) -> int:
    """Turns new transitions into deliveries, the oldest first.

    Losing and regaining data is shown on pages and not mailed. A recovery goes to whoever may get alert mails
    now, as the firing did; that nobody reads it first is seen to when it is sent.

    Args:
        now: the time of the run.

    Returns:
        How many transitions were dispatched, those to nobody included.
    """
    new = Transition.objects.filter(dispatch_state=Transition.Dispatch.NEW)
    new.exclude(kind__in=MAILED).update(dispatch_state=Transition.Dispatch.SILENT, dispatched_at=now)
    waiting = new.filter(kind__in=MAILED).select_related("alert__rule__account", "alert__flow")
    return sum(_dispatch(found, now) for found in waiting.order_by("at", "pk")[:AT_ONCE])


def _dispatch(found: Transition, now: datetime) -> bool:
    """Returns whether this process, and no other, dispatched it."""
    people = recipients()
    if not people and _may_still_concern_somebody(found):
        return False
    # Rendered before the transaction: what waits for the database should not wait for templates.
    facts = facts_of(found) if people else None
    by_zone = {zone: render(facts, zone) for zone in {person.timezone for person in people}} if facts else {}
    with transaction.atomic():
        claimed = Transition.objects.filter(pk=found.pk, dispatch_state=Transition.Dispatch.NEW).update(
            dispatch_state=Transition.Dispatch.DISPATCHED, dispatched_at=now, recipients=len(people)
        )
        if not claimed:
            return False
        Delivery.objects.bulk_create([_delivery(found, person, by_zone[person.timezone], now) for person in people])
    if not people:
        logger.warning(
            "alert %d: %s concerns nobody: no operator or admin gets alert mails", found.alert_id, found.kind
        )
    return True


def _may_still_concern_somebody(found: Transition) -> bool:
    """Returns whether a firing that nobody may get now is kept for whoever may before it is over."""
    alert = found.alert
    if found.kind != Transition.Kind.FIRING or not alert.is_open or alert.episode != found.episode:
        return False
    if Transition.objects.filter(pk=found.pk, recipients=None).update(recipients=0):
        logger.warning("alert %d: firing concerns nobody yet: no operator or admin gets alert mails", found.alert_id)
    return True


def dispatch_occasions(now: datetime) -> int:
    """Turns new occasions into deliveries, the oldest first; returns how many mails were written.

    Who has switched such mails off, has no address or may not see what it is about gets none. A fault of ours with one
    is logged, is tried again the next time, and keeps no other waiting.

    Args:
        now: the time of the run.
    """
    waiting = Occasion.objects.filter(dispatch_state=Transition.Dispatch.NEW).select_related(
        "recipient", "actor", "act__actor", "act__problem__account", "batch__account", "batch__problem"
    )
    written = 0
    for found in waiting.order_by("at", "pk")[:AT_ONCE]:
        try:
            written += _dispatch_occasion(found, now)
        except Exception:
            logger.exception("occasion %d: its mail could not be written", found.pk)
    return written


def _dispatch_occasion(found: Occasion, now: datetime) -> bool:
    """Returns whether this process, and no other, wrote a mail of it."""
    person = found.recipient
    is_wanted = may_get(person, found)
    rendered = KINDS[found.kind].write(found, person.timezone) if is_wanted else None
    states = Transition.Dispatch
    with transaction.atomic():
        claimed = Occasion.objects.filter(pk=found.pk, dispatch_state=states.NEW).update(
            dispatch_state=states.DISPATCHED if rendered else states.SILENT, dispatched_at=now
        )
        if not claimed or rendered is None:
            return False
        _delivery(found, person, rendered, now).save(force_insert=True)
    return True


def _delivery(found: Transition | Occasion, person: User, rendered: Rendered, now: datetime) -> Delivery:
    return Delivery(
        transition=found if isinstance(found, Transition) else None,
        occasion=found if isinstance(found, Occasion) else None,
        recipient=person,
        address=person.email,
        message_id=message_id(found, person.email),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        created_at=now,
        next_try_at=now,
    )
