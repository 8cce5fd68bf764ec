"""Where charts must say "not known": from the freshness of accounts and the holes of flows. Pure."""

from __future__ import annotations

from datetime import datetime

from dashboard.slots import Hole
from monitor.models import Flow
from monitor.queries.freshness import AccountFreshness, Mirror


def of_mirror(mirror: Mirror, start: datetime, now: datetime) -> list[Hole]:
    """The stretch since the oldest last complete read, if any account is behind.

    Holes of single flows are not shaded here: they are named in the banner and shaded on the flow's own page.
    """
    behind = [account for account in mirror.mirrored if account.is_behind]
    if not behind:
        return []
    since = min((account.as_of or start for account in behind), default=start)
    return [Hole(max(since, start), now, "Not every account was read since.")]


def of_flow(flow: Flow, account: AccountFreshness | None, start: datetime, now: datetime) -> list[Hole]:
    """What is not known of one flow.

    Without a complete read all of it. Zoho's counters say *that* runs are missing, not *when* they were:
    anywhere since the flow is watched. Without a hole, the time since its account was read completely.
    """
    end = min(flow.gone_at or now, now)
    if flow.executions_read_at is None:
        return _within(start, end, "The history was not read to its end yet.")
    if flow.hole_reason:
        return _within(max(flow.first_seen_at, start), end, flow.hole_reason)
    if account is not None and account.is_behind and flow.gone_at is None:
        return _within(max(account.as_of or start, start), now, "The account was not read completely since.")
    return []


def _within(start: datetime, end: datetime, reason: str) -> list[Hole]:
    return [Hole(start, end, reason)] if start < end else []
