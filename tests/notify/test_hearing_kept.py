"""Whoever a message was written for gets it though alerts recover meanwhile, and who knows more gets no older one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.incidents import notify
from monitor.models import (
    AlertRule,
    AlertState,
    Channel,
    ChannelMessage,
    Delivery,
    EscalationPolicy,
    Incident,
    Tag,
    User,
)
from monitor.notify.channels import acts
from monitor.notify.dispatch import dispatch_new
from monitor.notify.hearing import HEARS_NO_MORE
from monitor.notify.send_again import send_again
from monitor.ownership import set_ownership
from tests import factories
from tests.bystander import Bystander, own
from tests.notify.test_escalations import add_step, work
from tests.notify.test_hearing import hook, to_channels
from tests.notify.test_late import BACK, MINUTE, Ways, fire, join, recover, send_at, ways
from tests.notify.test_routes import beside, make_route

pytestmark = pytest.mark.django_db
__all__ = ["ways"]


@pytest.fixture
def readers(otto: User, ada: User, bystander: Bystander) -> tuple[User, User]:
    return otto, ada


@pytest.fixture
def other(alert: AlertState, readers: tuple[User, User]) -> AlertState:
    """Another alert of the incident: its rule names Ada, that of the first Otto; each has a channel by a route."""
    otto, ada = readers
    rule = factories.make_alert_rule(alert.rule.account, kind="in_a_row")
    alert.rule.recipients.set([otto])
    rule.recipients.set([ada])
    found = beside(alert, rule)
    for position, (one, name) in enumerate([(alert, "first"), (found, "second")], 1):
        set_ownership(one.watched_flow, None, [name], ada, factories.NOON)
        make_route(position, tag=Tag.objects.get(name=name), channels=[hook(name)])
    return found


def read_by(ways: Ways, who: str) -> list[str]:
    return [mail.subject.partition("]")[0][1:] for mail in ways.sent if mail.to == [f"{who}@example.com"]]


def states(channel: str) -> list[tuple[str, str]]:
    rows = own(ChannelMessage).filter(channel__name=channel).order_by("notice__seq")
    return list(rows.values_list("notice__kind", "state"))


@pytest.mark.parametrize("kind", ["update", "repeat"])
def test_whose_alert_recovered_before_anything_arrived_hears_of_it_and_of_the_end(
    ways: Ways, alert: AlertState, other: AlertState, now: datetime, kind: str
) -> None:
    incident = fire(alert, now)
    join(incident, other, now + MINUTE)
    if kind == "repeat":
        notify(incident, "repeat", now + 2 * MINUTE, due_at=now + 2 * MINUTE)
        dispatch_new(now + 2 * MINUTE)
    ways.away(now + 2 * MINUTE)
    recover(alert, now + 3 * MINUTE)
    ways.is_away = False
    send_at(now + BACK)
    to_channels(now + BACK)
    assert (read_by(ways, "otto"), read_by(ways, "ada")) == (["Firing"], ["Firing"])
    assert [states(name)[-1] for name in ("first", "second")] == [(kind, "sent")] * 2
    recover(other, now + BACK + MINUTE)
    send_at(now + BACK + MINUTE)
    assert sorted(to_channels(now + BACK + MINUTE)) == [f"https://hooks.example.com/{n}" for n in ("first", "second")]
    assert (read_by(ways, "otto"), read_by(ways, "ada")) == (["Firing", "Recovered"], ["Firing", "Recovered"])


def test_an_update_that_waits_goes_to_who_knows_the_incident_though_their_alert_recovered(
    ways: Ways, alert: AlertState, other: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    send_at(now)
    to_channels(now)
    join(incident, other, now + MINUTE)
    recover(alert, now + 2 * MINUTE)
    send_at(now + 2 * MINUTE)
    assert to_channels(now + 2 * MINUTE)
    assert len(read_by(ways, "otto")) == 2
    assert states("first") == [("firing", "sent"), ("update", "sent")]
    assert not own(Delivery).filter(state="dead").exists()


def test_who_is_named_instead_of_a_reader_is_told_of_all_that_the_message_carries(
    ways: Ways, alert: AlertState, other: AlertState, now: datetime
) -> None:
    olga = factories.make_user("olga", "operator", email="olga@example.com")
    incident = fire(alert, now)
    join(incident, other, now + MINUTE)
    ways.away(now + MINUTE)
    ways.away(now + 30 * MINUTE)  # the first is told by the second by now, which could not go out either
    assert set(own(Delivery).filter(recipient__username="otto").values_list("state", flat=True)) == {"told", "queued"}
    recover(alert, now + 31 * MINUTE)
    alert.rule.recipients.set([olga])
    ways.is_away = False
    send_at(now + BACK)
    send_at(now + BACK)
    assert (read_by(ways, "otto"), len(read_by(ways, "olga"))) == ([], 1)
    assert "Lead sync" in next(mail.body for mail in ways.sent if mail.to == ["olga@example.com"])


def test_who_hears_by_a_step_of_an_escalation_alone_hears_of_what_was_over_before_it_went_out(
    ways: Ways, alert: AlertState, readers: tuple[User, User], now: datetime
) -> None:
    otto, _ = readers
    lead = factories.make_user("lead", "operator", email="lead@example.com")
    policy = EscalationPolicy.objects.create(name="On call")
    add_step(policy, 1, 5, people=[lead], channels=[hook("steps")])
    make_route(people=[otto], channels=[hook("route")], policy=policy)
    fire(alert, now)
    work(0, 5)
    ways.away(now + 5 * MINUTE)
    recover(alert, now + 6 * MINUTE)
    ways.is_away = False
    send_at(now + BACK)
    assert read_by(ways, "lead") == read_by(ways, "otto") == ["Fired and recovered"]
    assert len(to_channels(now + BACK)) == 2
    assert states("steps") == [("escalate", "told"), ("resolved", "sent")]


def test_a_channel_for_pages_alone_gets_its_page_though_only_something_quieter_fires_by_then(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    own(Channel).update(severity="page")
    AlertRule.objects.filter(pk=alert.rule_id).update(severity="page")
    alert.rule.refresh_from_db()
    quieter = beside(alert, factories.make_alert_rule(alert.rule.account, kind="in_a_row"))
    incident = fire(alert, now)
    ways.away(now)
    join(incident, quieter, now + MINUTE)
    ways.away(now + MINUTE)
    recover(alert, now + 2 * MINUTE)
    assert Incident.objects.get(pk=incident.pk).severity == "notify"
    ways.back(now + BACK)
    ways.back(now + BACK)
    assert len(ways.messages) == 1
    assert not own(ChannelMessage).filter(state="dead").exists()


def test_who_has_a_newer_message_of_the_incident_gets_no_older_one_in_the_place_of_another(
    ways: Ways, alert: AlertState, other: AlertState, readers: tuple[User, User], now: datetime
) -> None:
    otto, _ = readers
    incident = fire(alert, now)
    join(incident, other, now + MINUTE)
    User.objects.filter(pk=otto.pk).update(wants_mail=False)
    own(Channel).filter(name="first").update(is_active=False)
    send_at(now + 2 * MINUTE)
    to_channels(now + 2 * MINUTE)
    mails = own(Delivery).filter(recipient__username="ada").values_list("notice__kind", flat=True)
    assert list(mails) == ["update"]
    assert states("second") == [("update", "sent")]


@pytest.mark.parametrize("act", ["off", "delete"])
def test_of_what_is_over_nobody_hears_in_the_place_of_a_channel_that_is_out(
    ways: Ways, alert: AlertState, readers: tuple[User, User], now: datetime, act: str
) -> None:
    _, ada = readers
    only = hook("only")
    make_route(channels=[only])
    fire(alert, now)
    recover(alert, now + MINUTE)
    if act == "off":
        acts.switch(only, on=False, actor=ada, now=now)
    else:
        acts.delete(only, actor=ada, now=now)
    ways.back(now + MINUTE)
    ways.back(now + MINUTE)
    assert (ways.mails, ways.messages) == ([], [])
    assert set(own(ChannelMessage).values_list("channel", flat=True)) == {only.pk}


def test_no_channel_reads_the_end_of_what_another_message_was_to_tell_that_was_given_up(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    other = beside(alert, factories.make_alert_rule(alert.rule.account, kind="in_a_row"))
    ways.away(now)
    join(incident, other, now + MINUTE)
    ways.away(now + 30 * MINUTE)
    for rows in (own(Delivery), own(ChannelMessage)):
        assert list(rows.order_by("notice__seq").values_list("state", flat=True)) == ["told", "queued"]
        rows.filter(state="queued").update(state="dead")
    recover(alert, now + BACK)
    recover(other, now + BACK)
    ways.back(now + BACK)
    assert (ways.mails, ways.messages) == ([], [])
    for rows in (own(Delivery), own(ChannelMessage)):
        assert rows.get(notice__kind="resolved").last_error.startswith("nothing of the incident arrived there")


def revive_all(rows: Any, actor: User, now: datetime) -> None:
    for row in rows.filter(state="dead"):
        send_again(row, actor=actor, now=now)


def test_what_somebody_has_sent_again_goes_to_who_hears_no_more_by_the_rules(
    ways: Ways, alert: AlertState, readers: tuple[User, User], now: datetime
) -> None:
    otto, ada = readers
    first, second = hook("first"), hook("second")
    route = make_route(people=[otto], channels=[first])
    fire(alert, now)
    route.people.set([ada])
    route.channels.set([second])
    ways.back(now)
    ways.back(now)
    for rows in (own(Delivery), own(ChannelMessage)):
        assert rows.get(state="dead").last_error == HEARS_NO_MORE
        revive_all(rows, ada, now + MINUTE)
    send_at(now + MINUTE)
    assert to_channels(now + MINUTE) == ["https://hooks.example.com/first"]
    assert [mail.to for mail in ways.sent] == [["ada@example.com"], ["otto@example.com"]]


def test_a_reminder_that_somebody_has_sent_again_goes_out_though_somebody_is_on_it(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    remind_and_acknowledge(ways, fire_and_send(ways, alert, now), ada, now + BACK)
    ways.back(now + BACK + MINUTE)
    assert len(ways.mails) == len(ways.messages) == 1
    for rows in (own(Delivery), own(ChannelMessage)):
        revive_all(rows, ada, now + BACK + 2 * MINUTE)
    ways.back(now + BACK + 2 * MINUTE)
    assert len(ways.mails) == len(ways.messages) == 2


def fire_and_send(ways: Ways, alert: AlertState, now: datetime) -> Incident:
    incident = fire(alert, now)
    ways.back(now)
    return incident


def remind_and_acknowledge(
    ways: Ways, incident: Incident, who: User, now: datetime, *, ended: AlertState | None = None
) -> None:
    """A reminder waits, is written anew where an alert ended, and somebody takes the incident up."""
    notify(incident, "repeat", now, due_at=now)
    dispatch_new(now)
    ways.away(now)
    if ended is not None:
        recover(ended, now + timedelta(seconds=10))
        ways.away(now + 30 * MINUTE)
    Incident.objects.filter(pk=incident.pk).update(acknowledged_at=now, acknowledged_by=who)


def test_a_reminder_that_was_written_anew_is_dropped_too_once_somebody_is_on_it(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    other = beside(alert, factories.make_alert_rule(alert.rule.account, kind="in_a_row"))
    join(incident, other, now)
    ways.back(now)
    ways.back(now)
    told = len(ways.mails), len(ways.messages)
    remind_and_acknowledge(ways, incident, ada, now + BACK, ended=other)
    assert own(Delivery).get(notice__kind="repeat").retold_at is not None
    assert own(ChannelMessage).get(notice__kind="repeat").retold_at is not None
    ways.back(now + 2 * BACK)
    assert (len(ways.mails), len(ways.messages)) == told
