"""Which rows a step of a sweep is about: other flows, streams, accounts and times beside them change nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import F

from monitor.ingest.base import list_pace, read_soon, stream_due
from monitor.ingest.base.context import Context
from monitor.ingest.base.deleted_in_zoho import mark_gone
from monitor.ingest.base.lease import Lease, LeaseLost
from monitor.ingest.history.backfill import unfinished
from monitor.ingest.lists.flows import Round
from monitor.ingest.night import reconcile
from monitor.models import DirtyHour, Execution, Flow, FlowProgress, Stream, StreamState, SyncState, ZohoAccount
from tests.bystander import NEVER, own
from tests.factories import change_flow, make_account, make_execution, make_flow

pytestmark = pytest.mark.django_db
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def lease(context: Context) -> Lease:
    return context.lease


def state_of(account: ZohoAccount) -> dict[str, Any]:
    return SyncState.objects.filter(account=account).values().get()


@pytest.mark.parametrize("change", [{"lease_owner": "the next one"}, {"fence": F("fence") + 1}])
def test_a_lease_that_another_taking_holds_is_left_to_it(
    account: ZohoAccount, lease: Lease, now: datetime, change: dict[str, Any]
) -> None:
    SyncState.objects.filter(account=account).update(**change)
    before = state_of(account)

    lease.due_no_sooner(now + HOUR)
    lease.release()
    with pytest.raises(LeaseLost):
        lease.keep(lambda: now + 59 * SECOND)

    assert state_of(account) == before


def test_a_lease_of_another_account_is_left_alone_though_owner_and_number_are_the_same(
    account: ZohoAccount, lease: Lease, now: datetime
) -> None:
    twin = make_account()
    SyncState.objects.filter(account=twin).update(
        lease_owner=lease.owner, fence=lease.fence, lease_until=now + HOUR, next_due_at=now
    )
    before = state_of(twin)

    lease.keep(lambda: now + 59 * SECOND)
    lease.due_no_sooner(now + 2 * HOUR)
    lease.release()

    assert state_of(twin) == before
    assert state_of(account)["lease_owner"] == ""


def test_a_second_hint_does_not_make_the_first_younger(account: ZohoAccount, now: datetime) -> None:
    flow = make_flow(account)
    read_soon.hint(flow, now)
    read_soon.hint(flow, now + MINUTE)
    assert FlowProgress.objects.get(flow=flow).hinted_at == now


@pytest.mark.parametrize(("due", "then"), [(-MINUTE, -MINUTE), (MINUTE, timedelta(0)), (None, timedelta(0))])
def test_a_hint_has_its_account_due_now_and_no_later_than_it_was(
    account: ZohoAccount, now: datetime, due: timedelta | None, then: timedelta
) -> None:
    SyncState.objects.filter(account=account).update(next_due_at=now + due if due is not None else None)
    read_soon.hint(make_flow(account), now)
    assert SyncState.objects.get(account=account).next_due_at == now + then


def test_the_wishes_for_other_flows_and_those_that_came_later_stay_open(context: Context, now: datetime) -> None:
    read, other = (make_flow(context.account, wanted_at=now, hinted_at=now + MINUTE) for _ in range(2))
    read_soon.answered(context, read, now)
    wishes = {
        row.flow_id: (row.wanted_at, row.hinted_at) for row in FlowProgress.objects.filter(flow__in=[read, other])
    }
    assert wishes == {read.pk: (None, now + MINUTE), other.pk: (now, now + MINUTE)}


def test_room_for_histories_is_kept_while_a_living_flow_of_the_account_with_runs_is_unread(
    context: Context, account: ZohoAccount, now: datetime
) -> None:
    ZohoAccount.objects.filter(pk=account.pk).update(plan="", calls_per_minute=10)
    account.refresh_from_db()
    make_flow(account, execution_count=5, gone_at=now)
    make_flow(account, execution_count=5, history_read_at=now)
    make_flow(account, execution_count=0)
    make_flow(execution_count=5)
    assert stream_due.list_slots(context).kept == list_pace.reads_kept(10)

    make_flow(account, execution_count=5)
    assert stream_due.list_slots(context).kept == list_pace.reads_kept(10, history=True)


def test_what_is_written_down_of_a_stream_is_that_streams(
    context: Context, account: ZohoAccount, now: datetime
) -> None:
    twin = make_account()
    for of, stream, at in ((account, "rules", now + HOUR), (twin, "flows", now + DAY), (twin, "rules", now + DAY)):
        StreamState.objects.create(
            account=of, stream=stream, state="ok", since=now, next_due_at=at, cursor={"of": f"{of.pk}{stream}"}
        )
    others = list(StreamState.objects.order_by("pk").values())

    assert Round.load(account, now).due_at is None
    assert stream_due.cursor_of(context, Stream.FLOWS) == {}
    stream_due.add_to_cursor(context, Stream.FLOWS, page=1)
    assert list(StreamState.objects.order_by("pk").values()) == others
    for at in (now + MINUTE, now + 2 * MINUTE):
        stream_due.set_due(context, Stream.FLOWS, at)
        assert Round.load(account, now).due_at == at
    stream_due.write(context, Stream.FLOWS, cursor={"page": 1})
    stream_due.add_to_cursor(context, Stream.FLOWS, more=2)

    assert stream_due.cursor_of(context, Stream.FLOWS) == {"page": 1, "more": 2}
    assert list(StreamState.objects.exclude(account=account, stream="flows").order_by("pk").values()) == others


def test_first_readings_that_are_open_are_those_of_the_accounts_living_flows(
    account: ZohoAccount, now: datetime
) -> None:
    make_flow()
    make_flow(account, gone_at=now)
    refused = make_flow(account)
    make_flow(account, executions_read_at=now)
    assert unfinished(account, {refused.flow_id}) == ""

    make_flow(account)
    ZohoAccount.objects.filter(pk=make_account().pk).update(backfill_paused=True)
    assert unfinished(account, {refused.flow_id}) == "history is being read: 1 of 2 flows complete"


def test_a_slice_begins_at_a_run_of_its_own_flow_that_has_a_start_within_its_bounds(
    account: ZohoAccount, now: datetime
) -> None:
    flow, other = make_flow(account), make_flow(account)
    for hours in (1, 2, 3, 4, 5):
        make_execution(flow, started_time=now - hours * HOUR)
        make_execution(other, started_time=now - hours * HOUR - MINUTE)
    make_execution(flow, "running", started_time=None)

    assert reconcile._edge(flow, None, None, 2) == now - 3 * HOUR
    assert reconcile._edge(flow, None, now - 2 * HOUR, 1) == now - 4 * HOUR
    assert reconcile._edge(flow, now - 5 * HOUR, None, 3) == now - 4 * HOUR
    assert reconcile._edge(flow, now - 5 * HOUR, None, 4) == now - 5 * HOUR


@pytest.mark.parametrize(
    ("fields", "is_late"),
    [
        ({}, True),
        ({"changed_at": -SECOND}, False),
        ({"started_time": -MINUTE}, False),
        ({"flow": "another"}, False),
    ],
)
def test_a_baseline_is_counted_again_for_runs_that_this_reading_stored_of_before_the_last_one(
    account: ZohoAccount, now: datetime, fields: dict[str, Any], is_late: bool
) -> None:
    counted = {"execution_count": 0, "success_count": 0, "failure_count": 0}
    flow = make_flow(account, executions_read_at=now - SECOND, baseline_firm=True, **counted)
    change_flow(flow, baseline_total=0, baseline_success=0, baseline_failed=0)
    of = make_flow(account) if fields.get("flow") else flow
    at = {"changed_at": timedelta(0), "started_time": -DAY} | fields
    make_execution(of, started_time=now + at["started_time"], changed_at=now + at["changed_at"])
    make_execution(flow, started_time=now - 2 * DAY, changed_at=now - DAY)

    reconcile._unsettle(flow, now)

    assert Flow.objects.get(pk=flow.pk).progress.baseline_firm is not is_late


def test_the_mark_of_a_run_that_the_list_has_not_is_set_on_that_run_only(context: Context, now: datetime) -> None:
    flow = make_flow(context.account)
    gone, kept, back = (make_execution(flow, unlisted_at=None, recheck_at=now) for _ in range(3))
    Execution.objects.filter(pk=back.pk).update(unlisted_at=now - DAY)
    reconcile._mark(context, [gone.pk], now)
    reconcile._mark(context, [back.pk], None)
    marks = dict(Execution.objects.filter(flow=flow).values_list("pk", "unlisted_at"))
    assert marks == {gone.pk: now, kept.pk: None, back.pk: None}


def test_the_hour_of_a_run_that_went_on_is_counted_again_once_the_list_has_it_no_longer_or_again(
    context: Context, now: datetime
) -> None:
    flow = make_flow(context.account)
    gone, back, ended = (
        make_execution(flow, status, started_time=now - hours * HOUR)
        for hours, status in ((1, "running"), (2, "running"), (3, "success"))
    )
    reconcile._mark(context, [gone.pk, ended.pk], now)
    reconcile._mark(context, [back.pk], None)
    assert set(own(DirtyHour).values_list("flow", "hour")) == {(flow.pk, now - HOUR), (flow.pk, now - 2 * HOUR)}


def test_streams_are_due_by_their_own_accounts_rows(context: Context, account: ZohoAccount, now: datetime) -> None:
    """Rows of an older and of a younger account say the contrary."""
    others = [ZohoAccount.objects.exclude(pk=account.pk).earliest("pk"), make_account()]
    StreamState.objects.filter(account=others[0]).update(next_due_at=now)
    for of, due in ((account, now + HOUR), (others[1], now)):
        StreamState.objects.create(account=of, stream="rules", state="ok", since=now, next_due_at=due)
    StreamState.objects.create(account=others[1], stream="flows", state="ok", since=now, next_due_at=now + HOUR)
    StreamState.objects.create(account=account, stream="connected", state="ok", since=now, next_due_at=now)
    try:
        assert stream_due.due_streams(stream_due.states_of(context), now) == set(Stream) - {Stream.RULES}
    finally:
        StreamState.objects.filter(account=others[0]).update(next_due_at=NEVER)


def test_what_is_gone_already_stays_gone_since_then(context: Context, now: datetime) -> None:
    flows = Flow.objects.filter(account=context.account)
    long_gone = make_flow(context.account, gone_at=now - DAY)
    listed = [make_flow(context.account) for _ in range(9)]
    missing = make_flow(context.account)
    mark_gone(context, flows, {flow.flow_id for flow in listed}, "flow_id", now)
    gone = {flow.pk: flow.gone_at for flow in flows if flow.gone_at is not None}
    assert gone == {long_gone.pk: now - DAY, missing.pk: now}
