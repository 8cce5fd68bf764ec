"""Who gets mail about alerts, asked anew for each transition and again when a message is sent."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from monitor.models import Role, User
from monitor.models.people import SYSTEM_USERNAME


def entitled() -> QuerySet[User]:
    """Active operators and admins (superusers are admins) with an address who want alert mails."""
    may_act = Q(role__in=[Role.OPERATOR, Role.ADMIN]) | Q(is_superuser=True)
    people = User.objects.filter(may_act, is_active=True, wants_mail=True)
    return people.exclude(email="").exclude(username=SYSTEM_USERNAME).order_by("pk")


def recipients() -> list[User]:
    """The people to write to, one for each address: two sign-ins of one person are one reader."""
    by_address: dict[str, User] = {}
    for person in entitled():
        by_address.setdefault(person.email.casefold(), person)
    return list(by_address.values())
