"""Decides whether a password may be looked at, by the wrong ones before it. Pure.

Each attempt counts at several places at once (`counts_of`):

- A stranger's counts for the name, for the network, and for the name from that network. Whoever guesses at one name
  waits soon; many who guess at it from everywhere wait for each other; what one network gets wrong with all names
  together only makes its answers 429, and stops nothing but a flood, for a whole office may be behind one address.
- A person who signed in from that network or browser before is judged by that place alone: what strangers get wrong
  never counts there. What is got wrong there does not count for the name, but for the network: whoever guesses at the
  names that are known in an office gets no further guesses at others by it.

A wait begins with the last attempt that was let through. What is refused counts nowhere, so nobody keeps a name shut
by knocking on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

ZERO = timedelta()
DAY = timedelta(days=1)


class Place(StrEnum):
    """Says from where somebody signs in, as seen from the person with that name."""

    STRANGE = "strange"
    KNOWN_NETWORK = "known network"
    KNOWN_BROWSER = "known browser"


class CountedBy(StrEnum):
    """Names what wrong passwords are counted by."""

    NAME = "name"
    NETWORK = "network"
    NAME_FROM_NETWORK = "name from network"
    KNOWN_NETWORK = "known network"
    KNOWN_BROWSER = "known browser"


@dataclass(frozen=True, slots=True)
class Tried:
    """Holds how many were wrong and when the last of them was let through."""

    failures: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """Makes each wrong password beyond some free ones cost twice the wait of the one before.

    Attributes:
        free: this many cost nothing.
        first: the wait after the last free one.
        longest: no wait is longer.
        forgotten: after so long without a wrong one all are free again.
    """

    free: int
    first: timedelta
    longest: timedelta
    forgotten: timedelta = DAY

    def wait(self, tried: Tried | None, now: datetime) -> timedelta:
        """Returns how long it is still to wait; a clock that was set back makes it no longer than `longest`."""
        if tried is None or tried.failures < self.free or now - tried.at >= self.forgotten:
            return ZERO
        doublings = min(tried.failures - self.free, 30)
        whole: timedelta = min(self.first * (1 << doublings), self.longest)
        return max(ZERO, min(whole, tried.at + whole - now))


LIMITS = {
    # Five slips are free; at a quarter of an hour each, one network has about a hundred guesses a day at a name.
    CountedBy.NAME_FROM_NETWORK: Limit(5, timedelta(seconds=5), timedelta(minutes=15)),
    # From everywhere together: at most one guess a minute in the end.
    CountedBy.NAME: Limit(20, timedelta(seconds=1), timedelta(minutes=1)),
    # Hashing a password costs processor time: a flood of names that nobody has must not take all of it.
    CountedBy.NETWORK: Limit(300, timedelta(seconds=1), timedelta(seconds=2), timedelta(minutes=10)),
    # The person's own; a stolen cookie or a colleague behind the same address does not get far either.
    CountedBy.KNOWN_NETWORK: Limit(20, timedelta(seconds=5), timedelta(minutes=1)),
    CountedBy.KNOWN_BROWSER: Limit(20, timedelta(seconds=5), timedelta(minutes=1)),
}
# From here on a network hears that it tries too often, while a right password still lets its person in.
WARNED = Limit(20, timedelta(seconds=1), timedelta(minutes=1), timedelta(minutes=10))

_JUDGED_BY = {
    Place.STRANGE: (CountedBy.NAME, CountedBy.NAME_FROM_NETWORK, CountedBy.NETWORK),
    Place.KNOWN_NETWORK: (CountedBy.KNOWN_NETWORK,),
    Place.KNOWN_BROWSER: (CountedBy.KNOWN_BROWSER,),
}
# The right password shows that these slips were the person's own; those of a name or a network were perhaps not.
OWN = frozenset({CountedBy.NAME_FROM_NETWORK, CountedBy.KNOWN_NETWORK, CountedBy.KNOWN_BROWSER})


def counts_of(place: Place) -> tuple[CountedBy, ...]:
    """Returns what an attempt from a place counts by."""
    kinds = _JUDGED_BY[place]
    return kinds if CountedBy.NETWORK in kinds else (*kinds, CountedBy.NETWORK)


@dataclass(frozen=True, slots=True)
class SignInVerdict:
    """Says whether a password may be looked at.

    Attributes:
        wait: how long it may not; nothing where it may.
        wait_if_wrong: what the answer to a wrong one says.
    """

    wait: timedelta = ZERO
    wait_if_wrong: timedelta = ZERO

    @property
    def is_open(self) -> bool:
        return not self.wait


def judge(place: Place, tried: Mapping[CountedBy, Tried], now: datetime) -> SignInVerdict:
    """Decides whether the password of an attempt may be looked at.

    Args:
        place: from where it comes.
        tried: the wrong ones so far, by what they are counted by; one that is not in it has none.
        now: the present.
    """
    kinds = _JUDGED_BY[place]
    wait = max(LIMITS[kind].wait(tried.get(kind), now) for kind in kinds)
    warned = WARNED.wait(tried.get(CountedBy.NETWORK), now) if CountedBy.NETWORK in kinds else ZERO
    return SignInVerdict(wait, max(wait, warned))


def counted(kind: CountedBy, tried: Tried | None, now: datetime) -> Tried:
    """Returns the count with one more; it begins anew where those before are forgotten."""
    if tried is None or now - tried.at >= LIMITS[kind].forgotten:
        return Tried(1, now)
    return Tried(tried.failures + 1, now)
