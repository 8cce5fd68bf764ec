"""Did the pages of a walk shift while it read them? Pure.

Each page of executions carries counters (`stats`; seed zoho-flow-api.md, section 8). In the seed's example they
are those of the flow's life; a server may as well count the rows of the window asked for. Which it is shows in
the numbers, and is a reason to read again at most, never one to believe a number over the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.zoho.shapes.executions import ExecutionStats


def has_shifted(stats: Sequence[ExecutionStats], *, pages: int, seen: int, counted: int | None) -> bool:
    """Whether rows may have slipped past the walk.

    Args:
        stats: the counters on the first page and on the last.
        pages: pages read; a single one is of one moment.
        seen: different rows of all pages.
        counted: the flow's life-long counter as the list of flows gave it; None where it has none.
    """
    if pages < 2 or len(stats) < 2:
        return False
    first, last = stats[0].total, stats[-1].total
    if first is None or last is None or counted is None:
        return False
    if first >= counted:
        # Counters of the flow's life grow with runs that lie outside the window. They fall when rows are taken out.
        return last < first
    return last != first or seen < last
