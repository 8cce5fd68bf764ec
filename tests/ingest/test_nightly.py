"""By night the last days, the statistics and a seventh of the flows whole are held against Zoho again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.ingest.night import checks
from monitor.ingest.night.checks import MOST, SHARE, is_due, paid, purse, rows_a_slice
from monitor.models import Execution, Flow, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import Unreachable, Wait
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Killed, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, stream, upstream

DAY = timedelta(days=1)


def frozen(flow: FakeFlow) -> FakeFlow:
    """From now on Zoho's counters of it do not move, whatever happens to its rows."""
    still = flow.summary()
    flow.over = {name: still[name] for name in ("execution_count", "success_count", "failure_count")}
    return flow


def quiet_flow(zoho: Zoho, rows: int = 6, **fields: Any) -> FakeFlow:
    """A run every four hours."""
    at = zoho.clock()
    runs = [Run(at - timedelta(hours=4 * n + 1)) for n in range(rows)]
    flow = FakeFlow(runs=runs, **({"before": (300, 4)} | fields))
    zoho.flows.append(flow)
    return flow


def background(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho, patience=a_task(zoho))


def connect(account: ZohoAccount, zoho: Zoho) -> None:
    """A first reading, and the sweep of the worker after it."""
    sync(account, zoho)
    zoho.clock.pause(61)
    background(account, zoho)


def a_night(account: ZohoAccount, zoho: Zoho, sweeps: int = 6) -> None:
    """A day later the worker has swept through a night; the calls of that."""
    zoho.clock.pause(DAY.total_seconds())
    zoho.calls.clear()
    for _ in range(sweeps):
        background(account, zoho)
        zoho.clock.pause(61)


def owe_a_round() -> None:
    """As if no worker had run for a week: the next night reads every flow whole."""
    state = own(StreamState).get(stream="statistics")
    state.cursor["full"]["night"] = (datetime.fromisoformat(state.cursor["full"]["night"]) - 7 * DAY).isoformat()
    state.save(update_fields=["cursor"])


def cursor(account: ZohoAccount, job: str) -> dict[str, Any]:
    return StreamState.objects.get(account=account, stream="statistics").cursor[job]


def test_nothing_is_compared_before_the_first_night(account: ZohoAccount, zoho: Zoho) -> None:
    quiet_flow(zoho)
    connect(account, zoho)
    zoho.calls.clear()
    zoho.clock.pause(600)
    background(account, zoho)

    assert zoho.asked("statistics") == zoho.asked("executions") == 0
    assert stream(account, "statistics").state == "ok"


@pytest.mark.parametrize("age", [timedelta(hours=30), timedelta(days=2, hours=20)])
def test_a_row_that_comes_days_late_without_moving_a_counter_is_found_by_the_night(
    account: ZohoAccount, zoho: Zoho, age: timedelta
) -> None:
    flow = frozen(quiet_flow(zoho))
    connect(account, zoho)
    a_night(account, zoho)
    flow.runs.append(Run(zoho.clock() + DAY - age))

    a_night(account, zoho)

    assert mirrored(account) == upstream(zoho)
    assert cursor(account, "recent")["new"] == 1
    assert stream(account, "statistics").reason == "1 late", "though another job of this night found nothing after it"


def test_a_status_that_changed_without_moving_a_counter_is_found_and_told(account: ZohoAccount, zoho: Zoho) -> None:
    flow = quiet_flow(zoho)
    silent = Run(zoho.clock() - timedelta(hours=2), "failed", over={"error": {"message": "Invalid email format"}})
    flow.runs.append(silent)
    frozen(flow)
    connect(account, zoho)
    silent.succeed()
    silent.over = {}

    a_night(account, zoho)

    assert mirrored(account) == upstream(zoho)
    event = own(Execution).get(execution_id=silent.execution_id).events.get()
    assert (event.kind, event.from_status, event.to_status) == ("rerun", "failed", "success")


def test_a_row_that_was_late_for_the_first_reading_does_not_stay_in_the_baseline(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = quiet_flow(zoho)
    late = Run(zoho.clock() - timedelta(days=10))
    flow.before = (flow.before[0] + 1, flow.before[1])  # Zoho counts it, and does not list it yet
    connect(account, zoho)
    sync(account, zoho)
    assert own(Flow).get().progress.baseline_total == 305
    flow.before = (flow.before[0] - 1, flow.before[1])
    flow.runs.append(late)
    owe_a_round()

    a_night(account, zoho)
    zoho.clock.pause(4000)
    background(account, zoho)

    stored = own(Flow).get()
    assert (stored.progress.baseline_total, stored.progress.baseline_success, stored.progress.baseline_firm) == (
        304,
        300,
        True,
    )
    flow.before = (flow.before[0] + 1, flow.before[1])
    sync(account, zoho)
    assert "1 more run" in own(Flow).get().progress.hole_reason, "a run that goes missing later is not hidden"


def test_a_deleted_row_stays_as_history_and_is_marked(account: ZohoAccount, zoho: Zoho) -> None:
    flow = quiet_flow(zoho, rows=12)
    connect(account, zoho)
    gone = flow.runs.pop(4)
    flow.before = (flow.before[0] + 1, flow.before[1])
    owe_a_round()

    a_night(account, zoho)

    row = own(Execution).get(execution_id=gone.execution_id)
    assert row.unlisted_at is not None
    assert own(Execution).filter(unlisted_at=None).count() == 11
    assert own(Flow).get().progress.hole_reason == ""
    flow.runs.append(gone)
    flow.before = (flow.before[0] - 1, flow.before[1])
    a_night(account, zoho)
    row.refresh_from_db()
    assert row.unlisted_at is None


def test_a_list_that_is_short_of_many_rows_is_not_believed(account: ZohoAccount, zoho: Zoho) -> None:
    flow = frozen(quiet_flow(zoho, rows=12))
    connect(account, zoho)
    for run in flow.runs[2:9]:
        run.is_hidden = True

    a_night(account, zoho)

    assert not own(Execution).exclude(unlisted_at=None).exists()
    assert zoho.asked("execution ") <= 2, "the first of them that is there ends the asking"


def test_what_zoho_has_forgotten_by_age_is_not_taken_for_deleted(account: ZohoAccount, zoho: Zoho) -> None:
    flow = quiet_flow(zoho, rows=40)
    connect(account, zoho)
    del flow.runs[-2:]
    flow.before = (flow.before[0] + 2, flow.before[1])
    owe_a_round()

    a_night(account, zoho)

    assert not own(Execution).exclude(unlisted_at=None).exists()


@pytest.mark.parametrize("bound", ["inclusive", "exclusive", "ignored"])
def test_a_long_history_is_compared_in_slices(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr("monitor.ingest.night.checks.ROWS_A_SLICE", 10)
    flow = quiet_flow(zoho, rows=60)
    connect(account, zoho)
    zoho.bound = bound
    frozen(flow)
    flow.runs.append(Run(zoho.clock() - timedelta(days=8)))
    gone = flow.runs.pop(30)
    owe_a_round()

    a_night(account, zoho)

    assert cursor(account, "full")["done"]
    assert {key: row for key, row in mirrored(account).items() if key != gone.execution_id} == upstream(zoho)
    assert [row.execution_id for row in own(Execution).exclude(unlisted_at=None)] == [gone.execution_id]


def test_the_night_goes_on_after_a_kill_at_any_call(account: ZohoAccount, zoho: Zoho) -> None:
    flows = [frozen(quiet_flow(zoho)) for _ in range(3)]
    connect(account, zoho)
    for flow in flows:
        flow.runs.append(Run(zoho.clock() - timedelta(days=20)))
    owe_a_round()
    zoho.clock.pause(DAY.total_seconds())
    kills = 0
    for number in range(2, 14, 3):

        def kill(call: int, what: str, at: int = number) -> None:
            if call == at:
                raise Killed

        zoho.calls.clear()
        zoho.before_call = kill
        try:
            background(account, zoho)
        except Killed:
            kills += 1
        SyncState.objects.filter(account=account).update(lease_until=None, lease_owner="")
        zoho.clock.pause(61)
    zoho.before_call = lambda call, what: None
    for _ in range(5):
        background(account, zoho)
        zoho.clock.pause(61)

    assert kills >= 2
    assert mirrored(account) == upstream(zoho)
    assert cursor(account, "full")["done"]


@pytest.mark.parametrize("point", ["reconcile-after-marks", "reconcile-before-cursor", "reconcile-after-cursor"])
def test_a_death_in_the_reconcile_costs_one_slice(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    flow = quiet_flow(zoho, rows=12)
    connect(account, zoho)
    gone = flow.runs.pop(4)
    flow.before = (flow.before[0] + 1, flow.before[1])
    flow.runs.append(Run(zoho.clock() - timedelta(days=1, hours=2)))
    flow.before = (flow.before[0] - 1, flow.before[1])
    owe_a_round()
    zoho.clock.pause(DAY.total_seconds())

    def die(name: str) -> None:
        if name == point:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("monitor.ingest.night.reconcile.faultpoint", die)
        patch.setattr("monitor.ingest.night.checks.faultpoint", die)
        with pytest.raises(Killed):
            background(account, zoho)
    SyncState.objects.filter(account=account).update(lease_until=None, lease_owner="")
    zoho.clock.pause(61)
    for _ in range(4):
        background(account, zoho)
        zoho.clock.pause(61)

    assert cursor(account, "full")["done"]
    assert own(Execution).get(execution_id=gone.execution_id).unlisted_at is not None
    assert upstream(zoho).items() <= mirrored(account).items()


def test_a_flow_that_cannot_be_listed_does_not_keep_the_others_from_the_night(account: ZohoAccount, zoho: Zoho) -> None:
    first, second = frozen(quiet_flow(zoho)), frozen(quiet_flow(zoho))
    connect(account, zoho)
    second.runs.append(Run(zoho.clock() - timedelta(hours=30)))
    zoho.flows.remove(first)
    kept = list(zoho.flows)

    def look(call: int, what: str) -> None:
        zoho.flows[:] = [first, *kept] if what.startswith("flow") else kept

    zoho.before_call = look
    a_night(account, zoho)

    assert cursor(account, "recent")["failed"] == 1
    assert set(upstream(zoho)) <= set(mirrored(account))


@pytest.mark.parametrize("what", ["executions", "statistics"])
def test_a_flow_that_never_gets_an_answer_does_not_hold_up_the_night(
    account: ZohoAccount, zoho: Zoho, what: str
) -> None:
    sick, well = frozen(quiet_flow(zoho)), frozen(quiet_flow(zoho))
    connect(account, zoho)
    well.runs.append(Run(zoho.clock() - timedelta(hours=30)))

    def silent(call: int, asked: str) -> None:
        if asked.startswith(f"{what} {sick.flow_id}"):
            raise Unreachable("HTTP 500", status=500)

    zoho.before_call = silent
    owe_a_round()
    a_night(account, zoho, sweeps=9)

    assert {job.name: cursor(account, job.name)["done"] for job in checks.JOBS} == dict.fromkeys(
        ("recent", "statistics", "full"), True
    )
    assert zoho.asked(f"{what} {sick.flow_id}") == (6 if what == "executions" else 3)
    assert cursor(account, "recent" if what == "executions" else "statistics")["failed"] == 1
    assert set(upstream(zoho)) <= set(mirrored(account))


def test_a_server_that_falls_silent_stops_the_night_without_a_state_of_its_own(
    account: ZohoAccount, zoho: Zoho
) -> None:
    quiet_flow(zoho)
    connect(account, zoho)

    def silent(call: int, what: str) -> None:
        if what.startswith("executions"):
            raise Unreachable("no answer")

    zoho.before_call = silent
    a_night(account, zoho, sweeps=2)

    assert stream(account, "statistics").state == "ok"
    assert is_due(cursor(account, "recent"), zoho.clock())


def test_the_night_spends_no_more_than_its_share(now: datetime) -> None:
    per_day, at, until, spent = 1_000, now, now - DAY, 0
    for _ in range(24 * 60):
        calls = purse(per_day, until, at)
        if calls:
            until = paid(per_day, until, at, calls + 3)  # a slice may cost more than there was
            spent += calls + 3
        at += timedelta(minutes=1)

    assert spent <= SHARE * per_day + MOST + 3
    assert spent >= 0.9 * SHARE * per_day
    assert purse(None, at - DAY, at) == purse(1_000, at - DAY, at)


def test_a_slice_of_the_history_fits_into_half_of_the_smallest_minute_whatever_a_page_holds() -> None:
    for per_minute in (1, 3, 10, 30, 60, 120):
        for page in (1, 50, 200):
            calls = rows_a_slice(per_minute, page) // page
            assert 1 <= calls <= max(1, per_minute // 2)
    assert rows_a_slice(None, 50) == 1_000
    assert rows_a_slice(10, 50) == 150


def test_what_the_night_asked_in_vain_is_paid_too(account: ZohoAccount, zoho: Zoho) -> None:
    quiet_flow(zoho)
    connect(account, zoho)

    def full(call: int, what: str) -> None:
        if what.startswith("executions"):
            raise Wait("429", retry_after=60)

    zoho.before_call = full
    ZohoAccount.objects.filter(pk=account.pk).update(plan="free")
    account.refresh_from_db()
    a_night(account, zoho, sweeps=1)
    asked = zoho.asked("executions")
    for _ in range(20):
        zoho.clock.pause(61)
        background(account, zoho)

    assert 0 < zoho.asked("executions") - asked <= 4, "20 minutes of a tenth of 1,000 calls a day are two"
