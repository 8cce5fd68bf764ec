"""Says what was found of an error, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.error_appears.condition import ANY, ESCALATING, NEW, OFTEN, REGRESSED
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.error_appears.condition import ErrorAppears
    from monitor.alerting.kinds.interface import Evaluation

_STATES = {
    NEW: "it is new",
    ESCALATING: "it comes far more often than before",
    REGRESSED: "it came back after it was resolved",
    "ongoing": "it goes on",
    "resolved": "it is resolved",
    "archived": "it is archived",
}


def title(condition: ErrorAppears) -> str:
    """Returns what is asked for, as the name of a rule."""
    return {
        ANY: "An error is new, escalates or comes back",
        NEW: "A new error",
        ESCALATING: "An error escalates",
        REGRESSED: "An error comes back",
        OFTEN: f"An error comes {condition.times:,} times an hour",
    }[condition.when]


def describe(condition: ErrorAppears, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    count = int(evaluation.numbers["this_hour"])
    often = f"{phrases.runs(count)} failed by it in the last hour" if count else "no run failed by it in the last hour"
    if evaluation.numbers["is_often"]:
        said = often
    else:
        said = _STATES.get(evaluation.texts["state"], evaluation.texts["state"])
        if evaluation.found is ConditionState.BREACHED and count:
            said = f"{said}; {often}"
    if evaluation.began_at is None:
        return said
    return f"{said}; since {phrases.clock(evaluation.began_at, zone)}"
