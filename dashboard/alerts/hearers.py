"""Says who would hear of an alert, by the very decision that mails are written by."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.models import Channel, EscalationPolicy, Route
from monitor.notify.channels.standing import reachable_channels
from monitor.notify.recipients import entitled, recipients, refused_readers
from monitor.routing.decide import Heard, Reachable, RoutedAlert, who_hears
from monitor.routing.read import active_routes, labels_of


@dataclass(frozen=True)
class WhoWouldHear:
    """Holds in names who would hear of an alert.

    Attributes:
        people: usernames, one for each address.
        everybody: whether these are all who get alert mails.
        channels: names of channels that routes name.
        every_channel: whether it goes to each channel by its own setting.
        policies: names, of escalations that would begin.
        routes: names of the routes that decide.
    """

    people: list[str]
    everybody: bool
    channels: list[str]
    every_channel: bool
    policies: list[str] = field(default_factory=list)
    routes: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        """Is all of it in sentences."""
        names = ", ".join(self.people)
        who = (
            f"Everybody who gets alert mails: {names or 'nobody at present'}"
            if self.everybody
            else names or "No person"
        )
        parts = [who]
        if self.channels:
            parts.append(f"channels: {', '.join(self.channels)}")
        if self.every_channel:
            parts.append("each channel by its own setting")
        routes = (
            f"By the route{'s' * (len(self.routes) > 1)} {', '.join(self.routes)}." if self.routes else "No route fits."
        )
        escalated = f" Escalated by {', '.join(self.policies)}." if self.policies else ""
        return f"{'; '.join(parts)}. {routes}{escalated}"


def who_would_hear(account_id: int, kind: str, key: int, severity: str) -> WhoWouldHear:
    """Returns who would hear of an alert whose rule names nobody.

    Args:
        account_id: whose.
        kind: of what it is about, as alerts keep it.
        key: of what it is about.
        severity: of its rule.
    """
    (mine,) = labels_of([(kind, str(key))])
    alert = RoutedAlert(account_id, severity, mine.tags, mine.owner)
    heard = who_hears([alert], active_routes(), reachable(account_id))
    return _in_names(heard)


def reachable(account_id: int) -> Reachable:
    """Returns who can hear of an account's alerts at all. Three statements."""
    channels = reachable_channels().values_list("pk", "account")
    mine = {pk for pk, account in channels if account in (None, account_id)}
    return Reachable(set(entitled().values_list("pk", flat=True)), mine, refused_readers())


def _in_names(heard: Heard) -> WhoWouldHear:
    people = recipients(None if heard.everybody else heard.people)
    channels = Channel.objects.filter(pk__in=heard.channels).order_by("name").values_list("name", flat=True)
    policies = EscalationPolicy.objects.in_bulk(heard.policies)
    routes = Route.objects.in_bulk(heard.routes)
    return WhoWouldHear(
        people=sorted(person.get_username() for person in people),
        everybody=heard.everybody,
        channels=list(channels),
        every_channel=heard.every_channel,
        policies=[policies[key].name for key in heard.policies],
        routes=[routes[key].name for key in heard.routes],
    )
