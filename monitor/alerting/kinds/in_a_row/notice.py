"""Says after how long failures in a row are noticed at a flow's usual pace. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.alerting.kinds.in_a_row.condition import FailedInARow
from monitor.alerting.kinds.usual import NoticeTimes, UsualPace, after_runs

_LONGEST_ROW = 60  # failures in a row come by chance of a half only after more runs than there are


def notice_times(condition: FailedInARow, usual: UsualPace, numbers: Mapping[str, float]) -> NoticeTimes:
    """Returns after how long so many failures in a row come, of a total failure and, in the mean, of a half one.

    Args:
        condition: what is asked.
        usual: how the flow runs.
        numbers: what was found last; not needed here.
    """
    # The mean number of tosses of a fair coin until so many heads in a row: 2 (2^k - 1).
    half = 2.0 * (2.0**condition.count - 1) if condition.count <= _LONGEST_ROW else None
    return NoticeTimes(total=after_runs(condition.count, usual), half=None if half is None else after_runs(half, usual))
