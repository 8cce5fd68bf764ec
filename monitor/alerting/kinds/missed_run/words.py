"""Says which runs are expected and which are missing, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import figures
from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState, moment

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.interface import Evaluation
    from monitor.alerting.kinds.missed_run.condition import MissedRun


def title(condition: MissedRun) -> str:
    """Returns what is asked for, as the name of a rule."""
    if condition.cron:
        return f"Missed run (schedule {condition.cron}, {condition.zone})"
    if condition.every:
        return f"Missed run (every {figures.span(60 * condition.every)})"
    return "Missed run"


def describe(condition: MissedRun, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers = evaluation.numbers
    if evaluation.found is ConditionState.LEARNING:
        return "learning when it runs: three weeks are needed"
    if evaluation.found is ConditionState.NO_DATA:
        return "no runs yet"
    if evaluation.found is not ConditionState.BREACHED or evaluation.began_at is None:
        return "it runs as expected"
    said = f"no run since {phrases.clock(evaluation.began_at, zone)}"
    if "due" in numbers:
        return f"{said}; one was due at {phrases.clock(moment(numbers['due']), zone)}"
    if "expected" in numbers:
        return f"{said}; about {phrases.runs(round(numbers['expected']))} should have come since"
    return said
