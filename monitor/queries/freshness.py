"""How old and how complete the mirror is, per account: what must stand beside every number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Q

from monitor.models import AlertState, Stream, StreamState, SyncState, ZohoAccount

SHORTEST_INTERVAL = timedelta(seconds=60)
# A long pause between sweeps is a small plan's budget; beyond this it no longer excuses old data.
LONGEST_INTERVAL = timedelta(hours=1)
STALE_AFTER_INTERVALS = 3


@dataclass(frozen=True)
class StreamFreshness:
    """One kind of thing of one account. `as_of` is the start of its newest complete read."""

    stream: str
    label: str
    state: str
    reason: str
    since: datetime | None
    as_of: datetime | None

    @property
    def is_missing(self) -> bool:
        """Whether something of it is not in the mirror ("not available" is Zoho's answer, nothing is missing).

        Definitions are read when nothing else is due: no figure is too low while some are still to be read.
        """
        if self.stream == Stream.DEFINITIONS and self.state != StreamState.State.FAILING:
            return False
        return self.state in (StreamState.State.INCOMPLETE, StreamState.State.FAILING, StreamState.State.PENDING)


@dataclass(frozen=True)
class AccountFreshness:
    """What the mirror of one account is worth now.

    `as_of` is the start of the newest sweep that missed nothing, `swept_at` the end of the last one whatever
    it missed. `state` is that of SyncState, or ``"stale"`` when the account calls itself healthy but its data is old,
    or ``"paused"`` when a person switched the mirroring off. `age` is None before the first complete read.
    """

    account_id: int
    name: str
    state: str
    reason: str
    since: datetime | None
    as_of: datetime | None
    swept_at: datetime | None
    age: timedelta | None
    holes: int
    streams: list[StreamFreshness] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The state in words."""
        return {"stale": "Out of date", "paused": "Not mirrored"}.get(self.state) or SyncState.State(self.state).label

    @property
    def missing_streams(self) -> list[str]:
        return [stream.label for stream in self.streams if stream.is_missing]

    @property
    def is_paused(self) -> bool:
        return self.state == "paused"

    @property
    def worst_state(self) -> str:
        return self.state

    @property
    def is_current(self) -> bool:
        """Healthy and young enough to speak of the present."""
        return self.state == SyncState.State.OK

    @property
    def is_behind(self) -> bool:
        """Whether the time since `as_of` is unknown as a whole; where only some flows have holes it is not."""
        return not self.is_current and not (self.state == SyncState.State.INCOMPLETE and self.holes and self.as_of)

    @property
    def is_complete(self) -> bool:
        return self.as_of is not None and not self.holes and not any(s.is_missing for s in self.streams)

    @property
    def is_trustworthy(self) -> bool:
        return self.is_current and self.is_complete


@dataclass(frozen=True)
class Mirror:
    """All accounts together. `as_of` is the oldest age of the mirrored ones: no number is younger for sure."""

    accounts: list[AccountFreshness]

    @property
    def is_empty(self) -> bool:
        return not self.accounts

    @property
    def mirrored(self) -> list[AccountFreshness]:
        return [account for account in self.accounts if not account.is_paused]

    @property
    def troubled(self) -> list[AccountFreshness]:
        return [account for account in self.mirrored if not account.is_trustworthy]

    @property
    def as_of(self) -> datetime | None:
        times = [account.as_of for account in self.mirrored]
        return None if not times or None in times else min(t for t in times if t)

    @property
    def worst_state(self) -> str:
        """The state of the first account in trouble; "ok" where there is none."""
        behind = [account for account in self.mirrored if not account.is_current]
        behind.sort(key=lambda account: not account.is_behind)
        return behind[0].state if behind else SyncState.State.OK

    @property
    def swept_at(self) -> datetime | None:
        """The end of the last sweep of the account that was swept longest ago."""
        times = [account.swept_at for account in self.mirrored]
        return None if not times or None in times else min(t for t in times if t)

    @property
    def is_current(self) -> bool:
        return all(account.is_current for account in self.mirrored)

    @property
    def is_complete(self) -> bool:
        return all(account.is_complete for account in self.mirrored)

    def of(self, account_id: int) -> AccountFreshness | None:
        return next((account for account in self.accounts if account.account_id == account_id), None)


def interval_of(sync: SyncState) -> timedelta:
    """The time between two sweeps as the scheduler last set it, between a minute and an hour."""
    start = sync.last_finished_at or sync.last_started_at
    if start is None or sync.next_due_at is None:
        return SHORTEST_INTERVAL
    return min(max(sync.next_due_at - start, SHORTEST_INTERVAL), LONGEST_INTERVAL)


def is_stale(sync: SyncState, now: datetime) -> bool:
    """Whether the newest complete read is older than three intervals (or there was none)."""
    as_of = sync.last_complete_at
    return as_of is None or now - as_of > STALE_AFTER_INTERVALS * interval_of(sync)


def mirror(now: datetime) -> Mirror:
    """Freshness of every account, by name. Two statements.

    Args:
        now: the moment ages are counted to.
    """
    accounts = (
        ZohoAccount.objects.select_related("sync")
        .prefetch_related("streams")
        .annotate(
            holes=Count(
                "flows",
                # A flow that was listed and never read is a hole as well.
                filter=Q(flows__gone_at=None) & (~Q(flows__hole_reason="") | Q(flows__executions_read_at=None)),
            )
        )
        .order_by("name")
        .defer("client_secret")
    )
    return Mirror([_account(account, now) for account in accounts])


def open_alert_count() -> int:
    """Alerts with an open incident, acknowledged or not."""
    return AlertState.objects.filter(is_open=True).count()


def _account(account: ZohoAccount, now: datetime) -> AccountFreshness:
    sync = getattr(account, "sync", None) or SyncState(account=account)
    state, reason, since = sync.state, sync.reason, sync.since
    if not account.is_active:
        state, reason, since = "paused", "Mirroring is switched off.", None
    elif state == SyncState.State.OK and is_stale(sync, now):
        state, reason, since = "stale", "", sync.last_complete_at
    return AccountFreshness(
        account_id=account.pk,
        name=account.name,
        state=state,
        reason=reason,
        since=since,
        as_of=sync.last_complete_at,
        swept_at=sync.last_finished_at,
        age=None if sync.last_complete_at is None else now - sync.last_complete_at,
        holes=account.holes,  # type: ignore[attr-defined]
        streams=[_stream(row) for row in account.streams.all()],
    )


def _stream(row: StreamState) -> StreamFreshness:
    return StreamFreshness(
        stream=row.stream,
        label=row.get_stream_display(),
        state=row.state,
        reason=row.reason,
        since=row.since,
        as_of=row.last_read_at,
    )
