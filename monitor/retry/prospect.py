"""Judges whether a retry is likely to help, apart from whether it is safe. Pure.

That work cannot run twice says nothing of whether it goes well this time: until a missing tax exists, a safe retry
fails again. What is known are the class of remedy of its cause (`monitor.triage.remedy`), how other retries of the same
cause went, and what has happened to the flow since the run failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.languages import gettext as _
from monitor.languages import gettext_noop


class Chance(StrEnum):
    """Names what a retry is worth."""

    LIKELY = "likely"
    UNCERTAIN = "uncertain"
    POINTLESS = "pointless"


@dataclass(frozen=True, slots=True)
class CauseFacts:
    """Holds what is known of a failure's cause. Times are aware; None where there was no such thing.

    Attributes:
        remedy: class of what helps, as `monitor.triage.remedy` names it; "" where the failure has no cause yet.
        failed_at: when the run failed.
        good_retry_at: when the newest retry of the same cause was sent that went well.
        bad_retry_at: when the newest retry of the same cause was sent that failed again.
        good_run_at: begin of the newest hour in which a run of the flow began and went well.
        flow_changed_at: when the flow was last edited.
    """

    remedy: str
    failed_at: datetime
    good_retry_at: datetime | None = None
    bad_retry_at: datetime | None = None
    good_run_at: datetime | None = None
    flow_changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """Holds what a retry is worth, and why in a sentence that fits any run of the cause."""

    chance: Chance
    text: str


# What passes by itself; all else stays as it is until somebody does something.
_PASSES = {
    "intermittent": gettext_noop("It helps once the app answers again."),
    "rate limit": gettext_noop("It helps once the limit has renewed."),
}
_UNTIL = {
    "value": gettext_noop("the value that was refused is corrected"),
    "missing": gettext_noop("what is missing is added"),
    "duplicate": gettext_noop("the record that exists already is dealt with"),
    "too large": gettext_noop("it is made smaller"),
    "parse": gettext_noop("what was sent, or the mapping, is corrected"),
    "connection": gettext_noop("the connection is renewed"),
    "permission": gettext_noop("the connection's user has the right that is missing"),
    "definition": gettext_noop("the flow is changed"),
}
# A good run of the same flow shows that these no longer stand in the way; a wrong value is one run's own.
_SHARED = ("intermittent", "rate limit", "connection", "permission", "definition")


def prospect(facts: CauseFacts) -> Prospect:
    """Returns what a retry is worth; the newest evidence outweighs the class of remedy.

    Args:
        facts: see `CauseFacts`.
    """
    if _after(facts.good_retry_at, facts.failed_at, facts.bad_retry_at):
        return Prospect(Chance.LIKELY, _("Likely to help: a retry of the same cause has succeeded since."))
    until = _(_UNTIL[facts.remedy]) if facts.remedy in _UNTIL else None
    if _after(facts.bad_retry_at, facts.failed_at, facts.flow_changed_at, facts.good_run_at):
        last = _("Will fail again as the last one did: the newest retry of the same cause failed again.")
        words = _("Will fail again until %(until)s: the newest retry of the same cause failed again.")
        return Prospect(Chance.POINTLESS, words % {"until": until} if until else last)
    if facts.remedy in _SHARED and _after(facts.good_run_at, facts.failed_at):
        return Prospect(Chance.LIKELY, _("Likely to help: the flow has had good runs since."))
    if facts.remedy in _PASSES:
        return Prospect(Chance.UNCERTAIN, _(_PASSES[facts.remedy]))
    if until is None:
        return Prospect(Chance.UNCERTAIN, _("Nothing in its error says whether a retry helps."))
    if _after(facts.flow_changed_at, facts.failed_at):
        words = _("The flow was changed since; else it will fail again until %(until)s.")
        return Prospect(Chance.UNCERTAIN, words % {"until": until})
    return Prospect(Chance.POINTLESS, _("Will fail again until %(until)s.") % {"until": until})


def _after(at: datetime | None, *others: datetime | None) -> bool:
    """Returns whether it happened, and after all of the others that did."""
    return at is not None and all(other is None or at > other for other in others)
