"""What a failure to send means, and when it is tried again."""

from __future__ import annotations

import smtplib
import socket
import ssl
from datetime import timedelta

import pytest
from django.core.mail import BadHeaderError
from hypothesis import given
from hypothesis import strategies as st

from monitor.notify.smtp_answers import FailureKind, classify, next_try
from tests.factories import NOON


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
        (smtplib.SMTPSenderRefused(553, b"not yours", "a@example.com"), FailureKind.CONFIG),
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


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), FailureKind.TRANSIENT),
        (socket.gaierror(-2, "unknown"), FailureKind.TRANSIENT),
        (TimeoutError(), FailureKind.TRANSIENT),
        (smtplib.SMTPServerDisconnected("gone"), FailureKind.TRANSIENT),
        (smtplib.SMTPConnectError(421, b"busy"), FailureKind.TRANSIENT),
        (smtplib.SMTPConnectError(554, b"no service"), FailureKind.CONFIG),
        (smtplib.SMTPAuthenticationError(535, b"wrong"), FailureKind.CONFIG),
        (smtplib.SMTPAuthenticationError(454, b"later"), FailureKind.TRANSIENT),
        (smtplib.SMTPNotSupportedError("STARTTLS"), FailureKind.CONFIG),
        (ssl.SSLCertVerificationError("expired"), FailureKind.CONFIG),
        (ValueError("EMAIL_USE_TLS/EMAIL_USE_SSL are mutually exclusive"), FailureKind.CONFIG),
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
    assert next_try(FailureKind.CONFIG, 1, NOON - day, NOON) is None


def test_a_permanent_refusal_is_final() -> None:
    assert next_try(FailureKind.PERMANENT, 1, NOON, NOON) is None


@given(st.sampled_from(FailureKind), st.integers(0, 1000), st.integers(-400, 2))
def test_a_next_try_lies_ahead_and_within_the_day(kind: FailureKind, attempts: int, days: int) -> None:
    created = NOON + timedelta(days=days / 2)
    again = next_try(kind, attempts, created, NOON)
    assert again is None or NOON < again <= created + timedelta(hours=24)
