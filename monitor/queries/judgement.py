"""The state of the worker and of an account's mirror, why, and since when. Pure.

Pages, `manage.py status` and `/healthz/ready` all show what is decided here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.models import SyncState

# Something goes through the queue every few seconds, and a task lasts a minute at most. So long without a sign and
# nothing is read any more (notes reliability.md, F42: told within two intervals of a minute).
SILENT_AFTER = timedelta(seconds=75)
STALE_AFTER_INTERVALS = 3
# Intervals may be as short as 10 s, and an age of 90 s is within what is promised (reliability.md, P4): below three
# minutes nothing is called old, or the mark would come and go with every slow answer of Zoho.
SHORTEST_INTERVAL = timedelta(seconds=60)
# A long pause between sweeps is a small plan's budget; beyond this it no longer excuses old data.
LONGEST_INTERVAL = timedelta(hours=1)

OK, NEVER, SILENT, STALE, PAUSED = "ok", "never", "silent", "stale", "paused"
NOT_RUN_YET = "the worker has not run yet (manage.py worker)"


@dataclass(frozen=True, slots=True)
class Judged:
    """A state, why it is so (empty where the state says it all), and since when."""

    state: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """What is stored of an account's mirror.

    Attributes:
        is_mirrored: False where a person switched it off.
        stored: the state that the last sweep left.
        as_of: start of the newest complete read, of the list of flows too; None before the first.
        finished_at: when a sweep last ended, well or not.
        due_at: when the next sweep is due.
        interval: time between two readings of the list of flows; `interval_between` gives it.
    """

    is_mirrored: bool
    stored: Judged
    as_of: datetime | None
    finished_at: datetime | None
    due_at: datetime | None
    interval: timedelta

    @property
    def patience(self) -> timedelta:
        """How old data may be."""
        return STALE_AFTER_INTERVALS * self.interval


def interval_between(read_at: datetime | None, due_at: datetime | None) -> timedelta:
    """The time between two readings as the scheduler last set it, between a minute and an hour."""
    if read_at is None or due_at is None:
        return SHORTEST_INTERVAL
    return min(max(due_at - read_at, SHORTEST_INTERVAL), LONGEST_INTERVAL)


def judge_worker(signs: Mapping[str, datetime], now: datetime) -> Judged:
    """Whether the poller lives: ok, silent, or never (it has not run yet).

    A task that came through is what counts: the canary, or while the queue is long any other task. A supervisor
    that beats does not read Zoho; it only tells where to look.

    Args:
        signs: the newest sign of each kind: canary, task, supervisor.
        now: the present.
    """
    heard = max((at for name, at in signs.items() if name in ("canary", "task")), default=None)
    if heard is None:
        return Judged(NEVER, NOT_RUN_YET)
    if now - heard <= SILENT_AFTER:
        return Judged(OK)
    supervisor = signs.get("supervisor")
    runs = supervisor is not None and now - supervisor <= SILENT_AFTER
    reason = "the worker runs, but no task comes through" if runs else "the worker does not run (manage.py worker)"
    return Judged(SILENT, reason, heard)


def judge_account(facts: SyncFacts, worker: Judged, now: datetime) -> Judged:
    """An account's state as people should see it.

    A person's pause stands above all; a silent poller above what its last sweep said, of which nobody knows
    whether it still holds; a sweep that was due long ago and did not come above what is stored.
    """
    states = SyncState.State
    if not facts.is_mirrored:
        return Judged(PAUSED, "Mirroring is switched off.")
    if worker.state == SILENT:
        return worker
    stored = facts.stored
    if stored.state == states.NEVER:
        return Judged(NEVER, stored.reason or (worker.reason if worker.state == NEVER else ""), stored.since)
    if stored.state == states.REVOKED:
        return stored
    expected = max((at for at in (facts.finished_at, facts.due_at) if at is not None), default=None)
    if facts.finished_at is not None and expected is not None and now - expected > facts.patience:
        return Judged(STALE, "no sweep has ended since, though one was due", facts.finished_at)
    if stored.state == states.OK and (facts.as_of is None or now - facts.as_of > facts.patience):
        return Judged(STALE, "the newest complete read is older than three of its intervals", facts.as_of)
    return stored


def problems(worker: Judged, now: datetime) -> list[str]:
    """What of it makes the installation unready, in plain words."""
    if worker.state == NEVER:
        return [worker.reason]
    if worker.state == SILENT and worker.since is not None:
        seconds = int((now - worker.since).total_seconds())
        return [f"the worker is silent: no task came through for {seconds} s; {worker.reason}"]
    return []
