"""Says after how long the silence of a flow is noticed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise

from monitor.alerting.kinds.missed_run.condition import MissedRun
from monitor.alerting.kinds.missed_run.schedule import next_due
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace, after_runs

_A_MONDAY = 1_767_571_200.0  # 2026-01-05, from which the longest pause of a schedule is looked for
_DUE_LOOKED_AT = 60


def notice_times(condition: MissedRun, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    """Returns after how long a silence is noticed at the latest; of a learned rate at the usual pace.

    Args:
        condition: what is asked.
        usual: how the flow runs.
        numbers: what was found last; `allowed` is how many runs may be missing, once that is learned.
    """
    grace = timedelta(minutes=condition.grace)
    if condition.every:
        return NoticeTimes(silence=timedelta(minutes=condition.every) + grace)
    if condition.cron:
        pause = _longest_pause(condition)
        return NoticeTimes(silence=None if pause is None else pause + grace)
    allowed = numbers.get("allowed")
    if allowed is None:
        return NoticeTimes(is_learning=True)
    return NoticeTimes(silence=after_runs(allowed, usual))


def _longest_pause(condition: MissedRun) -> timedelta | None:
    due = [_A_MONDAY]
    while len(due) < _DUE_LOOKED_AT:
        following = next_due(condition.cron, condition.zone, due[-1])
        if following is None:
            break
        due.append(following)
    return max((timedelta(seconds=late - early) for early, late in pairwise(due[1:])), default=None)
