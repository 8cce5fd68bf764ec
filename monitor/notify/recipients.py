"""Chooses who gets mail about alerts, for each transition and again when a message is sent."""

from __future__ import annotations

from django.db.models import QuerySet

from monitor.access import who_may
from monitor.models import User
from monitor.models.people import SYSTEM_USERNAME


def entitled() -> QuerySet[User]:
    """Lists those who may get alert mails, want them, and have an address."""
    people = User.objects.filter(who_may("alert_mails"), wants_mail=True)
    return people.exclude(email="").exclude(username=SYSTEM_USERNAME).order_by("pk")


def recipients() -> list[User]:
    """Returns the people to write to, one for each address: two sign-ins of one person are one reader."""
    by_address: dict[str, User] = {}
    for person in entitled():
        by_address.setdefault(person.email.casefold(), person)
    return list(by_address.values())
