"""What cannot be read, or is waited for, keeps no sweep busy for ever."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from monitor.ingest.base.read_soon import want
from monitor.ingest.base.retry_times import failed_recheck
from monitor.ingest.steps.sync_states import not_at_once
from monitor.models import Execution, Flow, FlowProgress, StreamState, SyncState, ZohoAccount
from monitor.zoho.errors import BadAnswer, NotAvailable, NotFound, Unreachable, ZohoError
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, stream, upstream


def fail(zoho: Zoho, what: str, error: Exception) -> None:
    def raise_it(number: int, asked: str) -> None:
        if asked.startswith(what):
            raise error

    zoho.before_call = raise_it


def heal(zoho: Zoho) -> None:
    zoho.before_call = lambda number, what: None


def task(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.calls.clear()
    sync(account, zoho, patience=a_task(zoho))


def a_flow(zoho: Zoho, runs: int = 2) -> FakeFlow:
    made = [Run(zoho.clock() - timedelta(minutes=30 + n)) for n in range(runs)]
    zoho.flows.append(FakeFlow(runs=made, before=(100, 3)))
    return zoho.flows[-1]


def visit(account: ZohoAccount) -> datetime | None:
    return stream(account, "executions").next_due_at


def test_a_failed_reading_is_repeated_ever_more_seldom_but_at_least_every_six_hours(zoho: Zoho) -> None:
    now = zoho.clock()
    waits = [failed_recheck(tries, now) - now for tries in (0, 1, 2, 10, 99)]
    assert waits[:3] == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
    assert waits[3:] == [timedelta(hours=6), timedelta(hours=6)]


@pytest.mark.parametrize("error", [NotAvailable("not in this plan"), NotFound("no such flow", status=404)])
def test_a_flow_whose_first_reading_is_refused_costs_few_calls_and_is_read_once_it_can_be(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    a_flow(zoho)
    sick = a_flow(zoho)
    fail(zoho, f"executions {sick.flow_id}", error)
    asked = 0
    for _ in range(20):
        task(account, zoho)
        asked += zoho.asked(f"executions {sick.flow_id}")
        zoho.clock.pause(20)
    assert asked <= 5

    heal(zoho)
    zoho.clock.pause(600)
    task(account, zoho)
    assert mirrored(account) == upstream(zoho)


@pytest.mark.parametrize("error", [NotAvailable("not in this plan"), NotFound("no such flow", status=404)])
def test_a_hole_that_cannot_be_looked_at_does_not_make_a_sweep_every_five_seconds(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    a_flow(zoho), a_flow(zoho)
    sync(account, zoho)
    FlowProgress.objects.filter(flow__flow_id=zoho.flows[1].flow_id).update(
        hole_reason="one run is missing", hole_signature="1/1/0", hole_tries=3, recheck_at=zoho.clock()
    )
    fail(zoho, f"executions {zoho.flows[1].flow_id}", error)
    zoho.clock.pause(1)

    task(account, zoho)

    at = visit(account)
    assert at is None or at >= zoho.clock() + timedelta(minutes=2)


def test_a_row_that_nothing_can_settle_does_not_make_a_sweep_every_five_seconds(
    account: ZohoAccount, zoho: Zoho
) -> None:
    a_flow(zoho)
    sync(account, zoho)
    own(Execution).update(status="failed", rerun_due_at=zoho.clock(), first_failed_at=None)
    zoho.clock.pause(120)

    task(account, zoho)

    assert visit(account) is None


def test_rows_that_are_due_wait_for_the_share_of_calls(account: ZohoAccount, zoho: Zoho) -> None:
    own(ZohoAccount).update(plan="", calls_per_minute=None, calls_per_day=1000)
    account.refresh_from_db()
    a_flow(zoho)
    sync(account, zoho)
    now = zoho.clock()
    own(Execution).update(status="running", recheck_at=now)
    own(StreamState).filter(stream="executions").update(cursor={"reread_at": now.isoformat()})
    zoho.clock.pause(5)

    task(account, zoho)

    assert zoho.asked("execution ") == 0
    at = visit(account)
    assert at is not None
    assert timedelta(minutes=14) < at - now < timedelta(minutes=15), "a tenth of 1,000 calls a day is one in 14.4 min"


@pytest.mark.parametrize("paused", [True, False])
def test_who_waits_for_a_flow_whose_history_is_being_read_has_the_answer_with_its_new_runs(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    monkeypatch.setattr("monitor.ingest.history.backfill.Backfill._share", lambda self: 2)
    flow = a_flow(zoho, runs=3000)
    task(account, zoho)
    own(ZohoAccount).update(backfill_paused=paused)
    zoho.clock.pause(61)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=20), "failed"))
    want(own(Flow).get(), zoho.clock())

    task(account, zoho)

    assert own(Execution).filter(execution_id=flow.runs[-1].execution_id).exists()
    row = own(Flow).get()
    assert row.progress.executions_read_at is None
    assert row.progress.wanted_at is None
    zoho.clock.pause(1)
    task(account, zoho)
    assert zoho.asked("flows") == 0, "its page is no longer asked for out of turn"


def test_a_wish_for_a_flow_that_cannot_be_read_is_for_one_reading(account: ZohoAccount, zoho: Zoho) -> None:
    a_flow(zoho), a_flow(zoho)
    sync(account, zoho)
    fail(zoho, f"executions {zoho.flows[1].flow_id}", BadAnswer("HTML"))
    zoho.clock.pause(1)
    want(Flow.objects.get(flow_id=zoho.flows[1].flow_id), zoho.clock())

    task(account, zoho)

    assert not own(Flow).exclude(progress__wanted_at=None).exists()


def test_a_page_asked_for_out_of_turn_that_cannot_be_read_keeps_no_other_flow_waiting(
    account: ZohoAccount, zoho: Zoho
) -> None:
    for _ in range(45):
        a_flow(zoho, runs=1)
    sync(account, zoho)
    zoho.clock.pause(61)
    for flow in zoho.flows[:40]:
        flow.runs.append(Run(zoho.clock() - timedelta(seconds=20)))
    want(Flow.objects.get(flow_id=zoho.flows[44].flow_id), zoho.clock())
    fail(zoho, "flows page 3", BadAnswer("HTML"))

    task(account, zoho)

    assert mirrored(account) == upstream(zoho)


def test_a_server_that_falls_silent_leaves_the_nights_checks_no_failure(account: ZohoAccount, zoho: Zoho) -> None:
    flow = a_flow(zoho)
    sync(account, zoho)
    zoho.clock.pause(61)
    task(account, zoho)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=20)))
    fail(zoho, "executions", Unreachable("no route"))
    zoho.clock.pause(61)
    task(account, zoho)

    heal(zoho)
    zoho.clock.pause(3600)
    task(account, zoho)

    assert stream(account, "statistics").state == "ok"
    assert own(SyncState).get().state == "ok"


def test_what_crm_did_not_answer_is_asked_again_soon(account: ZohoAccount, zoho: Zoho) -> None:
    sync(account, zoho)
    zoho.clock.pause(7 * 3600)
    fail(zoho, "connected", BadAnswer("HTML"))
    task(account, zoho)
    assert stream(account, "connected").state == "failing"

    heal(zoho)
    zoho.clock.pause(301)
    task(account, zoho)

    assert stream(account, "connected").state == "ok"


def test_what_was_not_even_asked_for_stays_due(account: ZohoAccount, zoho: Zoho) -> None:
    from monitor.zoho.errors import Wait

    sync(account, zoho)
    zoho.clock.pause(7 * 3600)
    fail(zoho, "rules", Wait("too many calls", retry_after=30))
    task(account, zoho)

    heal(zoho)
    zoho.clock.pause(61)
    task(account, zoho)

    assert zoho.asked("connected") == 1
    assert zoho.asked("webhook failures") > 0


@pytest.mark.parametrize("error", [BadAnswer("HTML"), NotAvailable("not in this plan")])
def test_a_list_that_cannot_be_read_does_not_leave_executions_due_at_each_tick(
    account: ZohoAccount, zoho: Zoho, error: ZohoError
) -> None:
    a_flow(zoho)
    sync(account, zoho)
    own(StreamState).filter(stream="executions").update(next_due_at=zoho.clock())
    fail(zoho, "flows", error)
    zoho.clock.pause(3600)

    task(account, zoho)

    assert visit(account) is None
    assert own(SyncState).get().next_due_at >= zoho.clock() + timedelta(seconds=5)
    heal(zoho)
    zoho.clock.pause(300)
    zoho.flows[0].runs.append(Run(zoho.clock() - timedelta(seconds=20)))
    task(account, zoho)
    assert mirrored(account) == upstream(zoho)


def test_what_a_sweep_left_due_does_not_begin_the_next_one_at_once_but_a_hint_does(zoho: Zoho) -> None:
    now = zoho.clock()
    started = now - timedelta(seconds=20)
    assert not_at_once(started - timedelta(hours=1), now, started) == now + timedelta(seconds=5)
    assert not_at_once(now - timedelta(seconds=1), now, started) == now - timedelta(seconds=1)
    assert not_at_once(now + timedelta(seconds=1), now, started) == now + timedelta(seconds=1)
