"""Says how fast Zoho may be asked, from the ledger of calls: what to ask next, and when. Pure.

One idea carries it. The day's limit is a rolling one, so every call made holds a place for 24 hours and then
gives it back. From the ledger's slots it is known when which places come back; the pace in force is the
fastest one that fits *every* moment of the next 24 hours. A burst (a first reading) therefore slows the lists
for a day instead of stopping them, and a quiet day is not saved up for anything.

The arithmetic is told in docs/sync.md, "How the budget is spent".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.connection.ledger import SLOT, WINDOW, LedgerSlot
from monitor.connection.limits import CallLimits, share
from monitor.models import Stream

# Where Zoho has not told the day's limit yet, the pace is set as if it were this many calls.
DAY_UNTIL_KNOWN = 3_000
# Kept free of the day's background share, so that a read that comes by chance is never refused.
SLACK, LEAST_SLACK = 0.003, 3
# What is left out of the lists' pace for history, while there is any: the lists never go slower than this
# share of what they could have in a day without a burst.
HISTORY_FLOOR = 0.8
USAGE_FLOOR = 0.5
# A sweep costs some work here too: several pages are asked for in one, about so far apart.
BATCH = timedelta(seconds=10)
SHORTEST_ROUND = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=30)
# Slots of the minute that lists leave for the reads that follow from them.
READS_SHARE = 0.05
# Calls that reading one flow may cost: its new runs, and its failed ones where Zoho ran some again.
READ_CALLS = 2
# Demand is averaged over the day, or as much of it as there is; not over less than this.
LEAST_ELAPSED = timedelta(minutes=30)
# Share of the day's pace, and the least time between two readings, of what is read whole and seldom.
SHARES = {Stream.RULES: 0.25, Stream.CONNECTIONS: 0.02, Stream.WEBHOOK_FAILURES: 0.05}
LEAST = {
    Stream.RULES: timedelta(seconds=60),
    Stream.CONNECTIONS: timedelta(minutes=5),
    Stream.WEBHOOK_FAILURES: timedelta(minutes=5),
    Stream.RULE_LIMITS: timedelta(days=1),
}
OTHER_SHARE, OTHER_LEAST = 0.02, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """Says how much one product may be asked.

    `per_day`: calls of the background's share in any 24 h (None: not known). `slots`: the ledger's, oldest
    first. `others`: calls that somebody else has made of the same limit, as far as Zoho's headers tell.
    """

    per_day: int | None
    slots: Sequence[LedgerSlot] = ()
    others: int = 0

    @property
    def allowed(self) -> int:
        """Counts the calls of a day that are shared out: a little less than the gate would let through."""
        whole = max((DAY_UNTIL_KNOWN if self.per_day is None else self.per_day) - self.others, 1)
        return max(1, whole - max(LEAST_SLACK, round(whole * SLACK)))


def pace(budget: Budget, now: datetime) -> float:
    """Computes the calls a second that can go on for a day without meeting the day's limit; 0 for none now.

    Args:
        budget: limit and ledger.
        now: the present.
    """
    return max(0.0, min((room / seconds for room, seconds in _moments(budget, now)), default=0.0))


def _moments(budget: Budget, now: datetime) -> list[tuple[int, float]]:
    """Lists, for each moment just before places come back, how many are free by then and the seconds until it."""
    held = sum(slot.spent for slot in budget.slots)
    found = []
    for slot in budget.slots:
        leaves = (slot.start + SLOT + WINDOW - now).total_seconds()
        if leaves > 0:
            found.append((budget.allowed - held, leaves))
        held -= slot.spent
    return [*found, (budget.allowed, WINDOW.total_seconds())]


def spare(budget: Budget, now: datetime, floor: float = HISTORY_FLOOR) -> int:
    """Counts calls that may be made at once, so that afterwards `floor` of an even pace still holds all day.

    Args:
        budget: limit and ledger.
        now: the present.
        floor: share of the pace of a day without bursts.
    """
    even = budget.allowed / WINDOW.total_seconds()
    return max(0, int(min(room - floor * even * seconds for room, seconds in _moments(budget, now))))


def demand(slots: Sequence[LedgerSlot], now: datetime) -> float:
    """Averages over the day the calls a second that neither lists nor history took."""
    if not slots:
        return 0.0
    elapsed = min(max(now - slots[0].start, LEAST_ELAPSED), WINDOW + SLOT)
    return sum(slot.spent - slot.lists - slot.history for slot in slots) / elapsed.total_seconds()


def spacing(pages: int, budget: Budget, now: datetime) -> timedelta:
    """Computes the time between two pages of the list that says what moved.

    Args:
        pages: of a whole list.
        budget: limit and ledger.
        now: the present.

    What reads and the rest really use is left out of it first, up to half of all.
    """
    whole = pace(budget, now)
    rate = max(whole - demand(budget.slots, now), whole / 2)
    if rate <= 0:
        return min(LONGEST_WAIT, _room_comes(budget, now))
    wanted = timedelta(seconds=min(1 / rate, LONGEST_WAIT.total_seconds()))
    return max(wanted, SHORTEST_ROUND / max(pages, 1))


def _room_comes(budget: Budget, now: datetime) -> timedelta:
    """Computes how long it takes until a place comes back that leaves a free one."""
    held = sum(slot.spent for slot in budget.slots)
    for slot in budget.slots:
        held -= slot.spent
        if held < budget.allowed:
            return max(slot.start + SLOT + WINDOW - now, timedelta(seconds=1))
    return timedelta(seconds=1)


def batch(pages: int, apart: timedelta) -> int:
    """Says how many pages of a list one sweep asks for."""
    return max(1, min(pages, int(BATCH / apart)))


def reads_kept(per_minute: int | None, *, history: bool = False) -> int:
    """Counts the slots of a minute that a list leaves for the reads that follow, half where history waits too."""
    if per_minute is None:
        return 0
    return _but_one(per_minute, max(1, per_minute // 2 if history else round(per_minute * READS_SHARE)))


def fits(free: int | None, kept: int = 0, calls: int = 1) -> bool:
    """Says whether so many calls fit into this minute.

    Args:
        free: slots of the minute that the background may still take; None where there is no limit a minute.
        kept: slots to be left.
        calls: at least so many.
    """
    return free is None or free - kept >= calls


def unhurried(most: int, free: int | None, per_minute: int | None) -> int:
    """Limits `most` calls, so that new runs have half of what lists leave: the other half is for what can wait."""
    return most if free is None else max(0, min(most, free - reads_kept(per_minute) // 2))


def lists_kept(per_minute: int) -> int:
    """Counts the slots of a minute that history leaves free for lists and reads."""
    return _but_one(per_minute, max(2, per_minute // 4))


def _but_one(per_minute: int, kept: int) -> int:
    """Keeps at least one of the background's slots from being kept back: else nothing would go on in a small minute."""
    background = share(CallLimits(per_minute, None), for_people=False).per_minute or 1
    return min(kept, background - 1)


def next_due(due: datetime | None, asked: int, apart: timedelta, now: datetime) -> datetime:
    """Says when the list goes on: counted from when it was due, so that being late costs no pace.

    Args:
        due: when this batch was due; None for the first.
        asked: pages that were asked for.
        apart: time between two.
        now: the present, after them.
    """
    step = apart * max(asked, 1)
    # Somebody who was away for long does not make up for it in a burst.
    base = due if due is not None and now - step * 2 - BATCH <= due <= now else now
    return base + step


def interval(stream: Stream, calls: float, budget: Budget, now: datetime) -> timedelta:
    """Computes the time between two readings of a stream that is read whole.

    Args:
        stream: any but the list of flows.
        calls: what one reading costs.
        budget: of its product.
        now: the present.
    """
    least = LEAST.get(stream, OTHER_LEAST)
    return min(max(least, by_share(stream, calls, budget, now)), max(least, timedelta(hours=6)))


def by_share(stream: Stream, calls: float, budget: Budget, now: datetime) -> timedelta:
    """Computes the time between two readings of a stream that takes its share of the day's pace."""
    even = budget.allowed / WINDOW.total_seconds()
    rate = SHARES.get(stream, OTHER_SHARE) * min(max(pace(budget, now), even / 10), even)
    return timedelta(seconds=max(calls, 1) / rate)
