"""Messages that come late: after an outage, after their incident, after a channel was off or the clock was set back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Channel, ChannelMessage, ChannelStanding, Delivery, User
from monitor.models.channels import LONGEST_PAUSE
from monitor.notify.channels import acts, answers, post
from monitor.notify.channels import send as send_module
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.channels.probe import probe_channel
from monitor.notify.channels.send import is_anything_to_notify
from monitor.notify.dispatch import dispatch_new
from monitor.notify.send import SendReport, send_due
from monitor.notify.send_again import CannotBeSentAgain, send_again
from monitor.notify.smtp_answers import BACK_OFF, REFUSED_PAUSE
from monitor.queries.health import waiting_since
from tests import factories
from tests.bystander import own
from tests.notify.channels.conftest import TAKEN, make_channel
from tests.notify.channels.test_send import SECOND, Poster, lost, recover, refused, send_at
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def fire(alert: AlertState, now: datetime) -> ChannelMessage:
    make_transition(alert)
    assert dispatch_new(now) == 1
    return own(ChannelMessage).get()


# ---- a beginning after its end


def test_a_pager_is_not_called_for_what_ended_while_it_could_not_be_reached(alert: AlertState, now: datetime) -> None:
    make_channel("pagerduty")
    fire(alert, now)
    send_at(now, Poster(lost(may_have_arrived=False)))
    recover(alert, now + SECOND)
    poster = Poster()
    assert send_at(now + MINUTE, poster).dead == 2
    assert poster.parcels == []


def test_a_chat_hears_once_of_what_ended_while_it_could_not_be_reached(alert: AlertState, now: datetime) -> None:
    make_channel("slack")
    fire(alert, now)
    send_at(now, Poster(lost(may_have_arrived=False)))
    recover(alert, now + SECOND)
    poster = Poster()
    report = send_at(now + MINUTE, poster)
    assert (report.sent, report.told, report.dead) == (1, 1, 0)
    assert [(parcel.tone, parcel.payload["type"]) for parcel in poster.parcels] == [
        ("success", "incident.fired_and_resolved")
    ]
    assert "Fired and recovered" in poster.parcels[0].title


def test_what_may_have_arrived_is_told_as_it_was_and_its_end_after_it(alert: AlertState, now: datetime) -> None:
    make_channel("pagerduty")
    fire(alert, now)
    send_at(now, Poster(lost()))
    recover(alert, now + SECOND)
    poster = Poster()
    assert send_at(now + MINUTE, poster).sent == 2
    assert [parcel.tone for parcel in poster.parcels] == ["warning", "success"]


# ---- dead ones after the end


@pytest.mark.parametrize("service", ["pagerduty", "slack"])
def test_a_dead_beginning_is_not_sent_again_once_its_incident_is_over(
    alert: AlertState, ada: User, now: datetime, service: str
) -> None:
    make_channel(service)
    fired = fire(alert, now)
    send_at(now, Poster(refused(410)))
    recover_without_readers(alert, now)
    fired.refresh_from_db()
    with pytest.raises(CannotBeSentAgain, match="is over by now"):
        send_again(fired, actor=ada, now=now + DAY)


def test_a_dead_mail_of_a_beginning_is_not_sent_again_once_its_incident_is_over(
    alert: AlertState, ada: User, now: datetime, sink: Any
) -> None:
    make_transition(alert)
    dispatch_new(now)
    sink.at_rcpt = ["550 5.1.1 no such user"]
    assert send_due(now, clock=lambda: now).dead == 1
    recover_without_readers(alert, now)
    with pytest.raises(CannotBeSentAgain, match="is over by now"):
        send_again(own(Delivery).get(), actor=ada, now=now + DAY)


def recover_without_readers(alert: AlertState, now: datetime) -> None:
    make_transition(alert, "resolved", now=now + SECOND)
    dispatch_new(now + SECOND)


def test_no_mail_tells_the_end_of_what_never_arrived(alert: AlertState, ada: User, now: datetime, sink: Any) -> None:
    make_transition(alert)
    dispatch_new(now)
    make_transition(alert, "resolved", now=now + SECOND)
    dispatch_new(now + SECOND)
    sink.at_rcpt = ["550 5.1.1 no such user"]
    later = now + 2 * SECOND
    assert send_due(later, clock=lambda: later) == SendReport(told=1, dead=1)
    assert sink.mails == []


def test_no_mail_tells_the_end_of_what_was_given_up(alert: AlertState, ada: User, now: datetime, sink: Any) -> None:
    make_transition(alert)
    dispatch_new(now)
    factories.make_notice(own(Delivery).get().notice.incident, seq=2, kind="resolved", dispatch_state="dispatched")
    fired = own(Delivery).get()
    Delivery.objects.create(
        notice=fired.notice.incident.notices.get(seq=2), recipient=ada, address=ada.email, message_id="<x@y>",
        subject="s", text="t", html="", created_at=now, next_try_at=now + SECOND,
    )  # fmt: skip
    sink.at_rcpt = ["550 5.1.1 no such user"]
    own(Delivery).filter(pk=fired.pk).update(state="dead")
    assert send_due(now + SECOND, clock=lambda: now + SECOND).dead == 1
    assert sink.mails == []
    assert own(Delivery).filter(last_error__startswith="nothing of the incident arrived there").count() == 1


# ---- channels that were changed meanwhile


def test_the_end_waits_for_a_channel_that_is_off(alert: AlertState, ada: User, now: datetime) -> None:
    channel = make_channel("pagerduty")
    fire(alert, now)
    assert send_at(now, Poster()).sent == 1
    acts.switch(channel, on=False, actor=ada, now=now)
    recover(alert, now + SECOND)
    assert send_at(now + MINUTE, Poster()).handled == 0
    assert not is_anything_to_notify(now + MINUTE)
    acts.switch(channel, on=True, actor=ada, now=now + MINUTE)
    poster = Poster()
    assert send_at(now + MINUTE, poster).sent == 1
    assert poster.parcels[0].tone == "success"


@pytest.mark.parametrize("mended", ["tested", "switched", "moved"])
def test_what_is_gone_is_asked_no_more_until_a_person_has_changed_it(
    alert: AlertState, ada: User, now: datetime, mended: str
) -> None:
    channel = make_channel()
    fired = fire(alert, now)
    send_at(now, Poster(refused(410)))
    update = factories.make_notice(fired.notice.incident, seq=5, kind="update", dispatch_state="dispatched")
    factories.make_channel_message(update, channel, created_at=now, next_try_at=now)
    poster = Poster()
    assert send_at(now + MINUTE, poster).dead == 1
    assert poster.parcels == []
    if mended == "tested":
        assert probe_channel(channel, actor=ada, now=now + MINUTE, poster=Poster()).is_sent
    elif mended == "switched":
        acts.switch(channel, on=False, actor=ada, now=now)
        acts.switch(channel, on=True, actor=ada, now=now)
    else:
        fields = {"url": "https://hooks.example.com/another"}
        acts.edit(channel, name="A", fields=fields, account=None, severity="notify", actor=ada, now=now)
    later = factories.make_notice(fired.notice.incident, seq=6, kind="repeat", dispatch_state="dispatched")
    factories.make_channel_message(later, channel, created_at=now, next_try_at=now)
    assert send_at(now + MINUTE, Poster()).sent == 1


def test_nothing_goes_to_a_channel_that_is_of_another_account_by_now(alert: AlertState, now: datetime) -> None:
    channel = make_channel(account=alert.rule.account)
    fire(alert, now)
    Channel.objects.filter(pk=channel.pk).update(account=factories.make_account("Other Ltd"))
    poster = Poster()
    assert send_at(now, poster).dead == 1
    assert poster.parcels == []


def test_just_after_an_outage_what_waited_is_due_from_when_the_channel_took_a_message_again(
    alert: AlertState, now: datetime
) -> None:
    make_channel("slack")
    waiting = fire(alert, now)
    send_at(now, Poster(lost(may_have_arrived=False)))
    back = now + timedelta(hours=4)
    ChannelStanding.objects.filter(channel=waiting.channel).update(
        state="accepts", since=back, next_try_at=None, accepted_at=back
    )
    assert waiting.next_try_at == now
    assert waiting_since(back + MINUTE).unsent_to_channels == back


# ---- the clock is set back


def test_a_pause_longer_than_any_is_of_a_clock_that_was_set_back(alert: AlertState, now: datetime) -> None:
    channel = make_channel()
    fire(alert, now)
    ChannelStanding.objects.filter(channel=channel).update(next_try_at=now + DAY)
    assert send_at(now, Poster()).sent == 1


def test_a_message_written_before_the_clock_was_set_back_goes_out_at_once(alert: AlertState, now: datetime) -> None:
    make_channel()
    fired = fire(alert, now)
    assert send_at(now, Poster(refused(408))).retried == 1
    ChannelMessage.objects.filter(pk=fired.pk).update(created_at=now + DAY, next_try_at=now + DAY + 15 * SECOND)
    poster = Poster(refused(408))
    assert send_at(now, poster).retried == 1
    assert send_at(now, poster).handled == 0
    assert send_at(now + MINUTE, poster).sent == 1


def test_no_pause_that_is_decided_is_taken_for_one_of_a_clock_that_was_set_back() -> None:
    assert max(answers.LONGEST_WAIT, *BACK_OFF, REFUSED_PAUSE) <= LONGEST_PAUSE


def test_a_lease_longer_than_any_is_of_a_clock_that_was_set_back(alert: AlertState, now: datetime) -> None:
    make_channel()
    fired = fire(alert, now)
    ChannelMessage.objects.filter(pk=fired.pk).update(state="sending", attempts=1, lease_until=now + DAY)
    assert send_at(now, Poster()).sent == 1


def test_a_test_from_the_future_keeps_nobody_from_a_test_now(ada: User, now: datetime) -> None:
    channel = make_channel()
    probe_channel(channel, actor=ada, now=now + DAY, poster=Poster())
    assert probe_channel(channel, actor=ada, now=now, poster=Poster()).is_sent


# ---- slow channels and the two workers


def test_while_one_run_is_under_way_no_second_one_takes_the_other_worker(alert: AlertState, now: datetime) -> None:
    make_channel(name="A"), make_channel(name="B")
    make_transition(alert)
    dispatch_new(now)
    seen: list[Any] = []

    def poster(parcel: Parcel, at: datetime) -> ChannelAnswer:
        return TAKEN

    first = own(ChannelMessage).order_by("pk").first()
    assert first is not None
    ChannelMessage.objects.filter(pk=first.pk).update(state="sending", attempts=1, lease_until=now + SECOND)
    seen.append(is_anything_to_notify(now))
    assert send_at(now, poster).handled == 0
    assert seen == [False]
    assert is_anything_to_notify(now + 2 * SECOND)
    assert send_at(now + 2 * SECOND, poster).sent == 2


def test_a_run_and_its_slowest_exchange_stay_well_under_half_a_minute() -> None:
    slowest = timedelta(seconds=post.SECONDS + post.START_SECONDS)
    assert send_module.BUDGET + slowest < timedelta(seconds=28)
    assert slowest < send_module.LEASE


def test_the_channel_that_was_tried_the_longest_ago_comes_first(alert: AlertState, now: datetime) -> None:
    slow = [make_channel(name=f"Slow {number}") for number in range(4)]
    fifth = make_channel(name="The fifth")
    make_transition(alert)
    dispatch_new(now)
    ChannelStanding.objects.filter(channel__in=slow).update(accepted_at=now - SECOND)
    ChannelMessage.objects.filter(channel=fifth).update(next_try_at=now)
    ChannelMessage.objects.filter(channel__in=slow).update(next_try_at=now - MINUTE)
    assert send_at(now, Poster(), limit=1).sent == 1
    assert [one.channel for one in own(ChannelMessage).filter(state="sent")] == [fifth]
