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


# A recipient that is not there, whatever else is said beside it; words about a sender or relaying are no such case.
_NOBODY_THERE = (
    r"\A(?!.*(?:\bsenders?\b|relay|\byour (?:account|domain|ip)\b|from[ -](?:address|domain)"
    r"|\b(?:ip|client|host ?name|dns|reverse|helo|ehlo)\b)).*?"
    r"(?:\bno such (?:user|recipient|person|address|mail ?box|account|list|alias)\b"
    r"|\b(?:user|recipient|person|address|mail ?box|inbox|account|list|alias|group)\b.{0,40}"
    r"\b(?:(?:does ?n[o'’]t|does not|no longer) exists?|not (?:found|known)|is unknown|unknown\b)"
    r"|\bunknown (?:user|recipient|address|mail ?box|alias)\b)"
)
# Of what goes out, in whatever other words: a full mailbox sends nothing.
_LIMIT = r"(?:limits?|quota|caps?|allowance|maximum|usage|volume|rate|credits?|sen[dt]|exceed\w*|reached)"
_PERIOD = r"(?:hourly|daily|monthly)"
_SENDING = (
    r"(?<!stop )(?<!cease )\bsending\b|out(?:going|bound)|send ?as|per (?:second|minute|hour|day|month)\b"
    rf"|\b{_PERIOD}\b.{{0,40}}\b{_LIMIT}\b|\b{_LIMIT}\b.{{0,40}}\b{_PERIOD}\b"
)
_US = (
    r"relay|authenticat|log ?in|sign ?in|credential|not\s+(?:allowed|permitted|authori[sz]ed)|sender|quota"
    r"|limit\s+exceeded|exceeded\s.{0,80}limit|too\s+many|\bspf\b|\bdkim\b|\bdmarc\b|policy|block|black ?list|banned"
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
            (_NOBODY_THERE, Blamed.RECIPIENT),
            (_SENDING, Blamed.US),
            (_RECIPIENT, Blamed.RECIPIENT),
            (_MESSAGE, Blamed.MESSAGE),
            (us, Blamed.US),
        )
    )
    for us in (_US, f"{_US}|{_US_AFTER_DATA}")
)
_OF_SENDING = re.compile(rf"{_SENDING}|\bsenders?\b|relay", re.IGNORECASE | re.DOTALL)


def blamed_by(answer: str, *, after_data: bool, is_of_mailbox: bool = False) -> Blamed:
    """Says whom the words of a refusal are about; nobody where they do not tell.

    Args:
        answer: the server's words.
        after_data: whether the message itself was refused, and not the recipient.
        is_of_mailbox: whether the reply's code itself says that the recipient's storage is spent; only words about
            sending say otherwise.
    """
    if is_of_mailbox and not _OF_SENDING.search(answer):
        return Blamed.RECIPIENT
    known = _AFTER_DATA if after_data else _AT_ANY_STAGE
    return next((blamed for words, blamed in known if words.search(answer)), Blamed.NOBODY)
