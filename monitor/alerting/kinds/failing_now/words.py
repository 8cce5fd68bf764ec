"""Says what "failing now" is asked for and what was found, for mails, pages and forms. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases
from monitor.alerting.kinds.interface import ConditionState

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.failing_now.condition import FailingNow
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: FailingNow) -> str:
    """Returns what is asked for, as the name of a rule."""
    return "Failing now"


def delays(condition: FailingNow, healthy: float) -> str:
    """Returns how soon it finds what, for the form: "a total outage is found after 4 runs, half failing after 8".

    Args:
        condition: what is asked.
        healthy: the share that fails while all is as usual.
    """
    total, half = (round(condition.expected_delay(share, healthy)) for share in (1.0, 0.5))
    return f"a total outage is found after {phrases.runs(total)}, half failing after {half}"


def describe(condition: FailingNow, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    numbers = evaluation.numbers
    if evaluation.found is ConditionState.NO_DATA:
        return "no runs yet"
    if evaluation.found is ConditionState.BREACHED and evaluation.began_at is not None:
        failed, count = int(numbers["failed"]), int(numbers["runs"])
        said = f"{failed} of {phrases.runs(count)} failed since {phrases.clock(evaluation.began_at, zone)}"
        return f"{said}; usual are up to {numbers['usual_failing']:.1f} %"
    if good := int(numbers.get("good_in_a_row", 0)):
        return f"as good as usual again in the last {phrases.runs(good)}"
    return f"as usual: up to {numbers['usual_failing']:.1f} % fail"
