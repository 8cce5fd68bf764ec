"""Says how long runs may go on and which do, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import figures
from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.interface import Evaluation
    from monitor.alerting.kinds.stuck_run.condition import StuckRun


def title(condition: StuckRun) -> str:
    """Returns what is asked for, as the name of a rule."""
    return f"A run does not end within {_limit(condition)}"


def describe(condition: StuckRun, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers = evaluation.numbers
    if numbers.get("may_wait"):
        return "a step of the flow waits, so that its runs may go on for long"
    if evaluation.found is ConditionState.EMPTY:
        return "the run that did not end is too old to be looked at any more"
    if evaluation.found is not ConditionState.BREACHED or evaluation.began_at is None:
        return f"no run goes on for longer than {_limit(condition)}"
    count = int(numbers["stuck"])
    said = "1 run goes on" if count == 1 else f"{phrases.runs(count)} go on"
    return f"{said} for longer than {_limit(condition)}; stuck since {phrases.clock(evaluation.began_at, zone)}"


def _limit(condition: StuckRun) -> str:
    return figures.span(60 * condition.after_minutes)
