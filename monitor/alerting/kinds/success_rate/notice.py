"""Says after how long a success rate below its threshold is noticed at a flow's usual pace. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.alerting.kinds.success_rate.condition import SuccessRate
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace, after_runs


def notice_times(condition: SuccessRate, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    """Returns after how long a total and a half failure take the window's rate below the threshold.

    Args:
        condition: what is asked.
        usual: how the flow runs.
        numbers: what was found last; not needed here.
    """
    return NoticeTimes(total=_after(condition, usual, 1.0), half=_after(condition, usual, 0.5))


def _after(condition: SuccessRate, usual: UsualPace, share: float) -> timedelta | None:
    within = usual.runs_a_day * condition.window_hours / 24
    allowed = 1 - condition.threshold / 100
    if within < condition.min_runs or share <= allowed:
        return None
    # So many runs of the window must be of the failing kind that, with the usual failures of the rest, too many failed.
    needed = within * (allowed - usual.failing) / (share - usual.failing) if usual.failing < allowed else 0.0
    return after_runs(max(needed, 1.0), usual)
