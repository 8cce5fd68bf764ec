"""Decides what an attempt to notify a channel came to, and what follows. Pure.

| answer                            | what follows                                                             |
|-----------------------------------|--------------------------------------------------------------------------|
| 2xx                               | sent                                                                     |
| 410                               | given up at once: what was there is gone for good                        |
| 401, 403, 404, a redirect         | the whole channel waits until a person has mended its address or key     |
| 429, 503 with `Retry-After`       | the whole channel waits that long, within half an hour                   |
| 408, 409, 425                     | the message is tried again, as a mail is                                 |
| another 5xx                       | the whole channel is tried again, less and less often                    |
| no connection, 502, 503, 504      | the whole channel is tried twice a minute; the message did not arrive    |
| lost, late                        | the same; the message may have arrived and is repeated under the same id |
| any other 4xx, a 2xx that says no | once more as plain text, then given up                                   |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.notify.channels.parcel import ChannelAnswer
from monitor.notify.smtp_answers import LONGEST_WAIT, REASON_LENGTH, FailureKind
from monitor.notify.words import clean, shorten
from monitor.privacy import mask_text
from monitor.zoho.protocol import http_date

GONE = "410"
TOO_MANY = "429"
_CONFIGURED_WRONGLY = frozenset({401, 403, 404})
_PASSING = frozenset({408, 409, 425})
_AWAY = frozenset({502, 503, 504})  # of a service behind a proxy; a bare 500 may be the message's fault
_MEANING = {
    301: "a redirect, which is not followed",
    400: "the request was refused",
    401: "the key or token is not accepted",
    403: "the key or token may not do this",
    404: "nothing is known under this address",
    410: "what was at this address is gone",
    413: "the message is too large",
    429: "too many messages for now",
}


@dataclass(frozen=True, slots=True)
class ChannelOutcome:
    """Holds what an attempt came to.

    Attributes:
        kind: whose fault a failure is; None where the message was taken.
        code: the status, or the name of what went wrong without one.
        reason: the same with the server's words, without personal data.
        is_of_channel: whether every other message of the channel would fare the same.
        is_away: whether nothing was there to take any, so that the message keeps its place before the others.
        wait: for how long the server asked to be left alone.
    """

    kind: FailureKind | None
    code: str
    reason: str
    is_of_channel: bool = False
    is_away: bool = False
    wait: timedelta | None = None

    @property
    def is_taken(self) -> bool:
        return self.kind is None


def judge(answer: ChannelAnswer, now: datetime) -> ChannelOutcome:
    """Returns what an attempt came to.

    Args:
        answer: of the service.
        now: the present, for a `Retry-After` that names a time.
    """
    code = str(answer.status) if answer.status is not None else answer.fault
    reason = shorten(
        ": ".join(part for part in (_named(answer), mask_text(clean(answer.words))) if part), REASON_LENGTH
    )
    if answer.is_taken:
        return ChannelOutcome(None, code, reason)
    if answer.status is None:
        return _without_an_answer(answer, code, reason)
    wait = _wait(answer, now)
    if answer.status == 429 or (answer.status == 503 and wait is not None):
        return ChannelOutcome(FailureKind.TRANSIENT, code, reason, is_of_channel=True, is_away=True, wait=wait)
    if code == GONE:
        return ChannelOutcome(FailureKind.PERMANENT, code, reason, is_of_channel=True)
    if answer.status in _CONFIGURED_WRONGLY or 300 <= answer.status < 400:
        return ChannelOutcome(FailureKind.SENDER, code, reason, is_of_channel=True)
    if answer.status in _PASSING or answer.status >= 500:
        is_away = answer.status in _AWAY
        return ChannelOutcome(FailureKind.TRANSIENT, code, reason, is_of_channel=answer.status >= 500, is_away=is_away)
    return ChannelOutcome(FailureKind.POISON, code, reason)


def _without_an_answer(answer: ChannelAnswer, code: str, reason: str) -> ChannelOutcome:
    if answer.fault == "settings":
        return ChannelOutcome(FailureKind.SENDER, code, reason, is_of_channel=True)
    kind = FailureKind.AMBIGUOUS if answer.may_have_arrived else FailureKind.TRANSIENT
    return ChannelOutcome(kind, code, reason, is_of_channel=True, is_away=not answer.may_have_arrived)


def _named(answer: ChannelAnswer) -> str:
    if answer.status is None:
        return answer.fault
    known = _MEANING[301] if 300 <= answer.status < 400 else _MEANING.get(answer.status, "")
    if 200 <= answer.status < 300 and not answer.is_taken:
        known = "not what the service answers when it takes a message"
    return f"{answer.status} ({known})" if known else str(answer.status)


def _wait(answer: ChannelAnswer, now: datetime) -> timedelta | None:
    """Returns for how long the server asked to be left alone, within half an hour; None where it did not.

    One answer must not silence a channel for longer than its trouble would.
    """
    text = answer.retry_after.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**8)), LONGEST_WAIT)
    until = http_date(text)
    return None if until is None else min(max(until - now, timedelta(0)), LONGEST_WAIT)
