"""The list of executions narrowed and paged with rows beside it that only one condition keeps out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Execution, Flow, ZohoAccount
from monitor.queries import executions
from monitor.queries.executions import ExecutionFilter
from monitor.queries.places import Key
from monitor.zoho.reruns import LAST_LOOK, STUCK_AFTER
from tests import factories

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def flow(account: ZohoAccount) -> Flow:
    return factories.make_flow(account)


def found(**wanted: Any) -> list[Execution]:
    return executions.page(ExecutionFilter(**wanted)).rows


def test_a_stuck_run_is_running_listed_and_began_long_ago(flow: Flow, now: datetime) -> None:
    old = now - STUCK_AFTER - SECOND
    stuck = factories.make_execution(flow, "running", started_time=old)
    factories.make_execution(flow, "running", started_time=now - STUCK_AFTER)
    factories.make_execution(flow, "running", started_time=None)
    factories.make_execution(flow, "running", started_time=old, unlisted_at=now)
    factories.make_execution(flow, "failed", started_time=old)
    assert found(status="stuck", now=now) == [stuck]
    assert found(status="stuck") == []


def test_a_run_waits_for_zoho_while_it_failed_is_listed_and_its_clock_runs(flow: Flow, now: datetime) -> None:
    def make(one: Flow = flow, status: str = "failed", **fields: Any) -> Execution:
        known = {"rerun_due_at": now, "first_failed_at": now - HOUR}
        return factories.make_execution(one, status, **known | fields)

    waiting = make()
    make(status="success")
    make(rerun_due_at=None)
    make(first_failed_at=now - LAST_LOOK)
    make(first_failed_at=None)
    make(unlisted_at=now)
    make(factories.make_flow(flow.account, gone_at=now))
    assert found(status="waiting", now=now) == [waiting]
    assert found(status="waiting") == []
    late = make(first_failed_at=now - LAST_LOOK + SECOND)
    assert set(found(status="waiting", now=now)) == {waiting, late}


def test_each_narrowing_alone_keeps_the_others_out(flow: Flow, now: datetime) -> None:
    twin = factories.make_flow()
    mine = factories.make_execution(
        flow, "failed", started_time=now, error_code="", error_details="", error_message="a"
    )
    theirs = factories.make_execution(twin, "success", started_time=now - HOUR)
    odd = factories.make_execution(twin, "on hold", started_time=now + HOUR, error_message="")
    assert found() == [odd, mine, theirs]
    assert found(account_id=flow.account_id) == found(flow_id=flow.pk) == found(status="failed") == [mine]
    assert found(status="other") == [odd]
    assert found(status="success") == [theirs]
    assert found(start=now) == [odd, mine]
    assert found(end=now) == [theirs]
    assert found(start=now, end=now + HOUR) == [mine]
    assert found(text=flow.flow_id) == found(text=mine.execution_id) == found(text="A") == [mine]
    assert found(text=mine.execution_id[:-1]) == []


@pytest.mark.parametrize("column", ["error_code", "error_message", "error_details"])
def test_a_text_is_looked_for_in_each_part_of_an_error(flow: Flow, column: str) -> None:
    empty = {"error_code": "", "error_message": "", "error_details": ""}
    factories.make_execution(flow, "failed", **empty)
    hit = factories.make_execution(flow, "failed", **empty | {column: "The Shop is closed"})
    assert found(text="shop IS") == [hit]


def test_rows_without_a_start_come_last_and_no_time_narrows_to_them(flow: Flow, now: datetime) -> None:
    late = [factories.make_execution(flow, "running", started_time=None) for _ in range(3)]
    timed = factories.make_execution(flow, started_time=now)
    assert found() == [timed, *late[::-1]]
    assert found(start=now - HOUR) == found(end=now + HOUR) == [timed]
    assert found(after=Key(None, late[2].pk)) == [late[1], late[0]]
    page = executions.page(ExecutionFilter(before=Key(None, late[0].pk)), 1)
    assert page.rows == [late[1]]
    assert (page.newer, page.older) == (Key(None, late[1].pk), Key(None, late[1].pk))
    assert executions.page(ExecutionFilter(before=Key(None, late[2].pk)), 1).rows == [timed]


def test_rows_of_one_moment_are_told_apart_by_their_key_in_both_directions(flow: Flow, now: datetime) -> None:
    rows = [factories.make_execution(flow, started_time=now) for _ in range(5)][::-1]
    middle = Key(now, rows[2].pk)
    assert executions.page(ExecutionFilter(after=middle), 1).rows == [rows[3]]
    assert executions.page(ExecutionFilter(before=middle), 1).rows == [rows[1]]
    first = executions.page(ExecutionFilter(), 2)
    assert (first.rows, first.newer, first.older) == (rows[:2], None, Key(now, rows[1].pk))
    last = executions.page(ExecutionFilter(after=Key(now, rows[3].pk)), 2)
    assert (last.rows, last.newer, last.older) == ([rows[4]], Key(now, rows[4].pk), None)


def test_the_newest_rows_of_a_flow_are_its_own(flow: Flow, now: datetime) -> None:
    rows = [factories.make_execution(flow, started_time=now - n * MINUTE) for n in range(3)]
    factories.make_execution(factories.make_flow(flow.account), started_time=now)
    assert executions.recent(flow.pk) == rows
    assert executions.recent(flow.pk, 2) == rows[:2]


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (1, 1), (2, 2), (200, 200), (201, 200)])
def test_a_page_has_between_one_and_two_hundred_rows(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, asked: int, given: int
) -> None:
    limits: list[int] = []
    monkeypatch.setattr(executions, "_older_rows", lambda matched, wanted, limit: limits.append(limit) or [])
    executions.page(ExecutionFilter(), asked)
    assert limits == [given + 1]


def test_what_matches_is_counted_up_to_the_cap(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "COUNT_CAP", 3)
    for count in range(1, 6):
        factories.make_execution(flow)
        factories.make_execution(factories.make_flow(flow.account))
        assert executions.capped_count(ExecutionFilter(flow_id=flow.pk)) == min(count, 4)
