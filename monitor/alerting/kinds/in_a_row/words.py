"""Says how many failures in a row are asked for and were found, for mails and pages. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerting.kinds import phrases

if TYPE_CHECKING:
    from datetime import tzinfo

    from monitor.alerting.kinds.in_a_row.condition import FailedInARow
    from monitor.alerting.kinds.interface import Evaluation


def title(condition: FailedInARow) -> str:
    """Returns what is asked for, as the name of a rule."""
    return "A run failed" if condition.count == 1 else f"{condition.count} failures in a row"


def describe(condition: FailedInARow, evaluation: Evaluation, zone: tzinfo) -> str:
    """Returns what was found, in one sentence without a full stop.

    Args:
        condition: what was asked.
        evaluation: what was found.
        zone: by whose clock times are said.
    """
    failed = int(evaluation.numbers["failed_in_a_row"])
    if not failed:
        return "the last run succeeded"
    said = f"the last {phrases.runs(failed)} failed" if failed > 1 else "the last run failed"
    if evaluation.began_at is None:
        return said
    if failed == 1:
        return f"{said} at {phrases.clock(evaluation.began_at, zone)}"
    return f"{said}, the first of them at {phrases.clock(evaluation.began_at, zone)}"
