"""Sweeps one account: takes the steps of `STEPS` in order, each stream ending in a state with a reason.

In the background the planner says what is due. Pages of the list of flows come first; the flows on a page
that moved are read at once after it, then what is due for another reason, and history from what is left; reports
of CRM, the night's checks and definitions last. In an account's very first sweep the newest runs of each flow come
right after the list. A person's sync reads everything, and lists the flows once more afterwards: what moved
meanwhile is read too, what stood still is settled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from django.db.models import Q

from monitor.connection import organisation
from monitor.ingest.base import list_pace, stream_due
from monitor.ingest.base.calls import OutOfTime
from monitor.ingest.base.context import Context
from monitor.ingest.base.result import Result
from monitor.ingest.history.backfill import Backfill
from monitor.ingest.lists.connected_workflows import read_connected
from monitor.ingest.lists.connections import read_connections
from monitor.ingest.lists.crm_edition import read_edition
from monitor.ingest.lists.definitions import read_connected_definitions, read_flow_definitions, read_rule_definitions
from monitor.ingest.lists.notification_channels import keep_channels
from monitor.ingest.lists.rule_limits import read_rule_limits
from monitor.ingest.lists.rule_usage import read_usage
from monitor.ingest.lists.rules import read_rules
from monitor.ingest.lists.webhook_failures import read_webhook_failures
from monitor.ingest.night import checks
from monitor.ingest.steps import stream_outcomes, sync_states
from monitor.ingest.steps.follow_flow_list import follow_list, look_ahead
from monitor.ingest.steps.moved_flows import Reader, next_visit
from monitor.ingest.steps.read_everything import read_moved, read_whole_list
from monitor.models import ApiCall, Product, Stream, StreamState, SyncState, WorkflowRule
from monitor.zoho.crm import CrmClient
from monitor.zoho.errors import ClientRefused, GrantRevoked
from monitor.zoho.flow import FlowClient


def sweep(context: Context) -> Result:
    """Reads what the mode asks for and records how it went."""
    started = context.clock()
    mine = SyncState.objects.filter(account=context.account)
    is_first = mine.filter(last_finished_at=None).exists()
    with context.writing():
        mine.update(last_started_at=started)
    states = stream_due.states_of(context)
    executions = states.get(Stream.EXECUTIONS.value)
    context.pages.take_over(executions.cursor if executions is not None else {}, started)
    page_size = context.pages.sizes[0]
    find_due = stream_due.due_for_a_person if context.mode.reads_everything else stream_due.due_streams
    due = find_due(states, started)
    try:
        _Sweep(context, due, is_first=is_first).take_steps()
    except (OutOfTime, GrantRevoked, ClientRefused) as stop:
        context.result.stopped = stop
    stream_outcomes.back_off(context)
    sync_states.record(context, started)
    if context.pages.sizes[0] != page_size:
        stream_due.add_to_cursor(context, Stream.EXECUTIONS, **context.pages.found(context.clock()))
    return context.result


@dataclass
class _Sweep:
    """Takes the steps of one sweep; holds what they have in common."""

    context: Context
    due: set[Stream]
    is_first: bool
    flow: FlowClient | None = field(init=False)
    crm: CrmClient | None = field(init=False)
    knows_whose: bool = False
    _listed: dict[Stream, bool] = field(default_factory=dict)
    _read: dict[Stream, int] = field(default_factory=dict)  # and what each cost, until it is put off

    def __post_init__(self) -> None:
        clients, context = self.context.clients, self.context
        # What Zoho or our breaker wants left alone is not asked, but for a person.
        blocked = {} if context.mode.reads_everything else clients.gate.blocked()
        context.result.resume |= {product: until for product, until in blocked.items() if product in clients.products}
        self.flow = clients.flow if Product.FLOW not in blocked else None
        self.crm = clients.crm if Product.CRM not in blocked else None

    def client(self, product: Product) -> Any:
        """Returns the client of a product; None where it is not to be asked."""
        return self.flow if product == Product.FLOW else self.crm

    @cached_property
    def history(self) -> Backfill:
        """Returns what reads first readings."""
        assert self.flow is not None  # noqa: S101 - steps of Flow are taken where there is a client
        return Backfill(self.context, self.flow)

    @cached_property
    def reader(self) -> Reader | None:
        """Returns what reads flows in the background; None for a person's sync."""
        if self.context.mode.reads_everything or self.flow is None:
            return None
        return Reader(self.context, self.flow, self.history)

    def answers(self, product: Product) -> bool:
        """Says whether a product was not given up in this sweep."""
        return product not in self.context.result.dead_products

    def is_listed(self, stream: Stream) -> bool:
        """Says whether what hangs on a list can be read: not where the list is refused in this sweep or the last."""
        outcome = self.context.result.outcomes.get(stream.value)
        if outcome is not None:
            return outcome.state == StreamState.State.OK or outcome.aside > 0
        if stream not in self._listed:
            is_read = Q(state=StreamState.State.OK) | Q(quarantined__gt=0)
            rows = StreamState.objects.filter(is_read, account=self.context.account, stream=stream)
            self._listed[stream] = rows.exists()
        return self._listed[stream]

    @cached_property
    def reads_runs(self) -> bool:
        """Says whether executions are read after the list: looked at first just before, and then it stands."""
        return not stream_outcomes.has_failed(self.context, Stream.EXECUTIONS)

    def take_steps(self) -> None:
        """Takes the steps that are due, once it is known whose organisation it is that answers."""
        try:
            self._look_whose_it_is()
            for step in STEPS:
                if self._is_wanted(step):
                    self._take(step)
        except (OutOfTime, GrantRevoked, ClientRefused):
            self._put_off()  # what was read before the sweep's end is not due again
            raise
        self._put_off()

    def _look_whose_it_is(self) -> None:
        row = organisation.remembered(self.context.account)
        self.knows_whose = organisation.known_of(row).is_known
        if self.crm is not None and self.knows_whose and read_edition(self.context, self.crm):
            return
        # Where it was another one and could not be asked for now, nothing says that this is over.
        organisation.refuse_other(row)

    def _is_wanted(self, step: Step) -> bool:
        if self.client(step.product) is None or (step.turn is not None and step.turn not in self.due):
            return False
        return (step.needs is None or self.is_listed(step.needs)) and step.when(self)

    def _take(self, step: Step) -> None:
        if step.cost is None:
            self._put_off()
        if step.notes_itself:
            step.read(self)
            return
        stream_outcomes.settle(self.context, step.stream, step.product, partial(step.read, self))
        if step.cost is not None:
            self._read[step.stream] = step.cost(self)

    def _put_off(self) -> None:
        """Has the planner say when what was read is due again; several in one transaction."""
        if self._read:
            stream_due.set_due_again(self.context, self._read)
            self._read = {}


@dataclass(frozen=True)
class Step:
    """Describes one thing that a sweep reads.

    Attributes:
        stream: whose state tells how it went.
        product: whose calls it costs; left alone once it gives no answer.
        read: reads it.
        turn: the stream with whose turn it comes; None for every sweep.
        needs: the list on which it hangs.
        when: what else has to be so.
        cost: calls of one reading, by which the planner says when it is due again; None where `read` says it.
        notes_itself: whether `read` notes by itself how it went, also that it went badly.
    """

    stream: Stream
    product: Product
    read: Callable[[_Sweep], None]
    turn: Stream | None = None
    needs: Stream | None = None
    when: Callable[[_Sweep], bool] = lambda sweep: True
    cost: Callable[[_Sweep], int] | None = None
    notes_itself: bool = False


def _plainly(product: Product, read: Callable[[Context, Any], None]) -> Callable[[_Sweep], None]:
    return lambda sweep: read(sweep.context, sweep.client(product))


def _look_ahead(sweep: _Sweep) -> None:
    if sweep.reader is not None:
        look_ahead(sweep.context, sweep.reader)


def _list_flows(sweep: _Sweep) -> None:
    if sweep.flow is None:
        return
    if sweep.reader is not None:
        follow_list(sweep.context, sweep.flow, sweep.reader)
    else:
        read_whole_list(sweep.context, sweep.flow)


def _read_executions(sweep: _Sweep) -> None:
    if sweep.reader is not None:
        sweep.reader.rest()
    elif sweep.flow is not None:
        read_moved(sweep.context, sweep.flow, sweep.history)


def _say_when_executions_are_due(sweep: _Sweep) -> None:
    """Writes down when executions are due: without a list not by themselves, for the next one brings them along.

    Where they cannot be read at all, they are tried with the next list too and not sooner.
    """
    outcome = sweep.context.result.outcomes.get(Stream.EXECUTIONS.value)
    bad = outcome is not None and outcome.state in (StreamState.State.FAILING, StreamState.State.NOT_AVAILABLE)
    by_themselves = sweep.is_listed(Stream.FLOWS) and not bad
    stream_due.set_due(sweep.context, Stream.EXECUTIONS, next_visit(sweep.context) if by_themselves else None)


def _list_rules(sweep: _Sweep) -> None:
    context = sweep.context
    assert sweep.crm is not None  # noqa: S101 - steps of CRM are taken where there is a client
    with context.clients.gate.doing(ApiCall.Kind.LIST):
        read_rules(context, sweep.crm)
    if not sweep.knows_whose:  # else it was looked at before anything was read
        read_edition(context, sweep.crm)


def _pages_of_rules(sweep: _Sweep) -> int:
    listed = sweep.context.result.outcomes.get(Stream.RULES.value)
    if listed is not None and listed.state == StreamState.State.OK:
        return 1 + listed.items // 200
    return 1 + WorkflowRule.objects.filter(account=sweep.context.account, gone_at=None).count() // 200


def _read_usage(context: Context, client: CrmClient) -> None:
    most = None if context.mode.reads_everything else stream_due.usage_calls(context)
    with context.clients.gate.doing(ApiCall.Kind.OTHER, at_most=most):
        read_usage(context, client)


def _unhurried(product: Product, read: Callable[[Context, Any], None]) -> Callable[[_Sweep], None]:
    """Has something read with calls that are spare."""

    def read_some(sweep: _Sweep) -> None:
        context = sweep.context
        most = None if context.mode.reads_everything else stream_due.unhurried_calls(context, product)
        with context.clients.gate.doing(ApiCall.Kind.OTHER, at_most=most):
            read(context, sweep.client(product))

    return read_some


def _one_call(sweep: _Sweep) -> int:
    return 1


def _is_background(sweep: _Sweep) -> bool:
    return sweep.reader is not None


def _is_first(sweep: _Sweep) -> bool:
    return sweep.is_first and not (sweep.reader is not None and sweep.reader.given_up)


def _has_room(sweep: _Sweep) -> bool:
    return sweep.reader is None or list_pace.fits(stream_due.free_now(sweep.context))


def _checks_by_night(sweep: _Sweep) -> bool:
    """Says whether the night's checks go on: where Flow gives no answer they wait, which is no failure of theirs."""
    return sweep.reader is not None and sweep.reads_runs and sweep.answers(Product.FLOW)


FLOW, CRM = Product.FLOW, Product.CRM
STEPS = (
    Step(Stream.EXECUTIONS, FLOW, _look_ahead, when=_is_background),
    Step(Stream.FLOWS, FLOW, _list_flows, turn=Stream.FLOWS),
    Step(Stream.EXECUTIONS, FLOW, lambda sweep: sweep.history.read_newest(), needs=Stream.FLOWS, when=_is_first),
    Step(
        *(Stream.CONNECTIONS, FLOW, _plainly(FLOW, read_connections)),
        turn=Stream.CONNECTIONS,
        when=_has_room,
        cost=_one_call,
    ),
    Step(Stream.RULES, CRM, _list_rules, turn=Stream.RULES, cost=_pages_of_rules),
    Step(
        *(Stream.CHANNELS, CRM, _plainly(CRM, keep_channels)),
        turn=Stream.CHANNELS,
        when=lambda sweep: sweep.answers(CRM),
        notes_itself=True,
    ),
    Step(Stream.EXECUTIONS, FLOW, _read_executions, needs=Stream.FLOWS, when=lambda sweep: sweep.reads_runs),
    Step(Stream.STATISTICS, FLOW, _plainly(FLOW, checks.go_on_with_checks), needs=Stream.FLOWS, when=_checks_by_night),
    Step(Stream.EXECUTIONS, FLOW, _say_when_executions_are_due, notes_itself=True),
    Step(Stream.USAGE, CRM, _plainly(CRM, _read_usage), turn=Stream.RULES, needs=Stream.RULES),
    Step(Stream.CONNECTED, CRM, _plainly(CRM, read_connected), turn=Stream.CONNECTED, cost=_one_call),
    Step(
        *(Stream.WEBHOOK_FAILURES, CRM, _plainly(CRM, read_webhook_failures)),
        turn=Stream.WEBHOOK_FAILURES,
        cost=_one_call,
    ),
    # Last of all, from what is spare.
    Step(Stream.DEFINITIONS, FLOW, _unhurried(FLOW, read_flow_definitions), needs=Stream.FLOWS),
    Step(Stream.DEFINITIONS, CRM, _unhurried(CRM, read_rule_definitions), needs=Stream.RULES),
    Step(Stream.DEFINITIONS, CRM, _unhurried(CRM, read_connected_definitions), needs=Stream.CONNECTED),
    Step(
        *(Stream.RULE_LIMITS, CRM, _unhurried(CRM, read_rule_limits)),
        turn=Stream.RULE_LIMITS,
        needs=Stream.RULES,
        cost=_one_call,
    ),
)
