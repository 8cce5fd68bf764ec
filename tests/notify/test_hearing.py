"""Rules, routes and switches that change while a message waits are followed at its sending: nobody goes without."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Channel, ChannelMessage, Delivery, User
from monitor.notify.channels import acts
from monitor.notify.channels.send import send_to_channels
from monitor.notify.dispatch import dispatch_new
from monitor.notify.hearing import HEARS_NO_MORE
from tests import factories
from tests.bystander import Bystander, own
from tests.notify.channels.conftest import make_channel
from tests.notify.channels.test_send import Poster
from tests.notify.conftest import make_transition
from tests.notify.test_late import Ways, fire, recover, send_at, ways
from tests.notify.test_routes import make_route

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
__all__ = ["ways"]


def to_channels(now: datetime) -> list[str]:
    poster = Poster()
    send_to_channels(now, clock=lambda: now, poster=poster)
    return [parcel.fields["url"] for parcel in poster.parcels]


def hook(name: str, **more: Any) -> Channel:
    return make_channel(name=name, fields={"url": f"https://hooks.example.com/{name}"}, **more)


@pytest.fixture
def readers(otto: User, ada: User, bystander: Bystander) -> tuple[User, User]:
    return otto, ada


def test_a_channel_that_is_for_pages_alone_by_now_gets_no_notification_and_its_row_says_why(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    channel = own(Channel).get()
    fire(alert, now)
    fields = dict(channel.fields)
    acts.edit(channel, name="Loud", fields=fields, account=None, severity="page", actor=ada, now=now)
    ways.back(now)
    assert (len(ways.mails), ways.messages) == (1, [])
    message = own(ChannelMessage).get()
    assert (message.state, message.last_error) == ("dead", HEARS_NO_MORE)
    recover(alert, now + MINUTE)
    ways.back(now + MINUTE)
    assert (len(ways.mails), ways.messages) == (2, [])


def test_a_route_that_is_moved_to_others_takes_waiting_messages_along(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, ada = readers
    first, second = hook("first"), hook("second")
    route = make_route(people=[otto], channels=[first])
    fire(alert, now)
    route.people.set([ada])
    route.channels.set([second])
    send_at(now)
    assert to_channels(now) == ["https://hooks.example.com/second"]
    assert [mail.to for mail in ways.sent] == [["ada@example.com"]]
    mails = set(own(Delivery).values_list("recipient__username", "state", "last_error"))
    assert mails == {("otto", "dead", HEARS_NO_MORE), ("ada", "sent", "")}
    hooks = set(own(ChannelMessage).values_list("channel__name", "state", "last_error"))
    assert hooks == {("first", "dead", HEARS_NO_MORE), ("second", "sent", "")}
    recover(alert, now + MINUTE)
    send_at(now + MINUTE)
    assert to_channels(now + MINUTE) == ["https://hooks.example.com/second"]
    assert [mail.to for mail in ways.sent] == [["ada@example.com"]] * 2


def test_a_route_that_is_new_leaves_what_waits_for_everybody_to_those_whom_it_names(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, _ = readers
    fire(alert, now)
    make_route(people=[otto])
    send_at(now)
    assert [mail.to for mail in ways.sent] == [["otto@example.com"]]
    assert to_channels(now) == []


def test_where_the_only_channel_of_a_route_is_switched_off_everybody_hears_of_it(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    """No route makes an alert go to nobody, not even one that was followed when the message was written."""
    _, ada = readers
    only = hook("only")
    make_route(channels=[only])
    fire(alert, now)
    assert (own(Delivery).count(), own(ChannelMessage).count()) == (0, 1)
    acts.switch(only, on=False, actor=ada, now=now)
    ways.back(now)
    ways.back(now)
    assert sorted(mail.to[0] for mail in ways.sent) == ["ada@example.com", "otto@example.com"]
    assert len(ways.messages) == 1  # the other channel, by its own setting
    assert own(ChannelMessage).get(channel=only).last_error == "the channel is off"


def test_where_the_only_reader_of_a_route_switched_mails_off_everybody_hears_of_it(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, _ = readers
    make_route(people=[otto])
    fire(alert, now)
    User.objects.filter(pk=otto.pk).update(wants_mail=False)
    send_at(now)
    assert [mail.to for mail in ways.sent] == [["ada@example.com"]]


def test_a_rule_that_names_somebody_else_by_now_is_followed(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, ada = readers
    alert.rule.recipients.set([otto])
    fire(alert, now)
    alert.rule.recipients.set([ada])
    send_at(now)
    assert [mail.to for mail in ways.sent] == [["ada@example.com"]]


def test_what_is_over_by_then_is_told_to_who_hears_of_it_now_and_calls_no_pager(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, ada = readers
    pager = make_channel("pagerduty")
    route = make_route(people=[otto])
    fire(alert, now)
    route.people.set([ada])
    route.channels.set([pager])
    recover(alert, now + MINUTE)
    send_at(now + MINUTE)
    assert [(mail.to, mail.subject.partition(":")[0]) for mail in ways.sent] == [
        (["ada@example.com"], "[Fired and recovered] Lead sync")
    ]
    assert not own(ChannelMessage).filter(channel=pager).exists()


def test_the_end_goes_where_the_beginning_went_whatever_the_routes_say_now(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    otto, ada = readers
    route = make_route(people=[otto])
    fire(alert, now)
    send_at(now)
    route.people.set([ada])
    recover(alert, now + MINUTE)
    send_at(now + MINUTE)
    assert [mail.to for mail in ways.sent] == [["otto@example.com"]] * 2


def test_a_message_that_is_still_for_its_reader_is_written_for_nobody_else(
    alert: AlertState, readers: tuple[User, User], ways: Ways, now: datetime
) -> None:
    make_transition(alert)
    dispatch_new(now)
    factories.make_user("new", "operator", email="new@example.com")
    ways.back(now)
    assert len(ways.sent) == 2
