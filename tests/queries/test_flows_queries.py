"""The list of flows and its figures."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import ZohoAccount
from monitor.queries import flow as one
from monitor.queries import flows
from monitor.queries.flow import Mirrored
from monitor.queries.flows import FlowFilter
from monitor.standing.facts import Presents
from tests import factories
from tests.queries.listed_flows import listed


def names(wanted: FlowFilter, now: datetime) -> list[str]:
    return [flow.flow_name for flow in listed(wanted, now)]


@pytest.fixture
def three(account: ZohoAccount, now: datetime, bucket: Any) -> None:
    bad = factories.make_flow(account, flow_name="Bad")
    busy = factories.make_flow(account, flow_name="Busy", status="inactive")
    idle = factories.make_flow(account, flow_name="Idle", trigger_app="Zoho Forms")
    factories.make_flow(account, flow_name="Gone", gone_at=now)
    bucket(bad, now, 1, 1)
    bucket(busy, now, 97, 3)
    bucket(idle, now - timedelta(days=8), 0, 50)
    factories.make_execution(bad, started_time=now - timedelta(hours=2))
    factories.make_execution(busy, started_time=now - timedelta(hours=1))
    factories.make_execution(busy, "running", started_time=None)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["Bad", "Busy", "Idle"]),
        ("failures", ["Busy", "Bad", "Idle"]),
        ("rate", ["Bad", "Busy", "Idle"]),
        ("runs", ["Busy", "Bad", "Idle"]),
        ("last_run", ["Busy", "Bad", "Idle"]),
    ],
)
def test_the_list_is_sorted_with_what_has_no_figure_last(
    three: None, now: datetime, sort: str, order: list[str]
) -> None:
    assert names(FlowFilter(sort=sort), now) == order


@pytest.mark.parametrize("word", ["resting", "enabled", ""])
def test_a_flow_of_a_word_that_nobody_knows_is_neither_active_nor_inactive(
    three: None, account: ZohoAccount, now: datetime, word: str
) -> None:
    factories.make_flow(account, flow_name="Odd", status=word)
    factories.make_flow(account, flow_name="Off", status="suspended")
    assert names(FlowFilter(sort="name", status="active"), now) == ["Bad", "Idle"]
    assert names(FlowFilter(sort="name", status="inactive"), now) == ["Busy", "Off"]
    assert names(FlowFilter(sort="name"), now) == ["Bad", "Busy", "Idle", "Odd", "Off"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"status": "active"}, ["Bad", "Idle"]),
        ({"status": "inactive"}, ["Busy"]),
        ({"status": "gone"}, ["Gone"]),
        ({"text": "forms"}, ["Idle"]),
        ({"text": "bus"}, ["Busy"]),
        ({"text": "%"}, []),
        ({"account_id": 0}, []),
    ],
)
def test_a_filter_narrows_the_list(three: None, now: datetime, wanted: dict[str, Any], found: list[str]) -> None:
    assert names(FlowFilter(sort="name", **wanted), now) == found


def test_the_figures_are_of_the_last_seven_days(three: None, now: datetime) -> None:
    figures = {flow.flow_name: (flow.runs, flow.failures, flow.counts.rate) for flow in listed(FlowFilter(), now)}
    assert figures == {"Bad": (2, 1, 50.0), "Busy": (100, 3, 97.0), "Idle": (0, 0, None)}


@pytest.mark.parametrize("sort", flows.SORTS)
def test_the_order_is_one_statement_and_so_are_the_rows_of_a_page(
    three: None, now: datetime, django_assert_num_queries: Any, sort: str
) -> None:
    sums = flows.week_sums(now)
    with django_assert_num_queries(1):
        keys = flows.in_order(FlowFilter(sort=sort), sums, Presents({}, frozenset()), now)
    assert len(keys) == 3
    with django_assert_num_queries(1):
        page = flows.rows([keys[2], 0, keys[1]], sums, now)
        assert [flow.account.name for flow in page]
    assert [flow.pk for flow in page] == [keys[2], keys[1]], "in the order of the keys, without what is gone"


def test_results_are_laid_into_days_of_24_hours(account: ZohoAccount, now: datetime, bucket: Any) -> None:
    flow = factories.make_flow(account)
    bucket(flow, now - timedelta(hours=1), 2, 1)
    bucket(flow, now - timedelta(hours=2), 3)
    bucket(flow, now - timedelta(days=2), 0, 4)
    assert flows.daily_results([flow.pk], now, 3)[flow.pk] == [(0, 4), (0, 0), (5, 1)]


def test_a_counter_is_explained_by_what_was_before_mirrored_and_pruned() -> None:
    assert Mirrored("Failed", counter=20, baseline=5, mirrored=10, pruned=3).missing == 2
    assert Mirrored("Failed", counter=None, baseline=5, mirrored=10, pruned=3).missing is None
    assert Mirrored("Failed", counter=20, baseline=None, mirrored=10, pruned=3).missing is None


def test_the_counters_of_a_flow_are_compared_by_result(account: ZohoAccount) -> None:
    flow = factories.make_flow(
        account,
        execution_count=12,
        success_count=9,
        failure_count=3,
        baseline_total=10,
        baseline_success=8,
        baseline_failed=2,
    )
    factories.make_execution(flow)
    factories.make_execution(flow, "failed")
    assert [(row.label, row.missing) for row in one.completeness(flow)] == [
        ("All runs", 0),
        ("Success", 0),
        ("Failed", 0),
    ]
