"""Has a mail or a message that was given up sent again, on an admin's word."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitor import audit
from monitor.languages import gettext as _
from monitor.models import ChannelMessage, Delivery, Notice, User
from monitor.notify.outbox import count_readers

States = Delivery.State


class CannotBeSentAgain(Exception):  # noqa: N818 - named for what happened
    """Says in one line for people why nothing is sent again."""


def send_again(given_up: Delivery | ChannelMessage, *, actor: User, now: datetime) -> None:
    """Puts what was given up into the queue once more, under the same id, and leaves an entry in the audit trail.

    Args:
        given_up: the mail or message.
        actor: the person behind it.
        now: the present.

    Raises:
        CannotBeSentAgain: it is not given up, for instance for a second click, news of the same incident went out
            to the same reader after it, or the incident is over and the message does not say so.
    """
    if isinstance(given_up, ChannelMessage) and given_up.channel.deleted_at is not None:
        raise CannotBeSentAgain(_("The channel was deleted."))
    if _is_overtaken(given_up):
        raise CannotBeSentAgain(
            _("A later message of the same incident has gone out: this one would tell of it wrongly.")
        )
    if _is_too_late(given_up):
        raise CannotBeSentAgain(_("The incident is over by now: this message would say that it is not."))
    rows: type[Delivery | ChannelMessage] = type(given_up)
    with transaction.atomic():
        dead = rows._default_manager.filter(pk=given_up.pk, state=States.DEAD)
        if not dead.update(state=States.QUEUED, next_try_at=now, revived_at=now, lease_until=None):
            raise CannotBeSentAgain(_("It was not given up, or is being sent again already."))
        count_readers(given_up)
        incident = given_up.notice.incident if given_up.notice is not None else None
        audit.record(
            actor,
            "mail.send_again" if isinstance(given_up, Delivery) else "channel.send_again",
            given_up,
            now=now,
            account=incident.account_id if incident is not None else None,
            detail={"about": _about(given_up)},
        )


def _is_too_late(given_up: Delivery | ChannelMessage) -> bool:
    """Returns whether a message tells of a beginning alone, of what is over: nothing would end it."""
    notice = given_up.notice
    if notice is None or notice.kind == Notice.Kind.RESOLVED or notice.incident.closed_at is None:
        return False
    return not given_up.says_both


def _about(given_up: Delivery | ChannelMessage) -> str:
    if given_up.notice is not None:
        return f"incident {given_up.notice.incident_id}, {given_up.notice.kind}"
    if isinstance(given_up, ChannelMessage):
        return given_up.digest.kind if given_up.digest is not None else ""
    return f"{given_up.occasion.kind}" if given_up.occasion else ""


def _is_overtaken(given_up: Delivery | ChannelMessage) -> bool:
    """Returns whether the reader has, or gets, a later notice of the incident: an end comes after its beginning."""
    notice = given_up.notice
    if notice is None:
        return False
    later = {"notice__incident": notice.incident_id, "notice__seq__gt": notice.seq}
    if isinstance(given_up, Delivery):
        rows = Delivery.objects.filter(recipient=given_up.recipient_id, **later)
        return rows.exclude(state=States.DEAD).exists()
    messages = ChannelMessage.objects.filter(channel=given_up.channel_id, **later)
    return messages.exclude(state=States.DEAD).exists()
