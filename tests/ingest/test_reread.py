"""Rows read again by themselves: running ones until they end, failed ones after each of Zoho's re-runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.connection import BudgetSpent
from monitor.ingest.runs import reread
from monitor.ingest.runs.reread import FIRST, MOST, SILENT, allowance, by_list, pages_of
from monitor.models import Execution, ExecutionEvent, Flow, ZohoAccount
from monitor.zoho.errors import AnswerLost, BadAnswer
from tests import factories
from tests.bystander import own
from tests.fake_zoho import FakeFlow, Run, Zoho, a_task, sync
from tests.ingest.mirror import mirrored, stream, upstream

PASSING = {"error": {"code": "ACTION_FAILED", "message": "Books is not available", "details": "HTTP 503 from Books"}}
LASTING = {"error": {"code": "ACTION_FAILED", "message": "Failed to create", "details": "Invalid email format"}}


def background(account: ZohoAccount, zoho: Zoho) -> list[str]:
    """One sweep of a task; the calls for executions it made."""
    zoho.calls.clear()
    sync(account, zoho, patience=a_task(zoho))
    return [call for call in zoho.calls if call.startswith("execution")]


def failing_flow(zoho: Zoho, *, failures: int, over: dict, good: int = 0) -> FakeFlow:
    """Runs that failed within the last minute. Zoho's counters of the flow never move again."""
    at = zoho.clock()
    flow = FakeFlow(before=(100, 3))
    flow.runs += [Run(at - timedelta(seconds=3 + n % 20), "failed", over=dict(over)) for n in range(failures)]
    flow.runs += [Run(at - timedelta(seconds=3 + n % 20)) for n in range(good)]
    zoho.flows.append(flow)
    still = flow.summary()
    flow.over = {name: still[name] for name in ("execution_count", "success_count", "failure_count")}
    return flow


def good_again(run: Run) -> None:
    run.succeed()
    run.over = {}


def test_a_re_run_that_no_counter_tells_of_is_found_a_minute_after_it_was_due(account: ZohoAccount, zoho: Zoho) -> None:
    flow = failing_flow(zoho, failures=1, over=PASSING)
    sync(account, zoho)
    row = own(Execution).get()
    assert row.rerun_due_at == row.first_failed_at + timedelta(minutes=5)

    zoho.clock.pause(300)
    assert background(account, zoho) == []
    good_again(flow.runs[0])
    zoho.clock.pause(120)
    assert background(account, zoho) == [f"execution {row.execution_id}"]

    row.refresh_from_db()
    assert (row.status, row.first_status, row.rerun_count, row.rerun_due_at) == ("success", "failed", 1, None)
    event = row.events.get()
    assert (event.kind, event.from_status, event.to_status) == ("rerun", "failed", "success")
    assert mirrored(account) == upstream(zoho)


@pytest.mark.deep
def test_a_run_that_stays_failed_is_looked_at_eight_times_in_a_day_and_then_left_alone(
    account: ZohoAccount, zoho: Zoho
) -> None:
    failing_flow(zoho, failures=1, over=PASSING)
    sync(account, zoho)
    looks = 0
    for _ in range(27 * 6):
        zoho.clock.pause(600)
        # The lists of the night's checks are not counted: they look at every flow.
        looks += sum(call.startswith("execution ") for call in background(account, zoho))

    assert looks == 8
    assert own(Execution).get().rerun_due_at is None
    assert not own(ExecutionEvent).exists()


def test_what_zoho_never_runs_again_is_not_asked_for(account: ZohoAccount, zoho: Zoho) -> None:
    failing_flow(zoho, failures=3, over=LASTING)
    sync(account, zoho)
    zoho.clock.pause(420)

    assert background(account, zoho) == []
    assert not own(Execution).exclude(rerun_due_at=None).exists()


def test_many_due_rows_of_one_flow_cost_one_list(account: ZohoAccount, zoho: Zoho) -> None:
    flow = failing_flow(zoho, failures=30, over=PASSING, good=40)
    sync(account, zoho)
    zoho.clock.pause(420)
    for run in flow.runs[:7]:
        good_again(run)

    assert background(account, zoho) == [f"executions {flow.flow_id} page 1 of 200"]

    assert mirrored(account) == upstream(zoho)
    assert own(Execution).filter(rerun_due_at__gt=zoho.clock()).count() == 23
    zoho.clock.pause(60)
    assert background(account, zoho) == [], "the others are due again after their next re-run"


def test_two_due_rows_with_many_runs_between_them_are_asked_for_by_id(account: ZohoAccount, zoho: Zoho) -> None:
    flow = failing_flow(zoho, failures=2, over=PASSING, good=500)
    flow.runs[0].started -= timedelta(seconds=2)
    flow.runs[1].started = zoho.clock() - timedelta(seconds=1)
    for run in flow.runs[:2]:
        run.started -= timedelta(seconds=1)
    flow.runs[0].started -= timedelta(seconds=30)
    sync(account, zoho)
    zoho.clock.pause(420)

    assert sorted(background(account, zoho)) == sorted(f"execution {run.execution_id}" for run in flow.runs[:2])


@pytest.mark.deep
def test_a_storm_of_failures_spends_no_more_than_its_share(account: ZohoAccount, zoho: Zoho) -> None:
    zoho.cap = 10
    failing_flow(zoho, failures=900, over=PASSING)
    sync(account, zoho)
    zoho.clock.pause(420)
    spent = []
    for _ in range(4):
        spent.append(len(background(account, zoho)))
        zoho.clock.pause(61)

    assert spent[0] == FIRST
    assert all(count <= allowance(200_000, timedelta(seconds=61)) for count in spent[1:])
    assert sum(spent) > 30, "but it goes on"


def test_a_running_row_is_asked_for_until_it_ends_and_one_list_serves_many(account: ZohoAccount, zoho: Zoho) -> None:
    at = zoho.clock()
    flow = FakeFlow(runs=[Run(at - timedelta(seconds=n), "running") for n in range(12)])
    zoho.flows.append(flow)
    sync(account, zoho)
    still = flow.summary()
    flow.over = {name: still[name] for name in ("execution_count", "success_count", "failure_count")}
    flow.runs[3].status = "success"
    zoho.clock.pause(70)

    assert background(account, zoho) == [f"executions {flow.flow_id} page 1 of 200"]

    assert mirrored(account) == upstream(zoho)
    assert own(Execution).filter(recheck_at__gt=zoho.clock()).count() == 11
    row = own(Execution).get(status="success")
    assert row.events.get().kind == "ended"


def test_a_due_row_that_zoho_lists_no_longer_is_asked_for_by_its_id_and_then_left_alone(
    account: ZohoAccount, zoho: Zoho
) -> None:
    flow = failing_flow(zoho, failures=5, over=PASSING)
    sync(account, zoho)
    gone = flow.runs.pop(2)
    zoho.clock.pause(420)

    calls = background(account, zoho)

    assert calls[0] == f"executions {flow.flow_id} page 1 of 200"
    assert [call for call in calls if call.startswith("execution ")] == [f"execution {gone.execution_id}"]
    assert own(Execution).get(execution_id=gone.execution_id).rerun_due_at is None
    assert own(Execution).count() == 5, "history outlives what Zoho holds"


def test_the_reading_of_a_flow_that_moved_serves_its_due_rows_too(account: ZohoAccount, zoho: Zoho) -> None:
    flow = failing_flow(zoho, failures=3, over=PASSING)
    flow.over = {}
    sync(account, zoho)
    zoho.clock.pause(1800 + 120)
    flow.runs.append(Run(zoho.clock() - timedelta(seconds=30)))

    assert background(account, zoho) == [f"executions {flow.flow_id} page 1 of 200"]
    assert all(
        at > zoho.clock() for at in own(Execution).exclude(rerun_due_at=None).values_list("rerun_due_at", flat=True)
    )


def test_a_row_that_cannot_be_read_waits_for_its_next_turn_and_is_told_of(account: ZohoAccount, zoho: Zoho) -> None:
    bad, good = (failing_flow(zoho, failures=1, over=PASSING) for _ in range(2))
    sync(account, zoho)
    good_again(good.runs[0])
    zoho.clock.pause(420)

    def refuse(number: int, what: str) -> None:
        if what == f"execution {bad.runs[0].execution_id}":
            raise BadAnswer("no run in the reply")

    zoho.before_call = refuse
    result = sync(account, zoho, patience=a_task(zoho))

    assert own(Execution).get(execution_id=good.runs[0].execution_id).status == "success"
    assert own(Execution).get(execution_id=bad.runs[0].execution_id).rerun_due_at > zoho.clock()
    assert any("cannot be read: no run in the reply" in line for line in result.missing)


@pytest.mark.parametrize("failures", [1, 3, 12])
def test_runs_that_a_server_always_fails_on_stop_neither_the_sweep_nor_the_other_flows(
    account: ZohoAccount, zoho: Zoho, failures: int
) -> None:
    bad = failing_flow(zoho, failures=failures, over=PASSING, good=failures * 300)
    good = failing_flow(zoho, failures=1, over=PASSING)
    sync(account, zoho)
    good_again(good.runs[0])
    zoho.clock.pause(420)

    def lose(number: int, what: str) -> None:
        if what.startswith((f"executions {bad.flow_id}", *(f"execution {run.execution_id}" for run in bad.runs))):
            raise AnswerLost("HTTP 502", status=502)

    zoho.before_call = lose
    result = sync(account, zoho, patience=a_task(zoho))

    assert own(Execution).get(execution_id=good.runs[0].execution_id).status == "success"
    assert not own(Execution).filter(rerun_due_at__lte=zoho.clock()).exists()
    assert stream(account, "executions").state == "ok"
    assert result.resume == {}
    assert any("cannot be read: HTTP 502" in line for line in result.missing)


def test_a_server_that_is_silent_on_several_flows_is_given_up(account: ZohoAccount, zoho: Zoho) -> None:
    for _ in range(SILENT + 1):
        failing_flow(zoho, failures=1, over=PASSING)
    sync(account, zoho)
    zoho.clock.pause(420)

    def lose(number: int, what: str) -> None:
        if what.startswith("execution "):
            raise AnswerLost("HTTP 502", status=502)

    zoho.before_call = lose

    assert len(background(account, zoho)) == SILENT
    assert stream(account, "executions").state == "failing"
    assert own(Execution).filter(rerun_due_at__lte=zoho.clock()).count() == 1, "what was not asked for stays due"


def test_where_the_budget_is_spent_the_rest_stays_due(
    account: ZohoAccount, zoho: Zoho, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = failing_flow(zoho, failures=1, over=PASSING)
    sync(account, zoho)
    zoho.clock.pause(420)
    due = own(Execution).get().rerun_due_at

    def refuse(number: int, what: str) -> None:
        if what.startswith("execution "):
            raise BudgetSpent("no calls left", now=zoho.clock(), until=zoho.clock() + timedelta(minutes=5))

    zoho.before_call = refuse
    background(account, zoho)

    assert own(Execution).get().rerun_due_at == due
    assert Flow.objects.get(flow_id=flow.flow_id).progress.hole_reason == ""


def test_the_share_grows_with_time_and_is_bounded() -> None:
    assert allowance(1_000, None) == FIRST
    assert allowance(1_000, timedelta(seconds=60)) == 0
    assert allowance(1_000, timedelta(minutes=15)) == 1
    assert allowance(None, timedelta(minutes=15)) == 1
    assert allowance(200_000, timedelta(days=9)) == MOST
    assert allowance(50_000, timedelta(seconds=-5)) == 0
    assert 86_400 / 60 * allowance(50_000, timedelta(seconds=60)) <= reread.SHARE * 50_000


def test_a_list_is_taken_where_it_costs_fewer_calls() -> None:
    assert [pages_of(rows, 200) for rows in (0, 1, 200, 201)] == [1, 1, 1, 2]
    assert not by_list(1, 1, 200)
    assert by_list(2, 2, 200)
    assert not by_list(2, 201, 200)
    assert by_list(3, 400, 200)


def test_whether_a_list_is_cheaper_is_reckoned_with_the_flows_own_rows_between(
    account: ZohoAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = factories.make_flow(account)
    due = [factories.make_execution(flow, "running", started_time=now - timedelta(hours=n)) for n in (1, 3)]
    factories.make_execution(flow, started_time=now - timedelta(hours=2))
    for hours in (0, 4):
        factories.make_execution(flow, started_time=now - timedelta(hours=hours))
    for one in (factories.make_flow(account), factories.make_flow()):
        factories.make_execution(one, started_time=now - timedelta(hours=2))
    asked: list[tuple[int, int, int]] = []
    monkeypatch.setattr(reread, "by_list", lambda *numbers: asked.append(numbers) or True)
    pages = SimpleNamespace(sizes=[50], full=None)
    visit: Any = SimpleNamespace(_flow=flow, _context=SimpleNamespace(pages=pages))
    assert reread.Visit._is_cheaper_by_list(visit, due)
    pages.sizes, pages.full = [None], 40
    reread.Visit._is_cheaper_by_list(visit, due)
    pages.full = None
    reread.Visit._is_cheaper_by_list(visit, due)
    assert asked == [(2, 3, 50), (2, 3, 40), (2, 3, reread.FULL_PAGE)]
