"""Decides who hears of alerts: the people whom the rule names, else those of the routes that fit, else everybody. Pure.

Routes are gone through in their order. The first that fits decides, unless it says that the next one is followed too.
Nothing that a route says makes an alert go to nobody: where none of those who are named for it can be reached, it goes
to everybody who gets alert mails and to each channel by its own setting. That is decided for each alert of an incident.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoutedAlert:
    """Holds what of an alert decides who hears of it.

    Attributes:
        account: whose.
        severity: of its rule: page, notify or digest.
        tags: keys of the tags of what it is about.
        owner: the key of who owns that; None for nobody.
        chosen: keys of the people whom its rule names.
    """

    account: int
    severity: str
    tags: frozenset[int] = frozenset()
    owner: int | None = None
    chosen: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """Holds an enabled route. An empty matcher (None, "") fits everything.

    Attributes:
        people: keys of those whom it names.
        to_owner: whether it names the owner of what the alert is about.
        channels: keys of those that it names.
        policy: by which it is escalated; None for not at all.
        goes_on: whether the next route that fits is followed too.
    """

    key: int
    account: int | None = None
    severity: str = ""
    tag: int | None = None
    people: frozenset[int] = frozenset()
    to_owner: bool = False
    channels: frozenset[int] = frozenset()
    policy: int | None = None
    goes_on: bool = False

    def fits(self, alert: RoutedAlert) -> bool:
        """Returns whether each of its matchers fits."""
        return (
            self.account in (None, alert.account)
            and self.severity in ("", alert.severity)
            and (self.tag is None or self.tag in alert.tags)
        )


@dataclass(frozen=True, slots=True)
class Reachable:
    """Holds the keys of the people who may and want to get alert mails, and of the channels that are on.

    Attributes:
        refused: people whose mails the server refuses for their address: they are mailed, and count as nobody.
    """

    people: Collection[int]
    channels: Collection[int] = ()
    refused: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """Holds who hears of some alerts.

    Attributes:
        everybody: everybody who gets alert mails; `people` is empty then.
        people: keys of those who hear of it.
        every_channel: also each channel by its own setting: no route fits some alert, or nobody named can be reached.
        channels: keys of those that routes name.
        policies: by which it is escalated, in the order of the routes.
        routes: that were followed, in their order.
    """

    everybody: bool
    people: frozenset[int] = frozenset()
    every_channel: bool = True
    channels: frozenset[int] = frozenset()
    policies: tuple[int, ...] = ()
    routes: tuple[int, ...] = ()


def who_hears(alerts: Iterable[RoutedAlert], routes: Sequence[RouteFacts], reachable: Reachable) -> Heard:
    """Returns who hears of some alerts of which one mail is written.

    Args:
        alerts: of an incident, or one; at least one.
        routes: those that are enabled, in their order.
        reachable: who can hear of anything.
    """
    people: set[int] = set()
    channels: set[int] = set()
    followed: set[int] = set()
    everybody = every_channel = False
    for alert in alerts:
        mine = followed_by(alert, routes)
        followed |= {route.key for route in mine}
        theirs = {key for route in mine for key in route.channels if key in reachable.channels}
        named = {key for key in alert.chosen if key in reachable.people}
        if not named:
            named = {key for route in mine for key in people_of(route, alert) if key in reachable.people}
        # Asked of each alert: that others of its incident reach somebody is no comfort to those of this one.
        is_lost = not (named - {*reachable.refused} or theirs)
        everybody = everybody or is_lost
        every_channel = every_channel or is_lost or not mine
        people |= named
        channels |= theirs
    used = [route for route in routes if route.key in followed]
    return Heard(
        everybody=everybody,
        people=frozenset() if everybody else frozenset(people),
        every_channel=every_channel,
        channels=frozenset(channels),
        policies=tuple(dict.fromkeys(route.policy for route in used if route.policy is not None)),
        routes=tuple(route.key for route in used),
    )


def followed_by(alert: RoutedAlert, routes: Iterable[RouteFacts]) -> list[RouteFacts]:
    """Returns the routes that are followed for an alert: the first that fits, and the next ones while they go on."""
    found = []
    for route in routes:
        if route.fits(alert):
            found.append(route)
            if not route.goes_on:
                break
    return found


def people_of(route: RouteFacts, alert: RoutedAlert) -> frozenset[int]:
    """Returns the keys of the people whom a route names for an alert."""
    return route.people | {alert.owner} if route.to_owner and alert.owner is not None else route.people
