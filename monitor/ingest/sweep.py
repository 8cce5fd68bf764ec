"""One sweep of one account: every stream in turn, each ending in a state with a reason.

In the background the planner says what is due. Pages of the list of flows come first; the flows on a page
that moved are read at once after it, then what is due for another reason, and history from what is left; reports
of CRM, the night's checks and definitions last. In an account's very first sweep the newest runs of each flow come
right after the list. A person's sync reads everything, and lists the flows once more afterwards: what moved
meanwhile is read too, what stood still is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from monitor.connection import BudgetSpent
from monitor.connection.budget import KeptForOthers
from monitor.ingest import sync_states
from monitor.ingest.base import pace, schedule
from monitor.ingest.base.context import Context, OutOfTime, Result
from monitor.ingest.due_flows import Reader, due_flows, next_visit, read_flow
from monitor.ingest.history.backfill import Backfill, mark_fresh
from monitor.ingest.lists.connected_workflows import read_connected
from monitor.ingest.lists.connections import read_connections
from monitor.ingest.lists.crm_edition import read_edition
from monitor.ingest.lists.definitions import read_connected_definitions, read_flow_definitions, read_rule_definitions
from monitor.ingest.lists.flows import Round, living, read_flows, read_page
from monitor.ingest.lists.notification_channels import keep_channels
from monitor.ingest.lists.rule_usage import read_usage
from monitor.ingest.lists.rules import read_rules
from monitor.ingest.lists.webhook_failures import read_webhook_failures
from monitor.ingest.night import checks
from monitor.ingest.runs import counters, page_sizes, read_runs
from monitor.ingest.runs.reread import reread_due
from monitor.models import ApiCall, Execution, Flow, Product, Stream, StreamState, SyncState, WorkflowRule
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import ClientRefused, GrantRevoked, NotAvailable, TokenRefused, Unreachable, Wait, ZohoError
from monitor.zoho.flow import FlowClient

ROUNDS = 3  # how often a person's sync follows flows that move while it reads
UNDER_WAY = timedelta(hours=1)
LONG = 5  # pages in one sweep; from there on one more makes little difference


def sweep(context: Context, *, everything: bool) -> Result:
    """Reads what is due (or everything) and records how it went.

    Args:
        everything: a person's sync: all streams now, and a closing list; else only the streams that are due.
    """
    started = context.clock()
    mine = SyncState.objects.filter(account=context.account)
    is_first = mine.filter(last_finished_at=None).exists()
    mine.update(last_started_at=started)
    page_sizes.load(context)
    page_size = context.page_sizes[0]
    try:
        _streams(context, everything=everything, now=started, is_first=is_first)
    except (OutOfTime, GrantRevoked, ClientRefused) as stop:
        context.result.stopped = stop
    _back_off(context)
    sync_states.record(context, started)
    page_sizes.save(context, page_size)
    return context.result


def _back_off(context: Context) -> None:
    """Leaves a product alone that gives no answer at all; the other one goes on."""
    for product, error in context.dead_products.items():
        if isinstance(error, Unreachable) or error is _token_failure(context):
            context.result.resume[product] = context.clients.gate.failed(product, str(error))


def _token_failure(context: Context) -> Exception | None:
    """What kept the access token from being renewed, if anything did: it concerns both products."""
    return context.clients.tokens.failure


def _streams(context: Context, *, everything: bool, now: datetime, is_first: bool) -> None:
    due = set(Stream) if everything else schedule.due_streams(context, now)
    flow, crm = context.clients.flow, context.clients.crm
    if not everything:
        flow = flow if flow is not None and _may_be_asked(context, Product.FLOW) else None
        crm = crm if crm is not None and _may_be_asked(context, Product.CRM) else None
    history = Backfill(context, flow, everything=everything) if flow is not None else None
    reader = None if flow is None or history is None or everything else Reader(context, flow, history)
    if flow is not None and history is not None:
        _lists(context, flow, reader, history if is_first else None, due)
    if crm is not None and Stream.RULES in due:
        _run(context, Stream.RULES, "crm", partial(_list_rules, context, crm))
        pages = 1 + WorkflowRule.objects.filter(account=context.account, gone_at=None).count() // 200
        schedule.put_off(context, Stream.RULES, calls=pages)
    if crm is not None and Stream.CHANNELS in due and "crm" not in context.dead_products:
        keep_channels(context, crm)
    if flow is not None and history is not None:
        if _goes_on(context, Stream.FLOWS):
            _executions(context, flow, reader, history)
        else:
            # Nothing of them can be done before there is a list again: it brings them along.
            schedule.set_due(context, Stream.EXECUTIONS, None)
    if crm is not None:
        _crm_reports(context, crm, due, everything=everything)
    _read_definitions(context, flow, crm, everything=everything)


def _lists(
    context: Context, flow: FlowClient, reader: Reader | None, newest: Backfill | None, due: set[Stream]
) -> None:
    """The lists of Zoho Flow; `newest` reads each flow's newest runs right after its list."""
    if reader is not None:
        _run(context, Stream.EXECUTIONS, "flow", partial(_look_ahead, context, reader))
    if Stream.FLOWS in due:
        _run(context, Stream.FLOWS, "flow", partial(_list_flows, context, flow, reader))
    if newest is not None and _goes_on(context, Stream.FLOWS) and not (reader and reader.given_up):
        _run(context, Stream.EXECUTIONS, "flow", newest.read_newest)
    if Stream.CONNECTIONS in due and (reader is None or pace.fits(schedule.free_now(context))):
        _run(context, Stream.CONNECTIONS, "flow", partial(read_connections, context, flow))
        schedule.put_off(context, Stream.CONNECTIONS)


def _executions(context: Context, flow: FlowClient, reader: Reader | None, history: Backfill) -> None:
    if not _has_failed(context, Stream.EXECUTIONS):
        read = partial(_read_moved, context, flow, history) if reader is None else reader.rest
        _run(context, Stream.EXECUTIONS, "flow", read)
        # Where Flow gives no answer the night's checks are put off, which is no failure of theirs.
        if reader is not None and "flow" not in context.dead_products:
            _run(context, Stream.STATISTICS, "flow", partial(checks.check, context, flow))
    schedule.set_due(context, Stream.EXECUTIONS, _next_visit(context))


def _has_failed(context: Context, stream: Stream) -> bool:
    outcome = context.result.outcomes.get(stream.value)
    return outcome is not None and outcome.state != StreamState.State.OK


def _crm_reports(context: Context, crm: CrmClient, due: set[Stream], *, everything: bool) -> None:
    if Stream.RULES in due and _goes_on(context, Stream.RULES):
        _run(context, Stream.USAGE, "crm", partial(_read_usage, context, crm, everything=everything))
    reads = {Stream.CONNECTED: read_connected, Stream.WEBHOOK_FAILURES: read_webhook_failures}
    done: list[Stream] = []
    try:
        for stream, read in reads.items():
            if stream in due:
                _run(context, stream, "crm", partial(read, context, crm))
                done.append(stream)
    except (OutOfTime, GrantRevoked, ClientRefused):
        schedule.put_off(context, *done)  # what was read before the sweep's end is not due again
        raise
    schedule.put_off(context, *done)


def _read_definitions(context: Context, flow: FlowClient | None, crm: CrmClient | None, *, everything: bool) -> None:
    """Last of all, from what is spare; each kind only where its list could be read."""
    works: list[tuple[Stream, Product, Callable[[], None]]] = []
    if flow is not None:
        works.append((Stream.FLOWS, Product.FLOW, partial(read_flow_definitions, context, flow, everything=everything)))
    if crm is not None:
        rules = partial(read_rule_definitions, context, crm, everything=everything)
        works.append((Stream.RULES, Product.CRM, rules))
        connected = partial(read_connected_definitions, context, crm, everything=everything)
        works.append((Stream.CONNECTED, Product.CRM, connected))
    for listed, product, work in works:
        if _goes_on(context, listed):
            most = None if everything else schedule.unhurried_calls(context, product)
            _run(context, Stream.DEFINITIONS, product.value, partial(_with_calls, context, most, work))


def _with_calls(context: Context, most: int | None, work: Callable[[], None]) -> None:
    with context.clients.gate.doing(ApiCall.Kind.OTHER, at_most=most):
        work()


def _next_visit(context: Context) -> datetime | None:
    """Where executions cannot be read at all, they are tried with the next list and not sooner."""
    outcome = context.result.outcomes.get(Stream.EXECUTIONS.value)
    bad = outcome is not None and outcome.state in (StreamState.State.FAILING, StreamState.State.NOT_AVAILABLE)
    return None if bad else next_visit(context)


def _may_be_asked(context: Context, product: str) -> bool:
    """Not while Zoho, or our breaker, wants a product left alone: its streams stay as they are."""
    until = context.clients.gate.blocked_until(product)
    if until is not None:
        context.result.resume[product] = until
    return until is None


def _list_flows(context: Context, client: FlowClient, reader: Reader | None) -> None:
    """The list of flows: a person's sync reads all of it, the background as many pages as the planner says."""
    if reader is None:
        pages = 1
        try:
            pages = read_flows(context, client)
            _settle_still(context)
        finally:
            schedule.set_due(context, Stream.FLOWS, _list_again(context, None, pages, pages))
        return
    due, asked, finished = schedule.due_at(context, Stream.FLOWS), 0, False
    walk = Round.load(context.account, context.clock())
    slots = schedule.list_slots(context)
    most = _pages_now(context, walk, slots.pages)
    try:
        _look_at_alerting(reader, walk, most)
        while asked < most and not (finished or context.is_late or "flow" in context.dead_products):
            if not pace.fits(schedule.free_now(context), slots.kept):
                break  # what followed from the pages before has taken the place of this one
            asked += 1
            finished = read_page(context, client, walk, partial(_follow, context, reader))
    except (OutOfTime, Wait):
        raise
    except ZohoError:
        # A page that cannot be read must not keep those before it from being read: the list is begun anew.
        finished = True
        raise
    finally:
        if asked:
            walk.save(context, finished=finished, next_due_at=_list_again(context, due, asked, walk.pages))
        else:
            schedule.set_due(context, Stream.FLOWS, max(slots.free_from, context.clock() + timedelta(seconds=1)))


def _pages_now(context: Context, walk: Round, slots: int | None) -> int:
    """Pages to ask for in this sweep: all, as long as it is not known how many there are."""
    most = 10_000
    if walk.pages:
        left = max(walk.pages - walk.page + 2, 1)  # with the empty one beyond the last, if it is asked for
        apart = pace.spacing(walk.pages, schedule.budget(context, Product.FLOW), context.clock())
        some = pace.batch(walk.pages, apart)
        most = left if left - 1 <= some else some
    return most if slots is None else min(most, slots)


def _look_at_alerting(reader: Reader, walk: Round, most: int) -> None:
    """On a long list, one page with open alerts in each sweep, out of turn."""
    if LONG <= most < walk.pages:
        page = reader.alerting_page(range(walk.page, walk.page + most))
        if page is not None:
            reader.look_at(page, ApiCall.Kind.LIST)


def _list_again(context: Context, due: datetime | None, asked: int, pages: int) -> datetime:
    now = context.clock()
    apart = pace.spacing(pages or asked, schedule.budget(context, Product.FLOW), now)
    return pace.next_due(due, asked, apart, now)


def _follow(context: Context, reader: Reader, some: Sequence[Flow]) -> None:
    """What a page of the list gives rise to; a failure of it is the executions' and does not end the list."""
    _settle_still(context, some)
    if reader.given_up:
        return
    try:
        _run(context, Stream.EXECUTIONS, "flow", partial(reader.on_page, some))
    except OutOfTime as stop:
        context.result.stopped = stop
    outcome = context.result.outcomes.get(Stream.EXECUTIONS.value)
    reader.given_up = outcome is not None and outcome.state != StreamState.State.OK


def _look_ahead(context: Context, reader: Reader) -> None:
    for page in reader.pages_ahead():
        reader.look_at(page, ApiCall.Kind.PEOPLE)
    for page in reader.pages_hinted():
        if not pace.fits(schedule.free_now(context), calls=1 + pace.READ_CALLS):
            return  # they stay marked, and are read with what is due
        reader.look_at(page, ApiCall.Kind.OTHER)


def _list_rules(context: Context, client: CrmClient) -> None:
    with context.clients.gate.doing(ApiCall.Kind.LIST):
        read_rules(context, client)
    read_edition(context, client)


def _read_usage(context: Context, client: CrmClient, *, everything: bool) -> None:
    most = None if everything else schedule.usage_calls(context)
    with context.clients.gate.doing(ApiCall.Kind.OTHER, at_most=most):
        read_usage(context, client)


def _run(context: Context, stream: Stream, product: str, work: Callable[[], None]) -> None:
    """Turns what goes wrong in one stream into its state; what concerns the whole account goes on up."""
    if product in context.dead_products:
        error = context.dead_products[product]
        if not isinstance(error, Wait):
            context.note(stream, StreamState.State.FAILING, str(error), error=error)
        return
    try:
        work()
    except (OutOfTime, KeptForOthers) as stop:
        context.note(stream, StreamState.State.INCOMPLETE, str(stop) or "goes on with the next task")
        if isinstance(stop, OutOfTime):
            raise
    except Wait as stop:
        ours = isinstance(stop, BudgetSpent)
        context.note(stream, StreamState.State.INCOMPLETE if ours else StreamState.State.FAILING, str(stop), error=stop)
        context.halt(product, stop)
    except (GrantRevoked, ClientRefused) as stop:
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


def _read_moved(context: Context, client: FlowClient, history: Backfill) -> None:
    """A person's sync: reads the flows whose counters moved, then history, and follows what moves meanwhile."""
    trouble, finished, gate = history.trouble, 0, context.clients.gate
    for turn in range(ROUNDS):
        moved = due_flows(context, living(context))
        if turn:
            # What cannot be told to have moved, or failed a moment ago, is not followed.
            moved = [flow for flow in moved if counters.counters_of(flow).known and flow.flow_id not in trouble.named]
        for done, flow in enumerate(moved, start=1):
            with trouble.of(flow.flow_id), gate.doing(ApiCall.Kind.OTHER):
                read_flow(context, client, flow)
            context.progress("executions", done, len(moved))
        if turn == 0:
            reread_due(context, client)
            history.read_new()
            mark_fresh(context)
        with gate.doing(ApiCall.Kind.HISTORY):
            history.go_on()
        if not (moved or history.finished > finished):
            break
        finished = history.finished
        read_flows(context, client)
        _settle_still(context)
    trouble.settle()
    context.note(Stream.EXECUTIONS, StreamState.State.OK, items=context.result.flows_read)


def _settle_still(context: Context, some: Sequence[Flow] | None = None) -> None:
    """Flows whose counters stood still since they were read: their baseline is now exact.

    Not while a run is under way: whether Zoho's total counts it already is not documented.
    """
    some = living(context) if some is None else some
    still = {flow.pk: flow for flow in some if flow.progress.is_provisional and not flow.has_moved}
    if not still:
        return
    recent = context.clock() - UNDER_WAY
    running = Execution.objects.filter(flow__in=still, recheck_at__isnull=False, started_time__gte=recent)
    for key in still.keys() - set(running.values_list("flow_id", flat=True)):
        read_runs.firm_up(context, still[key])
