"""Says how many failures are too many and were found, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.failures_per_hour.condition import FailuresPerHour
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: FailuresPerHour) -> str:
    """Returns what is asked for, as the name of a rule."""
    within = "an hour" if condition.window_hours == 1 else phrases.hours(condition.window_hours)
    return f"{condition.most:,} {'failure' if condition.most == 1 else 'failures'} within {within}"


def describe(condition: FailuresPerHour, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    failed, count = int(evaluation.numbers["failed"]), int(evaluation.numbers["runs"])
    window = "hour" if condition.window_hours == 1 else phrases.hours(condition.window_hours)
    within = "an hour" if condition.window_hours == 1 else window
    when = f"within {within}" if evaluation.numbers.get("is_past") else f"in the last {window}"
    said = f"{failed:,} of {phrases.runs(count)} failed {when}"
    if evaluation.began_at is None:
        return said
    return f"{said}, the first of them at {phrases.clock(evaluation.began_at, zone)}"
