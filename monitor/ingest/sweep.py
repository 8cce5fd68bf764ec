"""One sweep of one account: every stream in turn, each ending in a state with a reason.

The order serves people: the list of flows (which flows moved), connections, rules; then the executions of
flows that moved, those already known first and first readings after them; usage reports and failures of webhooks;
definitions last. In an account's very first sweep the newest runs of each flow come right after the list. After
reading, a person's sync lists the flows once more: what moved meanwhile is read too, what stood still is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from monitor.connection import BudgetSpent
from monitor.ingest import counts, executions, nightly, verdicts
from monitor.ingest.backfill import Backfill, mark_fresh
from monitor.ingest.channels import keep_channels
from monitor.ingest.connected import read_connected
from monitor.ingest.connections import read_connections
from monitor.ingest.context import Context, OutOfTime, Result
from monitor.ingest.definitions import read_connected_definitions, read_flow_definitions, read_rule_definitions
from monitor.ingest.flows import read_flows
from monitor.ingest.pace import interval
from monitor.ingest.reread import reread_due
from monitor.ingest.rules import read_rules
from monitor.ingest.usage import read_usage
from monitor.ingest.webhook_failures import read_webhook_failures
from monitor.models import Execution, Flow, Stream, StreamState, SyncState
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import ClientRefused, GrantRevoked, NotAvailable, TokenRefused, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

ROUNDS = 3  # how often a person's sync follows flows that move while it reads
UNDER_WAY = timedelta(hours=1)


def sweep(context: Context, *, everything: bool) -> Result:
    """Reads what is due (or everything) and records how it went.

    Args:
        everything: a person's sync: all streams now, and a closing list; else only the streams that are due.
    """
    started = context.clock()
    mine = SyncState.objects.filter(account=context.account)
    is_first = mine.filter(last_finished_at=None).exists()
    mine.update(last_started_at=started)
    try:
        _streams(context, everything=everything, now=started, is_first=is_first)
    except (OutOfTime, Wait, GrantRevoked, ClientRefused) as stop:
        context.result.stopped = stop
        if isinstance(stop, Wait):
            context.result.resume_at = context.clock() + timedelta(seconds=stop.retry_after)
    _back_off(context)
    verdicts.record(context, started)
    return context.result


def _back_off(context: Context) -> None:
    """Leaves an account alone that gives no answer at all; where one product answers, the streams' pace is enough."""
    dead = context.dead_products
    silent = [error for error in dead.values() if isinstance(error, Unreachable) or error is _token_failure(context)]
    if silent and set(dead) == context.clients.products:
        context.result.resume_at = context.clients.gate.failed(str(silent[0]))


def _token_failure(context: Context) -> Exception | None:
    """What kept the access token from being renewed, if anything did: it concerns both products."""
    return context.clients.tokens.failure


def _streams(context: Context, *, everything: bool, now: datetime, is_first: bool) -> None:
    due = {stream for stream in Stream if everything or _is_due(context, stream, now)}
    flow, crm = context.clients.flow, context.clients.crm
    history = Backfill(context, flow, everything=everything) if flow is not None else None

    def list_flows() -> None:
        assert flow is not None  # noqa: S101 - tells the type checker what the caller has looked at
        pages = 1
        try:
            pages = read_flows(context, flow)
            _settle_still(context)
        finally:
            _next(context, Stream.FLOWS, now, pages)

    if flow is not None:
        if Stream.FLOWS in due:
            _run(context, Stream.FLOWS, "flow", list_flows)
        if is_first and history is not None and _goes_on(context, Stream.FLOWS):
            _run(context, Stream.EXECUTIONS, "flow", history.read_newest)
        if Stream.CONNECTIONS in due:
            _run(context, Stream.CONNECTIONS, "flow", partial(read_connections, context, flow))
            _next(context, Stream.CONNECTIONS, now, 1)
    if crm is not None and Stream.RULES in due:
        _run(context, Stream.RULES, "crm", partial(read_rules, context, crm))
        _next(context, Stream.RULES, now, 1)
    if crm is not None and Stream.CHANNELS in due and "crm" not in context.dead_products:
        keep_channels(context, crm)
    newest_failed = Stream.EXECUTIONS.value in context.result.outcomes
    if flow is not None and history is not None and _goes_on(context, Stream.FLOWS) and not newest_failed:
        _run(context, Stream.EXECUTIONS, "flow", partial(_read_moved, context, flow, history, now))
        if not everything:
            _run(context, Stream.STATISTICS, "flow", partial(nightly.check, context, flow))
    if crm is not None:
        _crm_reports(context, crm, due, now)
    _read_definitions(context, everything=everything)


def _crm_reports(context: Context, crm: CrmClient, due: set[Stream], now: datetime) -> None:
    if _goes_on(context, Stream.RULES):
        _run(context, Stream.USAGE, "crm", partial(read_usage, context, crm))
    for stream, read in ((Stream.CONNECTED, read_connected), (Stream.WEBHOOK_FAILURES, read_webhook_failures)):
        if stream in due:
            _run(context, stream, "crm", partial(read, context, crm))
            _next(context, stream, now, 1)


def _read_definitions(context: Context, *, everything: bool) -> None:
    """Last of all; each kind only where its list could be read."""
    flow, crm = context.clients.flow, context.clients.crm
    works: list[tuple[Stream, str, Callable[[], None]]] = []
    if flow is not None:
        works.append((Stream.FLOWS, "flow", partial(read_flow_definitions, context, flow, everything=everything)))
    if crm is not None:
        works.append((Stream.RULES, "crm", partial(read_rule_definitions, context, crm, everything=everything)))
        works.append(
            (Stream.CONNECTED, "crm", partial(read_connected_definitions, context, crm, everything=everything))
        )
    for listed, product, work in works:
        if _goes_on(context, listed):
            _run(context, Stream.DEFINITIONS, product, work)


def _run(context: Context, stream: Stream, product: str, work: Callable[[], None]) -> None:
    """Turns what goes wrong in one stream into its state; what concerns the whole account goes on up."""
    if product in context.dead_products:
        error = context.dead_products[product]
        context.note(stream, StreamState.State.FAILING, str(error), error=error)
        return
    try:
        work()
    except (OutOfTime, BudgetSpent) as stop:
        context.note(stream, StreamState.State.INCOMPLETE, str(stop) or "goes on with the next task")
        raise
    except (Wait, GrantRevoked, ClientRefused) as stop:
        context.note(stream, StreamState.State.FAILING, str(stop), error=stop)
        raise
    except NotAvailable as error:
        context.note(stream, StreamState.State.NOT_AVAILABLE, str(error))
    except ZohoError as error:
        context.note(stream, StreamState.State.FAILING, f"{error}. {error.hint}", error=error)
        if error is _token_failure(context):
            context.dead_products |= dict.fromkeys(context.clients.products, error)
        elif isinstance(error, Unreachable | TokenRefused):
            context.dead_products[product] = error


def _goes_on(context: Context, stream: Stream) -> bool:
    """Whether what hangs on a list can be read: not where the list is refused in this sweep or the last."""
    outcome = context.result.outcomes.get(stream.value)
    if outcome is not None:
        return outcome.state == StreamState.State.OK
    state = StreamState.objects.filter(account=context.account, stream=stream).values_list("state", flat=True).first()
    return state == StreamState.State.OK


def _is_due(context: Context, stream: Stream, now: datetime) -> bool:
    due = StreamState.objects.filter(account=context.account, stream=stream).values_list("next_due_at", flat=True)
    at = due.first()
    return at is None or at <= now


def _next(context: Context, stream: Stream, now: datetime, pages: int) -> None:
    per_day = context.clients.gate.limits().per_day
    StreamState.objects.update_or_create(
        account=context.account, stream=stream, defaults={"next_due_at": now + interval(stream, pages, per_day)}
    )


def _read_moved(context: Context, client: FlowClient, history: Backfill, now: datetime) -> None:
    """Reads the flows whose counters moved, then history, and follows what moves meanwhile if a person waits."""
    trouble, finished = history.trouble, 0
    for turn in range(ROUNDS if history.everything else 1):
        moved = moved_flows(context)
        if turn:
            # What cannot be told to have moved, or failed a moment ago, is not followed.
            moved = [flow for flow in moved if counts.counters(flow).known and flow.flow_id not in trouble.named]
        for done, flow in enumerate(moved, start=1):
            with trouble.of(flow.flow_id):
                executions.read_flow(context, client, flow)
            context.progress("executions", done, len(moved))
        if turn == 0:
            reread_due(context, client)
            history.read_new()
            mark_fresh(context, now)
        history.go_on()
        if not history.everything or not (moved or history.finished > finished):
            break
        finished = history.finished
        read_flows(context, client)
        _settle_still(context)
    trouble.settle()
    context.note(Stream.EXECUTIONS, StreamState.State.OK, items=context.result.flows_read)


def moved_flows(context: Context) -> list[Flow]:
    """Flows read before that moved, and holes that are due; those whose history was not to be had last.

    First readings are `backfill`'s.
    """
    now = context.clock()
    living = Flow.objects.filter(account=context.account, gone_at=None).exclude(executions_read_at=None)
    known = living.defer("raw", "description")
    flows = [flow for flow in known if flow.has_moved or (flow.recheck_at is not None and flow.recheck_at <= now)]
    for flow in flows:
        flow.account = context.account  # not joined: each copy would be decrypted by itself
    flows.sort(key=lambda f: (f.history_read_at is None, f.backfill_page == 0, -(f.execution_count or 0), f.pk))
    return flows


def _settle_still(context: Context) -> None:
    """Flows whose counters stood still since they were read: their baseline is now exact.

    Not while a run is under way: whether Zoho's total counts it already is not documented.
    """
    recent = context.clock() - UNDER_WAY
    running = Execution.objects.filter(
        account=context.account, recheck_at__isnull=False, started_time__gte=recent
    ).values("flow")
    provisional = Flow.objects.filter(account=context.account, gone_at=None, baseline_firm=False, hole_reason="")
    for flow in provisional.exclude(baseline_total=None).exclude(pk__in=running).defer("raw", "description"):
        if not flow.has_moved:
            executions.firm_up(flow)
