"""Says what is left of the calls that an account may make in any 24 hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from monitor.connection import Gate, ledger
from monitor.connection.budget import limits_in_force
from monitor.models import ApiBudget, ZohoAccount


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """Holds an account's calls of any 24 hours.

    Attributes:
        limit: how many there are; None where that is not known.
        per_minute: how many may be made in a minute; None where that is not known.
        used: how many are used; what others have used of the same limit is among them as far as Zoho says so.
    """

    limit: int | None
    per_minute: int | None
    used: int

    @property
    def left(self) -> int | None:
        """Returns how many are left; None where that is not known."""
        return None if self.limit is None else max(self.limit - self.used, 0)


def calls_left(account: ZohoAccount, product: str, now: datetime) -> CallsLeft:
    """Returns what is left of an account's calls of one product. Two statements.

    Args:
        account: whose.
        product: one of `Product`.
        now: the present.
    """
    budget = account.budgets.filter(product=product).first() or ApiBudget(account=account, product=product)
    allowed = limits_in_force(account, budget)
    if allowed.per_day is None:
        return CallsLeft(None, allowed.per_minute, 0)
    _, of_others = Gate(account, lambda: now).day(product, budget)
    return CallsLeft(allowed.per_day, allowed.per_minute, ledger.spent(account, budget, now) + of_others)
