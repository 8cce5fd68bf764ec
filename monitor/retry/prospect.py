"""Judges whether a retry is likely to help, apart from whether it is safe. Pure.

That work cannot run twice says nothing of whether it goes well this time: until a missing tax exists, a safe retry
fails again. What is known are the class of remedy of its cause (`monitor.triage.remedy`), how other retries of the same
cause went, and what has happened to the flow since the run failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
    "intermittent": "It helps once the app answers again.",
    "rate limit": "It helps once the limit has renewed.",
}
_UNTIL = {
    "value": "the value that was refused is corrected",
    "missing": "what is missing is added",
    "duplicate": "the record that exists already is dealt with",
    "too large": "it is made smaller",
    "parse": "what was sent, or the mapping, is corrected",
    "connection": "the connection is renewed",
    "permission": "the connection's user has the right that is missing",
    "definition": "the flow is changed",
}
# A good run of the same flow shows that these no longer stand in the way; a wrong value is one run's own.
_SHARED = ("intermittent", "rate limit", "connection", "permission", "definition")
_NOT_KNOWN = Prospect(Chance.UNCERTAIN, "Nothing in its error says whether a retry helps.")


def prospect(facts: CauseFacts) -> Prospect:
    """Returns what a retry is worth; the newest evidence outweighs the class of remedy.

    Args:
        facts: see `CauseFacts`.
    """
    if _after(facts.good_retry_at, facts.failed_at, facts.bad_retry_at):
        return Prospect(Chance.LIKELY, "Likely to help: a retry of the same cause has succeeded since.")
    until = _UNTIL.get(facts.remedy)
    if _after(facts.bad_retry_at, facts.failed_at, facts.flow_changed_at, facts.good_run_at):
        what = f"until {until}" if until else "as the last one did"
        return Prospect(Chance.POINTLESS, f"Will fail again {what}: the newest retry of the same cause failed again.")
    if facts.remedy in _SHARED and _after(facts.good_run_at, facts.failed_at):
        return Prospect(Chance.LIKELY, "Likely to help: the flow has had good runs since.")
    if facts.remedy in _PASSES:
        return Prospect(Chance.UNCERTAIN, _PASSES[facts.remedy])
    if until is None:
        return _NOT_KNOWN
    if _after(facts.flow_changed_at, facts.failed_at):
        return Prospect(Chance.UNCERTAIN, f"The flow was changed since; else it will fail again until {until}.")
    return Prospect(Chance.POINTLESS, f"Will fail again until {until}.")


def _after(at: datetime | None, *others: datetime | None) -> bool:
    """Returns whether it happened, and after all of the others that did."""
    return at is not None and all(other is None or at > other for other in others)
