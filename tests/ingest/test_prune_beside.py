"""What pruning leaves alone: a twin flow of the same account and one of another, with the same hours and ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from monitor.ingest.base.quarantine import put_aside
from monitor.ingest.night import prune as night
from monitor.ingest.night.prune import prune
from monitor.ingest.runs.store import store_page
from monitor.models import (
    DirtyHour,
    Execution,
    Flow,
    FlowProgress,
    HourBucket,
    PrunedHour,
    Quarantine,
    Retention,
    RetryAttempt,
    User,
    ZohoAccount,
)
from monitor.zoho.shapes import Rejected
from tests import factories
from tests.ingest.test_prune import AGES, DAY, HOUR, counted, row

pytestmark = pytest.mark.usefixtures("nobody_else")  # each test brings its own neighbours, and counts the turns


@pytest.fixture
def flow(account: ZohoAccount, now: datetime) -> Flow:
    return factories.make_flow(account, executions_read_at=now, history_read_at=now)


def retried(run: Execution, user: User, state: str = "requested", new: str = "") -> None:
    RetryAttempt.objects.create(
        account=run.account,
        execution=run,
        requested_by=user,
        requested_at=factories.NOON,
        reason="again",
        client_token=f"t{RetryAttempt.objects.count()}",
        state=state,
        new_execution_id=new,
    )


@pytest.fixture
def beside(flow: Flow, otto: User, now: datetime) -> tuple[Flow, Flow]:
    """Twins with runs of the same hours: all that keeps an hour is true of them, and nothing of the flow's own."""
    old = now - 200 * DAY
    twins = (
        factories.make_flow(flow.account, executions_read_at=now, history_read_at=now),
        factories.make_flow(executions_read_at=now, history_read_at=now),
    )
    for place, twin in enumerate(twins):
        store_page(twin, [row(100 + 10 * place, old), row(101 + 10 * place, old + HOUR, "failed")], [], now)
    counted(now)
    for twin in twins:
        DirtyHour.objects.mark([(twin.pk, old)])
        Execution.objects.filter(flow=twin, started_time=old + HOUR).update(recheck_at=now)
    return twins


def told(flow: Flow) -> list[dict[str, Any]]:
    """All that is stored of a flow itself."""
    return [*Flow.objects.filter(pk=flow.pk).values(), *FlowProgress.objects.filter(flow=flow).values()]


def runs(flow: Flow) -> set[str]:
    return set(Execution.objects.filter(flow=flow).values_list("execution_id", flat=True))


def test_what_keeps_another_flows_hours_keeps_none_of_ones_own(
    flow: Flow, beside: tuple[Flow, Flow], otto: User, now: datetime
) -> None:
    old = now - 200 * DAY
    store_page(flow, [row(1, old), row(2, old + HOUR, "failed")], [], now)
    counted(now)
    for twin in beside:
        DirtyHour.objects.mark([(twin.pk, old)])
        retried(Execution.objects.get(flow=twin, started_time=old + HOUR), otto)
    before = [told(twin) for twin in beside]
    assert prune(AGES, now, lambda: True).rows == 2
    assert runs(flow) == set()
    assert [len(runs(twin)) for twin in beside] == [2, 2]
    assert [told(twin) for twin in beside] == before
    flow.refresh_from_db()
    assert (flow.progress.pruned_success, flow.progress.pruned_failed, flow.progress.pruned_before) == (
        1,
        1,
        old + 2 * HOUR,
    )
    assert set(PrunedHour.objects.values_list("flow", "hour")) == {(flow.pk, old), (flow.pk, old + HOUR)}


def test_another_accounts_retry_that_caused_the_same_id_keeps_no_row(flow: Flow, otto: User, now: datetime) -> None:
    old = now - 200 * DAY
    other = factories.make_flow(executions_read_at=None)
    store_page(flow, [row(1, old), row(2, old)], [], now)
    store_page(other, [row(3, old, "failed")], [], now)
    counted(now)
    retried(Execution.objects.get(flow=other), otto, "succeeded", new="run-1")
    assert prune(AGES, now, lambda: True).rows == 2
    assert runs(flow) == set()


def test_a_run_that_a_retry_caused_stays_and_its_neighbour_goes(flow: Flow, otto: User, now: datetime) -> None:
    old = now - 200 * DAY
    store_page(flow, [row(1, old), row(2, old), row(3, now, "failed")], [], now)
    counted(now)
    retried(Execution.objects.get(execution_id="run-3"), otto, "succeeded", new="run-1")
    assert prune(AGES, now, lambda: True).rows == 1
    assert runs(flow) == {"run-1", "run-3"}


@pytest.mark.parametrize(
    ("keeps", "left"),
    [
        ({"recheck_at": factories.NOON}, 2),
        ({"rerun_due_at": factories.NOON + HOUR}, 2),
        ({"rerun_due_at": factories.NOON}, 0),
        ({"recheck_at": None}, 0),
    ],
)
def test_an_hour_waits_for_what_may_change_in_it_alone(
    flow: Flow, now: datetime, keeps: dict[str, Any], left: int
) -> None:
    old = now - 200 * DAY
    store_page(flow, [row(1, old), row(2, old), row(3, old - HOUR), row(4, old + HOUR)], [], now)
    counted(now)
    Execution.objects.filter(execution_id="run-1").update(**keeps)
    prune(AGES, now, lambda: True)
    assert len(runs(flow)) == left
    assert runs(flow) <= {"run-1", "run-2"}


@pytest.mark.parametrize(
    ("fields", "goes"),
    [
        ({"executions_read_at": factories.NOON}, True),
        ({"gone_at": factories.NOON}, True),
        ({}, False),
    ],
)
def test_rows_go_of_flows_that_were_read_to_their_end_or_are_gone(
    account: ZohoAccount, now: datetime, fields: dict[str, Any], goes: bool
) -> None:
    flow = factories.make_flow(account, **fields)
    store_page(flow, [row(1, now - 200 * DAY)], [], now)
    counted(now)
    prune(AGES, now, lambda: True)
    assert runs(flow) == (set() if goes else {"run-1"})


def test_payloads_go_of_one_account_at_a_time_up_to_the_edge(flow: Flow, now: datetime) -> None:
    edge = now - 30 * DAY
    other = factories.make_flow(executions_read_at=now)
    store_page(flow, [row(1, edge - HOUR), row(2, edge)], [], now)
    store_page(other, [row(3, edge - HOUR)], [], now)
    Retention.objects.create(account=other.account, looked_at=now)
    turns = iter([True, True, False])
    assert not prune(AGES, now, lambda: next(turns)).is_done
    left = {run.execution_id: run.trigger_data is not None for run in Execution.objects.all()}
    assert left == {"run-1": False, "run-2": True, "run-3": True}
    places = {place.account_id: place for place in Retention.objects.all()}
    own, theirs = places[flow.account_id], places[other.account_id]
    assert (own.payloads_removed, own.payload_at, own.looked_at) == (1, edge - HOUR, now)
    assert (theirs.payloads_removed, theirs.payload_at, theirs.looked_at) == (0, None, now)


@pytest.mark.parametrize(("state", "goes"), [("requested", False), ("unknown", False), ("succeeded", True)])
def test_a_payload_stays_while_its_own_retry_is_open(
    flow: Flow, otto: User, now: datetime, state: str, goes: bool
) -> None:
    store_page(flow, [row(1, now - 40 * DAY, "failed"), row(2, now - 40 * DAY, "failed")], [], now)
    retried(Execution.objects.get(execution_id="run-1"), otto, state)
    prune(AGES, now, lambda: True)
    left = {run.execution_id: run.trigger_data is not None for run in Execution.objects.all()}
    assert left == {"run-1": not goes, "run-2": False}


def test_a_walk_that_is_behind_says_so(flow: Flow, now: datetime) -> None:
    store_page(flow, [row(1, now - 200 * DAY)], [], now)
    assert not prune(AGES, now, lambda: not Retention.objects.filter(payloads_removed=1).exists()).is_done
    assert Retention.objects.get(account=flow.account).is_behind
    counted(now)
    assert prune(AGES, now, lambda: True).is_done
    assert not Retention.objects.get(account=flow.account).is_behind


def test_what_was_put_aside_is_emptied_for_its_own_account_once_it_is_old(account: ZohoAccount, now: datetime) -> None:
    other = factories.make_account()
    for owner, at in ((account, now - 31 * DAY), (account, now - 29 * DAY), (other, now - 31 * DAY)):
        put_aside(owner, "flows", [Rejected(f"seen {at}", "no id")], at)
    night._empty_quarantine(account.pk, AGES.payload_edge(now))
    texts = {(one.account_id, one.seen_at): one.raw_text != "" for one in Quarantine.objects.all()}
    assert texts == {
        (account.pk, now - 31 * DAY): False,
        (account.pk, now - 29 * DAY): True,
        (other.pk, now - 31 * DAY): True,
    }


def test_the_marks_of_closed_hours_go_where_no_bucket_is_left(flow: Flow, now: datetime) -> None:
    old, young = now - 500 * DAY, now - 10 * DAY
    twin, other = factories.make_flow(flow.account), factories.make_flow()
    for one in (flow, twin, other):
        PrunedHour.objects.create(flow=one, hour=old)
        PrunedHour.objects.create(flow=one, hour=old + HOUR)
        PrunedHour.objects.create(flow=one, hour=young)
    HourBucket.objects.create(flow=flow, hour=old, succeeded=1)
    night._forget_closed(flow.account_id, AGES.hours_edge(now))
    left = {(mark.flow_id, mark.hour) for mark in PrunedHour.objects.all()}
    kept = {(other.pk, hour) for hour in (old, old + HOUR, young)} | {(flow.pk, young), (twin.pk, young)}
    assert left == kept | {(flow.pk, old)}


def test_rows_in_pieces_go_on_behind_the_last_one(flow: Flow, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "BATCH", 2)
    old = now - 200 * DAY
    store_page(flow, [row(number, old) for number in range(5)], [], now)
    store_page(flow, [row(9, old - HOUR, "running"), row(8, old - HOUR, "running")], [], now)
    counted(now)
    assert prune(AGES, now, lambda: True).rows == 5
    assert runs(flow) == {"run-8", "run-9"}


@pytest.mark.parametrize("of_another", ["bucket", "closed"])
def test_an_hour_that_is_counted_or_closed_for_another_flow_or_another_hour_is_not_for_this_one(
    flow: Flow, now: datetime, of_another: str
) -> None:
    old = now - 200 * DAY
    store_page(flow, [row(1, old)], [], now)
    DirtyHour.objects.filter(flow=flow).delete()
    model = HourBucket if of_another == "bucket" else PrunedHour
    for one, hour in ((factories.make_flow(flow.account), old), (factories.make_flow(), old), (flow, old + HOUR)):
        model._default_manager.create(flow=one, hour=hour)
    assert prune(AGES, now, lambda: True).rows == 0
    model._default_manager.create(flow=flow, hour=old)
    assert prune(AGES, now, lambda: True).rows == 1


def test_an_hour_to_be_counted_anew_or_awaited_just_after_keeps_no_row_before_it(flow: Flow, now: datetime) -> None:
    old = now - 200 * DAY
    store_page(flow, [row(1, old), row(2, old + HOUR, "failed")], [], now)
    counted(now)
    DirtyHour.objects.mark([(flow.pk, old + 2 * HOUR), (flow.pk, old - HOUR)])
    Execution.objects.filter(execution_id="run-2").update(recheck_at=now)
    assert prune(AGES, now, lambda: True).rows == 1
    assert runs(flow) == {"run-2"}
