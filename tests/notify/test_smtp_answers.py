"""What a failure to send means, and when it is tried again."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from datetime import timedelta

import pytest
from django.core.mail import BadHeaderError
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.smtp_answers import ANSWER_LENGTH, FailureKind, classify, next_try
from tests.factories import NOON


def no_tls_here() -> ssl.SSLError:
    """What Python raises where a server answers TLS in plain words."""
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


def refused(*codes: int) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({f"p{n}@example.com": (code, b"no") for n, code in enumerate(codes)})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(450), FailureKind.TRANSIENT),
        (refused(421), FailureKind.TRANSIENT),
        (refused(550), FailureKind.PERMANENT),
        (refused(), FailureKind.TRANSIENT),
        (smtplib.SMTPDataError(451, b"later"), FailureKind.TRANSIENT),
        (smtplib.SMTPDataError(500, b"line too long"), FailureKind.POISON),
        (smtplib.SMTPDataError(554, b"rejected"), FailureKind.POISON),
        (smtplib.SMTPSenderRefused(451, b"later", "a@example.com"), FailureKind.TRANSIENT),
        (smtplib.SMTPSenderRefused(553, b"not yours", "a@example.com"), FailureKind.SENDER),
        (smtplib.SMTPServerDisconnected("gone"), FailureKind.AMBIGUOUS),
        (TimeoutError("timed out"), FailureKind.AMBIGUOUS),
        (ConnectionResetError(), FailureKind.AMBIGUOUS),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), FailureKind.PERMANENT),
        (BadHeaderError("newline"), FailureKind.POISON),
        (UnicodeEncodeError("ascii", "x", 0, 1, "no"), FailureKind.POISON),
    ],
)
def test_a_failure_while_sending_is_judged_by_what_the_server_said(error: Exception, kind: FailureKind) -> None:
    assert classify(error, connected=True).kind == kind


def told(stage: str, code: int, words: str) -> Exception:
    """What smtplib raises when a server refuses at a command."""
    answer = words.encode()
    if stage == "mail":
        return smtplib.SMTPSenderRefused(code, answer, "monitor@example.com")
    if stage == "rcpt":
        return smtplib.SMTPRecipientsRefused({"jane@example.com": (code, answer)})
    return smtplib.SMTPDataError(code, answer)


@pytest.mark.parametrize(
    ("stage", "answer", "kind"),
    [
        # Login and encryption.
        ("mail", "530 5.7.0 Authentication required", FailureKind.SENDER),
        ("rcpt", "530 Authentication required", FailureKind.SENDER),
        ("rcpt", "535 5.7.8 bad credentials", FailureKind.SENDER),
        ("data", "538 5.7.11 encryption required", FailureKind.SENDER),
        ("mail", "550 5.7.57 client was not authenticated", FailureKind.SENDER),
        # The sender's address and what is known of it.
        ("rcpt", "553 5.1.8 sender address rejected: domain not found", FailureKind.SENDER),
        ("rcpt", "550 5.1.7 bad sender's mailbox address", FailureKind.SENDER),
        ("data", "550 5.7.60 client does not have permission to send as this sender", FailureKind.SENDER),
        ("data", "550 5.7.26 unauthenticated mail is not accepted (DMARC)", FailureKind.SENDER),
        ("rcpt", "550 5.7.23 SPF validation failed", FailureKind.SENDER),
        ("rcpt", "550 5.7.606 access denied, banned sending host", FailureKind.SENDER),
        ("rcpt", "550 5.7.708 traffic not accepted from this address", FailureKind.SENDER),
        # Quota.
        ("data", "550 5.4.5 daily sending quota exceeded", FailureKind.SENDER),
        ("data", "452 4.5.3 too many recipients today", FailureKind.SENDER),
        ("rcpt", "452 4.5.3 too many recipients", FailureKind.SENDER),
        ("mail", "421 4.7.28 unusual rate of mail", FailureKind.SENDER),
        # Relay and policy: ours, or only this recipient's or message's.
        ("rcpt", "554 5.7.1 relay access denied", FailureKind.SUSPECT),
        ("rcpt", "550 5.7.1 unable to relay", FailureKind.SUSPECT),
        ("rcpt", "550 relaying denied", FailureKind.SUSPECT),
        ("rcpt", "553 sorry, that domain isn't in my list of allowed rcpthosts", FailureKind.SUSPECT),
        ("rcpt", "571 delivery not authorized", FailureKind.SUSPECT),
        ("data", "554 5.7.1 you may not relay", FailureKind.SUSPECT),
        ("data", "550 5.7.99 no", FailureKind.SUSPECT),
        ("rcpt", "554 no", FailureKind.SUSPECT),
        # The recipient.
        ("rcpt", "550 5.1.1 no such user", FailureKind.PERMANENT),
        ("rcpt", "550 no such user here", FailureKind.PERMANENT),
        ("rcpt", "552 5.2.2 mailbox full", FailureKind.PERMANENT),
        ("rcpt", "550 5.4.1 recipient address rejected: access denied", FailureKind.PERMANENT),
        ("rcpt", "550 5.7.133 sender not authenticated for group", FailureKind.PERMANENT),
        ("data", "550 5.2.1 mailbox disabled", FailureKind.PERMANENT),
        ("rcpt", "556 5.1.10 domain takes no mail", FailureKind.PERMANENT),
        # The message.
        ("mail", "552 5.3.4 message too big", FailureKind.POISON),
        ("mail", "552 size exceeds the maximum", FailureKind.POISON),
        ("data", "552 5.3.4 message too big", FailureKind.POISON),
        ("data", "554 5.6.0 malformed", FailureKind.POISON),
        ("data", "554 transaction failed", FailureKind.POISON),
        ("data", "554 5.7.1 content rejected", FailureKind.POISON),
        # In words alone, or with a status that names nobody: how relays, hosts and large services say it.
        ("data", "550 5.4.6 Unusual sending activity detected. Please try after sometime", FailureKind.SUSPECT),
        ("data", "554 5.2.0 Submission exception: SendAsDenied; permanent exception", FailureKind.SUSPECT),
        ("data", "554 5.2.252 SendAsDenied; not allowed to send as somebody else", FailureKind.SUSPECT),
        ("data", "550 5.1.90 your daily limit for message recipients is reached", FailureKind.SENDER),
        ("data", "550 5.1.0 sender denied", FailureKind.SUSPECT),
        ("rcpt", "553 5.1.0 sender domain not allowed", FailureKind.SUSPECT),
        ("data", "554 Message rejected: Email address is not verified", FailureKind.SUSPECT),
        ("data", "554 Message rejected: the identities failed the check", FailureKind.SUSPECT),
        ("data", "554 Message rejected: Sending paused for this account", FailureKind.SUSPECT),
        ("data", "550 Maximum credits exceeded", FailureKind.SUSPECT),
        ("data", "550 The account has been suspended", FailureKind.SUSPECT),
        ("data", "550 You have reached your hourly sending limit", FailureKind.SUSPECT),
        ("data", "550 The plan's monthly limit has been reached", FailureKind.SUSPECT),
        ("data", "554 Your access to this mail system has been rejected", FailureKind.SUSPECT),
        ("data", "550 The from address is not one of yours", FailureKind.SUSPECT),
        ("rcpt", "550 Domain example.com has exceeded the max emails per hour (200/200)", FailureKind.SUSPECT),
        ("rcpt", "550 Outgoing mail from this account is switched off", FailureKind.SUSPECT),
        ("rcpt", "552 mailbox full, over quota", FailureKind.PERMANENT),
        ("rcpt", "550 quota exceeded for mailbox jane", FailureKind.PERMANENT),
        ("rcpt", "552 exceeded storage allocation", FailureKind.PERMANENT),
        ("rcpt", "550 5.1.0 address rejected", FailureKind.PERMANENT),
        ("rcpt", "550 5.1.1 no such user, by policy", FailureKind.PERMANENT),
        ("data", "552 5.2.2 over quota", FailureKind.PERMANENT),
        ("data", "552 Message size limit exceeded", FailureKind.POISON),
        ("data", "554 message length exceeds the administrative limit", FailureKind.POISON),
        ("data", "554 rejected due to spam content", FailureKind.POISON),
        # A recipient that is not there, whatever is said beside it; and a spent storage that is not ours.
        ("rcpt", "550 No such user here; stop sending mail to this address", FailureKind.PERMANENT),
        ("rcpt", "550 The daily digest list does not exist", FailureKind.PERMANENT),
        ("rcpt", "550 User unknown, blocked by policy of this group", FailureKind.PERMANENT),
        ("rcpt", "550 The account you tried to reach doesn't exist; sending is useless", FailureKind.PERMANENT),
        ("rcpt", "550 hourly report group not found", FailureKind.PERMANENT),
        ("rcpt", "550 please stop sending", FailureKind.PERMANENT),
        ("data", "550 no such user here, stop sending", FailureKind.PERMANENT),
        ("rcpt", "552 quota exceeded", FailureKind.PERMANENT),
        ("rcpt", "552 too many messages in the box", FailureKind.PERMANENT),
        ("rcpt", "552 storage limit exceeded", FailureKind.PERMANENT),
        ("rcpt", "552 outgoing quota exceeded", FailureKind.SUSPECT),
        ("rcpt", "552 sender's quota exceeded", FailureKind.SUSPECT),
        ("data", "552 quota exceeded", FailureKind.SUSPECT),
        ("rcpt", "550 Sender address rejected: user unknown", FailureKind.SUSPECT),
        ("rcpt", "550 relay denied, no such user", FailureKind.SUSPECT),
        ("rcpt", "550 You have exceeded your maximum of messages a day", FailureKind.PERMANENT),
        ("rcpt", "550 exceeded the allowed limit", FailureKind.SUSPECT),
        ("rcpt", "550 limit of daily messages reached", FailureKind.SUSPECT),
        ("data", "550 your daily message allowance is used up", FailureKind.SUSPECT),
        # For now.
        ("rcpt", "450 4.7.1 greylisted", FailureKind.TRANSIENT),
        ("mail", "451 4.7.0 later", FailureKind.TRANSIENT),
        ("data", "452 4.3.1 out of space", FailureKind.TRANSIENT),
    ],
)
def test_who_is_to_blame_is_judged_by_the_stage_and_the_enhanced_status(
    stage: str, answer: str, kind: FailureKind
) -> None:
    code, _, words = answer.partition(" ")
    found = classify(told(stage, int(code), words), connected=True)
    assert (found.kind, found.stage) == (kind, stage)


@pytest.mark.parametrize("filling", [" ", "exceeded ", "daily ", "user ", "account ", "sending", "\n", "mailbox "])
@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_long_answer_is_judged_by_its_beginning_at_no_great_cost(stage: str, filling: str) -> None:
    long = f"exceeded {filling * (300_000 // len(filling))}"
    began = time.process_time()
    classify(told(stage, 550, f"{long} no such user"), connected=True)
    assert time.process_time() - began < 0.2
    assert classify(told(stage, 550, f"{'x' * ANSWER_LENGTH} relay"), connected=True).kind != FailureKind.SUSPECT


def test_the_code_names_the_enhanced_status_and_no_word_of_the_server() -> None:
    assert classify(told("rcpt", 550, "5.7.1 <jane@example.com> relay denied"), connected=True).code == "550 5.7.1"
    assert classify(told("data", 554, "no thanks"), connected=True).code == "554"
    assert classify(ConnectionRefusedError(111, "refused"), connected=False).code == "ConnectionRefusedError"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), FailureKind.TRANSIENT),
        (socket.gaierror(-2, "unknown"), FailureKind.TRANSIENT),
        (TimeoutError(), FailureKind.TRANSIENT),
        (smtplib.SMTPServerDisconnected("gone"), FailureKind.TRANSIENT),
        (smtplib.SMTPConnectError(421, b"busy"), FailureKind.TRANSIENT),
        (smtplib.SMTPConnectError(554, b"no service"), FailureKind.SENDER),
        (smtplib.SMTPAuthenticationError(535, b"wrong"), FailureKind.SENDER),
        (smtplib.SMTPAuthenticationError(454, b"later"), FailureKind.TRANSIENT),
        (smtplib.SMTPAuthenticationError(454, b"4.7.0 Temporary authentication failure"), FailureKind.TRANSIENT),
        (smtplib.SMTPAuthenticationError(432, b"4.7.12 A password transition is needed"), FailureKind.SENDER),
        (smtplib.SMTPNotSupportedError("STARTTLS"), FailureKind.SENDER),
        (smtplib.SMTPException("No suitable authentication method found."), FailureKind.SENDER),
        (no_tls_here(), FailureKind.SENDER),
        (ssl.SSLError(1, "[SSL] unexpected eof"), FailureKind.TRANSIENT),
        (ssl.SSLCertVerificationError("expired"), FailureKind.SENDER),
        (ValueError("EMAIL_USE_TLS/EMAIL_USE_SSL are mutually exclusive"), FailureKind.SENDER),
    ],
)
def test_a_failure_to_connect_is_no_messages_fault(error: Exception, kind: FailureKind) -> None:
    assert classify(error, connected=False).kind == kind


def test_the_reason_holds_the_answer_without_the_address() -> None:
    error = smtplib.SMTPRecipientsRefused({"jane@example.com": (550, b"5.1.1 <jane@example.com>: unknown\r\nuser")})
    assert classify(error, connected=True).reason == "550 5.1.1 <[e-mail]>: unknown user"
    assert len(classify(smtplib.SMTPDataError(451, b"x" * 9000), connected=True).reason) <= 300


def test_the_pauses_grow_to_half_an_hour() -> None:
    pauses = [(next_try(FailureKind.TRANSIENT, attempt, NOON, NOON) or NOON) - NOON for attempt in range(1, 11)]
    assert [pause.total_seconds() for pause in pauses] == [15, 30, 60, 120, 300, 600, 900, 1800, 1800, 1800]


def test_after_a_day_it_is_given_up() -> None:
    day = timedelta(hours=24)
    assert next_try(FailureKind.TRANSIENT, 50, NOON - day + timedelta(minutes=31), NOON) is not None
    assert next_try(FailureKind.TRANSIENT, 50, NOON - day + timedelta(minutes=29), NOON) is None
    assert next_try(FailureKind.SENDER, 1, NOON - day, NOON) is None


def test_a_permanent_refusal_is_final() -> None:
    assert next_try(FailureKind.PERMANENT, 1, NOON, NOON) is None


@given(st.sampled_from(FailureKind), st.integers(0, 1000), st.integers(-400, 2))
def test_a_next_try_lies_ahead_and_within_the_day(kind: FailureKind, attempts: int, days: int) -> None:
    created = NOON + timedelta(days=days / 2)
    again = next_try(kind, attempts, created, NOON)
    assert again is None or NOON < again <= created + timedelta(hours=24)
