"""Lets the servers of channels fail and the processes that write to them die, by chance; and says what went wrong.

What may not happen: a notice without its message, a message more than lost answers and deaths explain, one out of its
order, an end of which the beginning did not arrive.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any
from unittest import mock

from monitor.models import Channel, ChannelMessage, Notice, ZohoAccount
from monitor.notify.channels import send
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from tests import factories
from tests.bystander import own

TAKEN = ChannelAnswer(is_taken=True, status=200)
PAGER = '{"routing_key": "R0123456789012345678901234567890", "region": "us"}'


class Killed(BaseException):
    """Ends a process as a power cut would: what it had not committed is gone."""


class ChannelDesk:
    """Holds a chat and a pager of an account, their servers' ledgers, and the chance by which they fail."""

    def __init__(self, seed: int, account: ZohoAccount) -> None:
        self.chance = random.Random(f"channels {seed}")
        self.chat = factories.make_channel("Chat", account=account)
        self.pager = factories.make_channel("Pager", account=account, service="pagerduty", address=PAGER)
        self.arrived: list[str] = []  # ids of messages, as the servers got them
        self.refused: set[str] = set()  # for good
        self.repeats_explained = 0
        self.is_at_rest = False

    def post(self, parcel: Parcel, now: datetime) -> ChannelAnswer:
        """Is a server: takes a message, refuses it, takes it and loses the answer, or is away."""
        fate = 1.0 if self.is_at_rest else self.chance.random()
        if fate < 0.1:
            return ChannelAnswer(is_taken=False, status=self.chance.choice([408, 500, 502]))
        if fate < 0.18:
            return ChannelAnswer(is_taken=False, status=429, retry_after=str(self.chance.choice([1, 60, 600])))
        if fate < 0.26:
            return ChannelAnswer(is_taken=False, fault="no connection")
        if fate < 0.42:
            self.refused.add(parcel.message_id)
            return ChannelAnswer(is_taken=False, status=404)
        self.arrived.append(parcel.message_id)
        if fate < 0.52:
            self.repeats_explained += 1
            return ChannelAnswer(is_taken=False, fault="no answer in time", may_have_arrived=True)
        return TAKEN

    def send(self, now: datetime) -> None:
        """Sends what is due, by a process that may die before it has noted an answer."""
        if self.is_at_rest or self.chance.random() > 0.2:
            self._send(now)
            return
        before = len(self.arrived)
        try:
            with mock.patch.object(send, "_mark", side_effect=Killed):
                self._send(now)
        except Killed:
            self.repeats_explained += len(self.arrived) - before

    def _send(self, now: datetime) -> None:
        send.send_to_channels(now, clock=lambda: now, poster=self.post)

    def dies_at(self) -> str:
        """Names where a process that writes mails and messages of a notice dies, if it does."""
        return self.chance.choice(["_delivery", "message_of"])

    def wrong(self) -> list[str]:
        """Compares what arrived with what had happened, once everything has come to rest."""
        messages = {one.message_id: one for one in own(ChannelMessage).select_related("notice", "channel")}
        return [*self._lost(messages), *self._odd(messages), *self._out_of_order(messages)]

    def _lost(self, messages: dict[str, ChannelMessage]) -> list[str]:
        told = own(Notice).filter(dispatch_state="dispatched").exclude(kind="resolved")
        written = {one.notice_id for one in messages.values() if one.channel_id == self.chat.pk}
        found = [f"the chat has no message of {one}" for one in told if one.pk not in written]
        for one in messages.values():
            if one.state == "sent" and one.message_id not in self.arrived:
                found.append(f"{one} is marked as sent and never arrived")
            if one.state == "dead" and one.message_id not in self.refused and not self._is_orphan(one, messages):
                found.append(f"{one} was given up without a reason: {one.last_error}")
            if one.state not in ("sent", "dead"):
                found.append(f"{one} was never settled")
        return found

    def _is_orphan(self, end: ChannelMessage, messages: dict[str, ChannelMessage]) -> bool:
        """Returns whether an end was rightly not told: nothing of its incident arrived there."""
        earlier = self._earlier(end, messages)
        return end.notice.kind == "resolved" and not any(one.message_id in self.arrived for one in earlier)

    def _earlier(self, one: ChannelMessage, messages: dict[str, ChannelMessage]) -> list[ChannelMessage]:
        of = (one.channel_id, one.notice.incident_id)
        same = (other for other in messages.values() if (other.channel_id, other.notice.incident_id) == of)
        return [other for other in same if other.notice.seq < one.notice.seq]

    def _odd(self, messages: dict[str, ChannelMessage]) -> list[str]:
        repeats = sum(count - 1 for count in Counter(self.arrived).values())
        if repeats > self.repeats_explained:
            return [f"{repeats} messages came twice, {self.repeats_explained} can be explained"]
        return []

    def _out_of_order(self, messages: dict[str, ChannelMessage]) -> list[str]:
        threads: dict[tuple[Channel, int], list[Any]] = defaultdict(list)
        for key in dict.fromkeys(self.arrived):
            one = messages[key]
            threads[one.channel, one.notice.incident_id].append(one.notice)
        found = []
        for (channel, incident), notices in threads.items():
            numbers = [notice.seq for notice in notices]
            if numbers != sorted(numbers):
                found.append(f"{channel} got notices of incident {incident} in the order {numbers}")
            if notices[0].kind == "resolved":
                found.append(f"{channel} got the end of incident {incident} first")
        return found
