"""Says who gets mail about what, when it is written and again when it is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from monitor.access import may, who_may
from monitor.models import Delivery, Digest, Notice, Occasion, SendAttempt, User, ZohoAccount
from monitor.models.people import SYSTEM_USERNAME

ALIVE_RIGHT = "alive_mails"
NO_LONGER_GETS = "the recipient no longer gets such mails"
END_OF_NOTHING = "nothing of the incident arrived there, so its end is not told either"


def entitled() -> QuerySet[User]:
    """Lists those who may get alert mails, want them, and have an address."""
    people = User.objects.filter(who_may("alert_mails"), wants_mail=True)
    return people.exclude(email="").order_by("pk")


def refused_readers() -> set[int]:
    """Returns the keys of the people whose address the mail server takes no mail for, as far as is known."""
    return set(Delivery.objects.bounced().values_list("recipient", flat=True))


def recipients(chosen: Collection[int] | None = None) -> list[User]:
    """Returns the people to write to, one for each address: two sign-ins of one person are one reader.

    Args:
        chosen: keys of the people whom the rules name; None for all who get alert mails.
    """
    return one_of_each(entitled() if chosen is None else entitled().filter(pk__in=chosen))


def one_of_each(people: Iterable[User]) -> list[User]:
    """Leaves of people with one address the first."""
    by_address: dict[str, User] = {}
    for person in people:
        by_address.setdefault(person.email.casefold(), person)
    return list(by_address.values())


def may_get(person: User, occasion: Occasion) -> bool:
    """Returns whether a person may see what an occasion is about, wants mails of its kind, and has an address."""
    if person.username == SYSTEM_USERNAME or not person.email or occasion.kind in person.unwanted_mails:
        return False
    subject = occasion.subject
    if not isinstance(subject, Digest):
        return may(person, "view", subject.account)
    accounts = ZohoAccount.objects.filter(pk__in=subject.accounts)
    right = ALIVE_RIGHT if occasion.kind == Occasion.Kind.ALIVE else "view"
    return may(person, right) and all(may(person, "view", account) for account in accounts)


def why_not(delivery: Delivery) -> str:
    """Returns why a mail is not to be sent any more, as the tables have it; "" where it is."""
    if not _still_gets(delivery):
        return NO_LONGER_GETS
    notice = delivery.notice
    if notice is None or notice.kind != Notice.Kind.RESOLVED or delivery.says_both:
        return ""
    earlier = Delivery.objects.filter(
        recipient=delivery.recipient_id, notice__incident=notice.incident_id, notice__seq__lt=notice.seq
    )
    may_have_arrived = Q(state=Delivery.State.SENT) | Q(send_attempts__outcome=SendAttempt.Outcome.UNKNOWN)
    return "" if earlier.filter(may_have_arrived).exists() else END_OF_NOTHING


def _still_gets(delivery: Delivery) -> bool:
    if delivery.occasion is None:
        return entitled().filter(pk=delivery.recipient_id).exists()
    person = User.objects.filter(pk=delivery.recipient_id).first()
    return person is not None and may_get(person, delivery.occasion)
