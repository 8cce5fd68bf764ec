"""Pruning between two syncs: Zoho's counters still add up, and what Zoho lists anew is neither stored nor missed."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import time_machine

from monitor import pipeline
from monitor.ingest.night.prune import prune
from monitor.models import Ages, Execution, Flow, FlowProgress, HourBucket, Retention, StageRun, ZohoAccount
from monitor.rollups.recount import rebuild_dirty
from tests.bystander import Bystander, own
from tests.factories import NOON
from tests.fake_zoho import Clock, FakeFlow, Run, Zoho, sync

pytestmark = pytest.mark.usefixtures("all_are_pruned")

AGES = Ages(payload=30, rows=180, hours=400)
DAY = timedelta(days=1)


def judged(zoho: Zoho) -> None:
    while rebuild_dirty(zoho.clock()):
        pass
    prune(AGES, zoho.clock(), lambda: True)


@pytest.fixture
def zoho() -> Zoho:
    old = [Run(NOON - 200 * DAY, "failed" if n % 4 == 0 else "success", payload={"n": n}) for n in range(12)]
    young = [Run(NOON - 3 * DAY + timedelta(minutes=n)) for n in range(5)]
    return Zoho(Clock(NOON), flows=[FakeFlow(runs=old + young, before=(40, 3))])


def flow_of(account: ZohoAccount) -> Flow:
    return Flow.objects.get(account=account)


def missing(flow: Flow) -> tuple[int, int]:
    """Successes and failures by Zoho's counters less baseline, mirrored and pruned ones."""
    rows = Execution.objects.filter(flow=flow)
    good, bad = rows.filter(status="success").count(), rows.filter(status="failed").count()
    return (
        (flow.success_count or 0) - (flow.progress.baseline_success or 0) - good - flow.progress.pruned_success,
        (flow.failure_count or 0) - (flow.progress.baseline_failed or 0) - bad - flow.progress.pruned_failed,
    )


def test_a_sync_after_pruning_finds_nothing_missing_and_brings_nothing_back(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    judged(zoho)
    flow = flow_of(account)
    assert (own(Execution).count(), flow.progress.pruned_success, flow.progress.pruned_failed) == (5, 9, 3)
    buckets = list(own(HourBucket).values_list("hour", "succeeded", "failed"))

    zoho.clock.pause(300)
    result = sync(account, zoho)

    assert result.complete
    assert own(Execution).count() == 5
    assert missing(flow_of(account)) == (0, 0)
    assert flow_of(account).progress.hole_reason == ""
    judged(zoho)
    assert list(own(HourBucket).values_list("hour", "succeeded", "failed")) == buckets


def test_all_of_the_history_read_again_neither_returns_nor_counts_twice(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    judged(zoho)
    own(FlowProgress).update(history_read_at=None)  # as a reconcile of everything has it
    zoho.flows[0].runs.append(Run(NOON + timedelta(minutes=1), "failed"))
    zoho.clock.pause(600)

    result = sync(account, zoho)

    assert result.complete
    assert own(Execution).count() == 6
    assert missing(flow_of(account)) == (0, 0)


def test_a_flow_whose_rows_are_all_pruned_reads_on_from_there(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.flows[0].runs = [run for run in zoho.flows[0].runs if run.started < NOON - 100 * DAY]
    sync(account, zoho)
    judged(zoho)
    assert not own(Execution).exists()
    zoho.flows[0].runs.append(Run(NOON + timedelta(minutes=1)))
    zoho.clock.pause(600)

    result = sync(account, zoho)

    assert result.complete
    assert own(Execution).count() == 1
    assert missing(flow_of(account)) == (0, 0)


def test_counters_by_status_that_disagree_are_mended_also_where_old_rows_are_pruned(
    account: ZohoAccount, zoho: Zoho
) -> None:
    """A pruned failure that Zoho counts as a success at last: everything listed is here or pruned."""
    sync(account, zoho)
    zoho.clock.pause(61)
    sync(account, zoho)
    judged(zoho)
    zoho.flows[0].runs[0].status = "success"
    zoho.flows[0].runs[0].over = {"completed_time": "2026-05-06T12:00:02Z"}
    zoho.clock.pause(600)

    result = sync(account, zoho)

    assert result.complete, result.missing
    assert flow_of(account).progress.hole_reason == ""
    assert own(Execution).count() == 5


@pytest.mark.django_db
def test_housekeeping_prunes_and_leaves_a_row_of_it(account: ZohoAccount, zoho: Zoho, bystander: Bystander) -> None:
    bystander.expect("StageRun", "ApiCall", "Occasion")  # old ones go, whosever they are
    sync(account, zoho)
    while rebuild_dirty(NOON):
        pass
    with time_machine.travel(NOON, tick=False):
        pipeline.housekeeping()
    run = own(StageRun).get(stage="prune")
    assert (run.outcome, run.summary) == ("ok", {"payloads": 12, "rows": 12, "hours": 0, "masked": 0})
    assert own(Execution).count() == 5


def test_pruning_ends_with_its_time_and_goes_on_the_next_time(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    while rebuild_dirty(NOON):
        pass
    seconds = itertools.count(0, 4)
    pipeline.prune_mirror(lambda: NOON + timedelta(seconds=next(seconds)))
    assert own(Retention).get().is_behind
    pipeline.prune_mirror(lambda: NOON)
    assert not own(Retention).get().is_behind
    assert own(Execution).count() == 5
