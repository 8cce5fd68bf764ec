"""Switches a kind of mails off for a person, as their profile page does."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from monitor import audit
from monitor.languages import gettext as _
from monitor.models import User
from monitor.notify.kinds import ALERTS, KINDS


def switch_words(kind: str) -> str:
    """Returns what a kind of mails is about, as the end of "mails"; "" where there is no such kind."""
    if kind == ALERTS:
        return _("about alerts")
    return _(KINDS[kind].no_more) if kind in KINDS else ""


def switch_off(person: User, kind: str, now: datetime) -> None:
    """Switches a kind of mails off, by the link in a mail. Doing it twice changes nothing.

    Args:
        person: whose mails.
        kind: of `monitor.notify.kinds`.
        now: when.
    """
    with transaction.atomic():
        held = User.objects.select_for_update().get(pk=person.pk)
        wanted = held.wants_mail if kind == ALERTS else kind not in held.unwanted_mails
        if not wanted:
            return
        if kind == ALERTS:
            held.wants_mail = False
        else:
            held.unwanted_mails = [*held.unwanted_mails, kind]
        held.save(update_fields=["wants_mail", "unwanted_mails"])
        audit.record(held, "mails.switch_off", held, now=now, detail={"kind": kind, "way": "by the link in a mail"})
