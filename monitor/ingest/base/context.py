"""What every reader of a sweep shares: clients, lease, clock, patience, and the result so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Self, TypeVar

from django.db import transaction

from monitor.connection import AccountClients, BudgetSpent
from monitor.ingest.base.lease import Lease
from monitor.ingest.base.pace import Budget
from monitor.models import Stream, ZohoAccount
from monitor.privacy import SecretMask
from monitor.zoho.errors import NotSent, Unreachable, Wait

T = TypeVar("T")
# Which of the documents' forms a window is sent in: times, days, or not at all.
DateForm = Literal["time", "day", "none"]

SLICE = 10.0  # seconds; a long wait is slept in slices, so that the lease is kept
BREAKER_WAITS = (60.0, 120.0)  # seconds; then an account that does not answer is given up for this sweep


class OutOfTime(Exception):  # noqa: N818 - named for what happened
    """The task's time is up; the next one goes on from here."""


@dataclass(frozen=True)
class Patience:
    """What a sweep does when it has to wait.

    Args:
        waits: whether it sleeps until it may go on (a person's `sync`), or stops (a task, `--no-wait`).
        deadline: when to stop in any case; None for never.
        pause: sleeps for seconds.
        tell: is given one line before each wait.
    """

    waits: bool
    pause: Callable[[float], None]
    deadline: datetime | None = None
    tell: Callable[[str], None] = field(default=lambda line: None)


@dataclass
class Written:
    """What storing a page changed, in rows; `apart` stand here with another status than they were listed with."""

    new: int = 0
    changed: int = 0
    quarantined: int = 0
    apart: int = 0

    def __iadd__(self, other: Written) -> Self:
        self.new += other.new
        self.changed += other.changed
        self.quarantined += other.quarantined
        self.apart += other.apart
        return self


@dataclass
class Outcome:
    """How the reading of one stream ended."""

    state: str
    reason: str = ""
    items: int = 0
    error: Exception | None = None
    began: datetime | None = None  # a reading that took several sweeps: when the first of them began it


@dataclass
class Result:
    """What a sweep did; `missing` has one line for each thing that could not be read."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    flows_read: int = 0
    aside: int = 0  # flows, connections and rules put aside; executions are in `written`
    not_available: set[str] = field(default_factory=set)  # ids of flows whose executions Zoho does not give
    missing: list[str] = field(default_factory=list)
    fresh_at: datetime | None = None  # the list up to which all new runs are read, older history aside
    stopped: Exception | None = None
    resume: dict[str, datetime] = field(default_factory=dict)  # by product, when it may be asked again

    @property
    def complete(self) -> bool:
        """Whether nothing that Zoho offers is missing."""
        return not self.missing and self.stopped is None


@dataclass
class Context:
    """One sweep of one account."""

    account: ZohoAccount
    clients: AccountClients
    lease: Lease
    clock: Callable[[], datetime]
    patience: Patience
    progress: Callable[[str, int, int], None] = field(default=lambda what, done, of: None)
    result: Result = field(default_factory=Result)
    dead_products: dict[str, Exception] = field(default_factory=dict)  # by product, what ended it for this sweep
    breaker_waits: int = 0
    budgets: dict[str, tuple[datetime, Budget]] = field(default_factory=dict)  # by product, read a moment ago
    room_from: datetime | None = None  # when a minute that was too full for all reads of this sweep has room again
    listed_at: dict[str, datetime] = field(default_factory=dict)
    full_page: int | None = None  # rows of a full page of executions, once seen
    meter: Callable[[], None] = field(default=lambda: None)  # told of each call of the work under way; may stop it
    dates: DateForm = "time"  # how Zoho takes the window of a list of executions, as far as this sweep has seen
    are_dates_taken: bool = False  # whether a list with dates was answered: a refusal has another cause then
    page_sizes: list[int | None] = field(default_factory=lambda: [200, 50, None])
    mask: SecretMask | None = None  # of the account's secrets, once it was needed

    def call(self, ask: Callable[[], T]) -> T:
        """Asks Zoho, waiting where patience says so.

        Raises:
            OutOfTime: the deadline has passed.
            ZohoError: what the call raised and waiting does not mend.
        """
        while True:
            self.check_time()
            self.meter()
            try:
                return ask()
            except Wait as wait:
                if not self.patience.waits:
                    raise
                self.wait(wait.retry_after, str(wait))
            except NotSent:
                raise
            except Unreachable as error:
                if not self.patience.waits or self.breaker_waits >= len(BREAKER_WAITS):
                    raise
                self.breaker_waits += 1
                self.wait(error.retry_after or BREAKER_WAITS[self.breaker_waits - 1], str(error))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Opens a transaction under the account's fence: all that a sweep writes to the mirror is written in one.

        Raises:
            LeaseLost: another process has the account now, and nothing was written.
        """
        with transaction.atomic():
            self.lease.check()
            yield

    def check_time(self) -> None:
        """Raises `OutOfTime` after the deadline."""
        if self.is_late:
            raise OutOfTime

    def wait(self, seconds: float, why: str) -> None:
        """Sleeps in slices, keeping the lease; counted by what was slept, for a clock may be set meanwhile."""
        if seconds >= 1:
            self.patience.tell(f"waiting {seconds:.0f} s: {why}")
        left = seconds
        while left > 0:
            self.lease.keep(self.clock)
            piece = min(left, SLICE)
            self.patience.pause(piece)
            left -= piece

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return self.patience.deadline is not None and self.clock() >= self.patience.deadline

    def halt(self, product: str, stop: Wait) -> None:
        """A product that has to be waited for is left alone in this sweep; the other one goes on."""
        self.dead_products[product] = stop
        self.result.stopped = self.result.stopped or stop
        self.result.resume[product] = self.clock() + timedelta(seconds=stop.retry_after)

    def note(
        self,
        stream: Stream,
        state: str,
        reason: str = "",
        *,
        items: int = 0,
        error: Exception | None = None,
        began: datetime | None = None,
    ) -> None:
        """Records how a stream ended; anything but complete or not available is missing."""
        self.result.outcomes[stream.value] = Outcome(state, reason, items, error, began)


__all__ = ["BudgetSpent", "Context", "OutOfTime", "Outcome", "Patience", "Result"]
