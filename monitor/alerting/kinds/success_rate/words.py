"""Says what a success rate is asked for and what was found, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor import figures
from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.interface import Evaluation
    from monitor.alerting.kinds.success_rate.condition import SuccessRate


def title(condition: SuccessRate) -> str:
    """Returns what is asked for, as the name of a rule."""
    return f"Success rate below {condition.threshold:g} % over {phrases.hours(condition.window_hours)}"


def describe(condition: SuccessRate, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers = evaluation.numbers
    count, succeeded = int(numbers["runs"]), int(numbers["succeeded"])
    if not count:
        return "no runs in the window"
    said = f"{succeeded} of {phrases.runs(count)} succeeded"
    if evaluation.found is ConditionState.NO_DATA:
        return f"{said}; {condition.min_runs} are needed"
    if evaluation.found is ConditionState.BREACHED and evaluation.began_at is not None:
        return f"{said} ({figures.rate(numbers['rate'])}); failing since {phrases.clock(evaluation.began_at, zone)}"
    good = int(numbers["good_in_a_row"])
    if numbers["rate"] < condition.threshold and good >= condition.last_good:
        return f"the last {phrases.runs(good)} all succeeded; {said} in the window"
    return said
