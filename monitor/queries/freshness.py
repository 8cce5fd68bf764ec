"""How old and how complete the mirror is, per account: what must stand beside every number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q

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
        """Whether something of it is not in the mirror ("not available" is Zoho's answer, nothing is missing)."""
        return self.state in (StreamState.State.INCOMPLETE, StreamState.State.FAILING, StreamState.State.PENDING)


@dataclass(frozen=True)
class AccountFreshness:
    """What the mirror of one account is worth now.

    `as_of` is the start of the newest sweep that missed nothing, `swept_at` the end of the last one whatever
    it missed. While history is read for the first time (`is_reading`: `unread` flows are open) it is that of the
    newest sweep that missed nothing else, and all runs since `covered_from` are mirrored (None: not known of all).
    `state` is that of SyncState, or ``"stale"`` when the account calls itself healthy but its data is old, or
    ``"paused"`` when a person switched the mirroring off. `age` is None before the first complete read.
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
    flows: int = 0
    unread: int = 0
    covered_from: datetime | None = None
    is_history_paused: bool = False

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
    def is_reading(self) -> bool:
        """Whether nothing is wrong but that older history is still being read, or waits for a person to resume it."""
        missing = {stream.stream for stream in self.streams if stream.is_missing}
        return (
            self.state == SyncState.State.INCOMPLETE
            and self.unread > 0
            and self.as_of is not None
            and not self.holes
            and missing <= {Stream.EXECUTIONS}
        )

    @property
    def read_flows(self) -> int:
        """Flows whose history is read to its end."""
        return self.flows - self.unread

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
        some_missing = self.holes or self.unread
        return not self.is_current and not (self.state == SyncState.State.INCOMPLETE and some_missing and self.as_of)

    @property
    def is_complete(self) -> bool:
        whole = not self.holes and not self.unread and not any(s.is_missing for s in self.streams)
        return self.as_of is not None and whole

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
        return [account for account in self.mirrored if not account.is_trustworthy and not account.is_reading]

    @property
    def reading(self) -> list[AccountFreshness]:
        """Accounts of which only older history is missing, for it is being read."""
        return [account for account in self.mirrored if account.is_reading]

    def is_read_since(self, start: datetime) -> bool:
        """Whether no account's first reading of history has yet to come back to `start`."""
        open_ones = [account.covered_from for account in self.mirrored if account.unread]
        return all(at is not None and at <= start for at in open_ones)

    @property
    def is_reading(self) -> bool:
        return bool(self.reading) and not any(not a.is_current for a in self.mirrored if not a.is_reading)

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


# Flows that were listed and whose history has not been read to its end.
_UNREAD = Q(flows__gone_at=None, flows__executions_read_at=None)


def mirror(now: datetime) -> Mirror:
    """Freshness of every account, by name. Two statements.

    Args:
        now: the moment ages are counted to.
    """
    accounts = (
        ZohoAccount.objects.select_related("sync")
        .prefetch_related("streams")
        .annotate(
            holes=Count("flows", filter=Q(flows__gone_at=None) & ~Q(flows__hole_reason="")),
            living=Count("flows", filter=Q(flows__gone_at=None)),
            unread=Count("flows", filter=_UNREAD),
            unread_known=Count("flows", filter=_UNREAD & Q(flows__covered_from__isnull=False)),
            covered_from=Max("flows__covered_from", filter=_UNREAD),
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
    facts: Any = account  # with what `mirror` annotated
    as_of = sync.last_complete_at
    if facts.unread:
        as_of = max((at for at in (as_of, sync.last_fresh_at) if at is not None), default=None)
    return AccountFreshness(
        account_id=account.pk,
        name=account.name,
        state=state,
        reason=reason,
        since=since,
        as_of=as_of,
        swept_at=sync.last_finished_at,
        age=None if as_of is None else now - as_of,
        holes=facts.holes,
        streams=[_stream(row) for row in account.streams.all()],
        flows=facts.living,
        unread=facts.unread,
        covered_from=facts.covered_from if facts.unread == facts.unread_known else None,
        is_history_paused=account.backfill_paused,
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
