"""What the planner is told, and where its answers are written down."""

from __future__ import annotations

from datetime import datetime, timedelta

from monitor.connection import ledger
from monitor.connection.limits import MINUTE, free_at
from monitor.ingest import plan
from monitor.ingest.context import Context
from monitor.models import Flow, Product, Stream, StreamState

A_MOMENT = timedelta(seconds=1)
NOT_CREDIBLE = timedelta(days=8)
TRY_AGAIN = timedelta(minutes=5)
CRM_STREAMS = {Stream.RULES, Stream.USAGE, Stream.CONNECTED, Stream.WEBHOOK_FAILURES, Stream.CHANNELS}


def product_of(stream: str) -> str:
    """Whose calls a stream costs."""
    return Product.CRM if stream in CRM_STREAMS else Product.FLOW


def budget(context: Context, product: str) -> plan.Budget:
    """Limit and ledger of one product, as they were a second ago at most."""
    now = context.clock()
    kept = context.budgets.get(product)
    if kept is not None and timedelta(0) <= now - kept[0] < A_MOMENT:
        return kept[1]
    per_day, others = context.clients.gate.day(product)
    found = plan.Budget(per_day, tuple(ledger.read(context.account, product, now)), others)
    context.budgets[product] = now, found
    return found


def history_calls(context: Context) -> int:
    """Calls that first readings may cost now: what the lists leave of the day and of this minute."""
    spare = history_left(context)
    free, _ = context.clients.gate.minute(Product.FLOW)
    allowed = context.clients.gate.limits(Product.FLOW).per_minute
    return spare if free is None or allowed is None else max(0, min(spare, free - plan.lists_kept(allowed)))


def history_left(context: Context) -> int:
    """Calls that first readings may cost today, as things are now."""
    return plan.spare(budget(context, Product.FLOW), context.clock())


def usage_calls(context: Context) -> int:
    """Calls that usage reports may cost now."""
    return plan.spare(budget(context, Product.CRM), context.clock(), plan.USAGE_FLOOR)


def unhurried_calls(context: Context, product: str) -> int:
    """Calls that nobody waits for may cost now: as first readings, or as usage reports."""
    return history_calls(context) if product == Product.FLOW else usage_calls(context)


def list_slots(context: Context) -> tuple[int | None, datetime]:
    """How many pages of the list fit into this minute (None: any), and when the next one does."""
    now, gate = context.clock(), context.clients.gate
    free, ends = gate.minute(Product.FLOW)
    if free is None:
        return None, now
    unread = Flow.objects.filter(account=context.account, gone_at=None, history_read_at=None)
    history = unread.exclude(execution_count=0).exists() and history_left(context) > 0
    kept = plan.reads_kept(gate.limits(Product.FLOW).per_minute, history=history)
    pages = max(0, free - kept)
    # One more than is kept has to be free: the slots in use count as if the kept ones were taken too.
    whole = free + len(ends)
    at = free_at(ends, max(1, whole - kept), now, MINUTE)
    return pages, at or now


def set_due(context: Context, stream: Stream, at: datetime | None) -> None:
    """Writes down when a stream is due."""
    values = {"next_due_at": at}
    # Mostly the row is there: one statement instead of four.
    if not StreamState.objects.filter(account=context.account, stream=stream).update(**values):
        StreamState.objects.update_or_create(account=context.account, stream=stream, defaults=values)


def due_at(context: Context, stream: Stream) -> datetime | None:
    """When a stream is due, as written down; None for at once."""
    rows = StreamState.objects.filter(account=context.account, stream=stream)
    return rows.values_list("next_due_at", flat=True).first()


def due_streams(context: Context, now: datetime) -> set[Stream]:
    """The streams that are due; a time so far ahead that the clock must have been set back is not believed."""
    rows = StreamState.objects.filter(account=context.account).exclude(next_due_at=None)
    known = dict(rows.values_list("stream", "next_due_at"))
    times = {stream: known.get(stream.value) for stream in Stream}
    return {one for one, at in times.items() if at is None or at <= now or at > now + NOT_CREDIBLE}


def put_off(context: Context, stream: Stream, calls: int = 1) -> None:
    """The stream was read, or tried: it is due again when the planner says so, and soon if it failed.

    One that was not even tried, because its product has to be left alone, stays due.
    """
    outcome = context.result.outcomes.get(stream.value)
    if outcome is None:
        return
    now = context.clock()
    step = plan.interval(stream, calls, budget(context, product_of(stream)), now)
    if outcome.state in (StreamState.State.FAILING, StreamState.State.INCOMPLETE):
        step = min(step, TRY_AGAIN)
    set_due(context, stream, now + step)
