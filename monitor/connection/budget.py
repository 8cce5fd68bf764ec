"""Gates every call to a Zoho API by a rolling ledger in the database, shared by all processes.

Flow and CRM count apart at Zoho, so each has limits, blocks and a breaker of its own here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum

from monitor.connection import call_slots, ledger
from monitor.connection import limit_headers as said
from monitor.connection.limits import (
    ABANDONED,
    DAY,
    MARGIN,
    MINUTE,
    TRUSTED,
    CallLimits,
    breaker_pause,
    crm_limits_for,
    free_at,
    free_slots,
    header_stop,
    is_minutes,
    limits_for,
    share,
)
from monitor.models import ApiBudget, ApiCall, Product, ZohoAccount
from monitor.zoho.errors import Wait
from monitor.zoho.protocol import http_date
from monitor.zoho.retry_after import rate_limit_wait

_RECOUNT_AFTER = timedelta(seconds=30)
_OTHERS = 200  # calls that others may have made since the last count, at the most
_NEARLY_SPENT = 2_000  # calls; only below this is Zoho's own count held against each single call
_SOON = timedelta(seconds=1)
_A_MOMENT = timedelta(seconds=1)  # for so long limits are believed that were read: others change them seldom


class BudgetSpent(Wait):
    """Says that our own limit, or Zoho's request to wait, holds a call back: nothing was sent.

    `until` is when it is worth asking again.
    """

    default_hint = "The calls this account may make are used up for now; it goes on by itself."

    def __init__(self, message: str, *, now: datetime, until: datetime) -> None:
        super().__init__(message, retry_after=max(0.05, (until - now).total_seconds()))
        self.until = until


class KeptForOthers(BudgetSpent):
    """Says that this kind of work has had its share: nothing was sent, and other work may go on."""

    default_hint = "The rest of the calls is kept for what is more urgent; this goes on by itself."


class Gate:
    """Gates and counts the calls of one piece of work for one account.

    Args:
        account: the account; its person-set limits are read once.
        clock: returns the present (aware, UTC).
        for_people: whether the reserve may be used (retries and what a person waits for).
    """

    def __init__(self, account: ZohoAccount, clock: Callable[[], datetime], *, for_people: bool = False) -> None:
        self._account = account
        self._clock = clock
        self._kind = ApiCall.Kind.PEOPLE if for_people else ApiCall.Kind.OTHER
        self._left: int | None = None
        self._day_count: dict[str, int] = {}
        self._day_counted_at: dict[str, datetime] = {}
        self._seen: dict[str, ApiBudget] = {}  # by product, as of the last call's beginning
        self._limits: dict[str, tuple[datetime, CallLimits]] = {}  # by product, and when they were read

    @contextmanager
    def doing(self, kind: str, *, at_most: int | None = None) -> Iterator[None]:
        """Sets what the calls within are for, and how many there may be at most.

        Args:
            kind: of `ApiCall.Kind`; calls for people may use the reserve.
            at_most: calls; the next one raises `KeptForOthers`. None for no such bound.
        """
        before = self._kind, self._left
        self._kind, self._left = ApiCall.Kind(kind), at_most
        try:
            yield
        finally:
            self._kind, self._left = before

    def limits(self, product: str = Product.FLOW) -> CallLimits:
        """Returns the limits in force, whole (without the reserve taken off), at most a second old."""
        now, kept = self._clock(), self._limits.get(product)
        if kept is not None and timedelta(0) <= now - kept[0] < _A_MOMENT:
            return kept[1]
        row = self.row(product)
        self._limits[product] = now, limits_in_force(self._account, row)
        return self._limits[product][1]

    def minute(self, product: str = Product.FLOW) -> tuple[int | None, list[datetime | None]]:
        """Counts the background calls that may start at once (None: no limit a minute), and what holds the slots.

        Returns:
            The number, and of each call of the last minute its end, None while it is under way.
        """
        allowed = share(self.limits(product), for_people=False).per_minute
        ends = self._ends(product, self._clock())
        return (None if allowed is None else free_slots(ends, allowed, self._clock(), MINUTE)), ends

    def row(self, product: str = Product.FLOW) -> ApiBudget:
        """Reads what is stored of a product's budget; unsaved and empty where nothing is."""
        return self._rows(product).first() or ApiBudget(account=self._account, product=product)

    def day(self, product: str = Product.FLOW, row: ApiBudget | None = None) -> tuple[int | None, int]:
        """Returns the background's calls of any 24 h, and the calls that somebody else made of the same limit.

        The second is what Zoho counts beyond our own, while its word is fresh; else 0.

        Args:
            product: whose limit.
            row: its budget, where it was just read; else it is read here.
        """
        now, row = self._clock(), row or self.row(product)
        whole = limits_in_force(self._account, row)
        allowed = share(whole, for_people=False).per_day
        fresh = row.seen_at is not None and row.seen_at <= now < row.seen_at + TRUSTED
        if whole.per_day is None or row.remaining_seen is None or not fresh:
            return allowed, 0
        if product == Product.FLOW and self._is_minutes(row):
            return allowed, 0
        beyond = whole.per_day - row.remaining_seen - ledger.spent(self._account, row, now)
        return allowed, min(max(beyond, 0), whole.per_day)

    def _is_minutes(self, row: ApiBudget) -> bool:
        account = self._account
        own = account.calls_per_minute is not None or account.calls_per_day is not None
        return is_minutes(account.plan, row.day_limit_seen, own=own)

    def before(self, product: str, method: str, path: str) -> int:
        """Takes a slot and writes the call down before it is made.

        Args:
            product: "flow" or "crm".
            method: of the request.
            path: of the address, without query.

        Returns:
            The ledger row's key, for `after`.

        Raises:
            BudgetSpent: no slot is free; nothing was written.
        """
        now = self._clock()
        if self._left is not None and self._left <= 0:
            raise KeptForOthers("the other calls are kept for what is more urgent", now=now, until=now + MINUTE)
        with transaction.atomic():
            budget = call_slots.locked_budget(self._account, product)
            if budget is None:
                ApiBudget.objects.get_or_create(account=self._account, product=product)
                budget = call_slots.locked_budget(self._account, product) or ApiBudget(product=product)
            if budget.blocked_until is not None and budget.blocked_until > now:
                raise BudgetSpent(budget.blocked_reason, now=now, until=budget.blocked_until)
            whole = limits_in_force(self._account, budget)
            self._limits[product] = now, whole
            allowed = share(whole, for_people=self._kind == ApiCall.Kind.PEOPLE)
            self._check_header(budget, whole, now)
            self._check_day(budget, allowed, now)
            call = ApiCall(
                account=self._account, product=product, method=method, path=path[:200], kind=self._kind, started_at=now
            )
            key = call_slots.take(call, allowed, now)
            if key is None:
                raise self._full(product, allowed, now)
        self._seen[product] = budget
        self._day_count[product] = self._day_count.get(product, 0) + 1
        if self._left is not None:
            self._left -= 1
        return key

    def _rows(self, product: str) -> QuerySet[ApiBudget]:
        return ApiBudget.objects.filter(account=self._account, product=product)

    def _calls(self, product: str) -> QuerySet[ApiCall]:
        return ApiCall.objects.filter(account=self._account, product=product)

    def _ends(self, product: str, now: datetime) -> list[datetime | None]:
        recent = Q(finished_at__gt=now - MINUTE - MARGIN) | Q(finished_at=None, started_at__gt=now - ABANDONED)
        return list(self._calls(product).filter(recent).values_list("finished_at", flat=True))

    def _full(self, product: str, allowed: CallLimits, now: datetime) -> BudgetSpent:
        """Says why no slot was free, and until when."""
        ends = self._ends(product, now)
        if allowed.per_minute is not None:
            until = free_at(ends, allowed.per_minute, now, MINUTE)
            if until is not None:
                return BudgetSpent(f"{allowed.per_minute} calls a minute are used up", now=now, until=until)
        return BudgetSpent(f"{allowed.at_once} calls at once are under way", now=now, until=now + _SOON)

    def _check_header(self, budget: ApiBudget, whole: CallLimits, now: datetime) -> None:
        """Refuses the call where Zoho counts fewer calls left than we do: others may use the same limit."""
        if budget.remaining_seen is None or budget.seen_at is None:
            return
        short = budget.product == Product.FLOW and self._is_minutes(budget)
        window = whole.per_minute if short else whole.per_day
        background = share(whole, for_people=self._kind == ApiCall.Kind.PEOPLE)
        allowed = background.per_minute if short else background.per_day
        keep = 0 if window is None or allowed is None else window - allowed
        if budget.remaining_seen - keep >= _NEARLY_SPENT:
            return
        since = self._calls(budget.product).filter(started_at__gt=budget.seen_at).aggregate(n=Sum("credits"))["n"] or 0
        how = {"trusted": MINUTE} if short else {}
        until = header_stop(budget.remaining_seen, since, keep, budget.seen_at, budget.reset_at_seen, now, **how)
        if until is not None:
            left = max(budget.remaining_seen - since, 0)
            raise BudgetSpent(f"by Zoho's count {left} calls are left, {keep} of them for people", now=now, until=until)

    def _check_day(self, budget: ApiBudget, allowed: CallLimits, now: datetime) -> None:
        if allowed.per_day is None:
            return
        product, counted_at = budget.product, self._day_counted_at.get(budget.product)
        # Other processes' calls are counted in time.
        fresh = counted_at is not None and now - counted_at <= _RECOUNT_AFTER
        if not fresh or self._day_count[product] + _OTHERS >= allowed.per_day:
            self._day_count[product] = ledger.spent(self._account, budget, now)
            self._day_counted_at[product] = now
        if self._day_count[product] < allowed.per_day:
            return
        calls = self._calls(product).filter(started_at__gt=now - ledger.WINDOW)
        # The call that must leave the window before the next may start; newest first, it is the allowed-th.
        newest = calls.order_by("-started_at").values_list("started_at", flat=True)
        leaving = newest[allowed.per_day - 1 : allowed.per_day].first() or now
        del self._day_counted_at[product]
        until = leaving + DAY + MINUTE
        raise BudgetSpent(f"{allowed.per_day} calls a day are used up", now=now, until=until)

    def after(self, handle: Any, product: str, status: int | None, headers: Mapping[str, str]) -> None:
        """Writes down how a call ended and what the answer's headers say of the limits.

        Args:
            handle: what `before` returned.
            product: "flow" or "crm".
            status: the answer's HTTP status; None where none came.
            headers: of the answer, names in lower case.
        """
        now = self._clock()
        call_slots.end(handle, now, status)
        # Dates in the headers are by Zoho's clock, which need not be ours.
        server_now = http_date(headers.get("date", "")) or now
        if status == 429:
            wait = timedelta(seconds=rate_limit_wait(headers, server_now))
            self._block(product, now, wait, "Zoho asked us to wait (429)")
            return
        seen = self._seen.get(product)
        if seen is None or headers.get("x-ratelimit-limit") not in (None, str(seen.day_limit_seen)):
            self._limits.pop(product, None)
        stop = said.learn(self._rows(product), product, headers, now, server_now, answered=status == 200, known=seen)
        if stop is not None:
            self._block(product, now, stop, "Zoho says that no calls remain")
        # A failure that another process has noted since this call began is taken back by the next call.
        if status is not None and status < 500 and (seen is None or seen.failures_in_row):
            self._rows(product).filter(failures_in_row__gt=0).update(failures_in_row=0)

    def _block(self, product: str, now: datetime, pause: timedelta, reason: str) -> None:
        until = now + pause
        later = Q(blocked_until=None) | Q(blocked_until__lt=until)
        self._rows(product).filter(later).update(blocked_until=until, blocked_reason=reason)

    def failed(self, product: str, reason: str) -> datetime:
        """Opens a product's breaker after a piece of work that it did not answer.

        Args:
            product: "flow" or "crm".
            reason: one line for people.

        Returns:
            Until when the product is left alone.
        """
        now = self._clock()
        ApiBudget.objects.get_or_create(account=self._account, product=product)
        self._rows(product).update(failures_in_row=F("failures_in_row") + 1)
        failures = self._rows(product).values_list("failures_in_row", flat=True).get()
        self._block(product, now, breaker_pause(failures), reason[:200])
        return now + breaker_pause(failures)

    def blocked(self) -> dict[str, datetime]:
        """Returns until when Zoho or the breaker wants products left alone; those that may be asked are not in it."""
        rows = ApiBudget.objects.filter(account=self._account, blocked_until__gt=self._clock())
        return {row.product: row.blocked_until for row in rows if row.blocked_until is not None}

    def edition_is_due(self, age: timedelta) -> bool:
        """Returns whether the CRM organisation was not asked for so long."""
        at = self._rows(Product.CRM).values_list("edition_read_at", flat=True).first()
        return at is None or not timedelta(0) <= self._clock() - at < age

    def learn_edition(self, edition: str | None, users: int | None) -> None:
        """Keeps what the CRM organisation says of itself; None where it did not answer: the old stays.

        Args:
            edition: what Zoho calls it; None where it did not answer.
            users: licences; None where it does not say.
        """
        values: dict[str, object] = {"edition_read_at": self._clock()}
        if edition is not None:
            values |= {"edition": edition[:64], "users": users}
        ApiBudget.objects.update_or_create(account=self._account, product=Product.CRM, defaults=values)
        self._limits.pop(Product.CRM, None)


def limits_in_force(account: ZohoAccount, budget: ApiBudget) -> CallLimits:
    """Returns a product's limits, whole: by its plan or edition, a person's numbers and its headers.

    Args:
        account: with a person's own numbers, where there are any.
        budget: the product's row.
    """
    if budget.product == Product.CRM:
        own, at_once = account.crm_credits_per_day, account.crm_calls_at_once
        return crm_limits_for(budget.edition, budget.users, own, budget.day_limit_seen, at_once)
    return limits_for(account.plan, account.calls_per_minute, account.calls_per_day, budget.day_limit_seen)
