"""Keeps each attempt at handing a mail or a message over, with what the server answered."""

from __future__ import annotations

from datetime import datetime

from monitor.models import ChannelMessage, Delivery, SendAttempt
from monitor.notify.smtp_answers import FailureKind
from monitor.notify.words import shorten

CODE_LENGTH = 60
INTERRUPTED = "the process that sent it ended before it noted the answer"

_OUTCOMES = {
    None: SendAttempt.Outcome.SENT,
    FailureKind.AMBIGUOUS: SendAttempt.Outcome.UNKNOWN,
    FailureKind.TRANSIENT: SendAttempt.Outcome.LATER,
}


def record(
    of: Delivery | ChannelMessage,
    kind: FailureKind | None,
    *,
    at: datetime,
    until: datetime,
    code: str = "",
    answer: str = "",
) -> None:
    """Appends an attempt.

    Args:
        of: what was to be handed over, with this attempt counted.
        kind: whose fault a failure is; None where it was taken.
        at: when it began.
        until: when its answer was there.
        code: the status that the server answered with.
        answer: its words, without personal data and secrets.
    """
    SendAttempt.objects.create(
        delivery=of if isinstance(of, Delivery) else None,
        message=of if isinstance(of, ChannelMessage) else None,
        number=of.attempts,
        at=at,
        ms=max(int((until - at).total_seconds() * 1000), 0),
        outcome=_OUTCOMES.get(kind, SendAttempt.Outcome.REFUSED),
        code=code[:CODE_LENGTH],
        answer=shorten(answer, 300),
    )


def record_interrupted(of: Delivery | ChannelMessage, at: datetime) -> None:
    """Appends the attempt of a process that ended before it could; nobody knows what came of it.

    Args:
        of: what was being handed over, as it stood then.
        at: when that was found out.
    """
    record(of, FailureKind.AMBIGUOUS, at=at, until=at, answer=INTERRUPTED)
