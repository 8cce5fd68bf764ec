"""Finds the people whom a note mentions, and the names that are nobody's."""

from __future__ import annotations

from monitor.access import may
from monitor.mentions import mentions
from monitor.models import User, ZohoAccount
from monitor.models.people import SYSTEM_USERNAME


def people_mentioned(text: str, account: ZohoAccount) -> tuple[list[User], list[str]]:
    """Finds who is mentioned. One statement, where anybody is.

    Args:
        text: a person's words.
        account: what they are about: who may not see it is not told of it.

    Returns:
        The people, and the names that are of nobody who may see the account; each once, in their order.
    """
    wanted = mentions(text)
    # In Python, for SQLite folds the case of ASCII letters alone.
    known = _people_by_name(account) if wanted else {}
    people: dict[int, User] = {}
    unknown: dict[str, None] = {}
    for readings in wanted:
        person = next((known[name.casefold()] for name in readings if name.casefold() in known), None)
        if person is None:
            unknown[readings[-1]] = None
        else:
            people[person.pk] = person
    return list(people.values()), list(unknown)


def _people_by_name(account: ZohoAccount) -> dict[str, User]:
    people = User.objects.exclude(username=SYSTEM_USERNAME).order_by("pk")
    return {person.username.casefold(): person for person in people if may(person, "view", account)}
