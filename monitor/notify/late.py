"""Decides what becomes of a message of an incident that goes out later than it was written. Pure.

    waits alone, unchanged ──▶ as it is
    others wait behind it ───▶ one message, the newest, tells all of it
    the incident is over ────▶ nothing arrived: one message says both; something did: its end says so
    it may have arrived ─────▶ as it is, under its id: nobody knows which of the two a reader has seen

Sources: docs/reference/promises.md, "Alert states".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LateVerdict(StrEnum):
    """Names what becomes of a message; the value is why, where nothing is sent."""

    AS_IS = ""
    ANEW = "written anew"
    FOLDED = "a newer message of the incident tells it too"
    TOLD_BOTH = "another message of the incident said already that it is over"
    TOLD_BY_END = "the incident was over before it could go out: the message of the end tells it"
    ACKNOWLEDGED = "somebody had acknowledged the incident before it could go out"


NAGGING = frozenset({"repeat", "escalate"})  # the kinds of notices that an acknowledgement ends
# Nothing is lost with these: the reader reads it elsewhere.
TOLD = frozenset({LateVerdict.FOLDED, LateVerdict.TOLD_BOTH, LateVerdict.TOLD_BY_END})


@dataclass(frozen=True, slots=True)
class LateFacts:
    """Holds what the fate of a message of an incident depends on when it is its turn.

    Attributes:
        kind: of its notice: firing, update, repeat, escalate or resolved.
        is_over: whether the incident is.
        is_acknowledged: whether somebody is on it, and nobody had the message sent again since.
        says_both: whether the message says that the incident began and is over.
        tells_news: whether it was written anew before, and tells of what fires as another message was to.
        may_have_arrived: whether an attempt at this very message may have.
        has_arrived: whether another message of the incident arrived at its reader, or may have.
        was_told_both: whether that was one that says both.
        has_newer: whether others of the incident wait behind it.
        has_changed: whether alerts of the incident ended since it was written.
    """

    kind: str
    is_over: bool
    is_acknowledged: bool = False
    says_both: bool = False
    tells_news: bool = False
    may_have_arrived: bool = False
    has_arrived: bool = False
    was_told_both: bool = False
    has_newer: bool = False
    has_changed: bool = False


def judge_late(facts: LateFacts) -> LateVerdict:
    """Returns what becomes of a message whose turn it is."""
    tells_end = facts.kind == "resolved" or facts.says_both
    if facts.is_over and facts.was_told_both:
        return LateVerdict.TOLD_BOTH
    if facts.is_over and facts.has_arrived and not tells_end:
        return LateVerdict.TOLD_BY_END
    if facts.may_have_arrived:
        return LateVerdict.AS_IS
    is_nagging = facts.kind in NAGGING and not facts.tells_news
    if is_nagging and facts.is_acknowledged and not facts.is_over:
        return LateVerdict.ACKNOWLEDGED
    if facts.has_newer:
        return LateVerdict.FOLDED
    if facts.is_over:
        return LateVerdict.AS_IS if tells_end else LateVerdict.ANEW
    return LateVerdict.ANEW if facts.has_changed else LateVerdict.AS_IS
