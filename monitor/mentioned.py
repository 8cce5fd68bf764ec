"""Finds the people whom a note mentions, and the names that are nobody's."""

from __future__ import annotations

from collections.abc import Collection

from monitor.access import may
from monitor.mentions import mentions, split_mentions
from monitor.models import User, ZohoAccount
from monitor.models.people import SYSTEM_USERNAME
from monitor.privacy import mask_text


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
        spelled = (spelling for name in readings for spelling in (name, name.casefold()))
        person = next((known[one] for one in spelled if one in known), None)
        if person is None:
            unknown[readings[-1]] = None
        else:
            people[person.pk] = person
    return list(people.values()), list(unknown)


def shown_words(text: str, known: Collection[str] = (), people: Collection[str] = ()) -> str:
    """Masks a person's words, but for their mentions: such a one has the look of an address, and is none.

    Args:
        text: the words.
        known: usernames of people of ours whom they mention.
        people: of the runs that the words are about, who are hidden.
    """
    parts = split_mentions(text, known)
    return "".join(part if at % 2 else mask_text(part, people=people) for at, part in enumerate(parts))


def _people_by_name(account: ZohoAccount) -> dict[str, User]:
    """Returns people by their names, in lower case too; where two differ in case alone, each by what is their own."""
    people = User.objects.exclude(username=SYSTEM_USERNAME)
    known = {person.username: person for person in people if may(person, "view", account)}
    return {name.casefold(): person for name, person in known.items()} | known
