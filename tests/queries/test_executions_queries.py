"""Paging by key: every row once, in order, whatever its start time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from monitor.models import Execution, ZohoAccount
from monitor.queries import executions
from monitor.queries.executions import ExecutionFilter, Page
from monitor.queries.places import key_of
from tests import factories


def walk(wanted: ExecutionFilter, size: int) -> tuple[list[int], Page]:
    """Every row by going from page to page to the end, and the last page."""
    seen: list[int] = []
    page = executions.page(wanted, size)
    while True:
        seen += [row.pk for row in page.rows]
        if page.older is None:
            return seen, page
        page = executions.page(replace(wanted, after=page.older), size)


class Paging(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        minutes=st.lists(st.none() | st.integers(0, 4), max_size=14),
        size=st.integers(1, 6),
    )
    def test_each_row_is_on_one_page_there_and_back(self, minutes: list[int | None], size: int) -> None:
        flow = factories.make_flow()
        for minute in minutes:
            started = None if minute is None else factories.NOON + timedelta(minutes=minute)
            factories.make_execution(flow, "running", started_time=started)
        seen, last = walk(ExecutionFilter(), size)
        rows = Execution.objects.values_list("pk", "started_time")
        right = sorted(rows, key=lambda row: (row[1] is not None, row[1] or factories.NOON, row[0]), reverse=True)
        assert seen == [pk for pk, _ in right]
        back = [row.pk for row in last.rows]
        while last.newer is not None:
            last = executions.page(ExecutionFilter(before=last.newer), size)
            back = [row.pk for row in last.rows if row.pk not in back] + back
        assert back == seen


def test_new_rows_do_not_shift_a_page(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account)
    for n in range(4):
        factories.make_execution(flow, started_time=now - timedelta(minutes=n))
    first = executions.page(ExecutionFilter(), 2)
    second = executions.page(ExecutionFilter(after=first.older), 2)
    factories.make_execution(flow, started_time=now + timedelta(minutes=1))
    assert executions.page(ExecutionFilter(after=first.older), 2).rows == second.rows


def test_the_top_page_is_whole_after_going_back(account: ZohoAccount, now: datetime) -> None:
    flow = factories.make_flow(account)
    rows = [factories.make_execution(flow, started_time=now - timedelta(minutes=n)) for n in range(4)]
    page = executions.page(ExecutionFilter(before=key_of(rows[1])), 3)
    assert page.rows == rows[:3]
    assert page.newer is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"status": "failed"}, {"failed"}),
        ({"status": "other"}, {"odd"}),
        ({"text": "invalid EMAIL"}, {"failed"}),
        ({"text": "ACTION_FAILED"}, {"failed"}),
        ({"text": "100%"}, {"odd"}),
        ({"text": "777"}, {"good"}),
        ({"text": "nothing of this"}, set()),
        ({"start": factories.NOON}, {"good"}),
        ({"end": factories.NOON}, {"failed", "odd"}),
    ],
)
def test_a_filter_lets_through_what_it_names(account: ZohoAccount, wanted: dict[str, Any], found: set[str]) -> None:
    flow = factories.make_flow(account)
    rows = {
        "good": factories.make_execution(flow, execution_id="777", started_time=factories.NOON),
        "failed": factories.make_execution(flow, "failed"),
        "odd": factories.make_execution(flow, "paused_by_limit", error_message="100% of the limit"),
    }
    page = executions.page(ExecutionFilter(**wanted))
    assert {row.pk for row in page.rows} == {rows[name].pk for name in found}


def test_account_and_flow_narrow_the_list(account: ZohoAccount) -> None:
    one, two = factories.make_flow(account), factories.make_flow(account)
    mine, other, _ = factories.make_execution(one), factories.make_execution(two), factories.make_execution()
    assert executions.page(ExecutionFilter(flow_id=one.pk)).rows == [mine]
    assert set(executions.page(ExecutionFilter(account_id=account.pk)).rows) == {mine, other}


def test_the_count_stops_at_its_cap(account: ZohoAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "COUNT_CAP", 2)
    flow = factories.make_flow(account)
    for _ in range(5):
        factories.make_execution(flow)
    assert executions.capped_count(ExecutionFilter()) == 3


def test_a_page_is_bounded_whatever_is_asked_for(account: ZohoAccount) -> None:
    factories.make_execution(factories.make_flow(account))
    assert len(executions.page(ExecutionFilter(), -5).rows) == 1


def test_a_page_costs_two_statements(account: ZohoAccount, django_assert_num_queries: Any) -> None:
    flow = factories.make_flow(account)
    for _ in range(6):
        factories.make_execution(flow)
    with django_assert_num_queries(2):
        page = executions.page(ExecutionFilter())
        assert [(row.flow.shown_name, row.error_code, row.is_failed) for row in page.rows] == [
            (flow.flow_name, "", False)
        ] * 6
