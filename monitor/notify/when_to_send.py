"""Decides whether a notice of an incident is mailed now, later or never. Pure.

    firing ──30 s──▶ mail ──5 min──▶ mail of those that joined ──4 h, nobody on it──▶ reminder … ──▶ recovered
       └── over before the first mail: one mail that says both

Snoozed, silenced, flapping or following from a wider incident: the mail waits, and comes if it still fires then. A mail
that is not urgent waits for the working hours of its rules. Sources: docs/reference/promises.md, "Alert states".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from monitor.notify.hours import WorkingHours, next_open

LOOK_AGAIN = timedelta(minutes=1)  # where the end of what keeps it quiet is not known


class NoticeVerdict(StrEnum):
    """Names what becomes of a notice."""

    SEND = "send"
    SILENT = "silent"
    WAIT = "wait"


class Why(StrEnum):
    """Names why a notice waits or is not mailed; stored with it."""

    NOTHING = ""
    SNOOZED = "snoozed"
    SILENCED = "silenced"
    MUTED = "muted"  # by the incident of the whole account
    FLAPS = "flaps"  # it fires and recovers again and again
    HOURS = "hours"
    NOBODY = "nobody"
    ACKNOWLEDGED = "acknowledged"
    OVER = "over"
    TOLD = "told"  # by another mail of the incident
    FIRST = "first"  # a step of an escalation waits for the first mail
    ANEW = "anew"  # the escalation began anew
    DIGEST = "digest"


QUIET = frozenset({Why.SNOOZED, Why.SILENCED, Why.MUTED, Why.FLAPS})


@dataclass(frozen=True, slots=True)
class Hush:
    """Says that an alert is kept quiet, why, and until when; None where the end is not known."""

    why: Why
    until: datetime | None


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """Holds what a notice's fate depends on.

    Attributes:
        kind: firing, update, repeat, escalate or resolved.
        waited: why it waited last.
        is_open: whether the incident is.
        is_acknowledged: whether somebody is on it.
        severity: page, notify or digest.
        hushes: of each alert that the mail is about and that still fires; None for one that is loud.
        hours: the working hours of their rules; None for all hours.
        is_flapping: whether all alerts of the incident flap, and this is not the notice that says so.
    """

    kind: str
    waited: str
    is_open: bool
    is_acknowledged: bool
    severity: str
    hushes: Sequence[Hush | None]
    hours: Sequence[WorkingHours | None]
    is_flapping: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """Holds what becomes of a notice: `until` when it waits; `says_both` in one mail that it fired and recovered."""

    verdict: NoticeVerdict
    why: Why = Why.NOTHING
    until: datetime | None = None
    says_both: bool = False


def decide(facts: NoticeFacts, now: datetime) -> Fate:
    """Returns what becomes of a notice that is due."""
    if facts.severity == "digest":
        return Fate(NoticeVerdict.SILENT, Why.DIGEST)
    if facts.kind != "resolved":
        if (silent := _why_never(facts)) is not None:
            return Fate(NoticeVerdict.SILENT, silent)
        if (waits := _hushed(facts, now)) is not None:
            return waits
    return _in_hours(facts, now) or Fate(NoticeVerdict.SEND, says_both=facts.kind == "firing" and not facts.is_open)


def decide_again(facts: NoticeFacts, now: datetime) -> Fate:
    """Returns what becomes of a message of a beginning that was written before, and waits: people may have said since.

    What flaps since then is no reason: the message may be the one that says so.

    Args:
        facts: of its notice, as it is now; `waited` is why the message waited last.
        now: the present.
    """
    if not facts.is_open and facts.waited in QUIET:
        return Fate(NoticeVerdict.SILENT, Why.OVER)
    loud = replace(facts, hushes=[None if one is None or one.why == Why.FLAPS else one for one in facts.hushes])
    return _hushed(loud, now) or _in_hours(facts, now) or Fate(NoticeVerdict.SEND)


def _why_never(facts: NoticeFacts) -> Why | None:
    """Returns why nobody has to read it any more."""
    if not facts.is_open and (facts.kind != "firing" or facts.waited in QUIET):
        return Why.OVER
    if not facts.is_open and facts.is_flapping and facts.kind == "firing":
        return Why.FLAPS
    if facts.kind in ("repeat", "escalate") and facts.is_acknowledged:
        return Why.ACKNOWLEDGED
    return None


def _in_hours(facts: NoticeFacts, now: datetime) -> Fate | None:
    """Waits for the working hours; None within them."""
    opens = next_open(facts.hours, now) if facts.severity != "page" else now
    return Fate(NoticeVerdict.WAIT, Why.HOURS, opens) if opens > now else None


def _hushed(facts: NoticeFacts, now: datetime) -> Fate | None:
    """Waits until the first of those that are kept quiet is so no longer; None where one is loud, or all is over."""
    hushes = [one for one in facts.hushes if one is not None]
    if not facts.is_open or not hushes or len(hushes) < len(facts.hushes):
        return None
    first = min(hushes, key=lambda one: one.until or now + LOOK_AGAIN)
    return Fate(NoticeVerdict.WAIT, first.why, first.until or now + LOOK_AGAIN)
