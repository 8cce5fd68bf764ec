"""Decides when an incident is escalated, and when each step is due. Pure.

    opened, joined ──▶ running ──acknowledged, over, no alert asks for it──▶ ended
    fired anew, taken back ──▶ begins anew

Each step is taken once for each time that it begins, and only what its policy is for has it begin again: an alert whose
own routes name it. What joins keeps a running one as it is, so that nothing puts a
step off; an alert that had recovered and fires anew has the steps begin anew that were taken, and those that wait keep
their time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class EscalationTrigger(StrEnum):
    """Names what may begin an escalation."""

    OPENED = "opened"
    JOINED = "joined"
    FIRED_ANEW = "fired_anew"
    FLAPS = "flaps"  # joined or fired anew, as it does all the time
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class EscalationFacts:
    """Holds how an incident stands: whether it is open, acknowledged and loud, and what is known of a policy there.

    Attributes:
        is_running: whether steps of it wait.
        has_run: whether it began, and did not end since no alert asked for it any more.
    """

    is_open: bool
    is_acknowledged: bool
    severity: str
    is_running: bool
    has_run: bool


def begins(trigger: EscalationTrigger | None, facts: EscalationFacts) -> bool:
    """Returns whether the steps of a policy begin, or begin anew.

    Args:
        trigger: what happened to an alert that is escalated by it; None where nothing happened to one.
        facts: how its incident stands.
    """
    if not facts.is_open or facts.is_acknowledged or facts.severity == "digest":
        return False
    if trigger in (None, EscalationTrigger.FLAPS):
        return not facts.has_run
    return not facts.is_running or trigger is EscalationTrigger.FIRED_ANEW


def due_times(minutes: Sequence[int], now: datetime, waiting: Mapping[int, datetime]) -> list[datetime]:
    """Returns when each step is due.

    Args:
        minutes: of each step, after the beginning.
        now: the beginning.
        waiting: when steps of the one before are due that were not taken, by their position from 1: none is put off.
            A step that was taken comes sooner where one behind it is due before it: their order stays.
    """
    found: list[datetime] = []
    for position in range(len(minutes), 0, -1):
        due = now + timedelta(minutes=minutes[position - 1])
        found.append(min(due, waiting.get(position, due), *found[-1:]))
    return found[::-1]
