"""Adds the ledger up: how many calls of one product were made when, and for what.

A day of a large plan has 200,000 rows, too many to be counted before each sweep. Ten-minute slots that are
over do not change any more: their sums are kept in ApiBudget, and only what came since is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Min, Q, Sum

from monitor.connection.limits import DAY, MINUTE
from monitor.models import ApiBudget, ApiCall, ZohoAccount
from monitor.models.asking import Asking, answered, ask, over_all
from monitor.periods import stretch_of

SLOT = timedelta(minutes=10)
# Zoho counts on arrival, up to a minute after our start.
WINDOW = DAY + MINUTE
# A slot is closed a little after its end: other processes' clocks are not quite ours.
CLOSED_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class LedgerSlot:
    """Holds the credits spent in `SLOT` from `start` on: all, of them for lists, of them for history."""

    start: datetime
    spent: int
    lists: int = 0
    history: int = 0


def read(account: ZohoAccount, product: str, now: datetime, row: ApiBudget | None = None) -> list[LedgerSlot]:
    """Reads the slots of the last day that had calls, oldest first; the last may still be going.

    What of the oldest slot is older than the window is counted too: the sum is never too low.

    Args:
        account: whose calls.
        product: "flow" or "crm".
        now: the present.
        row: the product's budget, where it was just read; else it is read here.
    """
    budget = row or ApiBudget.objects.filter(account=account, product=product).first()
    closed_until = stretch_of(now - CLOSED_AFTER, SLOT)
    oldest = stretch_of(now - WINDOW, SLOT)
    kept = _kept(budget, oldest, closed_until)
    counted_until = max(kept, default=None)
    start = counted_until + SLOT if counted_until is not None else oldest
    fresh = _count(account, product, start, now)
    if budget is not None and budget.pk is not None and start < closed_until:
        closed = kept | {slot.start: slot for slot in fresh if slot.start < closed_until}
        # Also an empty one: that it is empty is known then.
        closed.setdefault(closed_until - SLOT, LedgerSlot(closed_until - SLOT, 0))
        tally = {_key(at): [slot.spent, slot.lists, slot.history] for at, slot in closed.items()}
        ApiBudget.objects.filter(pk=budget.pk).update(tally=tally)
    return [slot for slot in sorted([*kept.values(), *fresh], key=lambda slot: slot.start) if slot.spent]


def spent(account: ZohoAccount, budget: ApiBudget, now: datetime, window: timedelta = WINDOW) -> int:
    """Counts the credits of the rolling day, exactly, at the cost of two short sums.

    Args:
        account: whose calls.
        budget: the product's row, which keeps the sums of closed slots.
        now: the present.
        window: how far back; the rolling day if left out.
    """
    return answered(ask_spent(account, budget, now, window))


def ask_spent(account: ZohoAccount, budget: ApiBudget, now: datetime, window: timedelta = WINDOW) -> Asking[int]:
    """Asks for what `spent` returns."""
    since = now - window
    whole = stretch_of(since, SLOT) + SLOT  # the first slot that lies in the window altogether
    kept = _kept(budget, stretch_of(since, SLOT), stretch_of(now - CLOSED_AFTER, SLOT))
    rows = ApiCall.objects.filter(account=account, product=budget.product, started_at__gt=since)
    if kept:
        rows = rows.filter(Q(started_at__lt=whole) | Q(started_at__gte=max(kept) + SLOT))
    middle = sum(slot.spent for at, slot in kept.items() if at >= whole)
    summed = yield from ask(over_all(rows, n=Sum("credits")))
    return middle + sum(int(n or 0) for (n,) in summed)


def _kept(budget: ApiBudget | None, oldest: datetime, closed_until: datetime) -> dict[datetime, LedgerSlot]:
    found = {}
    for key, numbers in (budget.tally if budget is not None else {}).items():
        start = datetime.fromtimestamp(int(key), tz=UTC)
        if oldest <= start < closed_until:
            found[start] = LedgerSlot(start, *numbers)
    return found


def _count(account: ZohoAccount, product: str, start: datetime, now: datetime) -> list[LedgerSlot]:
    rows = ApiCall.objects.filter(account=account, product=product, started_at__gte=start)
    first: datetime | None = rows.aggregate(at=Min("started_at"))["at"]
    found = []
    at = stretch_of(first, SLOT) if first is not None else now + SLOT
    while at <= now:
        some = rows.filter(started_at__gte=at)
        if at + SLOT <= now:
            some = some.filter(started_at__lt=at + SLOT)
        sums = some.aggregate(
            spent=Sum("credits"),
            lists=Sum("credits", filter=Q(kind=ApiCall.Kind.LIST)),
            history=Sum("credits", filter=Q(kind=ApiCall.Kind.HISTORY)),
        )
        if sums["spent"]:
            found.append(LedgerSlot(at, sums["spent"], sums["lists"] or 0, sums["history"] or 0))
        at += SLOT
    return found


def _key(at: datetime) -> str:
    return str(int(at.timestamp()))
