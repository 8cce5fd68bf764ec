"""Reads out of a mail server's words whom a refusal is about, where its enhanced status does not say it. Pure.

Many servers send none, and some send one that names nobody (5.1.0, 5.2.0) or somebody else: hosts of web sites, relays
for programs and large mail services write in words alone that a quota is spent or an account suspended.
"""

from __future__ import annotations

import enum
import re


class Blamed(enum.StrEnum):
    """Names whom a refusal is about."""

    US = "us"
    RECIPIENT = "recipient"
    MESSAGE = "message"
    NOBODY = ""


# Of what goes out, in whatever other words: a full mailbox sends nothing.
_SENDING = (
    r"\bsending\b|out(?:going|bound)|send ?as|per (?:second|minute|hour|day|month)\b|\b(?:hourly|daily|monthly)\b"
)
_US = (
    r"relay|authenticat|log ?in|sign ?in|credential|not\s+(?:allowed|permitted|authori[sz]ed)|sender|quota"
    r"|limit\s+exceeded|exceeded\s+.*limit|too\s+many|\bspf\b|\bdkim\b|\bdmarc\b|policy|block|black ?list|banned"
    r"|reputation|rcpthosts"
)
# After the data the recipient was taken already: what these words are about is the sender's account.
_US_AFTER_DATA = (
    r"\blimits?\b|unusual|verif(?:y|ied)|identit(?:y|ies)\b|suspended|paused|account .{0,40}(?:disabled|deactivated)"
    r"|\bcredits?\b|subscription|billing|payment|from[ -](?:address|domain)|\bip\b|mail system has been|throttl"
    r"|\brate\b"
)
_RECIPIENT = (
    r"\b(?:mail ?box|inbox)\b.{0,60}\b(?:full|quota|storage|space)\b|\bquota\b.{0,30}\b(?:mail ?box|inbox)\b"
    r"|exceeded (?:\w+ )?storage|\b(?:recipient|user) (?:is )?over ?quota\b"
)
_MESSAGE = r"\bsize\b|\blength\b|too (?:big|large|long)\b"

_AT_ANY_STAGE, _AFTER_DATA = (
    tuple(
        (re.compile(words, re.IGNORECASE | re.DOTALL), blamed)
        for words, blamed in (
            (_SENDING, Blamed.US),
            (_RECIPIENT, Blamed.RECIPIENT),
            (_MESSAGE, Blamed.MESSAGE),
            (us, Blamed.US),
        )
    )
    for us in (_US, f"{_US}|{_US_AFTER_DATA}")
)


def blamed_by(answer: str, *, after_data: bool) -> Blamed:
    """Says whom the words of a refusal are about; nobody where they do not tell.

    Args:
        answer: the server's words.
        after_data: whether the message itself was refused, and not the recipient.
    """
    known = _AFTER_DATA if after_data else _AT_ANY_STAGE
    return next((blamed for words, blamed in known if words.search(answer)), Blamed.NOBODY)
