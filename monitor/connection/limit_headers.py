"""Reads Zoho's own count of calls from the headers of an answer and keeps it in ApiBudget.

Sources: docs/reference/zoho-flow.md, "Plans and limits"; docs/reference/zoho-crm.md, "Credits and concurrency"
(`X-API-CREDITS-REMAINING` is sent once half of CRM's credits are spent).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet

from monitor.connection.limits import sane_reset
from monitor.models import ApiBudget, Product

_NEARLY_SPENT = 50  # calls; from here on every header is written down
_GRAIN = timedelta(seconds=10)


def learn(
    row: QuerySet[ApiBudget],
    product: str,
    headers: Mapping[str, str],
    now: datetime,
    server_now: datetime,
    *,
    answered: bool,
    known: ApiBudget | None = None,
) -> timedelta | None:
    """Keeps what the headers say.

    Args:
        row: the product's budget.
        product: "flow" or "crm".
        headers: of the answer, names in lower case.
        now: our clock.
        server_now: Zoho's.
        answered: the call went well, so that a header that is missing is not sent any more.
        known: the product's budget a moment ago; saves statements that would change nothing. None: not known.

    Returns:
        For how long no call may be made, where nothing remains.
    """
    limit, remaining = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
    credits_left = _number(headers, "x-api-credits-remaining") if product == Product.CRM else None
    if credits_left is not None:
        remaining = credits_left if remaining is None else min(remaining, credits_left)
    if limit is None and remaining is None:
        if answered and product == Product.CRM and (known is None or known.remaining_seen is not None):
            # Less than half is spent again: what was left then is no measure any more.
            row.exclude(remaining_seen=None).update(remaining_seen=None, reset_at_seen=None)
        return None
    reset = _epoch(_number(headers, "x-ratelimit-reset"))
    # Kept by our clock, as all times here are.
    ours = None if reset is None else now + (reset - server_now)
    seen = {"remaining_seen": remaining, "reset_at_seen": ours, "seen_at": now}
    if limit is not None and limit > 0 and (known is None or known.day_limit_seen != limit):
        row.exclude(day_limit_seen=limit).update(day_limit_seen=limit, **seen)
    if remaining is not None and remaining <= _NEARLY_SPENT:
        row.update(**seen)
    elif known is None or known.seen_at is None or not now - _GRAIN <= known.seen_at <= now:
        row.filter(Q(seen_at=None) | Q(seen_at__lt=now - _GRAIN) | Q(seen_at__gt=now)).update(**seen)
    if remaining is not None and remaining <= 0:
        return sane_reset(reset, server_now) - server_now
    return None


def _number(headers: Mapping[str, str], name: str) -> int | None:
    try:
        value = int(headers[name])
    except (KeyError, ValueError):
        return None
    return value if abs(value) < 2**31 else None


def _epoch(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, tz=UTC) if seconds is not None and seconds > 0 else None
