"""How many calls an account may make: decided from what a person said and what Zoho's headers say. Pure.

Source of the plans: seed `zoho-flow-api.md`, "API Call Limits" (per day and per minute).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

PER_MINUTE_UNTIL_KNOWN = 10
LEAST_DAY = 1_000  # calls a day of the smallest plan
MINUTE = timedelta(seconds=60)
DAY = timedelta(hours=24)
# Zoho's clock and ours tick apart; a slot is taken for free a little later than by our own reckoning.
MARGIN = timedelta(milliseconds=250)
# A call without an end for this long belongs to a process that died in it.
ABANDONED = timedelta(seconds=120)
# A call that ended so far ahead of now ended before the clock was set back; it holds no slot for so long.
NOT_CREDIBLE = timedelta(minutes=5)
# Share of the limits that background work leaves for people (reliability.md, promise P5).
RESERVE = 0.10
BREAKER_FIRST, BREAKER_LONGEST = timedelta(seconds=60), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls allowed in any rolling 60 s and in any rolling 24 h (None: not known)."""

    per_minute: int
    per_day: int | None


PLANS: dict[str, Limits] = {
    "free": Limits(10, 1_000),
    "standard": Limits(30, 10_000),
    "professional": Limits(60, 50_000),
    "enterprise": Limits(120, 200_000),
}


def limits_for(plan: str, per_minute: int | None, per_day: int | None, day_limit_seen: int | None) -> Limits:
    """The limits in force.

    Args:
        plan: a key of `PLANS`, or "" for none.
        per_minute: calls, as a person set it; beats the plan.
        per_day: calls, as a person set it; beats the plan.
        day_limit_seen: `X-RateLimit-Limit` as Zoho last sent it. A limit lower than the one believed
            corrects it; without a plan it also tells which plan this is. One that is lower than any plan's
            day where a plan is known cannot be a day's: it is taken for a minute's.
    """
    if day_limit_seen is not None and plan and day_limit_seen < LEAST_DAY:
        known = PLANS[plan]
        return Limits(min(known.per_minute, day_limit_seen), known.per_day)
    base = PLANS.get(plan) or _plan_of(day_limit_seen)
    day = per_day if per_day is not None else base.per_day
    if day_limit_seen is not None:
        day = min(day, day_limit_seen) if day is not None else day_limit_seen
    return Limits(per_minute if per_minute is not None else base.per_minute, day)


def _plan_of(day_limit: int | None) -> Limits:
    fitting = [p for p in PLANS.values() if p.per_day is not None and day_limit is not None and p.per_day <= day_limit]
    per_minute = max((p.per_minute for p in fitting), default=PER_MINUTE_UNTIL_KNOWN)
    return Limits(per_minute, day_limit)


def share(limits: Limits, *, for_people: bool) -> Limits:
    """What one side may use: people all of it, background work all but the reserve (never less than one)."""
    if for_people:
        return limits
    per_minute = max(1, limits.per_minute - max(1, round(limits.per_minute * RESERVE)))
    return Limits(per_minute, None if limits.per_day is None else max(1, int(limits.per_day * (1 - RESERVE))))


def free_at(ends: Sequence[datetime | None], allowed: int, now: datetime, window: timedelta) -> datetime | None:
    """When the next call may start, or None for at once.

    Args:
        ends: when each call of the window was answered; None for one still under way.
        allowed: calls in the window.
        now: the present.
        window: its length.
    """
    ended = (end for end in ends if end is not None and end <= now + NOT_CREDIBLE)
    holding = sorted(end for end in ended if end + window + MARGIN > now)
    under_way = sum(end is None for end in ends)
    if under_way + len(holding) < allowed:
        return None
    must_leave = under_way + len(holding) - allowed
    if must_leave < len(holding):
        return max(holding[must_leave] + window + MARGIN, now + MARGIN)
    return now + timedelta(seconds=1)  # only an answer can free a slot: look again soon


def breaker_pause(failures_in_row: int) -> timedelta:
    """How long to leave a failing account alone: 60 s, doubling to 15 min (reliability.md F3, F6)."""
    doublings: int = min(max(failures_in_row - 1, 0), 8)
    return min(BREAKER_LONGEST, BREAKER_FIRST * (1 << doublings))


def sane_reset(reset: datetime | None, now: datetime) -> datetime:
    """When an exhausted limit is believed to be free: Zoho's own time if it is within a day, else a minute."""
    if reset is not None and now < reset <= now + DAY:
        return reset
    return now + MINUTE
