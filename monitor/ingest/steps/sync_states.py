"""Records how a sweep ended: the states of account and streams that pages, `status` and `/healthz/ready` show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from monitor.connection import BudgetSpent
from monitor.connection.organisation import OtherOrganisation
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.base.result import StreamOutcome
from monitor.ingest.history.backfill import unfinished
from monitor.ingest.runs.holes import ASIDE
from monitor.models import Flow, Product, Quarantine, Stream, StreamState, SyncState
from monitor.models.sync import STREAMS, product_of
from monitor.zoho.errors import BadAnswer, ClientRefused, GrantRevoked, ScopeMissing, SignIn, Unreachable, Wait

HOLES_TOLD = 20
SOONEST = timedelta(seconds=5)  # a stream that is still due after a sweep waits for so long
BAD_STATES = (
    SyncState.State.UNREACHABLE, SyncState.State.REVOKED, SyncState.State.FOREIGN, SyncState.State.SCHEMA,
)  # fmt: skip
# These are read when nothing else is due: what is still to be read makes nothing that is mirrored incomplete.
UNHURRIED = (Stream.DEFINITIONS, Stream.RULE_LIMITS)
Rows = Mapping[str, StreamState]  # the account's, by stream


@dataclass(frozen=True, slots=True)
class AccountVerdict:
    """Holds the account's state after a sweep, and why."""

    state: SyncState.State
    reason: str


def judge(outcomes: Mapping[str, StreamOutcome], stopped: Exception | None, missing: Sequence[str]) -> AccountVerdict:
    """Decides the account's state. Pure.

    Args:
        outcomes: by stream, how each ended.
        stopped: what ended the sweep before its end, if anything.
        missing: a line for each hole.
    """
    states = SyncState.State
    if isinstance(stopped, OtherOrganisation):
        return AccountVerdict(states.FOREIGN, f"{stopped}. {stopped.hint}")
    if isinstance(stopped, GrantRevoked | ClientRefused):
        return AccountVerdict(states.REVOKED, f"{stopped}. {stopped.hint}")
    if isinstance(stopped, BudgetSpent | OutOfTime):
        # Our own pacing is not a fault: what is not read yet is incomplete, and goes on by itself.
        return AccountVerdict(states.INCOMPLETE, str(stopped) or "the reading goes on")
    if isinstance(stopped, Wait):
        return AccountVerdict(states.THROTTLED, str(stopped))
    failing = [f"{Stream(name).label}: {o.reason}" for name, o in outcomes.items() if o.state == "failing"]
    if failing:
        return AccountVerdict(_kind(outcomes), failing[0])
    if missing:
        return AccountVerdict(states.INCOMPLETE, missing[0])
    return AccountVerdict(states.OK, "")


def _kind(outcomes: Mapping[str, StreamOutcome]) -> SyncState.State:
    errors = [o.error for o in outcomes.values() if o.error is not None]
    if any(isinstance(e, Unreachable) for e in errors):
        return SyncState.State.UNREACHABLE
    if any(isinstance(e, SignIn) and not isinstance(e, ScopeMissing) for e in errors):
        return SyncState.State.REVOKED
    if any(isinstance(e, BadAnswer) for e in errors):
        return SyncState.State.SCHEMA
    return SyncState.State.INCOMPLETE


def record(context: Context, started: datetime) -> None:
    """Writes the states of the streams and of the account, and when it is due again."""
    result, account = context.result, context.account
    _forget_absent_products(context)
    result.missing += _holes(context)
    _note_aside(context)
    now = context.clock()
    with context.writing():
        # From here on a hint that has a stream read sooner waits for the end of this, and is not forgotten by it.
        rows = {row.stream: row for row in StreamState.objects.filter(account=account).order_by("stream")}
        earlier = _still_missing(context, rows)
        result.missing += [
            f"{Stream(name).label}: {o.reason}"
            for name, o in (earlier | result.outcomes).items()
            if o.state == "failing" or (o.state == "incomplete" and name not in UNHURRIED and not o.aside)
        ]
        result.unreadable += [
            f"{Stream(name).label}: {o.reason}" for name, o in (earlier | result.outcomes).items() if o.aside
        ]
        verdict = judge(result.outcomes, result.stopped, [*result.missing, *result.unreadable])
        lost = _no_longer_available(context, rows)
        if lost and verdict.state == SyncState.State.OK:
            verdict = AccountVerdict(SyncState.State.INCOMPLETE, lost)
        for name, outcome in result.outcomes.items():
            _record_stream(context, name, outcome, started, now, before=rows.get(name))
        state = SyncState.objects.get(account=account)
        waiting = bool(result.resume) and state.state == SyncState.State.THROTTLED
        if verdict.state == SyncState.State.INCOMPLETE and earlier and (waiting or state.state in BAD_STATES):
            # What made it bad was not due in this sweep: nothing says that it is over.
            verdict = AccountVerdict(SyncState.State(state.state), state.reason)
        values: dict[str, object] = {
            "state": verdict.state,
            "reason": verdict.reason[:500],
            "last_finished_at": now,
            "next_due_at": next_due(context, rows.values(), now, started),
        }
        if state.state != verdict.state:
            values["since"] = now
        if result.fresh_at is not None:
            values["last_fresh_at"] = result.fresh_at
        if result.is_read and not lost and not _is_part(rows):
            listed = result.outcomes.get(Stream.FLOWS.value)
            values["last_complete_at"] = (listed.began if listed else None) or started
        SyncState.objects.filter(account=account).update(**values)


def _is_part(rows: Rows) -> bool:
    """Says whether the list of flows was gone on with and not brought to its end: nothing is whole by that yet."""
    listed = rows.get(Stream.FLOWS.value)
    return listed is not None and "page" in listed.cursor


def _no_longer_available(context: Context, rows: Rows) -> str:
    """Names what was read before and is now refused: not missing by Zoho's word, but not fresh either."""
    for name, row in rows.items():
        outcome = context.result.outcomes.get(name)
        if outcome and outcome.state == StreamState.State.NOT_AVAILABLE and row.last_read_at is not None:
            return f"{row.get_stream_display()} can no longer be read: {outcome.reason}"
    return ""


def _forget_absent_products(context: Context) -> None:
    """Deletes the streams of a product that the account no longer has: they are neither due nor missing."""
    products = context.clients.products
    absent = [stream for product, streams in STREAMS.items() if product not in products for stream in streams]
    StreamState.objects.filter(account=context.account, stream__in=absent).delete()


def _still_missing(context: Context, rows: Rows) -> dict[str, StreamOutcome]:
    """Finds streams that were not read in this sweep, and are not whole since an earlier one."""
    bad = {name: row for name, row in rows.items() if row.state in ("failing", "incomplete")}
    return {
        name: StreamOutcome(row.state, row.reason, aside=row.quarantined)
        for name, row in bad.items()
        if name not in context.result.outcomes
    }


def next_due(context: Context, streams: Iterable[StreamState], now: datetime, started: datetime) -> datetime:
    """Says when the account is worth a task again.

    Args:
        context: of the sweep that ends.
        streams: the account's, as they stand.
        now: the present.
        started: when the sweep began.
    """
    result = context.result
    if isinstance(result.stopped, OutOfTime):
        return now
    if isinstance(result.stopped, GrantRevoked | ClientRefused):
        # Only a person can put it right; `sync` and "reconnect" ask at once.
        return now + timedelta(hours=6)
    pairs = [(row.stream, row.next_due_at) for row in streams if row.next_due_at is not None]
    # The list has a pace of its own, and being late costs none of it.
    paced = () if Product.FLOW in context.result.dead_products else (Stream.FLOWS,)
    times = [
        at if stream in paced else not_at_once(at, now, started)
        for stream, at in pairs
        if product_of(stream) not in result.resume
    ]
    times += result.resume.values()
    return min(times, default=now + timedelta(seconds=60))


def not_at_once(at: datetime, now: datetime, started: datetime) -> datetime:
    """Says when a stream is worth a task: what a sweep left due is not what the next one begins for at once. Pure.

    Args:
        at: when the stream is due.
        now: the present.
        started: when the sweep began; a stream that fell due since then, by a hint, waits for nothing.
    """
    return max(at, now + SOONEST) if at <= started else at


def _record_stream(
    context: Context, name: str, outcome: StreamOutcome, started: datetime, now: datetime, *, before: StreamState | None
) -> None:
    row = before or StreamState(account=context.account, stream=name)
    values: dict[str, object] = {
        "state": outcome.state,
        "reason": outcome.reason[:500],
        "last_tried_at": now,
        "quarantined": outcome.aside,
    }
    if row.state != outcome.state:
        values["since"] = now
    if outcome.state == StreamState.State.OK or outcome.aside:
        values |= {"last_read_at": outcome.began or started, "item_count": outcome.items}
    if before is None:
        StreamState.objects.get_or_create(account=context.account, stream=name)
    StreamState.objects.filter(account=context.account, stream=name).update(**values)


def _holes(context: Context) -> list[str]:
    if "flow" not in context.clients.products:
        return []
    flows = Flow.objects.filter(account=context.account, gone_at=None).exclude(progress__hole_reason="")
    found = list(flows.exclude(progress__hole_signature__startswith=ASIDE).select_related("progress").defer("raw"))
    refused = [flow for flow in found if flow.progress.is_refused]
    read = Flow.objects.filter(account=context.account, progress__executions_read_at__isnull=False)
    if refused and not read.exists():
        # Executions that are given of no flow at all are not available to this account: nothing of theirs is missing.
        found = [flow for flow in found if flow not in refused]
    lines = [f"{flow.shown_name}: {flow.progress.hole_reason}" for flow in found]
    executions = context.result.outcomes.get(Stream.EXECUTIONS.value)
    history = unfinished(context.account, context.result.not_available)
    if executions is not None and executions.state == StreamState.State.OK and (lines or history):
        executions.state = StreamState.State.INCOMPLETE
        executions.reason = f"{len(lines)} flow{'s' if len(lines) != 1 else ''} with missing runs" if lines else history
    return lines[:HOLES_TOLD]


def _note_aside(context: Context) -> None:
    """Has each stream that was read to its end say what of it is in quarantine: that is not mirrored, nor missing."""
    rows = Quarantine.objects.filter(Q(flow=None) | Q(flow__gone_at=None), account=context.account, left_at=None)
    counts = dict(rows.values_list("stream").annotate(Count("pk")))
    for name, outcome in context.result.outcomes.items():
        count = counts.get(name, 0)
        if count and outcome.state == StreamState.State.OK:
            what = "run" if name == Stream.EXECUTIONS else "record"
            records = f"1 {what} is" if count == 1 else f"{count} {what}s are"
            outcome.state, outcome.aside = StreamState.State.INCOMPLETE, count
            outcome.reason = f"{records} in quarantine: Zoho gave them in a form that cannot be read"
