"""Says when each stream is due and how many calls it may cost now, and writes down when it is due again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.connection import ledger
from monitor.connection.limits import MINUTE, free_at
from monitor.ingest.base import list_pace
from monitor.ingest.base.context import Context
from monitor.models import Flow, Product, Stream, StreamState
from monitor.models.sync import product_of

A_MOMENT = timedelta(seconds=1)
NOT_CREDIBLE = timedelta(days=8)
TRY_AGAIN = timedelta(minutes=5)
ONCE_A_DAY = (Stream.RULE_LIMITS,)


def budget(context: Context, product: str) -> list_pace.Budget:
    """Returns limit and ledger of one product, as they were a second ago at most."""
    now = context.clock()
    kept = context.room.budgets.get(product)
    if kept is not None and timedelta(0) <= now - kept[0] < A_MOMENT:
        return kept[1]
    gate = context.clients.gate
    row = gate.row(product)
    per_day, others = gate.day(product, row)
    found = list_pace.Budget(per_day, tuple(ledger.read(context.account, product, now, row)), others)
    context.room.budgets[product] = now, found
    return found


def history_calls(context: Context) -> int:
    """Counts the calls that first readings may cost now: what the lists leave of the day and of this minute."""
    spare = history_left(context)
    free, _ = context.clients.gate.minute(Product.FLOW)
    allowed = context.clients.gate.limits(Product.FLOW).per_minute
    return spare if free is None or allowed is None else max(0, min(spare, free - list_pace.lists_kept(allowed)))


def history_left(context: Context) -> int:
    """Counts the calls that first readings may cost today, as things are now."""
    return list_pace.spare(budget(context, Product.FLOW), context.clock())


def usage_calls(context: Context) -> int:
    """Counts the calls that usage reports may cost now."""
    return list_pace.spare(budget(context, Product.CRM), context.clock(), list_pace.USAGE_FLOOR)


def unhurried_calls(context: Context, product: str) -> int:
    """Counts the calls that may go now into what nobody waits for: of the day as for histories, of the minute less."""
    return unhurried(context, history_left(context)) if product == Product.FLOW else usage_calls(context)


def free_now(context: Context) -> int | None:
    """Counts the calls that still fit into this minute; None where there is no limit a minute."""
    return context.clients.gate.minute(Product.FLOW)[0]


def unhurried(context: Context, most: int) -> int:
    """Limits `most` calls for what can wait a minute."""
    return list_pace.unhurried(most, free_now(context), context.clients.gate.limits(Product.FLOW).per_minute)


def has_room_to_read(context: Context) -> bool:
    """Says whether a flow can be read in this minute; else notes when there is room again."""
    free, ends = context.clients.gate.minute(Product.FLOW)
    whole = (free or 0) + len(ends)
    calls = min(list_pace.READ_CALLS, whole)
    if list_pace.fits(free, calls=calls):
        return True
    now = context.clock()
    at = free_at(ends, max(1, whole - calls + 1), now, MINUTE)
    context.room.again_at = max(at or now, now + A_MOMENT)
    return False


@dataclass(frozen=True, slots=True)
class Slots:
    """Says how many pages of the list fit into this minute (None: any), when the next does, and what they leave."""

    pages: int | None
    free_from: datetime
    kept: int = 0


def list_slots(context: Context) -> Slots:
    """Returns the room that the list of flows has now."""
    now, gate = context.clock(), context.clients.gate
    free, ends = gate.minute(Product.FLOW)
    if free is None:
        return Slots(None, now)
    unread = Flow.objects.filter(account=context.account, gone_at=None, progress__history_read_at=None)
    history = unread.exclude(execution_count=0).exists() and history_left(context) > 0
    kept = list_pace.reads_kept(gate.limits(Product.FLOW).per_minute, history=history)
    # One more than is kept has to be free: the slots in use count as if the kept ones were taken too.
    at = free_at(ends, max(1, free + len(ends) - kept), now, MINUTE)
    return Slots(max(0, free - kept), at or now, kept)


def list_again(context: Context, due: datetime | None, asked: int, pages: int) -> datetime:
    """Says when the list of flows goes on.

    Args:
        context: of the sweep.
        due: when it was due; None for the first time.
        asked: pages that were asked for.
        pages: of the whole list; 0 where that is not known.
    """
    now = context.clock()
    apart = list_pace.spacing(pages or asked, budget(context, Product.FLOW), now)
    return list_pace.next_due(due, asked, apart, now)


def set_due(context: Context, stream: Stream, at: datetime | None) -> None:
    """Writes down when a stream is due.

    Raises:
        LeaseLost: another process says that now.
    """
    write(context, stream, next_due_at=at)


def write(context: Context, stream: Stream, **values: Any) -> None:
    """Sets columns of a stream's row, which need not be there yet.

    Raises:
        LeaseLost: another process says that now.
    """
    with context.writing():
        _set(context, stream, **values)


def _set(context: Context, stream: Stream, **values: Any) -> None:
    # Mostly the row is there: one statement instead of four.
    if not StreamState.objects.filter(account=context.account, stream=stream).update(**values):
        StreamState.objects.update_or_create(account=context.account, stream=stream, defaults=values)


def cursor_of(context: Context, stream: Stream) -> dict[str, Any]:
    """Returns how far a stream has come, as it was left; empty where nothing was."""
    rows = StreamState.objects.filter(account=context.account, stream=stream)
    return rows.values_list("cursor", flat=True).first() or {}


def add_to_cursor(context: Context, stream: Stream, **found: Any) -> None:
    """Leaves word in a stream's cursor, in which others keep what is theirs.

    Raises:
        LeaseLost: another process does that now.
    """
    with context.writing():
        rows = StreamState.objects.select_for_update().filter(account=context.account, stream=stream)
        for pk, cursor in rows.values_list("pk", "cursor"):
            StreamState.objects.filter(pk=pk).update(cursor=cursor | found)


def states_of(context: Context) -> dict[str, StreamState]:
    """Returns what is known of each stream of the account, by the stream's name."""
    rows = StreamState.objects.filter(account=context.account)
    return {row.stream: row for row in rows.only("stream", "state", "next_due_at", "cursor")}


def due_streams(states: Mapping[str, StreamState], now: datetime) -> set[Stream]:
    """Returns the streams that are due; doubts a time so far ahead that the clock must have been set back. Pure."""
    times = {stream: states[stream.value].next_due_at if stream.value in states else None for stream in Stream}
    return {one for one, at in times.items() if at is None or at <= now or at > now + NOT_CREDIBLE}


def due_for_a_person(states: Mapping[str, StreamState], now: datetime) -> set[Stream]:
    """Returns what a person's sync reads: all, but what was read well and comes once a day until it is due. Pure."""
    waiting = set(ONCE_A_DAY) - due_streams(states, now)
    return set(Stream) - {one for one in waiting if states[one.value].state == StreamState.State.OK}


def set_due_again(context: Context, calls: Mapping[Stream, int]) -> None:
    """Has streams that were read, or tried, due again when the planner says so, and soon if they failed.

    One that was not even tried, because its product has to be left alone, stays due.

    Args:
        calls: by stream, that one reading costs.

    Raises:
        LeaseLost: another process says that now.
    """
    now, due = context.clock(), {}
    for stream, cost in calls.items():
        outcome = context.result.outcomes.get(stream.value)
        if outcome is None:
            continue
        step = list_pace.interval(stream, cost, budget(context, product_of(stream)), now)
        if outcome.state in (StreamState.State.FAILING, StreamState.State.INCOMPLETE):
            step = min(step, TRY_AGAIN)
        due[stream] = now + step
    if due:
        with context.writing():
            for stream, at in due.items():
                _set(context, stream, next_due_at=at)
