"""Carries what the readers of one sweep share: account, clients, calls, the fence for writing, the result so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import TypeVar

from django.db import transaction

from monitor.connection import AccountClients
from monitor.hide_secrets import mask_of
from monitor.ingest.base.calls import Calls
from monitor.ingest.base.lease import Lease
from monitor.ingest.base.list_pace import Budget
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.base.page_habits import PageHabits
from monitor.ingest.base.quarantine import lists_with_some
from monitor.ingest.base.result import Result, StreamOutcome
from monitor.models import Stream, ZohoAccount
from monitor.privacy import SecretMask
from monitor.zoho.errors import Wait

T = TypeVar("T")


@dataclass
class Room:
    """Holds what `schedule` has found out of the calls that are left."""

    budgets: dict[str, tuple[datetime, Budget]] = field(default_factory=dict)  # by product, read a moment ago
    again_at: datetime | None = None  # when a minute that was too full for all reads of this sweep has room again


@dataclass
class Context:
    """Carries one sweep of one account.

    Attributes:
        progress: told (what, done, of) as it goes.
        listed_at: by Zoho's id of a flow, its clock when it gave the flow's counters.
        pages: how Zoho gives pages of executions; what walks them learns and heeds it.
        room: what is left of minute and day; only `schedule` and who goes by it look at it.
    """

    account: ZohoAccount
    clients: AccountClients
    lease: Lease
    clock: Callable[[], datetime]
    patience: Patience
    progress: Callable[[str, int, int], None] = field(default=lambda what, done, of: None)
    result: Result = field(default_factory=Result)
    listed_at: dict[str, datetime] = field(default_factory=dict)
    pages: PageHabits = field(default_factory=PageHabits)
    room: Room = field(default_factory=Room)

    @property
    def mode(self) -> Mode:
        """Says what the sweep is for."""
        return self.patience.mode

    @cached_property
    def calls(self) -> Calls:
        """Returns what makes the calls."""
        return Calls(self.lease, self.clock, self.patience)

    @cached_property
    def mask(self) -> SecretMask:
        """Returns what hides the account's secrets; asked for once a sweep.

        Where the account may have no key yet, the first look is not to be within a transaction that can fail.

        Raises:
            VaultError: the key cannot be decrypted.
        """
        return mask_of(self.account)

    @cached_property
    def lists_aside(self) -> frozenset[str]:
        """Returns the lists of which records are in quarantine; asked once a sweep, when the first list was read."""
        return lists_with_some(self.account)

    def call(self, ask: Callable[[], T]) -> T:
        """Asks Zoho; as `Calls.make`."""
        return self.calls.make(ask)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Opens a transaction under the account's fence: all that a sweep writes to the mirror is written in one.

        Raises:
            LeaseLost: another process has the account now, and nothing was written.
        """
        with transaction.atomic():
            self.lease.check()
            yield

    def halt(self, product: str, stop: Wait) -> None:
        """Leaves a product that has to be waited for alone in this sweep; the other one goes on."""
        self.result.dead_products[product] = stop
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
        self.result.outcomes[stream.value] = StreamOutcome(state, reason, items, error, began)
