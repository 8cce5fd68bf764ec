"""Finds the stretches of time that charts must call not known: of all accounts, or of one flow. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.languages import gettext_noop
from monitor.models import Flow
from monitor.queries.freshness import AccountFreshness, Mirror

BEHIND = gettext_noop("The account was not read completely since.")


@dataclass(frozen=True)
class Hole:
    """Marks a stretch of time whose runs the mirror does not hold for sure, and says why.

    `is_unread`: nothing is wrong, its history is still being read.
    """

    start: datetime
    end: datetime
    reason: str
    is_unread: bool = False


def of_mirror(mirror: Mirror, start: datetime, now: datetime, account_id: int | None = None) -> list[Hole]:
    """Finds the stretch since the oldest last complete read, if any account is behind.

    Holes of single flows are not shaded here: they are named in the banner and shaded on the flow's own page.

    Args:
        mirror: as of now.
        start: the beginning of what is drawn.
        now: its end.
        account_id: only of this account; None: of all.
    """
    found = []
    mirrored = [account for account in mirror.mirrored if account_id is None or account.account_id == account_id]
    reading = [account for account in mirrored if account.unread and not account.is_behind]
    if reading:
        covered = [account.covered_from or now for account in reading]
        found += _unread(start, min(max(covered), now))
    behind = [account for account in mirrored if account.is_behind]
    if behind:
        since = min((account.as_of or start for account in behind), default=start)
        words = BEHIND if account_id is not None else gettext_noop("Not every account was read since.")
        found.append(Hole(max(since, start), now, words))
    return found


def of_flow(flow: Flow, account: AccountFreshness | None, start: datetime, now: datetime) -> list[Hole]:
    """Finds what is not known of one flow.

    While its history is read for the first time, what is older than the part read; without any date all of it.
    Zoho's counters say *that* runs are missing, not *when* they were: anywhere since the flow is watched. Without
    a hole, the time since its account was read completely.
    """
    end = min(flow.gone_at or now, now)
    behind = account is not None and account.is_behind and flow.gone_at is None
    since = _within(max(account.as_of or start, start), now, BEHIND) if account is not None and behind else []
    if flow.is_reading_history and flow.progress.covered_from is not None:
        return _unread(start, min(flow.progress.covered_from, end)) + since
    if flow.progress.executions_read_at is None:
        return _within(start, end, gettext_noop("The history was not read to its end yet."))
    if flow.progress.hole_reason:
        return _within(max(flow.first_seen_at, start), end, flow.progress.hole_reason)
    return since


def _unread(start: datetime, end: datetime) -> list[Hole]:
    return [Hole(start, end, gettext_noop("Older history is still being read."), is_unread=True)] if start < end else []


def _within(start: datetime, end: datetime, reason: str) -> list[Hole]:
    return [Hole(start, end, reason)] if start < end else []
