"""Says what is left of the API calls that accounts may make in a day, and what some work would leave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery

from monitor.connection.budget import limits_in_force
from monitor.connection.left import calls_left
from monitor.models import ApiBudget, Product, ZohoAccount


@dataclass(frozen=True)
class QuotaLeft:
    """Holds what is left of an account's calls of Zoho Flow's API in any 24 hours.

    Attributes:
        limit: of calls; None where it is not known.
        left: now; what others have used of the same limit is taken off as far as Zoho says so.
        calls: what the work takes, about.
        per_minute: calls that it may make in a minute; None where that is not known.
    """

    account: ZohoAccount
    limit: int | None
    left: int | None
    calls: int
    per_minute: int | None = None

    @property
    def after(self) -> int | None:
        """Returns what the work leaves, below 0 where it takes more than there is; None where that is not known."""
        return None if self.left is None else self.left - self.calls

    @property
    def is_enough(self) -> bool:
        """Returns whether there is enough, as far as is known."""
        return self.after is None or self.after >= 0


def quota_left(calls: Mapping[int, int], now: datetime) -> list[QuotaLeft]:
    """Returns what is left for accounts, by their names. Three statements an account.

    Args:
        calls: what the work takes of each, by its primary key.
        now: the present.
    """
    accounts = ZohoAccount.objects.filter(pk__in=calls).defer("client_secret").order_by("name", "pk")
    return [_of(account, calls[account.pk], now) for account in accounts]


def limit_seen(account: str) -> Subquery:
    """Selects what Zoho last said of the limit of Flow's API, for `calls_a_minute`: to be annotated.

    Args:
        account: the column of the rows that names the account.
    """
    rows = ApiBudget.objects.filter(account=OuterRef(account), product=Product.FLOW)
    return Subquery(rows.values("day_limit_seen")[:1])


def calls_a_minute(account: ZohoAccount, limit_seen: int | None) -> int | None:
    """Returns how many calls of Zoho Flow's API an account may make in a minute; None where that is not known.

    Args:
        account: with a person's own numbers, where there are any.
        limit_seen: what Zoho last said of it.
    """
    budget = ApiBudget(account=account, product=Product.FLOW, day_limit_seen=limit_seen)
    return limits_in_force(account, budget).per_minute


def _of(account: ZohoAccount, calls: int, now: datetime) -> QuotaLeft:
    found = calls_left(account, Product.FLOW, now)
    return QuotaLeft(account, found.limit, found.left, calls, found.per_minute)
