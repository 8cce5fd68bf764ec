"""Judges how old a mirror is and whether the worker lives: the one judge, with every tolerance by name. Pure.

Pages, `manage.py status`, `/healthz/ready`, alerts and mails all ask here, so that they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.languages import gettext_noop
from monitor.models import Stream, StreamState, SyncState

# Something goes through the queue every few seconds, and a task lasts a minute at most. So long without a sign and
# nothing is read any more (docs/reference/promises.md: told within two intervals of a minute).
SILENT_AFTER = timedelta(seconds=75)

OK, NEVER, SILENT, STALE, PAUSED, LOCKED = "ok", "never", "silent", "stale", "paused", "locked"
LABELS = {
    STALE: gettext_noop("Out of date"),
    PAUSED: gettext_noop("Paused"),
    SILENT: gettext_noop("Poller silent"),
    LOCKED: gettext_noop("No key for its secrets"),
}
NO_TASK = gettext_noop("the worker runs, but no task comes through")
NOT_RUNNING = gettext_noop("the worker does not run (manage.py worker)")
NOT_RUN_YET = gettext_noop("the worker has not run yet (manage.py worker)")
# The list that says what moved. An account of CRM alone has only its rules.
LEADING = (Stream.FLOWS, Stream.RULES)
UNREAD = {
    Stream.EXECUTIONS: gettext_noop("executions cannot be read"),
    Stream.FLOWS: gettext_noop("the list of flows cannot be read"),
}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Says how old what is known may be: so many intervals between two readings, and never less than `at_least`.

    Attributes:
        intervals: how many readings may be missed.
        shortest: an interval counts as no shorter.
        longest: an interval counts as no longer: a small plan's budget excuses a long pause, up to here.
        at_least: never called old below it.
    """

    intervals: int
    shortest: timedelta
    longest: timedelta
    at_least: timedelta = timedelta(0)

    def interval(self, read_at: datetime | None, due_at: datetime | None) -> timedelta:
        """Returns the time between two readings as the scheduler last set it, within the bounds."""
        if read_at is None or due_at is None or due_at <= read_at:
            return max(USUAL_INTERVAL, self.shortest)
        return min(max(due_at - read_at, self.shortest), self.longest)

    def patience(self, interval: timedelta) -> timedelta:
        """Returns how long a reading may fail to come."""
        return self.intervals * interval


USUAL_INTERVAL = timedelta(seconds=60)
# Intervals may be as short as 10 s, and an age of 90 s is within what is promised: below three minutes no page calls
# anything old, or the mark would come and go with every slow answer of Zoho.
PAGE = Tolerance(intervals=3, shortest=timedelta(seconds=60), longest=timedelta(hours=1))
# An alert waits longer for a sweep, because "no data" wakes people, and less long for a mirror that is known to be
# sick: its figures must not look like health.
ALERT = Tolerance(
    intervals=3, shortest=timedelta(seconds=30), longest=timedelta(hours=1), at_least=timedelta(minutes=10)
)


@dataclass(frozen=True, slots=True)
class Judged:
    """Holds a state, why it is so (empty where the state says it all), and since when."""

    state: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReadTimes:
    """Holds when a list was last read completely (the start of that read), and when it is read next."""

    read_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    """Holds what is stored of an account's mirror; times are aware, None where it never happened.

    Attributes:
        is_mirrored: False where a person switched it off.
        stored: the state that the last sweep left, why, and since when.
        as_of: start of the newest complete read, of the leading list too.
        finished_at: when a sweep last ended, well or not.
        due_at: when the next sweep is due.
        leading: of the list that says what moved; see `LEADING`.
        flows: of the list of flows.
        executions_lost_since: since when executions cannot be read, be it that reading them fails or that they are
            refused by now; None while they can, and where the account never had them.
        unread: why nothing of the flows' present is known, though sweeps come to their end; empty where it is.
        locked: why its stored secrets cannot be read; empty while they can.
    """

    is_mirrored: bool = True
    stored: Judged = Judged(NEVER)
    as_of: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None
    leading: ReadTimes = ReadTimes()
    flows: ReadTimes = ReadTimes()
    executions_lost_since: datetime | None = None
    unread: str = ""
    locked: str = ""


def facts_of(
    sync: SyncState | None,
    streams: Mapping[str, StreamState],
    *,
    is_mirrored: bool,
    is_reading: bool = False,
    locked: str = "",
) -> MirrorFacts:
    """Gathers the facts from the rows of an account.

    Args:
        sync: the account's row; None before its first sweep.
        streams: its rows by stream.
        is_mirrored: `ZohoAccount.is_active`.
        is_reading: whether the history of some flow has yet to be read. The newest sweep that missed nothing else
            then says as of when the account is known.
        locked: what `monitor.vault.trouble` says of its secrets.
    """
    sync = sync or SyncState()
    there = {name: row for name, row in streams.items() if row.state != StreamState.State.NOT_AVAILABLE}
    leading = next((there[name] for name in LEADING if name in there), None)
    executions = streams.get(Stream.EXECUTIONS)
    lost = executions if _is_lost(executions) else None
    as_of = sync.last_complete_at
    if is_reading:
        as_of = max((at for at in (as_of, sync.last_fresh_at) if at is not None), default=None)
    if as_of is not None and leading is not None and leading.last_read_at is not None:
        # A sweep that found nothing due but other streams missed nothing, and still knows no more than this list.
        as_of = min(as_of, leading.last_read_at)
    return MirrorFacts(
        is_mirrored=is_mirrored,
        stored=Judged(sync.state, sync.reason, sync.since),
        as_of=as_of,
        finished_at=sync.last_finished_at,
        due_at=sync.next_due_at,
        leading=_times(leading),
        flows=_times(streams.get(Stream.FLOWS)),
        executions_lost_since=lost.since or lost.last_read_at if lost is not None else None,
        unread=next((words for name, words in UNREAD.items() if _is_lost(streams.get(name))), ""),
        locked=locked,
    )


def _is_lost(row: StreamState | None) -> bool:
    """Says whether a list fails, or was read once and is refused by now."""
    states = StreamState.State
    if row is None:
        return False
    return row.state == states.FAILING or (row.state == states.NOT_AVAILABLE and row.last_read_at is not None)


def _times(row: StreamState | None) -> ReadTimes:
    return ReadTimes(row.last_read_at, row.next_due_at) if row is not None else ReadTimes()


def judge_worker(signs: Mapping[str, datetime], now: datetime) -> Judged:
    """Judges whether the poller lives: ok, silent, or never (it has not run yet).

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
    reason = (
        gettext_noop("the worker runs, but no task comes through")
        if runs
        else gettext_noop("the worker does not run (manage.py worker)")
    )
    return Judged(SILENT, reason, heard)


def judge_account(facts: MirrorFacts, worker: Judged, now: datetime) -> Judged:
    """Judges an account's state as people should see it.

    A person's pause stands above all; a silent poller above what its last sweep said, of which nobody knows
    whether it still holds, and so does a key that does not fit, without which nothing can be asked; a sweep that was
    due long ago and did not come above what is stored.

    Args:
        facts: of the account.
        worker: what `judge_worker` says.
        now: the present.
    """
    states = SyncState.State
    if not facts.is_mirrored:
        return Judged(PAUSED, gettext_noop("Mirroring is switched off."))
    if worker.state == SILENT:
        return worker
    if facts.locked:
        return Judged(LOCKED, facts.locked, facts.finished_at)
    stored = facts.stored
    if stored.state == states.NEVER:
        return Judged(NEVER, stored.reason or (worker.reason if worker.state == NEVER else ""), stored.since)
    if stored.state in (states.REVOKED, states.FOREIGN):
        return stored
    interval = PAGE.interval(facts.finished_at, facts.due_at)
    if facts.leading.read_at is not None:
        interval = max(interval, PAGE.interval(facts.leading.read_at, facts.leading.due_at))
    patience = PAGE.patience(interval)
    expected = max((at for at in (facts.finished_at, facts.due_at) if at is not None), default=None)
    if facts.finished_at is not None and expected is not None and now - expected > patience:
        return Judged(STALE, gettext_noop("no sweep has ended since, though one was due"), facts.finished_at)
    if stored.state == states.OK and (facts.as_of is None or now - facts.as_of > patience):
        return Judged(STALE, gettext_noop("the newest complete read is older than three of its intervals"), facts.as_of)
    return stored


def is_list_old(times: ReadTimes, now: datetime) -> bool:
    """Says whether a list with a pace of its own is too old to be called current on its page."""
    return times.read_at is None or now - times.read_at > PAGE.patience(PAGE.interval(times.read_at, times.due_at))


def why_unfit(facts: MirrorFacts, now: datetime) -> str:
    """Says why a mirror is too old for alerts to judge by; empty while it is not.

    Old data never makes an alert "OK": a dead poller must not look like health.

    Args:
        facts: of the account.
        now: the present.
    """
    patience = ALERT.patience(ALERT.interval(facts.flows.read_at, facts.flows.due_at))
    oldest = now - max(ALERT.at_least, patience)
    stored = facts.stored
    if not facts.is_mirrored:
        return "the account is not mirrored: a person switched it off"
    if facts.finished_at is None:
        return "the account has not been read yet"
    if facts.finished_at < oldest:
        return f"the mirror stands still since {_minute(facts.finished_at)}"
    healthy = (SyncState.State.OK, SyncState.State.INCOMPLETE)
    if stored.state not in healthy and (stored.since is None or stored.since < now - patience):
        return stored.reason or f"the mirror is not healthy: {SyncState.State(stored.state).label}"
    if facts.flows.read_at is not None and facts.flows.read_at < oldest:
        return f"the list of flows could not be read since {_minute(facts.flows.read_at)}"
    if facts.executions_lost_since is not None and facts.executions_lost_since < now - patience:
        return f"{UNREAD[Stream.EXECUTIONS]} since {_minute(facts.executions_lost_since)}"
    return ""


def problems(worker: Judged, now: datetime, *, locked: str = "") -> list[str]:
    """Names what makes the installation unready, in plain words.

    Args:
        worker: what `judge_worker` says.
        now: the present.
        locked: why stored secrets cannot be read; empty where they can.
    """
    found = [locked] if locked else []
    if worker.state == NEVER:
        found.append(worker.reason)
    if worker.state == SILENT and worker.since is not None:
        seconds = int((now - worker.since).total_seconds())
        found.append(f"the worker is silent: no task came through for {seconds} s; {worker.reason}")
    return found


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
