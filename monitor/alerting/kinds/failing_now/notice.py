"""Says after how long "failing now" notices what at a flow's usual pace. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from monitor.alerting.kinds.failing_now.condition import FailingNow
from monitor.alerting.kinds.failing_now.healthy_level import HIGHEST
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace, after_runs


def notice_times(condition: FailingNow, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    """Returns after how long, in the mean, a total and a half failure are noticed, from the exact run length.

    Args:
        condition: what is asked.
        usual: how the flow runs.
        numbers: what was found last; `usual_failing` is the learned level in per cent.
    """
    learned = numbers.get("usual_failing")
    healthy = min(usual.failing if learned is None else learned / 100, HIGHEST)

    def after(share: float) -> timedelta | None:
        return after_runs(condition.expected_delay(share, healthy), usual)

    return NoticeTimes(total=after(1.0), half=after(0.5))
