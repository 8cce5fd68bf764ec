"""Deliveries → a real mail server on loopback."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, Delivery, Notice, Role, SendAttempt, User
from monitor.notify import mail_connection, send
from monitor.notify.dispatch import dispatch_new
from monitor.notify.send import SendReport, send_due
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition
from tests.notify.sink import DROP, Sink, listening

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def send_at(now: datetime, **more: Any) -> SendReport:
    return send_due(now, clock=lambda: now, **more)


@pytest.fixture
def fired(alert: AlertState, ada: User, now: datetime) -> Delivery:
    """A delivery to Ada, just dispatched."""
    make_transition(alert)
    dispatch_new(now)
    return own(Delivery).get()


def test_each_recipient_gets_a_message_of_their_own_over_one_connection(
    alert: AlertState, otto: User, ada: User, now: datetime, sink: Sink
) -> None:
    make_transition(alert)
    dispatch_new(now)
    assert send_at(now) == SendReport(sent=2)
    assert sorted(sink.envelopes) == [["ada@example.com"], ["otto@example.com"]]
    assert sorted(mail["To"] for mail in sink.mails) == ["ada@example.com", "otto@example.com"]
    assert sink.connections == 1
    assert {mail["Subject"] for mail in sink.mails} == {"[Firing] Lead sync: 30 of 40 runs succeeded"}
    assert sink.mails[0].get_content_type() == "multipart/alternative"
    assert set(own(Delivery).values_list("state", "sent_at")) == {("sent", now)}
    assert send_at(now) == SendReport()


@pytest.mark.parametrize("answer", ["450 4.2.0 greylisted", "451 4.3.0 later", "421 4.7.0 busy"])
def test_a_temporary_refusal_of_the_recipient_is_tried_again_after_15_s(
    fired: Delivery, now: datetime, sink: Sink, answer: str
) -> None:
    sink.at_rcpt = [answer]
    assert send_at(now).retried == 1
    fired.refresh_from_db()
    assert (fired.state, fired.next_try_at, fired.attempts) == ("queued", now + 15 * SECOND, 1)
    assert fired.last_error == answer
    assert send_at(now + 14 * SECOND).handled == 0
    assert send_at(now + 15 * SECOND).sent == 1


def test_a_temporary_refusal_of_the_data_is_tried_again(fired: Delivery, now: datetime, sink: Sink) -> None:
    sink.at_data = ["451 4.3.0 try later", "451 4.3.0 try later"]
    assert send_at(now).retried == 1
    assert send_at(now + 15 * SECOND).retried == 1
    assert send_at(now + 44 * SECOND).handled == 0
    assert send_at(now + 45 * SECOND).sent == 1
    assert len(sink.mails) == 1


def test_a_refused_recipient_is_given_up_visibly(
    fired: Delivery, now: datetime, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.at_rcpt = ["550 5.1.1 <ada@example.com> no such user"]
    assert send_at(now).dead == 1
    fired.refresh_from_db()
    assert (fired.state, fired.last_error) == ("dead", "550 5.1.1 <[e-mail]> no such user")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("monitor.")]
    assert any("given up" in line for line in ours)
    assert not any("ada@example.com" in line for line in ours)
    assert send_at(now + timedelta(days=1)).handled == 0


def test_a_connection_lost_after_the_data_sends_again_under_the_same_id(
    fired: Delivery, now: datetime, sink: Sink
) -> None:
    sink.at_data = [DROP]
    assert send_at(now).retried == 1
    assert send_at(now + 15 * SECOND).sent == 1
    first, second = sink.mails
    assert first["Message-ID"] == second["Message-ID"] == fired.message_id
    assert first.as_bytes().replace(b"\r\n", b"\n").count(b"\n") == second.as_bytes().count(b"\n")


def test_while_nobody_listens_it_waits_and_goes_out_when_the_server_is_back(
    fired: Delivery, now: datetime, smtp_port: int
) -> None:
    report = send_at(now)
    assert report.retried == 1
    assert "ConnectionRefused" in report.paused
    sink = Sink()
    with listening(sink, smtp_port):
        assert send_at(now + 15 * SECOND).sent == 1
    assert len(sink.mails) == 1


def test_a_server_that_is_down_costs_one_attempt_a_run_not_one_a_message(
    alert: AlertState, otto: User, ada: User, now: datetime, smtp_port: int
) -> None:
    make_transition(alert)
    dispatch_new(now)
    assert send_at(now).handled == 1
    assert sorted(own(Delivery).values_list("attempts", flat=True)) == [0, 1]


def test_one_recipients_failure_does_not_delay_another(alert: AlertState, now: datetime, sink: Sink) -> None:
    for name in "abcde":
        factories.make_user(name, Role.ADMIN)
    sink.by_address = {"a@example.com": "450 4.2.0 later", "c@example.com": "550 5.1.1 gone"}
    sink.at_data = [DROP]
    make_transition(alert)
    dispatch_new(now)
    assert send_at(now) == SendReport(sent=2, retried=2, dead=1)


def test_a_message_that_the_server_will_not_take_goes_out_as_plain_text(
    fired: Delivery, now: datetime, sink: Sink
) -> None:
    sink.at_data = ["554 5.7.1 content rejected"]
    assert send_at(now) == SendReport(sent=1, retried=1)
    (mail,) = sink.mails
    assert (mail["Subject"], mail.get_content_type()) == (
        f"Incident {fired.notice.incident_id} is firing",
        "text/plain",
    )
    assert mail["Message-ID"] == fired.message_id


def test_a_message_that_is_refused_as_plain_text_too_is_given_up(fired: Delivery, now: datetime, sink: Sink) -> None:
    sink.at_data = ["554 5.6.0 no", "554 5.6.0 no"]
    assert send_at(now) == SendReport(retried=1, dead=1)
    assert own(Delivery).get().state == "dead"


def test_a_message_that_cannot_be_built_does_not_block_the_queue(
    alert: AlertState, otto: User, ada: User, now: datetime, sink: Sink
) -> None:
    make_transition(alert)
    dispatch_new(now)
    Delivery.objects.filter(recipient=otto).update(subject="two\nlines")
    assert send_at(now) == SendReport(sent=2, retried=1)
    assert len(sink.mails) == 2


def test_a_wrong_password_pauses_the_queue_and_keeps_it(
    alert: AlertState, otto: User, ada: User, now: datetime, sink: Sink, settings: Any
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "monitor", "wrong"
    make_transition(alert)
    dispatch_new(now)
    report = send_at(now)
    assert (report.handled, bool(report.paused)) == (1, True)
    assert set(own(Delivery).values_list("state", flat=True)) == {"queued"}
    later = now + timedelta(minutes=5)
    assert send_at(later - SECOND).handled == 0
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    assert send_at(later).sent == 2


def test_a_crash_between_the_servers_yes_and_the_mark_sends_again_under_the_same_id(
    fired: Delivery, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(send, "_mark_sent", die)
        with pytest.raises(Killed):
            send_at(now)
    assert own(Delivery).get().state == "sending"
    assert send_at(now + send.LEASE).handled == 0
    assert send_at(now + send.LEASE + SECOND).sent == 1
    assert [mail["Message-ID"] for mail in sink.mails] == [fired.message_id] * 2


def test_a_delivery_that_another_process_sends_is_left_alone(
    fired: Delivery, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = send._due

    def due_and_be_overtaken(at: datetime) -> Any:
        rows = list(due(at)[:1])
        own(Delivery).update(state="sending", attempts=1, lease_until=at + send.LEASE)
        monkeypatch.setattr(send, "_due", due)

        class Found:
            def exclude(self, *args: Any) -> Found:
                return self

            def first(self) -> Delivery | None:
                return rows[0] if rows else None

        return Found()

    monkeypatch.setattr(send, "_due", due_and_be_overtaken)
    assert send_at(now).handled == 0
    assert sink.mails == []


def test_a_slow_senders_failure_does_not_undo_what_its_successor_did(
    fired: Delivery, now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink.at_rcpt = ["450 later"]
    judge = mail_connection.classify

    def be_overtaken(*args: Any, **kwargs: Any) -> Any:
        own(Delivery).update(state="sent", attempts=2)
        return judge(*args, **kwargs)

    monkeypatch.setattr(mail_connection, "classify", be_overtaken)
    send_at(now)
    assert own(Delivery).get().state == "sent"


def test_the_recovery_never_goes_out_before_its_firing(alert: AlertState, ada: User, now: datetime, sink: Sink) -> None:
    make_transition(alert)
    dispatch_new(now)
    make_transition(alert, "resolved")
    dispatch_new(now)
    own(Delivery).filter(notice__kind="firing").update(attempts=1)
    SendAttempt.objects.create(delivery=own(Delivery).get(notice__kind="firing"), number=1, at=now, ms=1,
                               outcome="unknown")  # fmt: skip
    sink.at_rcpt = ["450 later"]
    assert send_at(now) == SendReport(retried=1)
    assert send_at(now + 30 * SECOND) == SendReport(sent=2)
    fired, resolved = sink.mails
    assert fired["Subject"].startswith("[Firing]")
    assert resolved["Subject"].startswith("[Recovered]")
    assert fired["References"] == resolved["References"] == resolved["In-Reply-To"]
    assert fired["Message-ID"] != resolved["Message-ID"]


def test_what_is_over_before_its_first_mail_is_told_in_one(
    alert: AlertState, ada: User, now: datetime, sink: Sink
) -> None:
    make_transition(alert)
    make_transition(alert, "resolved")
    assert dispatch_new(now) == 1
    assert send_at(now).sent == 1
    assert [mail["Subject"] for mail in sink.mails] == ["[Fired and recovered] Lead sync: 40 of 40 runs succeeded"]
    assert set(own(Notice).values_list("kind", "dispatch_state", "why_silent")) == {
        ("firing", "dispatched", ""),
        ("resolved", "silent", "told"),
    }


def test_the_recovery_does_not_wait_for_the_firing_of_another_person(
    alert: AlertState, ada: User, otto: User, now: datetime, sink: Sink
) -> None:
    make_transition(alert)
    dispatch_new(now)
    make_transition(alert, "resolved")
    dispatch_new(now)
    own(Delivery).filter(recipient=otto, notice__kind="firing").update(next_try_at=now + 60 * SECOND)
    assert send_at(now) == SendReport(sent=1, told=1)
    assert [(mail["To"], mail["Subject"].split(":")[0]) for mail in sink.mails] == [
        ("ada@example.com", "[Fired and recovered] Lead sync"),
    ]
    assert send_at(now + 60 * SECOND) == SendReport(sent=1, told=1)
    assert {mail["To"] for mail in sink.mails[1:]} == {"otto@example.com"}


def test_a_firing_given_up_leaves_no_recovery_waiting_and_its_reader_hears_of_no_end_without_a_beginning(
    alert: AlertState, ada: User, now: datetime, sink: Sink
) -> None:
    make_transition(alert)
    dispatch_new(now)
    make_transition(alert, "resolved")
    dispatch_new(now)
    sink.at_rcpt = ["550 no"]
    assert send_at(now) == SendReport(told=1, dead=1)
    assert sink.mails == []


@pytest.mark.parametrize("change", [{"wants_mail": False}, {"is_active": False}, {"role": Role.VIEWER}])
def test_who_opted_out_left_or_lost_the_role_meanwhile_gets_no_mail(
    fired: Delivery, now: datetime, sink: Sink, change: dict[str, Any]
) -> None:
    User.objects.filter(username="ada").update(**change)
    assert send_at(now).dead == 1
    assert sink.mails == []
    assert "no longer" in own(Delivery).get().last_error


def test_a_mail_that_could_not_go_out_for_a_day_is_given_up(fired: Delivery, now: datetime, smtp_port: int) -> None:
    assert send_at(now + timedelta(hours=24)).dead == 1
    assert own(Delivery).get().state == "dead"


def test_a_run_ends_within_its_limit_and_its_time(alert: AlertState, now: datetime, sink: Sink) -> None:
    for name in "abcd":
        factories.make_user(name, Role.ADMIN)
    make_transition(alert)
    dispatch_new(now)
    assert send_at(now, limit=1).sent == 1
    ticks = iter(range(0, 1000, 12))
    assert send_due(now, clock=lambda: now + next(ticks) * SECOND).sent == 1


def test_a_flow_name_that_tries_to_add_a_header_adds_none(
    alert: AlertState, ada: User, now: datetime, sink: Sink
) -> None:
    alert.flow.flow_name = "Sync\r\nBcc: eve@example.com\r\n\r\n<b>hi</b>\u2028\x00"
    type(alert.flow).objects.filter(pk=alert.flow.pk).update(flow_name=alert.flow.flow_name.replace("\x00", ""))
    make_transition(alert)
    dispatch_new(now)
    assert send_at(now).sent == 1
    (mail,) = sink.mails
    assert mail["Bcc"] is None
    assert sink.envelopes == [["ada@example.com"]]
    assert mail["Subject"].startswith("[Firing] Sync Bcc: [e-mail] <b>hi</b>: 30 of 40")


def test_without_a_mail_server_the_message_is_on_file(fired: Delivery, now: datetime, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert send_at(now).sent == 1
    assert "Lead sync" in own(Delivery).get().html
