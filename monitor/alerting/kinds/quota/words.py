"""Says how much of a plan is used and foretold, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds.interface import ConditionState
from monitor.alerting.kinds.quota.condition import EXECUTIONS

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.interface import Evaluation
    from monitor.alerting.kinds.quota.condition import PlanRunsOut


def title(condition: PlanRunsOut) -> str:
    """Returns what is asked for, as the name of a rule."""
    return "The month's executions run out" if condition.of == EXECUTIONS else "The day's API calls run out"


def describe(condition: PlanRunsOut, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    used = int(evaluation.numbers["used"])
    is_month = condition.of == EXECUTIONS
    what = "executions this month (UTC)" if is_month else "API calls in the last 24 hours"
    if evaluation.found is ConditionState.NO_DATA:
        return f"{used:,} {what}; how many the plan has is not known"
    limit = int(evaluation.numbers["limit"])
    said = f"{used:,} of {limit:,} {what}"
    if evaluation.found is ConditionState.LEARNING:
        return f"{said}; seven days are not known yet"
    return f"{said}, {int(evaluation.numbers['forecast']):,} foretold by its end" if is_month else said
