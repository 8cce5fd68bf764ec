"""Computes how many calls the first reading of history may take, and when it will have ended. Pure.

History is what nobody waits for: lists, new runs and people go before it, and it takes what they leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from monitor.connection.limits import CallLimits, share
from monitor.periods import HOUR, times_passed

# The planner leaves history a fifth of background work's day, and three quarters of its minute (`ingest.plan`).
DAY_SHARE = 0.20
MINUTE_SHARE = 0.75
HOURS = 24
PAGE = 199  # runs that a call brings: 200, one of them known already
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Nothing says how long Zoho Flow keeps its history; 90 days is what CRM keeps of usage
# (docs/reference/zoho-crm.md, "Usage of rules").
KEPT = timedelta(days=90)


def spent(by_hour: Mapping[str, int], now: datetime) -> int:
    """Counts the calls for history in the last 24 h, the hour under way among them.

    Args:
        by_hour: as `with_calls` made it.
    """
    return sum(count for _, count in _recent(by_hour, now))


def with_calls(by_hour: Mapping[str, int], calls: int, now: datetime) -> dict[str, int]:
    """Adds calls to the ledger by hour (hours since 1970, as text: it is kept as JSON); old hours go.

    Args:
        by_hour: as this function made it before.
        calls: to add to the hour under way.
        now: the present.
    """
    kept = dict(_recent(by_hour, now))
    hour = str(times_passed(now, HOUR))
    kept[hour] = kept.get(hour, 0) + calls
    return kept


def _recent(by_hour: Mapping[str, int], now: datetime) -> list[tuple[str, int]]:
    present = times_passed(now, HOUR)
    return [(hour, count) for hour, count in by_hour.items() if present - HOURS <= int(hour) <= present]


def expected_runs(counter: int | None, runs: int, back_to: datetime | None, now: datetime) -> int | None:
    """Estimates how many runs Zoho still holds of a flow.

    Args:
        counter: runs in the flow's life, by Zoho; what it has forgotten is in it.
        runs: mirrored so far.
        back_to: they are all since then; None where that is not known.
        now: the present.

    Returns:
        No more than the counter, no fewer than are mirrored: as many as its present pace gives in 90 days. None
        where Zoho does not count.
    """
    if counter is None:
        return None
    if back_to is None or not runs or back_to >= now:
        return max(counter, runs)
    return max(runs, min(counter, round(runs * (KEPT / (now - back_to)))))


def ends_at(limits: CallLimits, calls_left: int, *, spent_day: int, now: datetime) -> datetime:
    """Estimates when the calls left will have been made at the present limits.

    Args:
        limits: of the account, whole.
        calls_left: for history.
        spent_day: calls for history in the last 24 h.
        now: the present.
    """
    background = share(limits, for_people=False)
    a_minute = calls_left if background.per_minute is None else max(1, int(background.per_minute * MINUTE_SHARE))
    if background.per_day is None:
        return now + MINUTE * -(-calls_left // max(a_minute, 1))
    a_day = max(1, int(background.per_day * DAY_SHARE))
    today = max(0, a_day - spent_day)
    if calls_left <= today:
        return now + MINUTE * -(-calls_left // max(a_minute, 1))
    return now + DAY * ((calls_left - today) / a_day)
