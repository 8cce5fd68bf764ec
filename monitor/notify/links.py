"""Signs the addresses in mails that act without a sign-in, and reads them. Pure, but for the key.

A signature names the person and the thing, and nothing else may be done with it. It is put into a mail when the mail is
sent: what is stored, and shown to admins, holds none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer

LASTS = timedelta(days=7)
LONGEST = 200  # characters of a token
UNSIGNED = "-"  # stands in the stored mail where the signature comes
_ACKNOWLEDGE, _UNSUBSCRIBE = "monitor.notify.acknowledge", "monitor.notify.unsubscribe"


class LinkError(Exception):
    """Says that a link is not one of ours, or is too old.

    Attributes:
        is_expired: whether it is merely too old.
    """

    def __init__(self, *, is_expired: bool = False) -> None:
        super().__init__("expired" if is_expired else "not ours")
        self.is_expired = is_expired


@dataclass(frozen=True, slots=True)
class AcknowledgeLink:
    """Names the incident and the person of a link."""

    incident: int
    person: int


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Names the person of a link, and the kind of mails that they no longer want."""

    person: int
    kind: str


def sign_acknowledge(incident: int, person: int, sent_at: datetime) -> str:
    """Returns the token with which a person acknowledges an incident within seven days."""
    until = int((sent_at + LASTS).timestamp())
    return Signer(salt=_ACKNOWLEDGE).sign(f"{incident}.{person}.{until}")


def read_acknowledge(token: str, now: datetime) -> AcknowledgeLink:
    """Returns what a token names.

    Raises:
        LinkError: it is not signed by us, or too old.
    """
    incident, person, until = (int(part) for part in _unsigned(token, _ACKNOWLEDGE).split("."))
    if datetime.fromtimestamp(until, UTC) <= now:
        raise LinkError(is_expired=True)
    return AcknowledgeLink(incident, person)


def sign_unsubscribe(person: int, kind: str) -> str:
    """Returns the token with which a person switches a kind of mails off. It has no end: old mails must work too."""
    return Signer(salt=_UNSUBSCRIBE).sign(f"{person}.{kind}")


def read_unsubscribe(token: str) -> UnsubscribeLink:
    """Returns what a token names.

    Raises:
        LinkError: it is not signed by us.
    """
    person, _, kind = _unsigned(token, _UNSUBSCRIBE).partition(".")
    return UnsubscribeLink(int(person), kind)


def _unsigned(token: str, salt: str) -> str:
    if len(token) > LONGEST:
        raise LinkError
    try:
        return Signer(salt=salt).unsign(token)
    except BadSignature as refused:
        raise LinkError from refused
