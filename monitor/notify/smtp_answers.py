"""Decides what an attempt to send came to, and what follows. Pure.

Source: docs/reference/promises.md, "Mail outcomes".
"""

from __future__ import annotations

import enum
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.notify.words import clean, shorten
from monitor.privacy import mask_text

GIVEN_UP_AFTER = timedelta(hours=24)
CONFIG_PAUSE = timedelta(minutes=5)
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 300, 600, 900, 1800))
REASON_LENGTH = 280


class FailureKind(enum.StrEnum):
    """Names what can be done about a failure."""

    TRANSIENT = "transient"  # again later
    AMBIGUOUS = "ambiguous"  # the server may have it: again later, as the same message
    PERMANENT = "permanent"  # this recipient, never
    CONFIG = "config"  # nobody, until a person fixes the settings
    POISON = "poison"  # this message: once more as plain text


@dataclass(frozen=True, slots=True)
class SendOutcome:
    kind: FailureKind
    reason: str


def classify(error: BaseException, *, connected: bool) -> SendOutcome:
    """Judges why a message was not sent.

    Args:
        error: what Django's mail backend raised.
        connected: whether a connection was open; before that, no message is to blame.
    """
    judged = _judge_message(error) if connected else _judge_connection(error)
    return SendOutcome(judged, _reason(error))


def next_try(kind: FailureKind, attempts: int, created_at: datetime, now: datetime) -> datetime | None:
    """Returns when to try again; None to give up.

    Args:
        kind: of the last failure.
        attempts: how many there were, this one included.
        created_at: of the delivery. A day later an alert is no news.
        now: the present.
    """
    if kind == FailureKind.PERMANENT:
        return None
    pause = CONFIG_PAUSE if kind == FailureKind.CONFIG else BACK_OFF[min(max(attempts, 1), len(BACK_OFF)) - 1]
    return now + pause if now + pause <= created_at + GIVEN_UP_AFTER else None


def _judge_connection(error: BaseException) -> FailureKind:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # 454 is "temporary authentication failure" (RFC 4954, section 6).
        return FailureKind.TRANSIENT if 400 <= error.smtp_code < 500 else FailureKind.CONFIG
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return FailureKind.CONFIG
    if isinstance(error, smtplib.SMTPResponseException):
        return FailureKind.CONFIG if error.smtp_code >= 500 else FailureKind.TRANSIENT
    return FailureKind.TRANSIENT if isinstance(error, OSError) else FailureKind.CONFIG


def _judge_message(error: BaseException) -> FailureKind:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return FailureKind.AMBIGUOUS
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return FailureKind.PERMANENT if codes and min(codes) >= 500 else FailureKind.TRANSIENT
    if isinstance(error, smtplib.SMTPSenderRefused):
        # The sender is ours and the same for all.
        return FailureKind.CONFIG if error.smtp_code >= 500 else FailureKind.TRANSIENT
    if isinstance(error, smtplib.SMTPResponseException):
        return FailureKind.POISON if error.smtp_code >= 500 else FailureKind.TRANSIENT
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return FailureKind.PERMANENT
    if isinstance(error, OSError):
        return FailureKind.AMBIGUOUS
    return FailureKind.POISON


def _reason(error: BaseException) -> str:
    """Returns the error in a line without personal data: servers like to repeat the address."""
    code: int | str
    answer: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = list(error.recipients.values())
        code, answer = answers[0] if answers else (0, b"")
    elif isinstance(error, smtplib.SMTPResponseException):
        code, answer = error.smtp_code, error.smtp_error
    else:
        code, answer = type(error).__name__, str(error)
    return shorten(f"{code} {mask_text(clean(_text(answer)))}".strip(), REASON_LENGTH)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
