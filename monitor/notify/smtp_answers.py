"""Decides what an attempt to send came to, and what follows. Pure.

A server says who is to blame by the stage at which it refuses and by its enhanced status (RFC 3463, RFC 5248); the
bare reply code says much less. 550 alone may mean an address that does not exist, a sender that is not allowed, or a
day's quota that is spent.

Source: docs/reference/promises.md, "Mail outcomes".
"""

from __future__ import annotations

import enum
import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.notify.refusal_words import Blamed, blamed_by
from monitor.notify.words import clean, shorten
from monitor.privacy import mask_text

GIVEN_UP_AFTER = timedelta(hours=24)
REFUSED_PAUSE = timedelta(minutes=5)
# Of a server that is away, for as long as it is: a page that comes once it is back is to be there within 30 s.
AWAY_PAUSE = timedelta(seconds=15)
BACK_OFF = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 300, 600, 900, 1800))
LONGEST_WAIT = BACK_OFF[-1]  # of one message between two tries
REASON_LENGTH = 280
ANSWER_LENGTH = 2_000  # characters of an answer that are looked at


class FailureKind(enum.StrEnum):
    """Names whose fault a failure is, and with it what can be done."""

    TRANSIENT = "transient"  # nobody's: again later
    AMBIGUOUS = "ambiguous"  # the server may have it: again later, as the same message
    PERMANENT = "permanent"  # this recipient's: never
    SENDER = "sender"  # ours (login, sender, relay, quota, policy): all wait until a person has fixed it
    SUSPECT = "suspect"  # ours or only this message's: what happens to the next message tells
    POISON = "poison"  # this message's: once more as plain text


class SmtpStage(enum.StrEnum):
    """Names the command that was refused."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """Holds whose fault a failure is, at which command, and the server's words without personal data.

    `code` is the reply code with the enhanced status, or the name of an error of the connection.
    """

    kind: FailureKind
    reason: str
    stage: SmtpStage = SmtpStage.CONNECT
    code: str = ""

    @property
    def is_policy(self) -> bool:
        """Says whether the server named its policy as the reason (5.7.x)."""
        return " 5.7." in self.code


# The subject and detail of an enhanced status (IANA's registry of SMTP enhanced status codes; 7.57 and above are
# Microsoft's, 4.5 and 7.26 to 7.30 are Google's use of them).
_SENDER = {1: (7, 8, 90), 4: (5,), 5: (3,), 7: (3, 8, 9, *range(11, 15), *range(20, 31), 54, 57, 60, 64, 67, 68, 139)}
_RECIPIENT = {
    1: (*range(7), 9, 10),
    2: (0, 1, 2, 4),
    4: (1, 4, 6),
    7: (2, 10, *range(16, 20), 124, 129, *range(133, 137)),
}
# Which of them leave open what is wrong; some servers use them for a sender whom they keep out.
_VAGUE = {1: (0,), 2: (0,), 4: (1, 6)}
_MESSAGE = {2: (3,), 3: (3, 4), 5: (2, 6), 6: tuple(range(11)), 7: (7,)}
# After the data: most often what the message says. As plain text it says nothing that came from outside.
_CONTENT = {7: (0, 1)}
# Temporary, and yet about us: to try the next message at once would only make it worse.
_SENDER_FOR_NOW = {4: (5,), 5: (3,), 7: (28,)}
# Microsoft's blocks of a sending host or tenant: 5.7.501 to 5.7.705 and beyond.
_FIRST_BLOCK_OF_A_HOST = 500

_LOGIN_CODES = (530, 534, 535, 538)
_NO_SUCH_MAILBOX = (521, 550, 551, 552, 553, 556)
_FULL = 552  # RFC 5321, section 4.2.2: "exceeded storage allocation"
_ENHANCED = re.compile(r"\s*[245]\.(\d{1,3})\.(\d{1,3})\b")


def classify(error: BaseException, *, connected: bool) -> SendOutcome:
    """Judges why a message was not sent.

    Args:
        error: what Django's mail backend raised.
        connected: whether a connection was open; before that, no message is to blame.
    """
    code, answer = _answer(error)
    stage = _stage(error) if connected else SmtpStage.CONNECT
    kind = _judge_message(error, stage, code, answer) if connected else _judge_connection(error)
    named = type(error).__name__ if code is None else str(code)
    status = _ENHANCED.match(answer)
    return SendOutcome(
        kind,
        shorten(f"{named} {mask_text(clean(answer))}".strip(), REASON_LENGTH),
        stage,
        f"{named} {status[0].strip()}" if status and code is not None else named,
    )


def pause_after(failures: int) -> timedelta:
    """Returns how long to wait after so many failures in a row."""
    return BACK_OFF[min(max(failures, 1), len(BACK_OFF)) - 1]


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
    pause = REFUSED_PAUSE if kind == FailureKind.SENDER else pause_after(attempts)
    return now + pause if now + pause <= created_at + GIVEN_UP_AFTER else None


def cleared(suspect: SendOutcome) -> FailureKind:
    """Says what a suspect refusal was, once the server has taken another message from us.

    A recipient that it refuses for a policy is kept and tried again: it may want a sign-in for that domain alone.
    """
    return FailureKind.POISON if suspect.stage == SmtpStage.DATA else FailureKind.TRANSIENT


def _judge_connection(error: BaseException) -> FailureKind:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        # 454 is "temporary authentication failure" (RFC 4954, section 6), 432 4.7.12 wants a person's new password.
        is_passing = 400 <= error.smtp_code < 500 and not _is_one_of(_SENDER, _status(_answer(error)[1]))
        return FailureKind.TRANSIENT if is_passing else FailureKind.SENDER
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return FailureKind.SENDER
    if type(error) is smtplib.SMTPException or getattr(error, "reason", "") == "WRONG_VERSION_NUMBER":
        # No way to sign in that both know, or TLS from the start where the server waits for STARTTLS.
        return FailureKind.SENDER
    if isinstance(error, smtplib.SMTPResponseException):
        return FailureKind.SENDER if error.smtp_code >= 500 else FailureKind.TRANSIENT
    return FailureKind.TRANSIENT if isinstance(error, OSError) else FailureKind.SENDER


def _judge_message(error: BaseException, stage: SmtpStage, code: int | None, answer: str) -> FailureKind:
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return FailureKind.AMBIGUOUS
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return FailureKind.PERMANENT
    if code is not None:
        return _judge_refusal(stage, code, answer) if code >= 500 else _judge_delay(answer)
    if isinstance(error, smtplib.SMTPRecipientsRefused):  # without an answer
        return FailureKind.TRANSIENT
    return FailureKind.AMBIGUOUS if isinstance(error, OSError) else FailureKind.POISON


def _judge_delay(answer: str) -> FailureKind:
    """Judges an answer of the form 4xx."""
    return FailureKind.SENDER if _is_one_of(_SENDER_FOR_NOW, _status(answer)) else FailureKind.TRANSIENT


def _judge_refusal(stage: SmtpStage, code: int, answer: str) -> FailureKind:
    """Judges an answer of the form 5xx: by its enhanced status where it has one that says more, else by its code."""
    status = _status(answer)
    if code in _LOGIN_CODES or _is_one_of(_SENDER, status) or _is_block_of_a_host(status):
        return FailureKind.SENDER
    if _is_one_of(_MESSAGE, status):
        return FailureKind.POISON
    if stage == SmtpStage.MAIL:
        # The sender is ours and the same for all; only the message's announced size differs.
        return FailureKind.POISON if code == 552 else FailureKind.SENDER
    is_data = stage == SmtpStage.DATA
    blamed = blamed_by(answer, after_data=is_data, is_of_mailbox=code == _FULL and not is_data)
    if _is_one_of(_RECIPIENT, status):
        is_open = blamed == Blamed.US and _is_one_of(_VAGUE, status)
        return FailureKind.SUSPECT if is_open else FailureKind.PERMANENT
    return _judge_words(stage, code, status, blamed)


def _judge_words(stage: SmtpStage, code: int, status: tuple[int, int] | None, blamed: Blamed) -> FailureKind:
    """Judges a refusal whose enhanced status, if it has one, does not say who is to blame."""
    is_policy = status is not None and status[0] == 7
    if blamed == Blamed.RECIPIENT and not is_policy:
        return FailureKind.PERMANENT
    if stage == SmtpStage.DATA and blamed != Blamed.US and (_is_one_of(_CONTENT, status) or not is_policy):
        return FailureKind.POISON
    if blamed == Blamed.US or is_policy:
        return FailureKind.SUSPECT
    return FailureKind.PERMANENT if code in _NO_SUCH_MAILBOX else FailureKind.SUSPECT


def _is_block_of_a_host(status: tuple[int, int] | None) -> bool:
    return status is not None and status[0] == 7 and status[1] >= _FIRST_BLOCK_OF_A_HOST


def _is_one_of(known: Mapping[int, tuple[int, ...]], status: tuple[int, int] | None) -> bool:
    return status is not None and status[1] in known.get(status[0], ())


def _status(answer: str) -> tuple[int, int] | None:
    """Returns subject and detail of the enhanced status: (7, 1) of "5.7.1 denied"; None where there is none."""
    found = _ENHANCED.match(answer)
    return (int(found[1]), int(found[2])) if found else None


def _stage(error: BaseException) -> SmtpStage:
    if isinstance(error, smtplib.SMTPSenderRefused):
        return SmtpStage.MAIL
    return SmtpStage.RCPT if isinstance(error, smtplib.SMTPRecipientsRefused) else SmtpStage.DATA


def _answer(error: BaseException) -> tuple[int | None, str]:
    """Returns the server's code and words; the code is None where the error is not an answer of the server's."""
    code: int | None = None
    answer: bytes | str = str(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        # One message has one recipient.
        code, answer = next(iter(error.recipients.values()), (None, b""))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, answer = error.smtp_code, error.smtp_error
    return code, (answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer)[:ANSWER_LENGTH]
