"""Signed webhooks beside the mails of a schedule: servers that fail, processes that die, and what must hold of both."""

from __future__ import annotations

import json
from collections import Counter as Count
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings

from monitor.models import Channel, ChannelMessage, Incident
from monitor.notify.channels import send
from monitor.notify.kept_back import OVER_BY_THEN
from monitor.notify.late import LateVerdict
from monitor.notify.recipients import END_OF_NOTHING
from monitor.public_addresses import PrivateHosts
from tests.bystander import own
from tests.notify.channels.conftest import make_channel
from tests.notify.channels.server import DROP, Counter

if TYPE_CHECKING:
    from tests.notify.alert_house import AlertHouse

LATER = ((500, {}, b"down"), (503, {"Retry-After": "90"}, b"busy"), (429, {}, b"slow down"), (408, {}, b""))
NOWHERE = PrivateHosts.read([])
DEATHS = ("_claim", "_exchange", "_mark", "_mark_sent")


class HookedChannels:
    """Holds two channels with a server each, and what came there."""

    def __init__(self, servers: Sequence[Counter]) -> None:
        self.servers = servers
        for server in servers:
            server.taken.clear()
            server.answers.clear()
        self.channels: list[Channel] = [
            make_channel(name=f"Hook {number}", fields={"url": f"{server.origin}/hook"})
            for number, server in enumerate(servers)
        ]
        self.repeats_explained: Count[str] = Count()

    def send(self, house: AlertHouse) -> None:
        """Sends what is due, to servers that may refuse, break off or be away, by a process that may die."""
        before = [len(server.taken) for server in self.servers]
        fate = house.chance.random()
        if fate < 0.12 or house.is_out:
            known, settings.CHANNEL_PRIVATE_HOSTS = settings.CHANNEL_PRIVATE_HOSTS, NOWHERE
            self.send_due(house)
            settings.CHANNEL_PRIVATE_HOSTS = known
        elif fate < 0.35:
            house.chance.choice(self.servers).answers = [house.chance.choice([*LATER, DROP, DROP])]
            self.send_due(house)
        elif fate < 0.55:
            with house.perhaps_killed(send, house.chance.choice(DEATHS), always=True):
                self.send_due(house)
        else:
            self.send_due(house)
        self._explain(before)

    def send_due(self, house: AlertHouse) -> int:
        return send.send_to_channels(house.now, clock=lambda: house.now).handled

    def _explain(self, before: Sequence[int]) -> None:
        """Notes what was taken without our knowing: it comes again, once for each time."""
        for server, count in zip(self.servers, before, strict=True):
            server.answers.clear()
            for name in {ids(one) for one in server.taken[count:]}:
                if not own(ChannelMessage).filter(message_id=name, state="sent").exists():
                    self.repeats_explained[name] += 1

    def judge(self, house: AlertHouse) -> None:
        """Compares what came to each channel with what had happened."""
        messages = {one.message_id: one for one in own(ChannelMessage).select_related("notice")}
        if unsent := [
            (one.state, one.last_error, one.title) for one in messages.values() if not is_settled(one, house)
        ]:
            house.wrong.append(f"messages {unsent} were not sent")
        for server, channel in zip(self.servers, self.channels, strict=True):
            self._judge_repeats(server, house)
            told: dict[int, list[ChannelMessage]] = defaultdict(list)
            for name in dict.fromkeys(map(ids, server.taken)):
                told[messages[name].notice.incident_id].append(messages[name])
            for incident in own(Incident):
                self._judge_thread(channel, incident, told.get(incident.pk, []), house)

    def _judge_repeats(self, server: Counter, house: AlertHouse) -> None:
        names: dict[str, set[str]] = defaultdict(set)
        for one in server.taken:
            names[one.body.decode()].add(ids(one))
        if doubled := [found for found in names.values() if len(found) > 1]:
            house.wrong.append(f"the same message came under the ids {doubled}")
        for name, times in Count(map(ids, server.taken)).items():
            if times > 1 + self.repeats_explained[name]:
                house.wrong.append(f"{name} came {times} times, {self.repeats_explained[name]} repeats are explained")

    @staticmethod
    def _is_told_to_flap(channel: Channel, incident: Incident) -> bool:
        """Whether an incident was quiet because its alert flaps, and a message told the channel of the flapping."""
        hushed = incident.notices.filter(kind="firing", why_silent="flaps").exists()
        return hushed and channel.messages.filter(state__in=("sent", "unknown"), title__contains="flaps]").exists()

    def _judge_thread(
        self, channel: Channel, incident: Incident, told: list[ChannelMessage], house: AlertHouse
    ) -> None:
        numbers = [one.notice.seq for one in told]
        if numbers != sorted(numbers):
            house.wrong.append(f"{channel} was told of incident {incident.pk} in the order {numbers}")
        if not told:
            if incident.is_open or not (house.was_quiet or self._is_told_to_flap(channel, incident)):
                house.wrong.append(f"{channel} never heard of incident {incident.pk}")
            return
        if told[0].notice.kind == "resolved" and not told[0].says_both:
            house.wrong.append(f"{channel} was told of the end of incident {incident.pk} first")
        if not incident.is_open and all(one.payload["data"]["state"] != "resolved" for one in told):
            house.wrong.append(f"{channel} never heard that incident {incident.pk} is over")


def is_settled(message: ChannelMessage, house: AlertHouse) -> bool:
    """Says whether a message went out, or another one told it, or nobody is to be told by then."""
    return message.state in ("sent", "told") or message.last_error in told_to_nobody(house.was_quiet)


def told_to_nobody(was_quiet: bool) -> list[str]:
    """Why messages may go to nobody: somebody is on it, or it was kept quiet until it was over; nor is its end told."""
    return [LateVerdict.ACKNOWLEDGED.value, *([OVER_BY_THEN, END_OF_NOTHING] if was_quiet else [])]


def ids(taken: Any) -> str:
    """The webhook-id of a request; what the body says of itself is signed with it."""
    assert json.loads(taken.body)["data"]
    return str(taken.headers["webhook-id"])
