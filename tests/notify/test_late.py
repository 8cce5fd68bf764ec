"""Mails and messages that go out after an outage: what they say then, what is told once, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.alerting.incidents import notify
from monitor.models import (
    AlertState,
    ChannelMessage,
    Delivery,
    Incident,
    MailServer,
    Notice,
    SendAttempt,
    User,
)
from monitor.notify import retell, send
from monitor.notify.channels import send as channels
from monitor.notify.channels.send import send_to_channels
from monitor.notify.dispatch import dispatch_new, write_for
from monitor.notify.mail_connection import Mailer
from monitor.notify.send import SendReport, send_due
from monitor.notify.send_again import CannotBeSentAgain, send_again
from monitor.notify.smtp_answers import (
    AWAY_PAUSE,
    LONGEST_WAIT,
    REFUSED_PAUSE,
    FailureKind,
    SendOutcome,
    SmtpStage,
)
from tests import factories
from tests.bystander import Bystander, own
from tests.notify.channels.conftest import make_channel
from tests.notify.channels.test_send import Poster, lost, refused
from tests.notify.conftest import make_transition

pytestmark = pytest.mark.django_db
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
BACK = timedelta(hours=2)
# When a mail server that is away is asked, each time after any pause that a mail of so many attempts could have.
OUTAGE = tuple(timedelta(seconds=seconds) for seconds in (120, 136, 167, 228, 349, 650))


def send_at(now: datetime) -> SendReport:
    return send_due(now, clock=lambda: now)


class Ways:
    """A mail server and a channel that may be away; what comes there, in its order."""

    def __init__(self) -> None:
        self.is_away, self.sent, self.poster = False, list[Any](), Poster()
        self.answer: SendOutcome | None = None

    def send(self, message: Any) -> SendOutcome | None:
        """Is the mailer's."""
        if self.is_away:
            return SendOutcome(FailureKind.TRANSIENT, "ConnectionRefusedError")
        if self.answer is None:
            self.sent.append(message)
        return self.answer

    def away(self, now: datetime) -> None:
        self.is_away = True
        send_at(now)
        send_to_channels(now, clock=lambda: now, poster=Poster(*[refused(503)] * 9))

    def back(self, now: datetime) -> None:
        self.is_away = False
        send_at(now)
        send_to_channels(now, clock=lambda: now, poster=self.poster)

    @property
    def mails(self) -> list[str]:
        return [mail.subject for mail in self.sent]

    @property
    def messages(self) -> list[str]:
        return [parcel.title for parcel in self.poster.parcels]


@pytest.fixture
def ways(ada: User, bystander: Bystander, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ways]:
    """One reader, one chat; whatever happens, the bystander's own messages stay as they are."""
    make_channel("slack")
    theirs = Delivery.objects.filter(recipient=bystander.person_id)
    before = list(theirs.order_by("pk").values())
    found = Ways()
    monkeypatch.setattr(Mailer, "send", lambda _, message: found.send(message))
    yield found
    assert list(theirs.order_by("pk").values()) == before


def another(alert: AlertState, name: str) -> AlertState:
    flow = factories.make_flow(alert.rule.account, flow_name=name)
    return AlertState.objects.create(
        rule=alert.rule, flow=flow, state="firing", is_open=True, episode=1, since=alert.since, evaluated_at=alert.since
    )


def fire(alert: AlertState, now: datetime) -> Incident:
    notice = make_transition(alert, at=now, now=now)
    dispatch_new(now)
    return Incident.objects.get(pk=notice.incident_id)


def recover(alert: AlertState, now: datetime) -> None:
    make_transition(alert, "resolved", at=now, now=now)
    dispatch_new(now)


def test_what_began_and_ended_while_the_servers_were_away_is_told_in_one_message(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    fire(alert, now)
    ways.away(now)
    recover(alert, now + MINUTE)
    ways.away(now + 2 * MINUTE)
    ways.back(now + BACK)
    both = "[Fired and recovered] Lead sync: 40 of 40 runs succeeded"
    assert (ways.mails, ways.messages) == ([both], [both])
    assert "Ended:" in ways.sent[0].body
    for rows in (own(Delivery), own(ChannelMessage)):
        assert set(rows.values_list("notice__kind", "state")) == {("firing", "told"), ("resolved", "sent")}
        assert rows.get(state="told").last_error == "a newer message of the incident tells it too"


def test_an_end_that_is_written_after_the_message_that_says_both_is_not_told_again(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    """The mail goes out between the end of the incident and the claim of its notice."""
    fire(alert, now)
    ways.away(now)
    make_transition(alert, "resolved", now=now + MINUTE)
    ways.back(now + BACK)
    assert dispatch_new(now + BACK) == 1
    ways.back(now + BACK)
    assert [one.split(":")[0] for one in [*ways.mails, *ways.messages]] == ["[Fired and recovered] Lead sync"] * 2
    assert set(own(Delivery).values_list("notice__kind", "state")) == {("firing", "sent"), ("resolved", "told")}
    assert set(own(ChannelMessage).values_list("notice__kind", "state")) == {("firing", "sent"), ("resolved", "told")}


def test_alerts_that_joined_meanwhile_are_told_with_the_first_the_oldest_first(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.away(now)
    others = [another(alert, name) for name in ("Zebra", "Aardvark")]
    for minutes, other in zip((1, 6), others, strict=True):
        join(incident, other, now + minutes * MINUTE)
    ways.back(now + BACK)
    assert [one.partition("]")[0] for one in [*ways.mails, *ways.messages]] == ["[Firing", "[Firing"]
    text = ways.sent[0].body
    assert text.index("Lead sync") < text.index("Zebra") < text.index("Aardvark")
    lines = "\n".join(ways.poster.parcels[0].lines)
    assert lines.index("Lead sync") < lines.index("Zebra") < lines.index("Aardvark")
    assert sorted(own(Delivery).values_list("state", flat=True)) == ["sent", "told", "told"]


def join(incident: Incident, alert: AlertState, now: datetime) -> None:
    """An alert joins an incident and is to be mailed at once, as five minutes later it would."""
    incident.members.create(alert=alert, episode=1, began_at=now, joined_at=now)
    edge = {"from_state": "ok", "to_state": "firing", "runs": 9, "failed": 3, "reason": "6 of 9 runs succeeded"}
    alert.transitions.create(kind="firing", episode=1, at=now, dispatch_state="dispatched", **edge)
    incident.refresh_from_db()
    notify(incident, "update", now, due_at=now)
    assert dispatch_new(now) == 1


def test_more_alerts_and_a_reminder_of_an_outage_are_one_message_that_still_says_more(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    join(incident, another(alert, "Zebra"), now + 6 * MINUTE)
    ways.away(now + 6 * MINUTE)
    notify(incident, "repeat", now + BACK, due_at=now + BACK)
    dispatch_new(now + BACK)
    ways.back(now + BACK + MINUTE)
    assert [one.partition(":")[0] for one in ways.mails[1:]] == ["[More alerts] 1 more"]
    assert [one.partition(":")[0] for one in ways.messages[1:]] == ["[More alerts] 1 more"]


def test_what_joined_and_ended_with_the_whole_is_told_by_the_end_alone(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    other = another(alert, "Zebra")
    join(incident, other, now + 6 * MINUTE)
    ways.away(now + 6 * MINUTE)
    recover(other, now + 7 * MINUTE)
    recover(alert, now + 8 * MINUTE)
    ways.back(now + BACK)
    assert [one.partition("]")[0] for one in ways.mails] == ["[Firing", "[Recovered"]
    assert [one.partition("]")[0] for one in ways.messages] == ["[Firing", "[Recovered"]
    assert "Zebra" in ways.sent[-1].body


def test_an_alert_that_joined_and_ended_while_others_fire_is_not_told_as_one_that_fires(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    other = another(alert, "Zebra")
    join(incident, other, now + 6 * MINUTE)
    ways.away(now + 6 * MINUTE)
    recover(other, now + 7 * MINUTE)
    ways.back(now + BACK)
    assert [one.partition(": ")[0] for one in ways.mails[1:]] == ["[Fired and recovered] Zebra"]
    assert [one.partition(": ")[0] for one in ways.messages[1:]] == ["[Fired and recovered] Zebra"]


def test_nobody_is_reminded_late_of_what_somebody_looks_after(
    ways: Ways, alert: AlertState, ada: User, now: datetime
) -> None:
    incident = fire(alert, now)
    ways.back(now)
    notify(incident, "repeat", now + BACK, due_at=now + BACK)
    dispatch_new(now + BACK)
    ways.away(now + BACK)
    Incident.objects.filter(pk=incident.pk).update(acknowledged_at=now + BACK, acknowledged_by=ada)
    ways.back(now + BACK + MINUTE)
    assert len(ways.mails) == len(ways.messages) == 1
    for rows in (own(Delivery), own(ChannelMessage)):
        dropped = rows.get(notice__kind="repeat")
        assert (dropped.state, dropped.last_error) == (
            "dead",
            "somebody had acknowledged the incident before it could go out",
        )


def test_what_may_have_arrived_stays_as_it_was_and_the_end_follows(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    fire(alert, now)
    SendAttempt.objects.create(delivery=own(Delivery).get(), number=1, at=now, ms=1, outcome="unknown")
    send_to_channels(now, clock=lambda: now, poster=Poster(lost()))
    recover(alert, now + MINUTE)
    ways.back(now + BACK)
    assert [one.partition("]")[0] for one in ways.mails] == ["[Firing", "[Recovered"]
    assert [one.partition("]")[0] for one in ways.messages] == ["[Firing", "[Recovered"]


def test_what_another_message_told_is_not_sent_again(ways: Ways, alert: AlertState, ada: User, now: datetime) -> None:
    fire(alert, now)
    ways.away(now)
    recover(alert, now + MINUTE)
    ways.back(now + BACK)
    for row in (own(Delivery).get(state="told"), own(ChannelMessage).get(state="told")):
        with pytest.raises(CannotBeSentAgain):
            send_again(row, actor=ada, now=now + BACK)


def test_a_fault_of_ours_with_the_new_words_lets_the_message_go_out_as_it_is(
    ways: Ways, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fire(alert, now)
    ways.away(now)
    recover(alert, now + MINUTE)
    monkeypatch.setattr("monitor.notify.retell.facts_of", lambda *_, **__: 1 / 0)
    ways.back(now + BACK)
    assert [one.partition("]")[0] for one in ways.mails] == ["[Firing", "[Recovered"]
    assert "could not be written anew" in caplog.text


def test_a_message_that_somebody_else_takes_meanwhile_is_not_changed(
    ways: Ways, alert: AlertState, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(alert, now)
    ways.away(now)
    recover(alert, now + MINUTE)
    facts_of = retell.facts_of

    def be_overtaken(*args: Any, **more: Any) -> Any:
        own(Delivery).filter(notice__kind="resolved").update(
            state="sending", attempts=1, lease_until=now + BACK + MINUTE
        )
        return facts_of(*args, **more)

    monkeypatch.setattr(retell, "facts_of", be_overtaken)
    ways.is_away = False
    assert send_at(now + BACK).sent == 1
    assert own(Delivery).get(notice__kind="resolved").retold_at is None
    assert own(Delivery).get(notice__kind="firing").state == "sent"


@pytest.fixture
def several(ways: Ways, alert: AlertState, now: datetime) -> list[str]:
    """Three incidents, a minute between them, of which nothing could go out; their subjects, the oldest first."""
    names = ["Lead sync", "Orders", "Payments"]
    fire(alert, now)
    for minutes, name in enumerate(names[1:], start=1):
        ways.away(now + (minutes - 1) * MINUTE + 20 * SECOND)
        other = factories.make_flow(factories.make_account(), flow_name=name)
        rule = factories.make_alert_rule(other.account)
        known = {"state": "firing", "is_open": True, "episode": 1, "since": now, "evaluated_at": now}
        fire(AlertState.objects.create(rule=rule, flow=other, **known), now + minutes * MINUTE)
    return names


def told_of(subjects: list[str]) -> list[str]:
    return [one.partition("] ")[2].partition(":")[0] for one in subjects]


def test_after_an_outage_the_oldest_incident_is_told_first_however_often_it_was_tried(
    ways: Ways, several: list[str], now: datetime
) -> None:
    for minutes in range(3, 60):
        ways.away(now + minutes * MINUTE)
    ways.back(now + 60 * MINUTE)
    ways.back(now + BACK)
    assert told_of(ways.mails) == several
    assert told_of(ways.messages) == several


def test_while_the_mail_server_is_away_it_is_tried_with_the_first_mail_alone_which_counts_once(
    ways: Ways, several: list[str], now: datetime
) -> None:
    for after in OUTAGE:
        ways.away(now + after)
        ways.away(now + after + SECOND)
    first, *others = own(Delivery).order_by("created_at")
    assert [one.attempts for one in others] == [0, 0]
    assert (first.attempts, first.state, own(SendAttempt).filter(delivery=first).count()) == (1, "queued", 1)
    assert MailServer.objects.get().next_try_at == now + OUTAGE[-1] + AWAY_PAUSE


def test_a_mail_that_comes_once_the_mail_server_is_back_goes_out_within_half_a_minute(
    ways: Ways, several: list[str], now: datetime
) -> None:
    for after in OUTAGE:
        ways.away(now + after)
    back = now + OUTAGE[-1] + SECOND
    page = another(own(AlertState).order_by("pk")[0], "Zebra")
    fire(page, back)
    for seconds in range(0, 20, 5):
        ways.back(back + seconds * SECOND)
    assert told_of(ways.mails) == [*several, "Zebra"]


def test_how_often_a_mail_was_tried_for_its_recipients_sake_puts_no_other_off_when_the_server_is_away(
    ways: Ways, several: list[str], now: datetime
) -> None:
    own(Delivery).update(attempts=8)
    ways.away(now + 2 * MINUTE)
    assert MailServer.objects.get().next_try_at == now + 2 * MINUTE + AWAY_PAUSE
    ways.back(now + 2 * MINUTE + AWAY_PAUSE)
    assert told_of(ways.mails) == several


def test_after_an_outage_a_recipients_server_that_wants_a_mail_again_later_gets_it_as_soon_as_on_other_days(
    ways: Ways, several: list[str], now: datetime
) -> None:
    for after in OUTAGE:
        ways.away(now + after)
    ways.answer = SendOutcome(FailureKind.TRANSIENT, "450 4.2.0 greylisted", SmtpStage.RCPT)
    back = now + OUTAGE[-1] + AWAY_PAUSE
    ways.back(back)
    assert own(Delivery).order_by("created_at")[0].next_try_at == back + 30 * SECOND


def test_what_waited_for_a_day_for_a_server_that_is_away_is_given_up_together(
    ways: Ways, several: list[str], now: datetime
) -> None:
    ways.away(now + timedelta(hours=25))
    assert set(own(Delivery).values_list("state", flat=True)) == {"dead"}
    assert set(own(Notice).filter(kind="firing").values_list("recipients", flat=True)) == {0}


def test_it_is_told_to_how_many_people_a_message_went_without_those_whom_it_did_not_reach(
    ways: Ways, alert: AlertState, ada: User, otto: User, now: datetime
) -> None:
    incident = fire(alert, now)

    def told() -> int | None:
        return own(Notice).get(incident=incident, kind="firing").recipients

    assert told() == 2
    User.objects.filter(pk=otto.pk).update(wants_mail=False)
    ways.back(now)
    assert (told(), len(ways.mails)) == (1, 1)
    User.objects.filter(pk=otto.pk).update(wants_mail=True)
    send_again(own(Delivery).get(recipient=otto), actor=ada, now=now)
    assert told() == 2


def test_who_has_a_message_already_is_not_counted_twice(
    ways: Ways, alert: AlertState, ada: User, otto: User, now: datetime
) -> None:
    incident = fire(alert, now)
    notice = own(Notice).get(incident=incident)
    write_for(notice, [ada, otto], [], now)
    assert (own(Notice).get(pk=notice.pk).recipients, own(Delivery).count()) == (2, 2)


# ---- the clock is set back


def test_a_mail_written_before_the_clock_was_set_back_goes_out_at_once(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    fire(alert, now + DAY)
    ways.away(now + DAY)
    ways.back(now)
    assert (len(ways.mails), len(ways.messages)) == (1, 1)


def test_a_mail_that_was_put_off_and_one_that_was_being_sent_are_not_lost_with_the_clock(
    ways: Ways, alert: AlertState, ada: User, otto: User, now: datetime
) -> None:
    fire(alert, now + DAY)
    own(Delivery).filter(recipient=ada).update(next_try_at=now + DAY + 15 * SECOND)
    own(Delivery).filter(recipient=otto).update(state="sending", attempts=1, lease_until=now + DAY)
    ways.back(now)
    assert len(ways.mails) == 2


def test_a_pause_of_the_mail_server_that_is_longer_than_any_is_of_a_clock_that_was_set_back(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    fire(alert, now)
    MailServer.objects.create(pk=1, state="refuses", since=now, next_try_at=now + DAY)
    ways.back(now)
    assert len(ways.mails) == 1


@pytest.mark.parametrize("why", ["", "snoozed"])
def test_a_notice_written_before_the_clock_was_set_back_waits_no_longer_than_it_was_to(
    ways: Ways, alert: AlertState, now: datetime, why: str
) -> None:
    make_transition(alert, at=now, now=now)
    own(Notice).update(at=now + DAY, due_at=now + DAY + 30 * SECOND, why_silent=why)
    assert dispatch_new(now) == (1 if why else 0)
    assert dispatch_new(now + 30 * SECOND) == (0 if why else 1)


def test_what_another_process_claimed_since_our_clock_was_read_is_not_taken_from_it(
    ways: Ways, alert: AlertState, now: datetime
) -> None:
    """Its lease and its pause end a little later than ours would: that is no clock that was set back."""
    fire(alert, now)
    since = now + SECOND
    own(Delivery).update(state="sending", attempts=1, lease_until=since + send.LEASE)
    own(ChannelMessage).update(state="sending", attempts=1, lease_until=since + channels.LEASE)
    ways.back(now)
    assert (ways.mails, ways.messages) == ([], [])
    own(Delivery).update(state="queued", lease_until=None)
    MailServer.objects.create(pk=1, state="refuses", since=now, next_try_at=since + REFUSED_PAUSE)
    own(ChannelMessage).update(state="queued", lease_until=None, next_try_at=since + LONGEST_WAIT)
    ways.back(now)
    assert (ways.mails, ways.messages) == ([], [])
