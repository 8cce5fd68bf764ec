"""Decides when an incident is escalated, and when each step is due. Pure.

    opened, joined ──▶ running ──acknowledged, over──▶ ended
    fired anew, taken back ──▶ begins anew

Each step is taken once for each time that it begins. What joins keeps a running one as it is, so that nothing puts a
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
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class EscalationFacts:
    """Holds how an incident stands: whether it is open, acknowledged and loud, and whether the policy's steps wait."""

    is_open: bool
    is_acknowledged: bool
    severity: str
    is_running: bool


def begins(trigger: EscalationTrigger, facts: EscalationFacts) -> bool:
    """Returns whether the steps of a policy begin, or begin anew."""
    if not facts.is_open or facts.is_acknowledged or facts.severity == "digest":
        return False
    return not facts.is_running or trigger is EscalationTrigger.FIRED_ANEW


def due_times(minutes: Sequence[int], now: datetime, waiting: Mapping[int, datetime]) -> list[datetime]:
    """Returns when each step is due.

    Args:
        minutes: of each step, after the beginning.
        now: the beginning.
        waiting: when steps of the one before are due that were not taken, by their position from 1: none is put off.
    """
    found = []
    for position, after in enumerate(minutes, start=1):
        due = now + timedelta(minutes=after)
        found.append(min(due, waiting.get(position, due)))
    return found
