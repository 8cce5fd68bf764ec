"""Says after how long many failures are noticed at a flow's usual pace. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.kinds.failures_per_hour.condition import FailuresPerHour
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace, after_runs


def notice_times(condition: FailuresPerHour, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    """Returns after how long so many have failed, of a total failure and of a half one; None where they never fill it.

    Args:
        condition: what is asked.
        usual: how the flow runs.
        numbers: what was found last; not needed here.
    """
    total, half = after_runs(condition.most, usual), after_runs(2 * condition.most, usual)
    return NoticeTimes(
        total=total if total is not None and total <= condition.window else None,
        half=half if half is not None and half <= condition.window else None,
    )
