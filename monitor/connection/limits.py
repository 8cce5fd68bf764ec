"""Decides how many calls an account may make, from a person's word and Zoho's headers. Pure.

Source of Flow's plans: docs/reference/zoho-flow.md, "Plans and limits"; of CRM's credits: docs/reference/zoho-crm.md,
"Credits and concurrency". The two products count apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.languages import gettext as _
from monitor.languages import ngettext
from monitor.privacy import mask_text

PER_MINUTE_UNTIL_KNOWN = 10
LEAST_DAY = 1_000  # calls a day of the smallest plan
MOST_MINUTE = 120  # calls a minute of the largest one
MINUTE = timedelta(seconds=60)
DAY = timedelta(hours=24)
# Zoho's clock and ours tick apart; a slot is taken for free a little later than by our own reckoning.
MARGIN = timedelta(milliseconds=250)
# A call without an end for this long belongs to a process that died in it.
ABANDONED = timedelta(seconds=120)
# A call that ended so far ahead of now ended before the clock was set back; it holds no slot for so long.
NOT_CREDIBLE = timedelta(minutes=5)
# What Zoho says of its own count is believed for so long; then one call may ask again.
TRUSTED = timedelta(minutes=15)
# Share of the limits that background work leaves for people (docs/reference/promises.md, P5).
RESERVE = 0.10
BREAKER_FIRST, BREAKER_LONGEST = timedelta(seconds=60), timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Holds the calls (CRM: credits) allowed in any rolling 60 s, in any rolling 24 h, and at once.

    None: no such limit, or for Flow's day, not known yet. `source` says in words where they come from.
    """

    per_minute: int | None
    per_day: int | None
    at_once: int | None = None
    source: str = field(default="", compare=False)


PLANS: dict[str, CallLimits] = {
    "free": CallLimits(10, 1_000),
    "standard": CallLimits(30, 10_000),
    "professional": CallLimits(60, 50_000),
    "enterprise": CallLimits(120, 200_000),
}

# Executions of a calendar month, by plan.
EXECUTIONS_A_MONTH = {"free": 1_000, "standard": 10_000, "professional": 50_000, "enterprise": 200_000}


@dataclass(frozen=True, slots=True)
class Edition:
    """Holds an edition's CRM credits: `base` and so many a user up to `most` (None: no end); calls at once."""

    name: str
    base: int
    per_user: int
    most: int | None
    at_once: int


# Source: docs/reference/zoho-crm.md, "Credits and concurrency". Keys: letters of the edition's name, in lower case.
_SMALLEST = Edition("Free", 5_000, 0, 5_000, 5)
_TIERS: dict[str, Edition] = {
    "free": _SMALLEST,
    "standard": Edition("Standard", 50_000, 250, 100_000, 10),
    "professional": Edition("Professional", 50_000, 500, 3_000_000, 15),
    "enterprise": Edition("Enterprise", 50_000, 1_000, 5_000_000, 20),
    "ultimate": Edition("Ultimate", 50_000, 2_000, None, 25),
}
_SUITES = {"zohoone": _TIERS["enterprise"], "crmplus": _TIERS["ultimate"]}
_BEFORE = ("", "zoho", "crm", "zohocrm", "zohoone", "crmplus", "zohocrmplus")  # a tier's name


def edition_of(name: str) -> Edition | None:
    """Returns the edition that Zoho means, None for one that is not known here.

    Args:
        name: as Zoho spells it: `enterprise`, `zohooneenterprise`, `crmplusstarter`, "Zoho One", "ultimate (trial)".
    """
    letters = "".join(char for char in name.lower() if char.isalpha())
    letters = letters.removesuffix("trial").removesuffix("edition")
    rests = [letters.removeprefix(start) for start in _BEFORE if letters.startswith(start)]
    tier = next((_TIERS[rest] for rest in rests if rest in _TIERS), None)
    return tier or next((found for suite, found in _SUITES.items() if any(r.startswith(suite) for r in rests)), None)


def limits_for(plan: str, per_minute: int | None, per_day: int | None, day_limit_seen: int | None) -> CallLimits:
    """Returns Flow's limits in force.

    Args:
        plan: a key of `PLANS`, or "" for none.
        per_minute: calls, as a person set it; beats the plan.
        per_day: calls, as a person set it; beats the plan.
        day_limit_seen: `X-RateLimit-Limit` as Zoho last sent it. A limit lower than the one believed
            corrects it; without a plan it also tells which plan this is. One that cannot be a day's is taken
            for a minute's (`is_minutes`).
    """
    if is_minutes(plan, day_limit_seen, own=per_minute is not None or per_day is not None):
        known, seen = PLANS.get(plan, CallLimits(None, None)), day_limit_seen or 0
        if not plan:
            return CallLimits(seen, None, source=_("Zoho's headers, which speak of a minute"))
        minute = min(known.per_minute or seen, seen)
        said = _("plan %(plan)s, lowered by Zoho's headers") % {"plan": plan.capitalize()}
        return CallLimits(minute, known.per_day, source=said)
    base = PLANS.get(plan) or _plan_of(day_limit_seen)
    day = per_day if per_day is not None else base.per_day
    source = _("plan %(plan)s") % {"plan": plan.capitalize()} if plan else _("not known yet")
    if per_day is not None or per_minute is not None:
        source = _("set by hand")
    if day_limit_seen is not None and (day is None or day_limit_seen < day):
        day, source = day_limit_seen, _("Zoho's headers")
    return CallLimits(per_minute if per_minute is not None else base.per_minute, day, source=source)


def is_minutes(plan: str, limit_seen: int | None, *, own: bool) -> bool:
    """Returns whether a limit that Zoho sent cannot be a day's.

    Args:
        plan: a key of `PLANS`: then it is lower than any plan's day; "": then it is no higher than the largest
            plan's minute, and no day is documented to be so small.
        limit_seen: calls, as Zoho's header said.
        own: whether a person set numbers of their own; without a plan the header is then held against them.
    """
    if limit_seen is None:
        return False
    return limit_seen < LEAST_DAY if plan else not own and limit_seen <= MOST_MINUTE


def _plan_of(day_limit: int | None) -> CallLimits:
    fitting = [p for p in PLANS.values() if p.per_day is not None and day_limit is not None and p.per_day <= day_limit]
    per_minute = max((p.per_minute or 0 for p in fitting), default=PER_MINUTE_UNTIL_KNOWN)
    return CallLimits(per_minute, day_limit)


def crm_limits_for(
    edition: str, users: int | None, per_day: int | None, limit_seen: int | None, at_once: int | None = None
) -> CallLimits:
    """Returns CRM's limits in force: credits in a rolling day, calls at once; there is none a minute.

    Args:
        edition: what Zoho calls it, "" where it has not told yet. Of one that is not known here the smallest limits
            are believed, and `source` says so.
        users: licences (None: one).
        per_day: credits, as a person set it; beats the edition.
        limit_seen: `X-RateLimit-Limit`, where CRM sends one (docs/reference/zoho-crm.md, "Credits and concurrency").
        at_once: calls, as a person set it; beats the edition.
    """
    known = edition_of(edition)
    base = known or _SMALLEST
    day: int = base.base + base.per_user * max(users or 1, 1)
    day = min(day, base.most) if base.most is not None else day
    source = _told(edition, known, users)
    if per_day is not None:
        day, source = per_day, _("set by hand")
    if limit_seen is not None and (limit_seen < day or (known is None and per_day is None)):
        day, source = limit_seen, _("Zoho's headers")
    return CallLimits(None, day, base.at_once if at_once is None else at_once, source)


def _told(edition: str, known: Edition | None, users: int | None) -> str:
    """Says where the limits of an edition come from."""
    if known is None and edition:
        said = _("edition “%(edition)s” is not known here: the smallest edition's until your own numbers are set")
        return said % {"edition": mask_text(edition)}
    if known is None:
        return _("the smallest edition's, until Zoho tells")
    name = known.name if edition.lower() in {known.name.lower(), ""} else edition
    if users is None or not known.per_user:
        return _("edition %(edition)s") % {"edition": name}
    said = ngettext("edition %(edition)s, %(n)s user", "edition %(edition)s, %(n)s users", users)
    return said % {"edition": name, "n": users}


def share(limits: CallLimits, *, for_people: bool) -> CallLimits:
    """Returns what one side may use: people all of it, background work all but the reserve (never less than one)."""
    if for_people:
        return limits
    return CallLimits(
        None if limits.per_minute is None else _without_reserve(limits.per_minute),
        None if limits.per_day is None else max(1, int(limits.per_day * (1 - RESERVE))),
        None if limits.at_once is None else _without_reserve(limits.at_once),
        limits.source,
    )


def _without_reserve(few: int) -> int:
    """Takes the reserve off a small limit; it is at least one call."""
    return max(1, few - max(1, round(few * RESERVE)))


def free_slots(ends: Sequence[datetime | None], allowed: int, now: datetime, window: timedelta) -> int:
    """Counts how many calls may start now; arguments as for `free_at`."""
    return max(0, allowed - sum(end is None or _holds(end, now, window) for end in ends))


def _holds(end: datetime, now: datetime, window: timedelta) -> bool:
    return end + window + MARGIN > now and end <= now + NOT_CREDIBLE


def free_at(ends: Sequence[datetime | None], allowed: int, now: datetime, window: timedelta) -> datetime | None:
    """Returns when the next call may start, or None for at once.

    Args:
        ends: when each call of the window was answered; None for one still under way.
        allowed: calls in the window.
        now: the present.
        window: its length.
    """
    holding = sorted(end for end in ends if end is not None and _holds(end, now, window))
    under_way = sum(end is None for end in ends)
    if under_way + len(holding) < allowed:
        return None
    must_leave = under_way + len(holding) - allowed
    if must_leave < len(holding):
        return max(holding[must_leave] + window + MARGIN, now + MARGIN)
    return now + timedelta(seconds=1)  # only an answer can free a slot: look again soon


def breaker_pause(failures_in_row: int) -> timedelta:
    """Returns how long to leave a failing account alone: 60 s, doubling to 15 min (docs/reference/faults.md, F6)."""
    doublings: int = min(max(failures_in_row - 1, 0), 8)
    return min(BREAKER_LONGEST, BREAKER_FIRST * (1 << doublings))


def header_stop(
    remaining: int | None,
    used_since: int,
    keep: int,
    seen_at: datetime | None,
    reset_at: datetime | None,
    now: datetime,
    trusted: timedelta = TRUSTED,
) -> datetime | None:
    """Returns until when Zoho's own count forbids a call that ours would allow; None where it does not.

    It can only take away: others may use the same limit, but what it says is left may be gone by now.

    Args:
        remaining: calls (or credits) left, as Zoho last said; None: it said nothing.
        used_since: our own calls since then.
        keep: calls to be left for people.
        seen_at: when it said so.
        reset_at: when its count starts over, as it said.
        now: the present.
        trusted: for how long it is believed.
    """
    if remaining is None or seen_at is None or seen_at > now + NOT_CREDIBLE:
        return None
    until = seen_at + trusted
    if reset_at is not None and seen_at < reset_at < until:
        until = reset_at
    return until if now < until and remaining - used_since <= keep else None


def sane_reset(reset: datetime | None, now: datetime) -> datetime:
    """Returns when a used-up limit is free again: Zoho's own time if it is within a day, else in a minute."""
    if reset is not None and now < reset <= now + DAY:
        return reset
    return now + MINUTE
