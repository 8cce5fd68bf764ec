"""Counts attempts to sign in, in the database, each before its password is looked at and as if it were wrong.

So a hundred at the same moment get no further than one after the other. The right password gives the count back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.crypto import salted_hmac

from monitor.models import KnownNetwork, SignInCount, User
from monitor.sign_in.how_long_to_wait import DAY, OWN, CountedBy, Place, SignInVerdict, Tried, counted, counts_of, judge

MOST_NETWORKS = 20  # of a person; the one that was not used for the longest time goes
NETWORK_KNOWN = timedelta(days=180)
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Claim:
    """Holds what became of an attempt before its password was looked at.

    Attributes:
        verdict: whether it may be.
        place: from where it came.
        keys: the rows it was counted in; none where it was refused.
    """

    verdict: SignInVerdict
    place: Place
    keys: Mapping[CountedBy, str]


def place_of(person: User | None, network: str, browser: str, now: datetime) -> Place:
    """Finds whether a person signed in from there before.

    Args:
        person: with the name that was given; None where nobody has it.
        network: of the client's address, "" where it has none.
        browser: the id by which the browser is known to be this person's; "" where it is not.
        now: the present.
    """
    if person is None:
        return Place.STRANGE
    if browser:
        return Place.KNOWN_BROWSER
    known = KnownNetwork.objects.filter(person=person, network=network, at__gt=now - NETWORK_KNOWN)
    return Place.KNOWN_NETWORK if network and known.exists() else Place.STRANGE


def claim(
    name: str, person: User | None, *, network: str, browser: str, now: datetime, is_shared: bool = False
) -> Claim:
    """Counts an attempt as a wrong one, where it may be made at all. Runs in a transaction of its own.

    Args:
        name: as it was given.
        person: whom the name is taken for, in whatever spelling; None where nobody has it.
        network: of the client's address.
        browser: the id of a browser that is known to be this person's, or "".
        now: the present.
        is_shared: the address may be a proxy's: whoever comes through it is not known by it.
    """
    place = place_of(person, "" if is_shared else network, browser, now)
    who = f"person {person.pk}" if person is not None else f"name {name.casefold()}"
    keys = {kind: _key(kind, who, network, browser) for kind in counts_of(place)}
    # What is refused at first sight writes nothing: a flood of names would else be a flood of rows.
    verdict = judge(place, _tried(keys, SignInCount.objects.all()), now)
    if not verdict.is_open:
        return Claim(verdict, place, {})
    with transaction.atomic():
        tried = _tried(keys, _lock(sorted(keys.values()), now))
        verdict = judge(place, tried, now)
        if not verdict.is_open:
            return Claim(verdict, place, {})
        for kind, key in sorted(keys.items(), key=lambda item: item[1]):
            more = counted(kind, tried.get(kind), now)
            SignInCount.objects.filter(key=key).update(failures=more.failures, at=more.at)
    return Claim(verdict, place, keys)


def give_back(claimed: Claim, person: User, network: str, now: datetime) -> None:
    """Takes an attempt whose password was right out of the counts, and remembers the network as the person's.

    The person's own slips are forgiven too; those of the name and the network as a whole are not, for somebody who
    has an account here could go on guessing at others for ever.

    Args:
        claimed: the attempt.
        person: whose password it was.
        network: by which the person is known from now on; "" for none.
        now: the present.
    """
    with transaction.atomic():
        for kind, key in sorted(claimed.keys.items(), key=lambda item: item[1]):
            rows = SignInCount.objects.filter(key=key, failures__gt=0)
            rows.update(failures=0 if kind in OWN else F("failures") - 1)
        if network:
            KnownNetwork.objects.update_or_create(person=person, network=network, defaults={"at": now})
            mine = KnownNetwork.objects.filter(person=person).order_by("-at", "-pk")
            KnownNetwork.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[MOST_NETWORKS:])).delete()


def forget(now: datetime) -> None:
    """Deletes counts that limit nothing any more, some thousands at a time, and networks that nobody came from."""
    old = SignInCount.objects.filter(at__lt=now - DAY).values_list("pk", flat=True)
    SignInCount.objects.filter(pk__in=list(old[:_AT_ONCE])).delete()
    KnownNetwork.objects.filter(at__lt=now - NETWORK_KNOWN).delete()


def _key(kind: CountedBy, who: str, network: str, browser: str) -> str:
    """Makes the key of a row: a digest, because what was given as a name may be somebody's password."""
    parts = {
        CountedBy.NAME: (who,),
        CountedBy.NETWORK: (network,),
        CountedBy.NAME_FROM_NETWORK: (who, network),
        CountedBy.KNOWN_NETWORK: (who, network),
        CountedBy.KNOWN_BROWSER: (who, browser),
    }[kind]
    return salted_hmac(f"monitor.sign_in {kind}", "\n".join(parts), algorithm="sha256").hexdigest()


def _lock(keys: list[str], now: datetime) -> QuerySet[SignInCount]:
    """Makes the rows of these keys, and gives them to be locked in their order, so that two never wait crosswise."""
    SignInCount.objects.bulk_create((SignInCount(key=key, at=now) for key in keys), ignore_conflicts=True)
    return SignInCount.objects.select_for_update().order_by("key")


def _tried(keys: Mapping[CountedBy, str], rows: QuerySet[SignInCount]) -> dict[CountedBy, Tried]:
    found = {row.key: Tried(row.failures, row.at) for row in rows.filter(key__in=keys.values())}
    return {kind: found[key] for kind, key in keys.items() if key in found}
