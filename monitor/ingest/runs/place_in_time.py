"""Says which runs have no place in time: counted in no hour, they are put aside instead of mirrored. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.zoho.shapes import ExecutionRow

# No zone is so far ahead, and no clock that is kept: a start beyond this lies in nobody's present.
AHEAD = timedelta(hours=25)


def why_no_place(row: ExecutionRow, latest: datetime) -> str:
    """Says in one line for people why a run cannot be counted in any hour; empty where it can.

    Args:
        row: as Zoho gave it.
        latest: the present, by Zoho's clock or ours, whichever is ahead.
    """
    if row.started_time is None:
        return row.why_no_start
    if row.started_time > latest + AHEAD:
        ahead = (row.started_time - latest).days
        return f"it began {ahead} day{'s' if ahead != 1 else ''} ahead of Zoho's clock and of ours"
    return ""
