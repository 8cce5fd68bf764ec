"""Digests and "I am alive" go to channels that ask for them, in short, once for each period."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Channel, ChannelMessage, ChannelStanding, Digest, Occasion, ages
from monitor.notify.channels import acts
from monitor.notify.channels.acts import ChannelRefused, DigestWishes
from monitor.notify.channels.send import send_to_channels
from monitor.notify.compose import address
from monitor.notify.outlived import outlived_digests
from monitor.notify.send_again import CannotBeSentAgain, send_again
from tests import factories
from tests.bystander import Bystander, own
from tests.notify.channels.conftest import FIELDS, make_channel
from tests.notify.channels.test_send import Poster, refused
from tests.notify.test_digests import FACTS, QUIET, Facts, run

pytestmark = pytest.mark.django_db
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def asking(service: str = "slack", *, digest: str = "digest_daily", **more: Any) -> Channel:
    """A channel that has asked for a daily digest for long."""
    return make_channel(service, **({"digest": digest, "added_at": factories.NOON - 99 * DAY} | more))


def sent(now: datetime, *answers: Any) -> Poster:
    poster = Poster(*answers)
    send_to_channels(now, clock=lambda: now, poster=poster)
    return poster


def test_a_channel_that_asks_gets_one_short_message_a_day_and_another_none(now: datetime, bystander: Bystander) -> None:
    channel = asking()
    make_channel("teams", added_at=now - 99 * DAY)
    facts = Facts()
    assert [run(facts, now + n * MINUTE) for n in range(3)] == [1, 0, 0]
    (parcel,) = sent(now).parcels
    assert parcel.title == "[Daily digest] 1 flow worse, 1 new problem, 8 open failures"
    assert any("Lead sync" in line for line in parcel.lines)
    assert sum(map(len, parcel.lines)) <= 701
    assert (parcel.tone, parcel.link) == ("warning", address("overview"))
    message = own(ChannelMessage).get()
    assert (message.channel, message.state, message.digest.kind) == (channel, "sent", "digest_daily")
    assert not own(Occasion).exists()
    assert run(facts, now + DAY) == 1
    assert [asked.since for asked in facts.asked] == [now - DAY, now]
    assert Digest.objects.filter(person=bystander.person_id).count() == 1


def test_a_webhook_gets_the_parts_of_a_digest_for_programs(now: datetime) -> None:
    asking("webhook", digest="digest_weekly")
    run(Facts(), now)
    (parcel,) = sent(now).parcels
    assert parcel.payload["type"] == "digest.weekly"
    data = parcel.payload["data"]
    assert (data["since"], data["until"]) == ("2026-11-15T12:00:00Z", "2026-11-22T12:00:00Z")
    worse = data["sections"][0]
    assert worse["is_news"] is True
    assert worse["lines"][0]["url"].endswith("/flows/7/")


def test_where_nothing_is_to_say_nothing_goes_to_a_channel(now: datetime) -> None:
    asking()
    assert run(Facts(QUIET), now) == 0
    assert own(Digest).get().is_empty
    assert not own(ChannelMessage).exists()


def test_that_the_monitor_is_alive_goes_to_a_channel_that_asks_once_the_worker_has_run_a_minute(now: datetime) -> None:
    asking(digest="", wants_alive=True)
    assert run(Facts(), now, booted_at=now) == 0
    assert run(Facts(), now + MINUTE, booted_at=now) == 1
    (parcel,) = sent(now + MINUTE).parcels
    assert parcel.title.startswith("[I am alive]")
    assert parcel.payload["type"] == "alive"


def test_the_hour_is_the_channels_by_utc(now: datetime) -> None:
    asking(digest_hour=13)
    facts = Facts()
    yesterday = run(facts, now)
    assert (yesterday, run(facts, now + 59 * MINUTE), own(Digest).get().due_at.hour) == (1, 0, 13)


def test_a_channel_of_one_account_is_told_of_that_alone(now: datetime) -> None:
    mine, _ = factories.make_account("Acme"), factories.make_account("Other Ltd")
    asking(account=mine)
    facts = Facts()
    run(facts, now)
    assert facts.asked[0].accounts == [mine.pk]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"digest": ""}, "the channel does not ask for it any more"),
        ({"digest": "digest_weekly"}, "the channel does not ask for it any more"),
        ({"is_active": False}, "the channel is off"),
        ({"deleted_at": factories.NOON}, "the channel was deleted"),
    ],
)
def test_what_waits_for_a_channel_that_asks_no_more_is_not_sent_and_its_row_says_why(
    now: datetime, change: dict[str, Any], why: str
) -> None:
    channel = asking()
    run(Facts(), now)
    Channel.objects.filter(pk=channel.pk).update(**change)
    assert sent(now).parcels == []
    message = own(ChannelMessage).get()
    assert (message.state, message.last_error) == ("dead", why)


def test_what_tells_of_all_accounts_does_not_go_to_a_channel_that_is_of_one_by_now(now: datetime) -> None:
    mine, _ = factories.make_account("Acme"), factories.make_account("Other Ltd")
    channel = asking()
    run(Facts(), now)
    Channel.objects.filter(pk=channel.pk).update(account=mine)
    assert sent(now).parcels == []
    assert own(ChannelMessage).get().last_error == "the channel is of another account by now"


def test_a_channel_that_is_off_is_asked_for_nothing(now: datetime) -> None:
    asking(is_active=False)
    assert run(Facts(), now) == 0


def test_after_an_outage_of_the_channel_it_goes_out_once_under_its_id(now: datetime) -> None:
    asking()
    run(Facts(), now)
    first = sent(now, refused(503)).parcels
    second = sent(now + MINUTE).parcels
    assert [one.message_id for one in [*first, *second]] == [own(ChannelMessage).get().message_id] * 2


def test_a_digest_that_is_refused_for_what_it_says_goes_out_with_the_least(now: datetime) -> None:
    asking("webhook")
    run(Facts(), now)
    poster = sent(now, refused(400))
    assert [one.title for one in poster.parcels][1:] == ["Your daily digest"]
    assert poster.parcels[1].payload["data"]["title"] == "Your daily digest"


def test_a_digest_that_was_given_up_is_sent_again_once(now: datetime, ada: Any) -> None:
    channel = asking()
    run(Facts(), now)
    sent(now, refused(410))
    ChannelStanding.objects.filter(channel=channel).update(state="unknown", code="")
    message = own(ChannelMessage).get()
    send_again(message, actor=ada, now=now + MINUTE)
    with pytest.raises(CannotBeSentAgain):
        send_again(message, actor=ada, now=now + MINUTE)
    assert len(sent(now + MINUTE).parcels) == 1


def test_personal_data_is_hidden_and_nobody_is_called_by_a_name(now: datetime) -> None:
    asking()
    worse = [replace(FACTS.worse[0], flow=replace(FACTS.worse[0].flow, name="Line\nbreak\u202e"))]
    run(Facts(replace(FACTS, worse=worse)), now)
    assert "\n" not in own(ChannelMessage).get().title
    assert "\u202e" not in own(ChannelMessage).get().text


@pytest.mark.parametrize("service", ["pagerduty", "opsgenie"])
@pytest.mark.parametrize("wishes", [DigestWishes("digest_daily"), DigestWishes(alive=True)])
def test_no_pager_is_called_for_a_digest(now: datetime, ada: Any, service: str, wishes: DigestWishes) -> None:
    with pytest.raises(ChannelRefused, match="calls somebody"):
        acts.add(
            name="P", service=service, fields=FIELDS[service], account=None, severity="page", actor=ada, now=now,
            digests=wishes,
        )  # fmt: skip
    assert not own(Channel).exists()


def test_what_was_due_before_a_channel_asked_is_not_sent(now: datetime, ada: Any) -> None:
    channel = make_channel("slack", added_at=now - 99 * DAY)
    known: dict[str, Any] = {"name": "S", "fields": {}, "account": None, "severity": "page", "actor": ada}
    acts.edit(channel, now=now, digests=DigestWishes("digest_daily", 7), **known)
    facts = Facts()
    assert [run(facts, at) for at in (now, now + DAY)] == [0, 1]
    acts.edit(channel, now=now + DAY, **known)
    channel.refresh_from_db()
    assert (channel.digest, channel.digest_hour, channel.digests_from) == ("digest_daily", 7, now)


def test_old_digests_of_a_channel_go_with_their_messages_but_for_the_newest_and_what_waits(now: datetime) -> None:
    edge = ages().rows_edge(now)
    channel = asking(added_at=edge - 99 * DAY)
    run(Facts(), edge - 9 * DAY)
    run(Facts(), edge - 8 * DAY)
    first, newest = Digest.objects.filter(channel=channel).order_by("due_at")
    assert set(outlived_digests(edge)) & {first, newest} == set()
    own(ChannelMessage).update(state="sent")
    assert set(outlived_digests(edge)) & {first, newest} == {first}
