"""An account that was connected a moment ago, and a worker whose time passes only when it waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import Count, Q

from monitor.connection.connect import Wanted, connect
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.run import read_account
from monitor.models import ApiCall, Execution, Flow, SyncState, ZohoAccount, system_user
from monitor.rollups.recount import rebuild_dirty
from monitor.zoho.datacenters import Origins
from standin.build import App, Credentials, SettableClock
from tests.bystander import own

TICK = timedelta(seconds=10)
TASK = timedelta(seconds=25)


@dataclass
class FirstConnect:
    """The account, the stand-in behind it, and how long it took (simulated seconds) until what."""

    app: App
    clock: SettableClock
    account: ZohoAccount
    useful_after: float | None = None
    complete_after: float | None = None
    history_calls: list[int] = field(default_factory=list)

    @classmethod
    def to(cls, app: App, clock: SettableClock, base: str, plan: str) -> FirstConnect:
        known = Credentials()
        wanted = Wanted(
            name="Acme",
            data_center="custom",
            origins=Origins(base, base, base),
            client_id=known.client_id,
            client_secret=known.client_secret,
            refresh_token=known.refresh_token,
            plan=plan,
        )
        return cls(app, clock, connect(wanted, actor=system_user(), clock=clock, now=clock()))

    def live(self, longest: timedelta) -> None:
        """The worker's tasks, each when it is due, until all history is read or the time is over."""
        began = self.clock()
        while self.clock() - began < longest and self.complete_after is None:
            due = own(SyncState).values_list("next_due_at", flat=True).get(account=self.account)
            if due is not None and due > self.clock():
                self.clock.advance((due - self.clock()).total_seconds())
            self._task()
            passed = (self.clock() - began).total_seconds()
            if self.useful_after is None and self._all_begun():
                self.useful_after = passed
            if self.useful_after is not None and not own(Flow).filter(progress__executions_read_at=None).exists():
                self.complete_after = passed
            self.clock.advance(0.25)

    def _task(self) -> None:
        patience = Patience(Mode.TASK, pause=self.clock.advance, deadline=self.clock() + TASK)
        read_account(self.account, clock=self.clock, patience=patience)
        while rebuild_dirty(self.clock()):
            pass

    def _all_begun(self) -> bool:
        flows = Flow.objects.filter(account=self.account)
        return (
            flows.exists() and not flows.filter(progress__history_order="", progress__executions_read_at=None).exists()
        )

    @property
    def bound(self) -> int:
        """Calls that no reader of pages of 200 can go below."""
        runs = own(Execution).values_list("flow").annotate(n=Count("pk"))
        return sum(-(-n // 200) for _, n in runs)

    @property
    def calls(self) -> int:
        """Lists of executions that were asked for."""
        return own(ApiCall).filter(path__endswith="/executions").count()

    @property
    def refused(self) -> int:
        return own(ApiCall).filter(Q(status=429)).count()
