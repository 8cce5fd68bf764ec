"""What is written outside a page's transaction is written under the fence too: nobody late decides what is true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor import ingest
from monitor.ingest import sweep
from monitor.ingest.base import read_soon, stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.lease import Lease, LeaseLost
from monitor.ingest.base.list_pace import Budget
from monitor.ingest.base.mode import Mode, Patience
from monitor.ingest.history.backfill import Backfill
from monitor.ingest.lists import definitions, notification_channels, rule_usage
from monitor.ingest.lists.flows import Round
from monitor.ingest.runs import holes, refused_flows
from monitor.ingest.runs.read_runs import read_one
from monitor.models import (
    Execution,
    Flow,
    Product,
    Stream,
    StreamState,
    SyncState,
    WatchChannel,
    WorkflowRule,
    ZohoAccount,
)
from monitor.zoho.errors import NotAvailable, NotFound, Refused
from tests.bystander import own
from tests.factories import make_execution, make_flow, make_rule
from tests.fake_zoho import Clock, FakeFlow, Killed, Run, Zoho, hasty, sync


@pytest.fixture
def late(account: ZohoAccount, now: datetime) -> Context:
    """A sweep that was suspended until another process had taken its account over."""
    clock = Clock(now)
    lease = Lease.take(account, now)
    clock.pause(61)
    assert lease is not None
    assert Lease.take(account, clock()) is not None
    return Context(account, None, lease, clock, Patience(Mode.TASK, pause=clock.pause))  # type: ignore[arg-type]


def settle(context: Context) -> None:
    """With the counters of an old list, beside rows that the new holder has stored since."""
    flow = make_flow(context.account, baseline_total=0, baseline_firm=False, execution_count=5, success_count=5)
    holes.firm_up(context, flow)


def leave_word(context: Context) -> None:
    Round(context.clock(), page=3).save(context, finished=False)


def put_off(context: Context) -> None:
    stream_due.set_due(context, Stream.FLOWS, context.clock() + timedelta(hours=1))


def put_many_off(context: Context) -> None:
    context.note(Stream.RULES, StreamState.State.OK)
    context.room.budgets[Product.CRM] = context.clock(), Budget(None)
    stream_due.set_due_again(context, {Stream.RULES: 1, Stream.CONNECTED: 1})


def leave_alone(context: Context) -> None:
    """A flow that this one could not read, and the new holder perhaps has read."""
    refused_flows.put_off(context, make_flow(context.account), context.clock())


def take_the_wish_back(context: Context) -> None:
    flow = make_flow(context.account, wanted_at=context.clock(), hinted_at=context.clock())
    read_soon.answered(context, flow, context.clock())


def note_what_was_listed_unmoved(context: Context) -> None:
    seen = context.clock()
    flow = make_flow(context.account, seen_at=seen, definition_seen_at=seen - timedelta(hours=1))
    Flow.objects.filter(pk=flow.pk).update(definition_signature=definitions.signature(definitions.FLOWS, flow))
    definitions._note_unmoved(context, definitions.FLOWS, list(own(Flow)))


def note_a_try_for_a_definition(context: Context) -> None:
    def refuse(flow: Flow) -> tuple[str, dict[str, object]]:
        raise Refused("no such flow")

    flow = make_flow(context.account)
    definitions._ask(context, definitions.FLOWS, flow, refuse)


def note_a_try_for_a_report(context: Context) -> None:
    rule = make_rule(context.account)
    with rule_usage._put_off_if_refused(context, rule):
        raise Refused("no such rule")


def call_a_channel_elsewhere(context: Context) -> None:
    WatchChannel.objects.create(
        account=context.account, module="Leads", channel_id="1", token="t", notify_url="https://old.example.com"
    )
    notification_channels._add_missing(context, {"Leads"})


def enter_calls_of_history(context: Context) -> None:
    history = Backfill(context, None)  # type: ignore[arg-type]
    history._calls_of[make_flow(context.account).pk] = 3
    history._enter_flow(own(Flow).get().pk)


def begin(context: Context) -> None:
    sweep.sweep(context)


class Nothing:
    """A Flow client that gives no single run."""

    last_server_date = None

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get_execution(self, flow_id: str, execution_id: str) -> None:
        raise self._error


def forget_a_run(context: Context) -> None:
    """One that Zoho does not have, or does not give: by then the new holder may have read it."""
    run = make_execution(make_flow(context.account), "running", recheck_at=context.clock())
    context.lease.keep = lambda clock: None  # type: ignore[method-assign]
    read_one(context, Nothing(NotFound("gone")), run.flow, run.execution_id)  # type: ignore[arg-type]


def put_a_run_off(context: Context) -> None:
    run = make_execution(make_flow(context.account), "running", recheck_at=context.clock())
    context.lease.keep = lambda clock: None  # type: ignore[method-assign]
    read_one(context, Nothing(NotAvailable("no")), run.flow, run.execution_id)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "write",
    [
        *(note_a_try_for_a_report, call_a_channel_elsewhere, enter_calls_of_history, begin),
        *(forget_a_run, put_a_run_off),
        *(settle, leave_word, put_off, put_many_off, leave_alone, take_the_wish_back),
        *(note_what_was_listed_unmoved, note_a_try_for_a_definition),
    ],
)
def test_who_was_overtaken_settles_no_baseline_leaves_no_cursor_and_puts_nothing_off(
    late: Context, write: Callable[[Context], None]
) -> None:
    with pytest.raises(LeaseLost):
        write(late)

    assert not own(Flow).filter(progress__baseline_firm=True).exists()
    assert not own(Flow).exclude(progress__recheck_at=None).exists()
    assert own(Flow).exclude(progress__wanted_at=None).count() == (write is take_the_wish_back)
    assert not own(Flow).filter(definition_tries__gt=0).exists()
    assert not own(Flow).filter(definition_seen_at=late.clock()).exists()
    assert not own(StreamState).exists()
    assert not own(WorkflowRule).filter(usage_tries__gt=0).exists()
    assert not own(WatchChannel).exclude(notify_url="https://old.example.com").exists()
    assert not own(Flow).filter(progress__history_calls__gt=0).exists()
    assert not own(SyncState).exclude(last_started_at=None).exists()
    assert not own(Execution).exclude(recheck_at=late.clock()).exists()


def test_who_was_overtaken_leaves_the_stream_of_channels_to_the_new_holder(late: Context) -> None:
    StreamState.objects.create(account=late.account, stream=Stream.CHANNELS)

    with pytest.raises(LeaseLost):
        notification_channels._forget_stream(late)

    assert own(StreamState).filter(stream=Stream.CHANNELS).exists()


def test_who_was_overtaken_while_it_asked_for_a_flow_does_not_call_it_gone(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.flows = [FakeFlow(runs=[Run(zoho.clock())]) for _ in range(10)]
    sync(account, zoho)
    lost = zoho.flows.pop()
    sync(account, zoho)
    zoho.clock.pause(60)

    def slow(number: int, what: str) -> None:
        if what == f"flow {lost.flow_id}":
            zoho.clock.pause(61)
            assert Lease.take(account, zoho.clock()) is not None

    zoho.before_call = slow
    for _ in range(3):
        result = sync(account, zoho, patience=hasty(zoho))
        if result.stopped is not None:
            break

    assert isinstance(result.stopped, LeaseLost)
    assert Flow.objects.get(flow_id=lost.flow_id).gone_at is None


def test_nobody_may_write_under_a_fence_of_an_own_making() -> None:
    """A transaction and the look at the lease belong together: `Context.writing` is the one place that has both."""
    sources = {path.name: path.read_text() for path in Path(str(ingest.__file__)).parent.rglob("*.py")}

    assert [name for name, text in sources.items() if "lease.check()" in text] == ["context.py"]


def test_what_fails_halfway_leaves_nothing_behind(account: ZohoAccount, now: datetime) -> None:
    lease = Lease.take(account, now)
    assert lease is not None
    context = Context(account, None, lease, lambda: now, Patience(Mode.TASK, pause=lambda seconds: None))  # type: ignore[arg-type]

    def write_and_die() -> None:
        with context.writing():
            make_flow(account)
            raise Killed

    with pytest.raises(Killed):
        write_and_die()

    assert not own(Flow).exists()
