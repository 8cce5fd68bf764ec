"""The mail server refuses us: all wait in their order for a day, and people are told."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import AlertState, AuditEntry, Delivery, MailServer, Role, User
from monitor.notify.dispatch import dispatch_new
from monitor.notify.mail_connection import Mailer
from monitor.notify.probe import PAUSE, probe
from monitor.notify.send import BUDGET, LEASE, SendReport, send_due
from monitor.notify.smtp_answers import AWAY_PAUSE, REFUSED_PAUSE, SendOutcome
from monitor.queries.health import readiness, unsent, waiting_since
from monitor.queries.mails import mail_problems, mail_server
from tests import factories
from tests.bystander import own
from tests.notify.conftest import make_transition
from tests.notify.sink import DROP, Sink

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
SOMEBODY_ELSES = 1  # the bystander's mail waits too
PEOPLE = ("ann", "ben", "cleo")


def send_at(now: datetime) -> SendReport:
    return send_due(now, clock=lambda: now)


@pytest.fixture
def queue(alert: AlertState, now: datetime) -> list[str]:
    """Mails to three people, in this order."""
    for name in PEOPLE:
        factories.make_user(name, Role.ADMIN)
    make_transition(alert)
    dispatch_new(now)
    return [f"{name}@example.com" for name in PEOPLE]


def states() -> set[tuple[str, int]]:
    return set(own(Delivery).values_list("state", flat=True))


def refuse_everything(sink: Sink, stage: str, answer: str) -> None:
    getattr(sink, f"at_{stage}").extend([answer] * 99)


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("rcpt", "530 5.7.0 authentication required"),
        ("rcpt", "550 5.7.1 unable to relay"),
        ("rcpt", "554 5.7.1 relay access denied"),
        ("rcpt", "550 5.7.64 tenant attribution"),
        ("rcpt", "553 5.1.8 sender's domain not found"),
        ("data", "550 5.4.5 daily sending quota exceeded"),
        ("data", "550 5.7.60 not permitted to send as this sender"),
        ("data", "452 4.5.3 too many recipients today"),
        ("data", "554 5.7.1 relaying denied"),
        ("data", "550 5.4.6 Unusual sending activity detected"),
        ("data", "554 Message rejected: Email address is not verified"),
        ("rcpt", "550 example.com has exceeded the max emails per hour"),
    ],
)
def test_where_it_refuses_us_all_wait_and_go_out_in_their_order_once_it_is_fixed(
    queue: list[str], now: datetime, sink: Sink, stage: str, answer: str
) -> None:
    refuse_everything(sink, stage, answer)
    for step in range(4):
        report = send_at(now + step * REFUSED_PAUSE)
        assert (report.sent, report.dead) == (0, 0)
        assert answer.split(maxsplit=1)[0] in report.paused
        assert send_at(now + (step + 1) * REFUSED_PAUSE - SECOND).handled == 0
    assert states() == {"queued"}
    sink.at_rcpt.clear()
    sink.at_data.clear()
    assert send_at(now + 4 * REFUSED_PAUSE) == SendReport(sent=3)
    assert [envelope[0] for envelope in sink.envelopes] == queue
    assert {mail.get_content_type() for mail in sink.mails} == {"multipart/alternative"}


def test_a_refused_sender_makes_all_wait(queue: list[str], now: datetime, sink: Sink, settings: Any) -> None:
    async def refuse(self: Any, *args: Any) -> str:
        return "550 5.7.1 not allowed to send as this sender"

    sink.handle_MAIL = refuse.__get__(sink)  # type: ignore[attr-defined]
    assert send_at(now).retried == 1
    assert (states(), sink.mails) == ({"queued"}, [])
    assert MailServer.objects.get().code == "550 5.7.1"


def test_after_a_day_what_waited_is_given_up_at_once_and_visibly(
    queue: list[str], now: datetime, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    refuse_everything(sink, "rcpt", "535 5.7.8 bad credentials")
    send_at(now)
    assert send_at(now + timedelta(hours=24)).dead == 1  # the one that is tried
    assert send_at(now + timedelta(hours=24) + SECOND).dead == 2
    assert set(own(Delivery).values_list("state", "last_error")) == {("dead", "535 5.7.8 bad credentials")}
    assert "given up" in caplog.text


def test_a_recipient_whom_a_policy_keeps_out_delays_nobody_and_is_kept(
    queue: list[str], now: datetime, sink: Sink
) -> None:
    sink.by_address = {queue[0]: "550 5.7.1 you may not write to this group"}
    assert send_at(now) == SendReport(sent=2, retried=1)
    kept = own(Delivery).get(state="queued")
    assert (kept.address, kept.next_try_at) == (queue[0], now + 15 * SECOND)
    assert MailServer.objects.get().state == "accepts"
    sink.by_address = {}
    assert send_at(now + 15 * SECOND).sent == 1


@pytest.mark.parametrize("outside", [["a.example.net", "a.example.net"], ["a.example.net", "B.example.org"]])
def test_a_relay_that_keeps_out_other_domains_delays_nobody_of_its_own(
    alert: AlertState, now: datetime, sink: Sink, outside: list[str]
) -> None:
    for number, domain in enumerate([*outside, "example.com"]):
        person = factories.make_user(f"person{number}", Role.ADMIN)
        User.objects.filter(pk=person.pk).update(email=f"person{number}@{domain}")
    make_transition(alert)
    dispatch_new(now)
    addresses = list(own(Delivery).order_by("pk").values_list("address", flat=True))
    sink.by_address = dict.fromkeys(addresses[:2], "554 5.7.1 relay access denied")
    assert send_at(now) == SendReport(sent=1, retried=2)
    assert sink.envelopes == [addresses[2:]]
    assert MailServer.objects.get().state == "accepts"


def test_a_server_that_refuses_everybody_is_asked_a_few_times_and_no_more(
    alert: AlertState, now: datetime, sink: Sink
) -> None:
    for number in range(9):
        person = factories.make_user(f"person{number}", Role.ADMIN)
        User.objects.filter(pk=person.pk).update(email=f"person{number}@d{number}.example.com")
    make_transition(alert)
    dispatch_new(now)
    refuse_everything(sink, "rcpt", "550 5.7.1 unable to relay")
    assert send_at(now).sent == 0
    assert 99 - len(sink.at_rcpt) == 5
    assert MailServer.objects.get().state == "refuses"


def test_a_policy_that_keeps_out_the_last_of_several_does_not_make_the_next_mails_wait(
    queue: list[str], now: datetime, sink: Sink
) -> None:
    sink.by_address = {queue[2]: "554 5.7.1 relay access denied"}
    assert send_at(now) == SendReport(sent=2, retried=1)
    assert MailServer.objects.get().state == "accepts"


@pytest.mark.parametrize(
    "answer",
    [
        "554 5.7.1 message blocked: it holds a listed address",
        "550 5.7.99 no",
        "554 your message exceeds the rate of links allowed",
        "554 5.6.0 malformed",
    ],
)
def test_what_a_mail_says_keeps_no_other_back_though_the_server_speaks_of_a_policy(
    queue: list[str], now: datetime, sink: Sink, answer: str
) -> None:
    sink.to_html = answer
    for _ in queue:
        send_at(now)
    assert states() == {"sent"}
    assert [mail.get_content_type() for mail in sink.mails] == ["text/plain"] * 3
    assert MailServer.objects.get().state == "accepts"
    assert set(own(Delivery).values_list("html", flat=True)) == {""}, "what is kept is what was sent"


def test_a_content_that_is_refused_even_as_plain_text_may_be_our_fault(
    queue: list[str], now: datetime, sink: Sink
) -> None:
    refuse_everything(sink, "data", "554 5.7.1 rejected")
    assert send_at(now).dead == 0
    assert states() == {"queued"}
    assert MailServer.objects.get().state == "refuses"


@pytest.mark.parametrize(
    ("second", "error"),
    [(DROP, "SMTPServerDisconnected"), ("451 4.3.0 later", "451"), ("450 4.7.1 greylisted", "450")],
)
def test_what_became_of_the_plain_sending_counts_where_the_server_may_have_the_mail(
    queue: list[str], now: datetime, sink: Sink, second: str, error: str
) -> None:
    sink.at_data = ["554 5.7.1 blocked", second]
    assert send_at(now) == SendReport(sent=2, retried=1)
    kept = own(Delivery).get(state="queued")
    assert (kept.html, kept.next_try_at) == ("", now + 15 * SECOND)
    assert kept.last_error.startswith(error)
    assert MailServer.objects.get().state == "accepts"

    assert send_at(now + 15 * SECOND).sent == 1
    plain = [mail for mail in sink.mails if mail.get_content_type() == "text/plain"]
    assert len({mail["Message-ID"] for mail in plain}) == 1, "it may have arrived twice: as one message"


def test_a_plain_sending_that_is_refused_for_our_sake_says_so(queue: list[str], now: datetime, sink: Sink) -> None:
    sink.at_data = ["554 5.7.1 blocked", "550 5.4.5 daily sending quota exceeded"]
    assert send_at(now).paused.startswith("550 5.4.5")
    assert MailServer.objects.get().code == "550 5.4.5"
    assert "" not in own(Delivery).values_list("html", flat=True)


def test_a_plain_sending_whose_recipient_is_gone_is_given_up(queue: list[str], now: datetime, sink: Sink) -> None:
    sink.at_rcpt = ["250 OK", "550 5.1.1 no such user"]
    sink.at_data = ["554 5.7.1 blocked"]
    assert send_at(now) == SendReport(sent=2, dead=1)
    assert own(Delivery).get(state="dead").last_error.startswith("550 5.1.1")


def test_a_run_whose_time_is_up_leaves_the_plain_sending_to_the_next(
    queue: list[str], now: datetime, sink: Sink
) -> None:
    sink.to_html = "554 5.7.1 blocked"
    ticks = iter([now, now, now, now + BUDGET])
    assert send_due(now, clock=lambda: next(ticks, now + BUDGET)) == SendReport(retried=1)
    waiting = own(Delivery).get(html="")
    assert (sink.connections, waiting.state, sink.mails) == (1, "queued", [])
    assert not MailServer.objects.filter(state="refuses").exists()

    assert send_at(now + BUDGET).sent == 3


def test_each_of_the_two_sendings_has_a_lease_of_its_own(
    queue: list[str], now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases: list[datetime | None] = []
    present = [now]

    def slow(self: Mailer, message: Any) -> SendOutcome | None:
        leases.append(own(Delivery).get(state="sending").lease_until)
        present[0] += 10 * SECOND
        return original(self, message)

    original = Mailer.send
    monkeypatch.setattr(Mailer, "send", slow)
    sink.to_html = "554 5.7.1 blocked"
    send_due(now, clock=lambda: present[0], limit=1)
    assert leases == [now + LEASE, now + 10 * SECOND + LEASE]


def test_a_message_that_another_process_took_meanwhile_is_not_sent_again_by_this_one(
    queue: list[str], now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: Mailer, message: Any) -> SendOutcome | None:
        own(Delivery).filter(state="sending").update(attempts=9, lease_until=now + 2 * LEASE)
        return original(self, message)

    original = Mailer.send
    monkeypatch.setattr(Mailer, "send", lose)
    sink.to_html = "554 5.7.1 blocked"
    send_due(now, clock=lambda: now, limit=1)
    theirs = own(Delivery).get(state="sending")
    assert (theirs.attempts, theirs.lease_until, bool(theirs.html)) == (9, now + 2 * LEASE, True)
    assert (sink.mails, sink.connections) == ([], 1)


def test_each_state_says_since_when_and_is_logged_once(
    queue: list[str], now: datetime, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    refuse_everything(sink, "rcpt", "530 5.7.0 <ann@example.com> must sign in")
    for step in range(5):
        send_at(now + step * REFUSED_PAUSE)
    server = mail_server()
    assert (server.state, server.since, server.code) == ("refuses", now, "530 5.7.0")
    assert (server.waiting, server.next_try_at) == (len(queue) + SOMEBODY_ELSES, now + 5 * REFUSED_PAUSE)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("monitor.")]
    assert [line for line in lines if "refuses us" in line] == [
        "the mail server refuses us, so all mails wait: 530 5.7.0 <[e-mail]> must sign in"
    ]
    sink.at_rcpt.clear()
    mended = now + 5 * REFUSED_PAUSE
    send_at(mended)
    server = mail_server()
    assert (server.state, server.since, server.reason, server.accepted_at) == ("accepts", mended, "", mended)


def test_readiness_names_the_refusal_without_the_servers_words(queue: list[str], now: datetime, sink: Sink) -> None:
    refuse_everything(sink, "rcpt", "535 5.7.8 user monitor-7 unknown")
    send_at(now)
    found = readiness(now)
    (told,) = [problem for problem in found.problems if "mail" in problem]
    assert told == "the mail server refuses us since 2026-11-22 12:00 UTC (535 5.7.8): mails wait"
    assert "monitor-7" not in str(found.report)
    assert found.report["mail"]["waiting"] == len(queue) + SOMEBODY_ELSES


def test_a_server_that_is_away_makes_the_installation_unready_only_after_a_while(
    queue: list[str], now: datetime, smtp_port: int
) -> None:
    send_at(now)
    server = mail_server()
    assert (server.state, server.since, server.code) == ("unreachable", now, "ConnectionRefusedError")
    assert mail_problems(server, now + timedelta(minutes=15)) == []
    assert "cannot be reached" in mail_problems(server, now + timedelta(minutes=15, seconds=1))[0]


class _Hesitant(socketserver.StreamRequestHandler):
    """Answers as a mail server does that is up and takes nothing for now, from `at` on: a command, or the greeting."""

    at, answer = "", ""

    def handle(self) -> None:
        said = {"": "220 mail.example.com", "EHLO": "250-mail.example.com\r\n250 AUTH PLAIN LOGIN", "HELO": "250 mail"}
        said |= {self.at: self.answer} | ({"HELO": self.answer} if self.at == "EHLO" else {})
        self.wfile.write(f"{said['']}\r\n".encode())
        for line in self.rfile:
            command = line.decode().split()[0].upper()
            self.wfile.write(f"{said.get(command, '221 bye')}\r\n".encode())
            if command == "QUIT":
                return


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("", "421 4.3.2 shutting down"),
        ("", "450 4.7.1 slowly"),
        ("EHLO", "451 4.3.0 out of order"),
        ("AUTH", "454 4.7.0 temporary authentication failure"),
        ("AUTH", "421 4.7.0 too many sign-ins"),
    ],
)
def test_a_server_that_takes_nothing_for_now_has_all_wait_and_is_not_called_out_of_reach(
    queue: list[str], now: datetime, smtp_port: int, settings: Any, at: str, answer: str
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "monitor", "secret"
    handler = type("Hesitant", (_Hesitant,), {"at": at, "answer": answer})
    with socketserver.ThreadingTCPServer(("127.0.0.1", smtp_port), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        for step in range(3):
            send_at(now + step * AWAY_PAUSE)
        server.shutdown()
    assert states() == {"queued"}
    assert sorted(own(Delivery).values_list("attempts", flat=True)) == [0, 0, 1]
    found = mail_server()
    assert (found.state, found.is_busy, found.next_try_at) == ("unreachable", True, now + 3 * AWAY_PAUSE)
    (told,) = mail_problems(found, now + timedelta(minutes=16))
    assert told.startswith("the mail server takes nothing for now since")


def test_just_after_a_refusal_what_waited_is_due_from_when_the_server_took_a_mail_again(
    queue: list[str], now: datetime, sink: Sink
) -> None:
    refuse_everything(sink, "rcpt", "535 5.7.8 bad credentials")
    send_at(now)
    sink.at_rcpt.clear()
    mended = now + timedelta(hours=4)
    assert send_due(mended, clock=lambda: mended, limit=1).sent == 1
    soon, late = mended + timedelta(minutes=14), mended + timedelta(minutes=15)
    assert unsent(waiting_since(soon), mail_server(), soon) == []
    told = ["mails that were due since 2026-11-22 16:00 UTC are not sent"]
    assert unsent(waiting_since(late), mail_server(), late) == told


def test_a_test_mail_that_passes_lets_the_waiting_ones_go_at_once(
    queue: list[str], now: datetime, sink: Sink, ada: User
) -> None:
    refuse_everything(sink, "rcpt", "535 5.7.8 bad credentials")
    send_at(now)
    sink.at_rcpt.clear()
    result = probe(ada, now + 20 * SECOND)
    assert result.is_sent
    assert (sink.mails[0]["To"], sink.mails[0]["Auto-Submitted"]) == ("ada@example.com", "auto-generated")
    assert send_at(now + 21 * SECOND).sent == len(queue)
    entry = own(AuditEntry).get(action="mail.test")
    assert (entry.actor, entry.detail) == (ada, {"answer": "taken"})


def test_a_test_mail_tells_what_the_server_said_and_at_which_step(now: datetime, sink: Sink, ada: User) -> None:
    sink.at_rcpt = ["554 5.7.1 <ada@example.com>: relay access denied"]
    result = probe(ada, now)
    assert not result.is_sent
    assert result.told.startswith(
        "Not sent. At the recipient's address the mail server said: 554 5.7.1 <[e-mail]>: relay access denied."
    )
    assert own(AuditEntry).get(action="mail.test").detail == {"answer": "554 5.7.1"}


def test_a_test_mail_shows_a_server_that_does_not_let_us_in(
    now: datetime, sink: Sink, ada: User, settings: Any
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "monitor", "wrong"
    assert "connecting and signing in" in probe(ada, now).told
    assert MailServer.objects.get().state == "refuses"


def test_test_mails_are_not_sent_in_a_row_nor_to_nobody(now: datetime, sink: Sink, ada: User, otto: User) -> None:
    assert probe(ada, now).is_sent
    assert not probe(otto, now + PAUSE - SECOND).is_sent
    assert probe(otto, now + PAUSE).is_sent
    ada.email = ""
    assert "no e-mail address" in probe(ada, now + 9 * PAUSE).told
    assert len(sink.mails) == 2


def test_a_backend_that_fails_in_an_unknown_way_refuses_us_rather_than_the_message(
    queue: list[str], now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server.")

    monkeypatch.setattr("django.core.mail.backends.smtp.EmailBackend.open", fail)
    assert send_at(now).dead == 0
    assert states() == {"queued"}
