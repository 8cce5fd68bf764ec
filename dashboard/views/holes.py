"""Where charts must say "not known": from the freshness of accounts and the holes of flows. Pure."""

from __future__ import annotations

from datetime import datetime

from dashboard.slots import Hole
from monitor.models import Flow
from monitor.queries.freshness import AccountFreshness, Mirror


def of_mirror(mirror: Mirror, start: datetime, now: datetime) -> list[Hole]:
    """The stretch since the oldest last complete read, if any account is behind."""
    behind = [account for account in mirror.mirrored if not account.is_current]
    if not behind:
        return []
    since = min((account.as_of or start for account in behind), default=start)
    return [Hole(max(since, start), now, "Not every account was read since.")]


def of_flow(flow: Flow, account: AccountFreshness | None, start: datetime, now: datetime) -> list[Hole]:
    """What is not known of one flow: since its account was last read, and since it was itself, if it has a hole.

    While the history has never been read to its end, all of it counts as a hole.
    """
    if flow.history_read_at is None and flow.executions_read_at is None:
        return [Hole(start, now, "The history was never read to its end.")]
    holes = []
    if flow.hole_reason:
        holes.append(Hole(max(flow.executions_read_at or start, start), now, flow.hole_reason))
    elif account is not None and not account.is_current and flow.gone_at is None:
        holes.append(Hole(max(account.as_of or start, start), now, "The account was not read since."))
    return holes
