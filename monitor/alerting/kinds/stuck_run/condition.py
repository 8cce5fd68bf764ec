"""Finds runs that go on for longer than a run can. Pure.

Zoho ends a run after five minutes. One that is still shown as running long after that is stuck, and takes one of the
ten places that runs of a flow have at once. A flow with a step that waits ("Delay") has runs that go on for days.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from monitor.alerting.kinds import limits
from monitor.alerting.kinds.interface import ROUNDING, AlertStanding, ConditionState, Evaluation, Runs, moment
from monitor.zoho.reruns import LONGEST_RUN, STUCK_AFTER

LOOK_BACK = timedelta(days=7)  # one that began before that is no news any more
COMES_LATE = timedelta(days=1)  # a run may be mirrored so long after it began
LEAST = int(LONGEST_RUN.total_seconds() // 60)
USUAL = int(STUCK_AFTER.total_seconds() // 60)
MOST = 24 * 60  # minutes


@dataclass(frozen=True, slots=True)
class StuckRun:
    """Asks that no run goes on for too long.

    Attributes:
        after_minutes: so long; a run that Zoho runs again by itself goes on from when it was seen to.
    """

    kind: ClassVar[str] = "stuck_run"
    is_about_failures: ClassVar[bool] = False
    goes_by_silence: ClassVar[bool] = True  # a run whose end is not mirrored would be taken for one that goes on
    goes_by_starts: ClassVar[bool] = True

    after_minutes: int = USUAL

    def __post_init__(self) -> None:
        limits.whole("after_minutes", self.after_minutes, LEAST, MOST)

    def needs_from(self, at: datetime, standing: AlertStanding) -> datetime:
        return standing.anchor if standing.anchor is not None else at - LOOK_BACK

    def evaluate(self, runs: Runs, at: datetime, standing: AlertStanding) -> Evaluation:
        if runs.may_wait:
            return Evaluation(ConditionState.EMPTY, {"may_wait": 1})
        now, longest = at.timestamp(), self.after_minutes * 60
        long = runs.lasting(longest)
        since = now - LOOK_BACK.total_seconds()
        first = bisect_right(long, (since + ROUNDING, math.inf))
        last = bisect_right(long, (now - longest + ROUNDING, math.inf))
        stuck = [(start, end) for start, end in long[first:last] if end > now]
        young = [start for start, end in long[last:] if start <= now < end]
        begins = [start for start, _ in stuck]
        anchor = moment(min([*begins, *young, now - COMES_LATE.total_seconds()]))
        moments = [start + longest for start, _ in long[last : last + 1]]
        numbers: dict[str, float] = {"stuck": len(stuck), "running": len(stuck) + len(young)}
        if stuck:
            # A run ends by then, or is too old; of a replay it is known beforehand when.
            moments += [begins[0] + LOOK_BACK.total_seconds(), min(end for _, end in stuck)]
            began_at = standing.began_at or moment(begins[0])
            count = runs.since(began_at, runs.until(at))
            return Evaluation(
                ConditionState.BREACHED, numbers, began_at, count, moment(min(moments)), anchor, standing.learned
            )
        found = ConditionState.CLEAR
        if standing.is_open and standing.began_at is not None and standing.began_at.timestamp() <= since + ROUNDING:
            found = ConditionState.EMPTY  # it never ended, as far as is known
        again_at = moment(moments[0]) if moments else None
        return Evaluation(found, numbers, None, 0, again_at, anchor, standing.learned)


CONDITION = StuckRun
