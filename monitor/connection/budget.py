"""The gate every call to a Zoho API passes: a rolling ledger in the database, shared by all processes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from monitor.connection.limits import (
    ABANDONED,
    DAY,
    MARGIN,
    MINUTE,
    Limits,
    breaker_pause,
    free_at,
    limits_for,
    sane_reset,
    share,
)
from monitor.models import ApiBudget, ApiCall, ZohoAccount
from monitor.zoho.errors import Wait
from monitor.zoho.protocol import http_date
from monitor.zoho.waiting import rate_limit_wait

_RECOUNT_AFTER = timedelta(seconds=30)
_OTHERS = 2  # minutes' worth of calls that others may have made since the last count, at the most
_NEARLY_SPENT = 50  # calls; from here on every header is written down


class BudgetSpent(Wait):
    """Our own limit (or Zoho's request to wait) holds the call back: nothing was sent.

    `until` is when it is worth asking again.
    """

    default_hint = "The calls this account may make are used up for now; it goes on by itself."

    def __init__(self, message: str, *, now: datetime, until: datetime) -> None:
        super().__init__(message, retry_after=max(0.05, (until - now).total_seconds()))
        self.until = until


class Gate:
    """One account's gate for one piece of work.

    Args:
        account: the account; its person-set limits are read once.
        clock: returns the present (aware, UTC).
        for_people: whether the reserve may be used (retries and what a person waits for).
    """

    def __init__(self, account: ZohoAccount, clock: Callable[[], datetime], *, for_people: bool = False) -> None:
        self._account = account
        self._clock = clock
        self._for_people = for_people
        self._day_count = 0
        self._day_counted_at: datetime | None = None

    def limits(self) -> Limits:
        """The limits in force now, whole (without the reserve taken off)."""
        seen = ApiBudget.objects.filter(account=self._account).values_list("day_limit_seen", flat=True).first()
        account = self._account
        return limits_for(account.plan, account.calls_per_minute, account.calls_per_day, seen)

    def before(self, product: str, method: str, path: str) -> int:
        """Takes a slot and writes the call down before it is made.

        Returns:
            The ledger row's key, for `after`.

        Raises:
            BudgetSpent: no slot is free; nothing was written.
        """
        now = self._clock()
        with transaction.atomic():
            # PostgreSQL serialises takers on this row; SQLite's IMMEDIATE transaction does it by itself.
            budget = ApiBudget.objects.select_for_update().get(account=self._account)
            if budget.blocked_until is not None and budget.blocked_until > now:
                raise BudgetSpent(budget.blocked_reason, now=now, until=budget.blocked_until)
            self._check_minute(budget, now)
            self._check_day(budget, now)
            call = ApiCall.objects.create(
                account=self._account, product=product, method=method, path=path[:200], started_at=now
            )
        self._day_count += 1
        return call.pk

    def _allowed(self, budget: ApiBudget) -> Limits:
        account = self._account
        limits = limits_for(account.plan, account.calls_per_minute, account.calls_per_day, budget.day_limit_seen)
        return share(limits, for_people=self._for_people)

    def _check_minute(self, budget: ApiBudget, now: datetime) -> None:
        allowed = self._allowed(budget).per_minute
        recent = ApiCall.objects.filter(account=self._account).filter(
            Q(finished_at__gt=now - MINUTE - MARGIN) | Q(finished_at=None, started_at__gt=now - ABANDONED)
        )
        until = free_at(list(recent.values_list("finished_at", flat=True)), allowed, now, MINUTE)
        if until is not None:
            raise BudgetSpent(f"{allowed} calls a minute are used up", now=now, until=until)

    def _check_day(self, budget: ApiBudget, now: datetime) -> None:
        limits = self._allowed(budget)
        allowed = limits.per_day
        if allowed is None:
            return
        # Zoho counts on arrival, up to a minute after our start; other processes' calls are counted in time.
        since = now - DAY - MINUTE
        stale = self._day_counted_at is None or now - self._day_counted_at > _RECOUNT_AFTER
        if stale or self._day_count + limits.per_minute * _OTHERS >= allowed:
            self._day_count = ApiCall.objects.filter(account=self._account, started_at__gt=since).count()
            self._day_counted_at = now
        if self._day_count < allowed:
            return
        # The call that must leave the window before the next may start; newest first, it is the allowed-th.
        rows = ApiCall.objects.filter(account=self._account, started_at__gt=since).order_by("-started_at")
        leaving = rows.values_list("started_at", flat=True)[allowed - 1 : allowed].first()
        self._day_counted_at = None
        if leaving is not None:
            until = leaving + DAY + MINUTE
            raise BudgetSpent(f"{allowed} calls a day are used up", now=now, until=until)

    def after(self, handle: Any, product: str, status: int | None, headers: Mapping[str, str]) -> None:
        """Writes down how a call ended and what the answer's headers say of the limits."""
        now = self._clock()
        ApiCall.objects.filter(pk=handle).update(finished_at=now, status=status)
        # Dates in the headers are by Zoho's clock, which need not be ours.
        server_now = http_date(headers.get("date", "")) or now
        if status == 429:
            wait = timedelta(seconds=rate_limit_wait(headers, server_now))
            self._block(now, wait, "Zoho asked us to wait (429)")
            return
        if product == "flow":
            self._learn(headers, now, server_now)
        if status is not None and status < 500:
            ApiBudget.objects.filter(account=self._account, failures_in_row__gt=0).update(failures_in_row=0)

    def _learn(self, headers: Mapping[str, str], now: datetime, server_now: datetime) -> None:
        """Keeps what X-RateLimit-* say; seed `zoho-flow-api.md`, "Rate Limit Headers"."""
        limit, remaining = _number(headers, "x-ratelimit-limit"), _number(headers, "x-ratelimit-remaining")
        if limit is None and remaining is None:
            return
        row = ApiBudget.objects.filter(account=self._account)
        reset = _epoch(_number(headers, "x-ratelimit-reset"))
        seen = {"remaining_seen": remaining, "reset_at_seen": reset, "seen_at": now}
        if limit is not None and limit > 0:
            row.exclude(day_limit_seen=limit).update(day_limit_seen=limit, **seen)
        stale = Q(seen_at=None) | Q(seen_at__lt=now - timedelta(seconds=10))
        if remaining is not None and remaining <= _NEARLY_SPENT:
            stale = Q()
        row.filter(stale).update(**seen)
        if remaining is not None and remaining <= 0:
            self._block(now, sane_reset(reset, server_now) - server_now, "Zoho says that no calls remain")

    def _block(self, now: datetime, pause: timedelta, reason: str) -> None:
        until = now + pause
        row = ApiBudget.objects.filter(account=self._account)
        row.filter(Q(blocked_until=None) | Q(blocked_until__lt=until)).update(
            blocked_until=until, blocked_reason=reason
        )

    def failed(self, reason: str) -> datetime:
        """Opens the breaker after a piece of work that Zoho did not answer.

        Returns:
            Until when the account is left alone.
        """
        now = self._clock()
        row = ApiBudget.objects.filter(account=self._account)
        row.update(failures_in_row=F("failures_in_row") + 1)
        failures = row.values_list("failures_in_row", flat=True).get()
        self._block(now, breaker_pause(failures), reason[:200])
        return now + breaker_pause(failures)


def _number(headers: Mapping[str, str], name: str) -> int | None:
    try:
        value = int(headers[name])
    except (KeyError, ValueError):
        return None
    return value if abs(value) < 2**31 else None


def _epoch(seconds: int | None) -> datetime | None:
    if seconds is None or not math.isfinite(seconds) or seconds <= 0:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)
