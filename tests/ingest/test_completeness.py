"""Zoho's counters against the mirror: baseline, movement, re-runs, holes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitor.models import Execution, Flow, ZohoAccount
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_task, hasty, sync
from tests.ingest.adds_up import report
from tests.ingest.mirror import mirrored, upstream


def flow_of(zoho: Zoho, good: int = 10, bad: int = 2, **fields: object) -> FakeFlow:
    at = zoho.clock() - timedelta(hours=2)
    runs = [Run(at + timedelta(minutes=n)) for n in range(good)]
    runs += [Run(at + timedelta(minutes=n, seconds=30), "failed") for n in range(bad)]
    flow = FakeFlow(runs=runs, **({"before": (500, 20)} | fields))  # type: ignore[arg-type]
    zoho.flows.append(flow)
    return flow


def row(flow: FakeFlow) -> Flow:
    return Flow.objects.get(flow_id=flow.flow_id)


def test_what_zoho_counts_and_no_longer_lists_is_the_baseline(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)

    assert sync(account, zoho).complete
    sync(account, zoho)

    stored = row(flow)
    assert (stored.progress.baseline_total, stored.progress.baseline_success, stored.progress.baseline_failed) == (
        520,
        500,
        20,
    )
    assert stored.progress.baseline_firm


def test_from_then_on_the_counter_is_baseline_and_mirrored(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(600)
    flow.runs += [Run(zoho.clock() - timedelta(minutes=1)), Run(zoho.clock() - timedelta(minutes=2), "failed")]

    assert sync(account, zoho).complete

    stored = row(flow)
    assert stored.execution_count == (stored.progress.baseline_total or 0) + own(Execution).count()
    assert stored.progress.baseline_total == 520


def test_an_unmoved_flow_is_not_asked_again(account: ZohoAccount, zoho: Zoho) -> None:
    flow_of(zoho)
    sync(account, zoho)
    zoho.calls.clear()
    zoho.clock.pause(600)

    sync(account, zoho)

    assert zoho.asked("executions") == 0


def test_zohos_own_rerun_is_found_in_the_same_sync_by_one_list_of_the_last_25_hours(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = flow_of(zoho)
    flow.runs += [Run(zoho.clock() - timedelta(minutes=n)) for n in range(1, 400)]
    sync(account, zoho)
    zoho.clock.pause(1200)
    failed = next(run for run in flow.runs if run.status == "failed")
    failed.succeed()
    zoho.calls.clear()

    result = sync(account, zoho)

    assert result.complete
    stored = own(Execution).get(execution_id=failed.execution_id)
    assert (stored.status, stored.first_status, stored.rerun_count) == ("success", "failed", 1)
    assert stored.first_failed_at is not None
    assert stored.error_code == ""
    assert zoho.asked("executions") <= 4, "not the whole history"


def test_a_failure_that_turns_good_after_days_is_found_in_the_whole_history(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    old = Run(zoho.clock() - timedelta(days=9), "failed")
    flow.runs.append(old)
    sync(account, zoho)
    zoho.clock.pause(1200)
    old.succeed()

    assert sync(account, zoho).complete

    assert mirrored(account) == upstream(zoho)


def test_a_row_that_appears_three_days_late_is_found(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(600)
    flow.runs.append(Run(zoho.clock() - timedelta(days=3)))

    assert sync(account, zoho).complete

    assert mirrored(account) == upstream(zoho)


def lose_one(zoho: Zoho, flow: FakeFlow) -> None:
    """Zoho counts a run that it does not list."""
    zoho.clock.pause(600)
    flow.before = (flow.before[0] + 1, flow.before[1])


def test_a_run_that_is_counted_and_not_listed_is_a_hole_with_its_reason(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    lose_one(zoho, flow)

    result = sync(account, zoho)

    assert not result.complete
    assert row(flow).progress.hole_reason == "Zoho counts 1 more run than it lists"
    assert any("1 more run" in line for line in result.missing)


def test_a_hole_is_looked_at_on_its_schedule_and_not_by_each_sweep(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    lose_one(zoho, flow)
    sync(account, zoho)
    zoho.calls.clear()
    zoho.clock.pause(120)

    assert not sync(account, zoho).complete
    assert zoho.asked("executions") == 0
    zoho.clock.pause(301)
    sync(account, zoho)
    assert zoho.asked("executions") > 0
    assert row(flow).progress.hole_tries == 2


def test_a_busy_flow_does_not_put_off_the_look_at_its_hole(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    lose_one(zoho, flow)
    sync(account, zoho)
    due, since = row(flow).progress.recheck_at, row(flow).progress.hole_since
    assert since is not None

    for _ in range(3):
        zoho.clock.pause(60)
        flow.runs.append(Run(zoho.clock() - timedelta(seconds=20)))
        sync(account, zoho)

    assert (row(flow).progress.recheck_at, row(flow).progress.hole_since) == (due, since)
    assert row(flow).progress.hole_tries == 1
    zoho.clock.pause(301)
    sync(account, zoho)
    assert (row(flow).progress.hole_tries, row(flow).progress.hole_since) == (2, since), "it is the same hole"


def test_a_run_newer_than_the_counters_does_not_have_a_known_hole_chased(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    flow.runs += [Run(zoho.clock() - timedelta(minutes=n)) for n in range(1, 500)]
    sync(account, zoho)
    sync(account, zoho)
    lose_one(zoho, flow)
    sync(account, zoho)
    zoho.clock.pause(60)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=30)))
    zoho.calls.clear()

    def come_in(number: int, what: str) -> None:
        if what.startswith("executions") and zoho.asked("executions") == 1:
            zoho.clock.pause(20)
            flow.runs.append(Run(zoho.clock() - timedelta(seconds=5)))

    zoho.before_call = come_in
    sync(account, zoho, patience=hasty(zoho))

    assert row(flow).progress.hole_reason
    assert zoho.asked("executions") <= 3, "the whole history has four pages"


def test_the_hole_closes_when_zoho_lists_the_run_after_all(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    lose_one(zoho, flow)
    sync(account, zoho)
    zoho.clock.pause(400)
    flow.before = (500, 20)
    flow.runs.append(Run(zoho.clock() - timedelta(hours=30)))

    assert sync(account, zoho).complete

    assert row(flow).progress.hole_reason == ""
    assert row(flow).progress.recheck_at is None
    assert mirrored(account) == upstream(zoho)


def test_counters_that_were_reset_are_counted_anew_after_reading_everything(account: ZohoAccount, zoho: Zoho) -> None:
    """More new runs than a page holds since the reset: they must not end in the new baseline."""
    flow = flow_of(zoho)
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(3600)
    flow.reset_counters()
    flow.runs += [Run(zoho.clock() - timedelta(seconds=10 * n)) for n in range(1, 300)]
    zoho.cap = 50

    result = sync(account, zoho)
    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert result.complete
    stored = row(flow)
    assert (stored.progress.baseline_success, stored.progress.baseline_failed) == (-10, -2)


def test_counters_that_appear_later_get_their_baseline(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho, counters="none")
    sync(account, zoho)
    assert row(flow).progress.baseline_total is None
    flow.counters = "life"
    zoho.clock.pause(600)

    assert sync(account, zoho).complete
    assert row(flow).progress.baseline_total == 520


def test_without_counters_a_persons_sync_reads_everything(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho, counters="none")
    sync(account, zoho)
    told = report(account, zoho)["completeness"]["flows"][0]
    assert (told["complete"], told["total"]["missing"]) == (False, None)
    assert told["reason"] == "Zoho names no counters of it that can be read: whether runs are missing is not known"
    zoho.clock.pause(600)
    flow.runs[0].over = {"error": {"code": "LATER"}}
    flow.runs.append(Run(zoho.clock() - timedelta(days=5)))

    sync(account, zoho)

    assert mirrored(account) == upstream(zoho)


def test_without_counters_a_task_finds_new_runs_and_reruns_of_a_day(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho, counters="none")
    sync(account, zoho)
    zoho.clock.pause(7200)
    next(run for run in flow.runs if run.status == "failed").succeed()
    flow.runs.append(Run(zoho.clock() - timedelta(minutes=5)))

    sync(account, zoho, patience=a_task(zoho))

    assert mirrored(account) == upstream(zoho)


def test_a_flow_that_moves_while_it_is_read_first_does_not_end_as_a_false_hole(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = flow_of(zoho)

    def move(number: int, what: str) -> None:
        zoho.clock.pause(3)
        if len(flow.runs) < 40:
            flow.runs.append(Run(zoho.clock() - timedelta(seconds=2)))

    zoho.before_call = move
    for _ in range(6):
        sync(account, zoho)
        zoho.clock.pause(120)

    stored = row(flow)
    assert stored.progress.hole_reason == ""
    assert (stored.progress.baseline_total, stored.progress.baseline_success, stored.progress.baseline_failed) == (
        520,
        500,
        20,
    )
    assert mirrored(account) == upstream(zoho)


def test_a_flow_that_never_stands_still_gets_a_firm_baseline_all_the_same(account: ZohoAccount, zoho: Zoho) -> None:
    """Else whatever Zoho loses of a busy flow would be taken into its baseline for ever."""
    flow = flow_of(zoho)
    for _ in range(4):
        zoho.clock.pause(60)
        flow.runs.append(Run(zoho.clock() - timedelta(seconds=30)))
        sync(account, zoho, patience=hasty(zoho))

    assert row(flow).progress.baseline_firm


@pytest.mark.parametrize("counted", [True, False], ids=["total-with-running", "total-of-finished"])
def test_a_run_under_way_at_the_first_reading_makes_no_hole_when_it_ends(
    account: ZohoAccount, zoho: Zoho, counted: bool
) -> None:
    flow = flow_of(zoho)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=20), "running"))
    if not counted:
        flow.over = {"execution_count": 532}
    sync(account, zoho)
    zoho.clock.pause(30)
    sync(account, zoho)
    zoho.clock.pause(30)
    flow.runs[-1].status = "success"
    flow.over = {}

    sync(account, zoho)
    zoho.clock.pause(30)
    result = sync(account, zoho)

    assert result.complete
    assert mirrored(account) == upstream(zoho)


def test_a_running_row_is_asked_for_by_itself_until_it_is_final(account: ZohoAccount, zoho: Zoho) -> None:
    """A counter that counts runs when they begin never tells that one has ended."""
    flow = flow_of(zoho)
    run = Run(zoho.clock() - timedelta(seconds=20), "running")
    flow.runs.append(run)
    flow.over = {"execution_count": 533, "success_count": 510, "failure_count": 22}
    sync(account, zoho)
    run.status = "failed"
    zoho.clock.pause(61)

    sync(account, zoho)

    stored = own(Execution).get(execution_id=run.execution_id)
    assert stored.status == "failed"
    assert stored.recheck_at is None


def test_rows_that_never_become_final_are_not_asked_for_for_ever(account: ZohoAccount, zoho: Zoho) -> None:
    flow = flow_of(zoho)
    flow.runs += [Run(zoho.clock() - timedelta(days=4, minutes=n), "skipped") for n in range(30)]

    sync(account, zoho)

    assert not own(Execution).filter(recheck_at__isnull=False).exists()


@pytest.mark.parametrize("garbage", ["0001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_a_start_from_no_clocks_present_neither_stops_nor_blinds_the_sync(
    account: ZohoAccount, zoho: Zoho, garbage: str
) -> None:
    flow = flow_of(zoho)
    flow.runs.append(Run(zoho.clock(), "running", over={"started_time": garbage}))
    sync(account, zoho)
    sync(account, zoho)
    zoho.clock.pause(7200)
    flow.runs.append(Run(zoho.clock() - timedelta(minutes=5)))
    zoho.calls.clear()

    result = sync(account, zoho)

    assert not result.missing
    assert [line for line in result.unreadable if "1 run is in quarantine" in line or "1 record is" in line]
    known = upstream(zoho)
    assert mirrored(account) == {name: row for name, row in known.items() if name != flow.runs[-2].execution_id}
