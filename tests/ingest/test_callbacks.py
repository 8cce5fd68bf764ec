"""What callbacks bring about: one read sooner, and never more than one a window."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from monitor import pipeline
from monitor.ingest import callbacks
from monitor.ingest.callbacks import FLOW_WINDOW, FLOWS_WINDOW, RULES_WINDOW, single_execution
from monitor.models import (
    ApiBudget,
    ApiCall,
    Flow,
    FlowProgress,
    HookEndpoint,
    PushEvent,
    StreamState,
    SyncState,
    WatchChannel,
    ZohoAccount,
)
from tests import factories
from tests.bystander import own
from tests.factories import NOON
from tests.ingest.test_standin import House, quick, small

__all__ = ["quick", "small"]  # fixtures

LATER = NOON + timedelta(hours=1)
_bodies = count(1)


@pytest.fixture
def hint(account: ZohoAccount) -> Callable[..., PushEvent]:
    """`hint(flow_id=…)`: a callback that the door has accepted."""
    endpoint = HookEndpoint.objects.create(account=account, name="Errors", key_hash="h", secrets="[]", created_at=NOON)

    def make(**fields: object) -> PushEvent:
        values = {"account": account, "endpoint": endpoint, "digest": str(next(_bodies)), "received_at": NOON} | fields
        return PushEvent.objects.create(**values)

    return make


@pytest.fixture
def notified(account: ZohoAccount) -> Callable[[], PushEvent]:
    """A notification of CRM that the door has accepted."""
    channel = WatchChannel.objects.create(account=account, module="Leads", channel_id="7", token="t", notify_url="")

    def make() -> PushEvent:
        return PushEvent.objects.create(account=account, channel=channel, digest=str(next(_bodies)), received_at=NOON)

    return make


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    own(SyncState).update(next_due_at=LATER)
    for stream in ("flows", "rules", "webhook_failures", "connections"):
        StreamState.objects.create(account=account, stream=stream, state="ok", next_due_at=LATER)
    return factories.make_flow(account)


def due_streams() -> list[str]:
    return sorted(own(StreamState).filter(next_due_at__lt=LATER).values_list("stream", flat=True))


def wanted(flow: Flow) -> datetime | None:
    """Since when a hint waits; never in the name of a person."""
    assert own(Flow).values_list("progress__wanted_at", flat=True).get(pk=flow.pk) is None
    return own(Flow).values_list("progress__hinted_at", flat=True).get(pk=flow.pk)


def states() -> list[tuple[str, str]]:
    return list(own(PushEvent).order_by("pk").values_list("state", "outcome"))


def test_a_hint_at_a_flow_lets_it_be_read_next(hint, flow: Flow):
    hint(flow_id=flow.flow_id)
    taken = callbacks.take(NOON)
    assert (taken.events, taken.reads) == (1, [])
    assert wanted(flow) == NOON
    assert own(SyncState).get().next_due_at == NOON
    assert due_streams() == []
    assert states() == [("done", "flow wanted")]


def test_a_named_execution_is_to_be_read_by_itself(hint, flow: Flow):
    hint(flow_id=flow.flow_id, execution_id="567")
    taken = callbacks.take(NOON)
    assert [(target.flow, execution_id) for target, execution_id in taken.reads] == [(flow, "567")]
    assert wanted(flow) is None
    assert states() == [("claimed", "")]


def test_several_executions_of_one_flow_are_one_read_of_the_flow(hint, flow: Flow):
    for execution_id in ("1", "2", "3"):
        hint(flow_id=flow.flow_id, execution_id=execution_id)
    assert callbacks.take(NOON).reads == []
    assert wanted(flow) == NOON
    assert states() == [("done", "flow wanted")] * 3


def test_what_the_mirror_has_from_after_the_hint_costs_nothing(hint, flow: Flow):
    factories.make_execution(flow, "failed", execution_id="567", changed_at=NOON)
    hint(flow_id=flow.flow_id, execution_id="567")
    assert callbacks.take(NOON).reads == []
    assert wanted(flow) is None
    assert states() == [("done", "known")]


@pytest.mark.parametrize(
    ("status", "changed"), [("failed", NOON - timedelta(seconds=1)), ("running", NOON + timedelta(seconds=1))]
)
def test_what_the_mirror_has_from_before_or_unfinished_is_read(hint, flow: Flow, status: str, changed: datetime):
    factories.make_execution(flow, status, execution_id="567", changed_at=changed)
    hint(flow_id=flow.flow_id, execution_id="567")
    assert len(callbacks.take(NOON).reads) == 1


@pytest.mark.parametrize("flow_id", ["", "999", "'; DROP TABLE"])
def test_an_unknown_flow_only_makes_the_list_of_flows_due(hint, flow: Flow, flow_id: str):
    hint(flow_id=flow_id, execution_id="567")
    assert callbacks.take(NOON).reads == []
    assert wanted(flow) is None
    assert due_streams() == ["flows"]
    assert own(SyncState).get().next_due_at == NOON
    assert states() == [("done", "list due")]


def test_a_flow_that_is_gone_or_another_account_s_is_unknown(hint, flow: Flow):
    own(Flow).update(gone_at=NOON)
    strange = factories.make_flow()
    hint(flow_id=flow.flow_id)
    hint(flow_id=strange.flow_id)
    callbacks.take(NOON)
    assert (wanted(flow), wanted(strange)) == (None, None)
    assert due_streams() == ["flows"]


def test_a_notification_makes_rules_and_webhook_failures_due_and_nothing_else(notified, flow: Flow):
    notified()
    callbacks.take(NOON)
    assert due_streams() == ["rules", "webhook_failures"]
    assert wanted(flow) is None


def test_what_is_due_already_is_not_put_off(hint, flow: Flow):
    early = NOON - timedelta(minutes=1)
    own(StreamState).update(next_due_at=early)
    own(SyncState).update(next_due_at=early)
    hint()
    callbacks.take(NOON)
    assert set(own(StreamState).values_list("next_due_at", flat=True)) == {early}
    assert own(SyncState).get().next_due_at == early


def test_a_flood_is_one_read_a_window_and_the_last_of_it_is_not_lost(hint, flow: Flow):
    reads, at = [], NOON
    for second in range(16):
        at = NOON + timedelta(seconds=second)
        for _ in range(20):
            hint(flow_id=flow.flow_id, received_at=at)
        own(FlowProgress).update(hinted_at=None)  # as if it had been read
        callbacks.take(at)
        if wanted(flow):
            reads.append(second)
    assert reads == [0, 5, 10, 15]
    callbacks.take(at + FLOW_WINDOW)
    assert not own(PushEvent).exclude(state="done").exists()


@pytest.mark.parametrize(("window", "stream"), [(FLOWS_WINDOW, "flows"), (RULES_WINDOW, "rules")])
def test_a_flood_at_a_list_is_one_read_a_window(hint, notified, flow: Flow, window: timedelta, stream: str):
    own(ZohoAccount).update(crm_credits_per_day=100_000)
    times = 0
    for step in range(5):
        at = NOON + window / 2 * step
        for number in range(10):
            hint(flow_id=f"unknown-{step}-{number}") if stream == "flows" else notified()
        own(StreamState).update(next_due_at=LATER)
        callbacks.take(at)
        times += stream in due_streams()
    assert times == 3


def a_busy_hour(notified, a_day: int) -> dict[str, int]:
    """How often each list of CRM is made due by hints that come every 20 s."""
    own(ZohoAccount).update(crm_credits_per_day=a_day)
    times = {"rules": 0, "webhook_failures": 0}
    for step in range(180):
        own(StreamState).update(next_due_at=LATER)
        notified()
        callbacks.take(NOON + timedelta(seconds=20 * step))
        for stream in due_streams():
            times[stream] += 1
    return times


def test_a_busy_crm_gets_no_more_than_the_shares_of_its_lists(notified, flow: Flow):
    """1,000 credits: of about 28 an hour that the background may make, a quarter, and a twentieth."""
    own(StreamState).update(next_due_at=LATER)
    times = a_busy_hour(notified, 1_000)
    assert 5 <= times["rules"] <= 10
    assert 1 <= times["webhook_failures"] <= 3


def test_a_crm_that_has_nothing_spare_is_not_asked_because_of_a_hint(notified, flow: Flow, account: ZohoAccount):
    own(ZohoAccount).update(crm_credits_per_day=1_000)
    ApiBudget.objects.get_or_create(account=account, product="crm")
    for product in ("crm", "flow"):
        ApiCall.objects.create(account=account, product=product, started_at=NOON, finished_at=NOON, credits=700)
    notified()
    callbacks.take(NOON + timedelta(minutes=1))
    assert due_streams() == []
    assert states() == [("done", "nothing spare")]


def test_a_flood_at_one_flow_holds_no_other_up(hint, flow: Flow, account: ZohoAccount):
    other = factories.make_flow(account)
    hint(flow_id=flow.flow_id)
    callbacks.take(NOON)
    PushEvent.objects.bulk_create(
        [
            PushEvent(account=account, digest=f"flood {n}", flow_id=flow.flow_id, received_at=NOON, execution_id=str(n))
            for n in range(callbacks.AT_ONCE * 2)
        ]
    )
    hint(flow_id=other.flow_id, received_at=NOON + timedelta(seconds=1))
    callbacks.take(NOON + timedelta(seconds=2))
    assert wanted(other) is not None


def test_a_clock_that_was_set_back_does_not_silence_a_flow(hint, flow: Flow):
    hint(flow_id=flow.flow_id)
    callbacks.take(NOON + timedelta(days=1))
    own(FlowProgress).update(hinted_at=None)
    hint(flow_id=flow.flow_id)
    callbacks.take(NOON)
    assert wanted(flow) == NOON


def test_hints_of_a_task_that_died_are_taken_again(hint, flow: Flow):
    hint(flow_id=flow.flow_id, execution_id="567")
    callbacks.take(NOON)
    assert callbacks.take(NOON + timedelta(seconds=119)).reads == []
    assert len(callbacks.take(NOON + timedelta(seconds=121)).reads) == 1


def test_a_read_that_could_not_be_done_is_left_to_the_sweep(hint, flow: Flow):
    hint(flow_id=flow.flow_id, execution_id="567")
    callbacks.settle_reads(callbacks.take(NOON), set(), NOON)
    assert wanted(flow) == NOON
    assert states() == [("done", "flow wanted")]


def test_old_hints_are_taken_away_in_batches(hint, flow: Flow):
    old = NOON - timedelta(days=7, seconds=1)
    for received in (old, old, NOON - timedelta(days=7)):
        hint(received_at=received)
    assert callbacks.prune(NOON) == 2
    assert own(PushEvent).count() == 1


@given(st.lists(st.sampled_from(["", "1", "2"]), max_size=6))
def test_a_single_execution_is_the_one_that_all_name(ids: list[str]):
    assert single_execution(ids) == (ids[0] if ids and set(ids) == {ids[0]} else "")


@pytest.mark.django_db(transaction=True)
def test_eight_workers_that_take_at_once_make_one_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    account = factories.make_account()
    flow = factories.make_flow(account)
    for number in range(40):
        PushEvent.objects.create(
            account=account, digest=str(number), flow_id=flow.flow_id, execution_id="567", received_at=NOON
        )
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        name = str(tmp_path / "shared.sqlite3")
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [name])
        monkeypatch.setitem(connections.settings["default"], "NAME", name)

    def take(number: int) -> int:
        try:
            return len(callbacks.take(NOON + timedelta(milliseconds=number)).reads)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_a_named_failure_is_mirrored_by_one_call_and_a_repetition_costs_none(
    small: House, monkeypatch: pytest.MonkeyPatch
):
    small.sync()
    monkeypatch.setattr(pipeline, "utc_now", small.clock)
    monkeypatch.setattr(pipeline, "judge", lambda: None)
    flow = own(Flow).order_by("pk").first()
    assert flow is not None
    small.clock.advance(60)
    made = small.app.world.do("add_executions", flow_id=flow.flow_id, status="failed", duration_ms=0)[0]
    small.clock.advance(1)
    account, before = small.account, own(ApiCall).count()

    def told(digest: str) -> None:
        PushEvent.objects.create(
            account=account, digest=digest, flow_id=flow.flow_id, execution_id=made, received_at=small.clock()
        )
        pipeline.take_hints()

    told("first")
    assert flow.executions.get(execution_id=made).status == "failed"
    assert own(ApiCall).count() == before + 1

    small.clock.advance(1)
    told("second")  # its turn comes in 4 s
    assert own(ApiCall).count() == before + 1
    assert states() == [("done", "read"), ("new", "")]


def test_a_hint_while_the_account_is_being_read_is_left_to_the_sweep(small: House, monkeypatch: pytest.MonkeyPatch):
    small.sync()
    monkeypatch.setattr(pipeline, "utc_now", small.clock)
    flow = own(Flow).order_by("pk").first()
    assert flow is not None
    own(SyncState).update(lease_owner="other", lease_until=small.clock() + timedelta(seconds=60))
    before = own(ApiCall).count()
    PushEvent.objects.create(
        account=small.account, digest="d", flow_id=flow.flow_id, execution_id="567", received_at=small.clock()
    )
    pipeline.take_hints()
    assert own(ApiCall).count() == before
    assert wanted(flow) == small.clock()
    assert states() == [("done", "flow wanted")]
