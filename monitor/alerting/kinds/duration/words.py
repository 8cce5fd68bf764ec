"""Says how long runs may take and how long they took, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import figures
from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.duration.condition import LongDuration
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: LongDuration) -> str:
    """Returns what is asked for, as the name of a rule."""
    asked = [f"above {figures.duration(condition.above_ms)}"] if condition.above_ms else []
    if condition.times_usual:
        asked.append(f"above {condition.times_usual:g} times its usual")
    return f"Runs take long: {' or '.join(asked)}"


def describe(condition: LongDuration, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers = evaluation.numbers
    if evaluation.found is ConditionState.LEARNING:
        return "learning how long it usually takes"
    if not numbers.get("runs"):
        return "no runs in the window"
    limit = figures.duration(numbers["limit_ms"])
    slow = f"{int(numbers['slow'])} of {phrases.runs(int(numbers['runs']))} took longer than {limit}"
    if evaluation.found is ConditionState.NO_DATA:
        return f"{slow}; {condition.min_runs} are needed"
    if evaluation.found is ConditionState.BREACHED and evaluation.began_at is not None:
        return f"{slow}, the first of them at {phrases.clock(evaluation.began_at, zone)}"
    return slow if numbers["slow"] else f"runs took no longer than {limit}"
