"""Messages to channels: written with the notice, sent at least once, whatever the servers do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Channel, ChannelMessage, ChannelStanding, Delivery, Notice, SendAttempt, User
from monitor.notify.channels import acts
from monitor.notify.channels.parcel import ChannelAnswer, Parcel
from monitor.notify.channels.probe import probe_channel
from monitor.notify.channels.send import ChannelReport, send_to_channels
from monitor.notify.dispatch import dispatch_new
from monitor.notify.send import send_due
from monitor.notify.send_again import CannotBeSentAgain, send_again
from tests import factories
from tests.bystander import own
from tests.notify.channels.conftest import FIELDS, TAKEN, make_channel
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
LATER = timedelta(minutes=90)


class Poster:
    """Stands in the place of the network: gives answers in turn, then takes everything."""

    def __init__(self, *answers: ChannelAnswer | Exception) -> None:
        self.answers = list(answers)
        self.parcels: list[Parcel] = []

    def __call__(self, parcel: Parcel, now: datetime) -> ChannelAnswer:
        self.parcels.append(parcel)
        answer = self.answers.pop(0) if self.answers else TAKEN
        if isinstance(answer, Exception):
            raise answer
        return answer


def send_at(now: datetime, poster: Callable[[Parcel, datetime], ChannelAnswer], **more: Any) -> ChannelReport:
    return send_to_channels(now, clock=lambda: now, poster=poster, **more)


def refused(status: int, **more: Any) -> ChannelAnswer:
    return ChannelAnswer(is_taken=False, status=status, **more)


def lost(*, may_have_arrived: bool = True) -> ChannelAnswer:
    return ChannelAnswer(is_taken=False, fault="no answer in time", may_have_arrived=may_have_arrived)


@pytest.fixture
def channel(db: None) -> Channel:
    return make_channel()


@pytest.fixture
def fired(channel: Channel, alert: AlertState, now: datetime) -> ChannelMessage:
    make_transition(alert)
    assert dispatch_new(now) == 1
    return own(ChannelMessage).get()


def recover(alert: AlertState, now: datetime) -> Notice:
    notice = make_transition(alert, "resolved", now=now)
    assert dispatch_new(now) == 1
    return notice


def test_a_notice_is_written_for_its_channels_also_where_no_person_gets_it(
    fired: ChannelMessage, now: datetime
) -> None:
    assert own(Delivery).count() == 0
    assert fired.notice.dispatch_state == "dispatched"
    assert fired.title == "[Firing] Lead sync: 30 of 40 runs succeeded"
    assert fired.text.splitlines()[0].startswith("Account Acme, since ")
    assert fired.payload["type"] == "incident.firing"
    assert fired.payload["data"]["alerts"][0]["failed"] == 10


def test_people_and_channels_are_told_of_the_same(
    channel: Channel, alert: AlertState, ada: User, now: datetime
) -> None:
    make_transition(alert)
    dispatch_new(now)
    assert own(Delivery).get().subject == own(ChannelMessage).get().title
    assert own(Notice).get().recipients == 1


def test_without_the_notice_there_is_no_message(
    channel: Channel, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is one: what fails in it leaves neither."""
    make_transition(alert)
    monkeypatch.setattr("monitor.notify.dispatch.message_of", lambda *_: 1 / 0)
    assert dispatch_new(now) == 0
    assert own(ChannelMessage).count() == 0
    monkeypatch.undo()
    assert dispatch_new(now) == 1


def test_a_message_goes_out_once(fired: ChannelMessage, now: datetime) -> None:
    poster = Poster()
    assert send_at(now, poster) == ChannelReport(sent=1)
    assert send_at(now, poster) == ChannelReport()
    fired.refresh_from_db()
    assert (fired.state, fired.sent_at, fired.attempts) == ("sent", now, 1)
    assert [(one.outcome, one.code) for one in own(SendAttempt)] == [("sent", "200")]
    assert ChannelStanding.objects.get(channel=fired.channel).state == "accepts"


def test_what_is_gone_is_given_up_at_once_and_seen(fired: ChannelMessage, now: datetime) -> None:
    assert send_at(now, Poster(refused(410, words="no such hook"))).dead == 1
    fired.refresh_from_db()
    assert fired.state == "dead"
    assert "410" in fired.last_error
    assert "no such hook" in fired.last_error
    standing = ChannelStanding.objects.get(channel=fired.channel)
    assert (standing.state, standing.code) == ("refuses", "410")


@pytest.mark.parametrize("status", [302, 401, 403, 404])
def test_a_channel_that_refuses_us_keeps_its_messages_until_a_person_has_mended_it(
    fired: ChannelMessage, now: datetime, status: int
) -> None:
    poster = Poster(refused(status, words="no such hook"))
    assert send_at(now, poster).retried == 1
    fired.refresh_from_db()
    assert fired.state == "queued"
    assert "no such hook" in fired.last_error
    standing = ChannelStanding.objects.get(channel=fired.channel)
    assert (standing.state, standing.code) == ("refuses", str(status))
    assert send_at(now + timedelta(minutes=4, seconds=59), poster).handled == 0
    assert send_at(now + timedelta(minutes=5), poster).sent == 1


def test_what_waited_a_day_for_a_channel_that_refuses_us_is_given_up_all_at_once(
    fired: ChannelMessage, now: datetime
) -> None:
    send_at(now, Poster(refused(401)))
    notice = factories.make_notice(fired.notice.incident, seq=5, kind="update")
    ChannelMessage.objects.create(
        notice=notice, channel=fired.channel, message_id="msg_x", title="t", text="t", created_at=now, next_try_at=now
    )
    poster = Poster()
    assert send_at(now + timedelta(hours=24, seconds=1), poster).dead == 2
    assert poster.parcels == []
    assert {one.last_error for one in own(ChannelMessage)} == {"401 (the key or token is not accepted)"}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_with_trouble_is_left_alone_and_named(fired: ChannelMessage, now: datetime, status: int) -> None:
    send_at(now, Poster(refused(status)))
    standing = ChannelStanding.objects.get(channel=fired.channel)
    assert (standing.state, standing.next_try_at) == ("trouble", now + 15 * SECOND)


@pytest.mark.parametrize("status", [200, 400, 422])
def test_a_channel_that_refuses_even_the_plainest_form_refuses_us(
    fired: ChannelMessage, now: datetime, status: int
) -> None:
    assert send_at(now, Poster(refused(status), refused(status))).dead == 1
    standing = ChannelStanding.objects.get(channel=fired.channel)
    assert (standing.state, standing.code) == ("refuses", str(status))


def test_a_test_that_is_refused_for_what_it_says_shows_that_the_channel_refuses_us(ada: User, now: datetime) -> None:
    channel = make_channel()
    probe_channel(channel, actor=ada, now=now, poster=Poster(refused(422)))
    assert ChannelStanding.objects.get(channel=channel).state == "refuses"


def test_no_server_can_have_a_page_given_up_by_asking_for_a_long_wait(fired: ChannelMessage, now: datetime) -> None:
    poster = Poster(refused(429, retry_after="86400"))
    assert send_at(now, poster).retried == 1
    assert send_at(now + timedelta(minutes=29), poster).handled == 0
    assert send_at(now + timedelta(minutes=30), poster).sent == 1


def test_a_wait_that_ends_after_the_day_keeps_no_message_longer(fired: ChannelMessage, now: datetime) -> None:
    poster = Poster(refused(429, retry_after="1800"))
    ChannelMessage.objects.filter(pk=fired.pk).update(created_at=now - timedelta(hours=23, minutes=45))
    assert send_at(now, poster).retried == 1
    assert send_at(now + timedelta(minutes=15), poster).handled == 0
    assert send_at(now + timedelta(minutes=15, seconds=1), poster).dead == 1
    assert len(poster.parcels) == 1


def test_a_passing_failure_is_tried_again_as_a_mail_is_and_under_the_same_id(
    fired: ChannelMessage, now: datetime
) -> None:
    poster = Poster(refused(500), refused(502))
    assert send_at(now, poster).retried == 1
    assert send_at(now + 14 * SECOND, poster).handled == 0
    assert send_at(now + 15 * SECOND, poster).retried == 1
    assert send_at(now + 45 * SECOND, poster).sent == 1
    assert {parcel.message_id for parcel in poster.parcels} == {fired.message_id}
    assert [one.outcome for one in own(SendAttempt)] == ["later", "later", "sent"]


def test_a_day_later_it_is_no_news(fired: ChannelMessage, now: datetime) -> None:
    poster = Poster(*[refused(500)] * 200)
    at, dead = now, 0
    while not dead and at < now + timedelta(days=2):
        dead = send_at(at, poster).dead
        at += timedelta(minutes=5)
    assert now + timedelta(hours=23) < at <= now + timedelta(hours=24, minutes=10)


def test_retry_after_is_obeyed_for_the_whole_channel(
    fired: ChannelMessage, alert: AlertState, now: datetime, channel: Channel
) -> None:
    other = factories.make_flow(alert.rule.account, flow_name="Orders")
    second = AlertState.objects.create(
        rule=alert.rule, flow=other, state="firing", is_open=True, episode=1, since=now, evaluated_at=now
    )
    poster = Poster(refused(429, retry_after="1800"))
    assert send_at(now, poster).retried == 1
    make_transition(second, now=now)
    dispatch_new(now + timedelta(minutes=6))
    assert send_at(now + timedelta(minutes=29), poster).handled == 0
    assert send_at(now + timedelta(minutes=30), poster).sent >= 1


def test_trouble_of_one_channel_delays_no_other_and_no_mail(
    alert: AlertState, ada: User, now: datetime, sink: Any
) -> None:
    slow, good = make_channel(name="A slow one"), make_channel(name="B")
    make_transition(alert)
    dispatch_new(now)
    good_was_sent = threading.Event()

    def poster(parcel: Parcel, at: datetime) -> ChannelAnswer:
        if parcel.signing == [slow.secret_list[0].text]:
            # It hangs until the other has been served.
            return lost() if good_was_sent.wait(20) else refused(410)
        good_was_sent.set()
        return TAKEN

    assert send_at(now, poster) == ChannelReport(sent=1, retried=1)
    assert own(ChannelMessage).get(channel=good).state == "sent"
    assert own(ChannelMessage).get(channel=slow).state == "queued"
    assert send_due(now, clock=lambda: now).sent == 1


def test_a_channel_has_one_message_under_way_at_most(alert: AlertState, now: datetime, channel: Channel) -> None:
    other = factories.make_flow(alert.rule.account, flow_name="Orders")
    second = AlertState.objects.create(
        rule=alert.rule, flow=other, state="firing", is_open=True, episode=1, since=now, evaluated_at=now
    )
    for one in (alert, second):
        incident = factories.make_incident(one)
        ChannelMessage.objects.create(
            notice=factories.make_notice(incident, seq=5, kind="update"), channel=channel, message_id=f"msg_{one.pk}",
            title="t", text="t", created_at=now, next_try_at=now,
        )  # fmt: skip
    busy, most = [], []

    def poster(parcel: Parcel, at: datetime) -> ChannelAnswer:
        busy.append(1)
        most.append(len(busy))
        busy.pop()
        return TAKEN

    assert send_at(now, poster).sent == 2
    assert max(most) == 1


def test_a_process_that_dies_between_the_answer_and_the_mark_sends_again_under_the_same_id(
    fired: ChannelMessage, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    poster = Poster()
    monkeypatch.setattr("monitor.notify.channels.send._mark", die)
    with pytest.raises(Killed):
        send_at(now, poster)
    monkeypatch.undo()
    assert send_at(now + 30 * SECOND, poster).handled == 0
    assert send_at(now + timedelta(minutes=3), poster).sent == 1
    first, second = poster.parcels
    assert first.message_id == second.message_id == fired.message_id
    assert [(one.number, one.outcome) for one in own(SendAttempt)] == [(1, "unknown"), (2, "sent")]


def test_a_fault_of_ours_with_one_message_keeps_no_other(
    alert: AlertState, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    make_channel(name="A"), make_channel(name="B")
    make_transition(alert)
    dispatch_new(now)
    report = send_at(now, Poster(RuntimeError(FIELDS["webhook"]["url"])))
    assert (report.sent, report.retried) == (1, 1)
    assert "s3cr3t" not in caplog.text


def test_the_end_goes_out_after_the_beginning(fired: ChannelMessage, alert: AlertState, now: datetime) -> None:
    poster = Poster(lost())
    send_at(now, poster)
    recover(alert, now + SECOND)
    assert send_at(now + 2 * SECOND, poster).handled == 0
    assert send_at(now + 15 * SECOND, poster).sent == 2
    assert [parcel.payload["type"] for parcel in poster.parcels[1:]] == ["incident.firing", "incident.resolved"]


def test_of_an_incident_that_never_arrived_the_end_is_not_told(
    fired: ChannelMessage, alert: AlertState, now: datetime
) -> None:
    """Also where it was written before the beginning was given up."""
    poster = Poster(refused(500), refused(410))
    send_at(now, poster)
    recover(alert, now + SECOND)
    assert send_at(now + 15 * SECOND, poster) == ChannelReport(told=1, dead=1)
    assert [parcel.payload["type"] for parcel in poster.parcels] == ["incident.firing", "incident.fired_and_resolved"]


def test_the_end_of_what_may_have_arrived_is_told(fired: ChannelMessage, alert: AlertState, now: datetime) -> None:
    poster = Poster(lost(), refused(400), refused(400))
    send_at(now, poster)
    assert send_at(now + 15 * SECOND, poster).dead == 1
    recover(alert, now + 16 * SECOND)
    assert send_at(now + 60 * SECOND, poster).sent == 1


def test_the_end_goes_to_nobody_who_was_not_told_of_the_beginning(
    fired: ChannelMessage, alert: AlertState, now: datetime
) -> None:
    make_channel(name="Came later")
    send_at(now, Poster())
    recover(alert, now + SECOND)
    assert set(own(ChannelMessage).values_list("channel__name", flat=True)) == {fired.channel.name}


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_is_refused_for_what_it_says_goes_out_once_more_in_its_plainest_form(
    fired: ChannelMessage, now: datetime, status: int
) -> None:
    poster = Poster(refused(status))
    assert send_at(now, poster) == ChannelReport(sent=1, retried=1)
    assert poster.parcels[1].title == f"Incident {fired.notice.incident_id} is firing"
    assert "Lead sync" not in json.dumps(poster.parcels[1].payload)
    assert poster.parcels[1].message_id == fired.message_id


def test_the_plainest_form_of_what_is_over_already_says_so(channel: Channel, alert: AlertState, now: datetime) -> None:
    make_transition(alert, dispatch_state="new")
    make_transition(alert, "resolved", now=now)
    dispatch_new(now)
    poster = Poster(refused(400))
    send_at(now, poster)
    assert poster.parcels[1].title.endswith(" is over")


def test_what_is_refused_in_its_plainest_form_too_is_given_up(fired: ChannelMessage, now: datetime) -> None:
    assert send_at(now, Poster(refused(400), refused(400))) == ChannelReport(retried=1, dead=1)


@pytest.mark.parametrize("change", ["off", "deleted"])
def test_nothing_goes_to_a_channel_that_was_switched_off_or_deleted_meanwhile(
    fired: ChannelMessage, ada: User, now: datetime, change: str
) -> None:
    if change == "off":
        acts.switch(fired.channel, on=False, actor=ada, now=now)
    else:
        acts.delete(fired.channel, actor=ada, now=now)
    poster = Poster()
    assert send_at(now, poster).dead == 1
    assert poster.parcels == []
    fired.refresh_from_db()
    assert fired.last_error.startswith("the channel ")


def test_a_channel_of_another_account_gets_nothing(alert: AlertState, now: datetime) -> None:
    make_channel(name="Theirs", account=factories.make_account("Other Ltd"))
    ours = make_channel(name="Ours", account=alert.rule.account)
    make_transition(alert)
    dispatch_new(now)
    assert [one.channel for one in own(ChannelMessage)] == [ours]


def test_without_its_key_a_message_waits(fired: ChannelMessage, now: datetime, settings: Any) -> None:
    key, settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS, ["b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3Q="]
    poster = Poster()
    assert send_at(now, poster).retried == 1
    settings.ENCRYPTION_KEYS = key
    assert send_at(now + 15 * SECOND, poster).sent == 1


# ---- dead ones, once more


def test_a_dead_message_is_sent_again_once_under_its_id(fired: ChannelMessage, ada: User, now: datetime) -> None:
    poster = Poster(refused(410))
    send_at(now, poster)
    later = now + timedelta(days=3)
    send_again(fired, actor=ada, now=later)
    with pytest.raises(CannotBeSentAgain):
        send_again(fired, actor=ada, now=later)
    assert send_at(later, poster).sent == 1
    assert [parcel.message_id for parcel in poster.parcels] == [fired.message_id] * 2


def test_a_revived_message_has_a_day_of_tries_again(fired: ChannelMessage, ada: User, now: datetime) -> None:
    poster = Poster(refused(410), refused(500))
    send_at(now, poster)
    later = now + timedelta(days=3)
    send_again(fired, actor=ada, now=later)
    assert send_at(later, poster).retried == 1
    assert send_at(later + 60 * SECOND, poster).sent == 1


def test_a_dead_beginning_is_not_sent_after_the_end(
    channel: Channel, alert: AlertState, ada: User, now: datetime
) -> None:
    make_transition(alert)
    dispatch_new(now)
    fired = own(ChannelMessage).get()
    send_at(now, Poster(lost(), refused(410)))
    send_at(now + 15 * SECOND, Poster(refused(400), refused(400)))
    recover(alert, now + 20 * SECOND)
    assert send_at(now + LATER, Poster()).sent == 1
    with pytest.raises(CannotBeSentAgain, match="later message"):
        send_again(fired, actor=ada, now=now + LATER)


def test_a_dead_mail_is_sent_again_once(alert: AlertState, ada: User, now: datetime, sink: Any) -> None:
    make_transition(alert)
    dispatch_new(now)
    mail = own(Delivery).get()
    sink.at_rcpt = ["550 5.1.1 no such user"]
    assert send_due(now, clock=lambda: now).dead == 1
    later = now + timedelta(days=3)
    send_again(mail, actor=ada, now=later)
    with pytest.raises(CannotBeSentAgain):
        send_again(mail, actor=ada, now=later)
    assert send_due(later, clock=lambda: later).sent == 1
    assert sink.mails[0]["Message-ID"] == mail.message_id
    outcomes = [(one.outcome, one.code) for one in own(SendAttempt).filter(delivery=mail)]
    assert outcomes == [("refused", "550 5.1.1"), ("sent", "")]


# ---- a person's test


def test_a_test_of_a_pager_is_resolved_at_once_and_of_a_chat_it_is_one_message(ada: User, now: datetime) -> None:
    for service, tones in (("pagerduty", ["warning", "success"]), ("slack", ["warning"])):
        channel, poster = make_channel(service), Poster()
        assert probe_channel(channel, actor=ada, now=now, poster=poster).is_sent
        assert [parcel.tone for parcel in poster.parcels] == tones
        assert len({parcel.key for parcel in poster.parcels}) == 1


def test_a_test_that_fails_is_told_in_words_and_keeps_the_channels_standing(ada: User, now: datetime) -> None:
    channel, poster = make_channel("pagerduty"), Poster(refused(403, words="invalid key"))
    result = probe_channel(channel, actor=ada, now=now, poster=poster)
    assert not result.is_sent
    assert result.told == "Not sent. PagerDuty said: 403 (the key or token may not do this): invalid key."
    assert ChannelStanding.objects.get(channel=channel).state == "refuses"
    assert len(poster.parcels) == 1


def test_two_tests_within_ten_seconds_are_one(ada: User, now: datetime) -> None:
    channel, poster = make_channel(), Poster()
    probe_channel(channel, actor=ada, now=now, poster=poster)
    assert not probe_channel(channel, actor=ada, now=now + 9 * SECOND, poster=poster).is_sent
    assert probe_channel(channel, actor=ada, now=now + 10 * SECOND, poster=poster).is_sent
    assert len(poster.parcels) == 2


def test_a_test_that_is_taken_lets_what_waits_go_out(fired: ChannelMessage, ada: User, now: datetime) -> None:
    send_at(now, Poster(lost(may_have_arrived=False)))
    assert send_at(now + 14 * SECOND, Poster()).handled == 0
    probe_channel(fired.channel, actor=ada, now=now + 14 * SECOND, poster=Poster())
    assert send_at(now + 15 * SECOND, Poster()).sent == 1
