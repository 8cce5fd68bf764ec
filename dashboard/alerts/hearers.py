"""Says who would hear of an alert, by the very decision that mails are written by."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitor.models import Channel, Delivery, EscalationPolicy, Route
from monitor.models.asking import Asking, ask, in_step
from monitor.notify.channels.standing import reachable_channels
from monitor.notify.recipients import entitled, one_of_each
from monitor.routing.decide import Reachable, RoutedAlert, who_hears
from monitor.routing.read import ask_active_routes, ask_labels_of


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


def ask_who_would_hear(account_id: int, kind: str, key: int, severity: str) -> Asking[WhoWouldHear]:
    """Asks who would hear of an alert whose rule names nobody.

    Args:
        account_id: whose.
        kind: of what it is about, as alerts keep it.
        key: of what it is about.
        severity: of its rule.
    """
    # What could be named is few, and asked for at once: it is known by its name only once it is decided.
    names = [
        rows.order_by("name").values_list("pk", "name")
        for rows in (Channel.objects, EscalationPolicy.objects, Route.objects)
    ]
    (mine,), routes, channels, people, refused, *named = yield from in_step(
        ask_labels_of([(kind, str(key))]),
        ask_active_routes(),
        ask(reachable_channels().values_list("pk", "account")),
        ask(entitled()),
        ask(Delivery.objects.bounced().values_list("recipient", flat=True)),
        *map(ask, names),
    )
    reachable = Reachable(
        {person.pk for person in people},
        {pk for pk, account in channels if account in (None, account_id)},
        set(refused),
    )
    heard = who_hears([RoutedAlert(account_id, severity, mine.tags, mine.owner)], routes, reachable)
    of_channels, of_policies, of_routes = map(dict, named)
    heard_people = [person for person in people if heard.everybody or person.pk in heard.people]
    return WhoWouldHear(
        people=sorted(person.get_username() for person in one_of_each(heard_people)),
        everybody=heard.everybody,
        channels=[name for key, name in of_channels.items() if key in heard.channels],
        every_channel=heard.every_channel,
        policies=[of_policies[key] for key in heard.policies],
        routes=[of_routes[key] for key in heard.routes],
    )
