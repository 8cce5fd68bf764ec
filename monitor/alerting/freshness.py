"""Whether the mirror is fresh enough to judge by. Pure.

Old data never makes an alert "OK" (notes `reliability.md` 6.5, A8): a dead poller must not look like health.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.models import StreamState, SyncState

LEAST_AGE = timedelta(minutes=10)
INTERVALS = 3
SHORTEST_INTERVAL = timedelta(seconds=30)
USUAL_INTERVAL = timedelta(seconds=60)
LONGEST_INTERVAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """What the sync rows of an account say; times are aware, None where it never happened.

    Attributes:
        is_mirrored: whether a person wants the account mirrored at all.
        state: of `SyncState`, `since` when, with its `reason`.
        last_finished_at: when a sweep last ended, well or not.
        flows_read_at: start of the last complete read of the flow list, with its counters.
        flows_due_at: when the list is read next.
        executions_failing_since: since when reading executions fails; None while it does not.
    """

    is_mirrored: bool = True
    state: str = SyncState.State.NEVER
    since: datetime | None = None
    reason: str = ""
    last_finished_at: datetime | None = None
    flows_read_at: datetime | None = None
    flows_due_at: datetime | None = None
    executions_failing_since: datetime | None = None

    @property
    def interval(self) -> timedelta:
        """Time between two readings of the flow list, as the pacing of `ingest` last set it."""
        if self.flows_read_at is None or self.flows_due_at is None or self.flows_due_at <= self.flows_read_at:
            return USUAL_INTERVAL
        return min(max(self.flows_due_at - self.flows_read_at, SHORTEST_INTERVAL), LONGEST_INTERVAL)


def is_stale(facts: SyncFacts, now: datetime) -> bool:
    """Whether the mirror is too old to judge by; `why_stale` says why."""
    return bool(why_stale(facts, now))


def why_stale(facts: SyncFacts, now: datetime) -> str:
    """The reason why the mirror is too old to judge by; empty while it is not."""
    patience = INTERVALS * facts.interval
    oldest = now - max(LEAST_AGE, patience)
    if not facts.is_mirrored:
        return "the account is not mirrored: a person switched it off"
    if facts.last_finished_at is None:
        return "the account has not been read yet"
    if facts.last_finished_at < oldest:
        return f"the mirror stands still since {_minute(facts.last_finished_at)}"
    healthy = (SyncState.State.OK, SyncState.State.INCOMPLETE)
    if facts.state not in healthy and (facts.since is None or facts.since < now - patience):
        return facts.reason or f"the mirror is not healthy: {SyncState.State(facts.state).label}"
    if facts.flows_read_at is not None and facts.flows_read_at < oldest:
        return f"the list of flows could not be read since {_minute(facts.flows_read_at)}"
    if facts.executions_failing_since is not None and facts.executions_failing_since < now - patience:
        return f"executions cannot be read since {_minute(facts.executions_failing_since)}"
    return ""


def facts_from(sync: SyncState | None, streams: dict[str, StreamState], *, is_mirrored: bool) -> SyncFacts:
    """The facts as the rows say them.

    Args:
        sync: the account's row; None before its first sweep.
        streams: rows by stream.
        is_mirrored: `ZohoAccount.is_active`.
    """
    flows, executions = streams.get("flows"), streams.get("executions")
    failing = executions is not None and executions.state == StreamState.State.FAILING
    return SyncFacts(
        is_mirrored=is_mirrored,
        state=sync.state if sync else SyncState.State.NEVER,
        since=sync.since if sync else None,
        reason=sync.reason if sync else "",
        last_finished_at=sync.last_finished_at if sync else None,
        flows_read_at=flows.last_read_at if flows else None,
        flows_due_at=flows.next_due_at if flows else None,
        executions_failing_since=executions.since if executions is not None and failing else None,
    )


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
