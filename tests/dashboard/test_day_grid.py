"""The grid of flows and days: what a cell says, where it leads, and what of it is not known."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from dashboard.overview.grid import MEANINGS, ONE_TABLE, meaning_of, paint_halves, paint_head, words_of
from monitor.models import Flow, FlowProgress, User, ZohoAccount
from monitor.queries.flow_days import DAYS, DayGrid, DayResult, FlowDays
from tests import factories
from tests.dashboard.soup import Page, words

DAY = timedelta(days=1)
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("result", "meaning", "told"),
    [
        (DayResult(), "n", "no run"),
        (DayResult(is_known=False), "u", "not known"),
        (DayResult(1), "g", "1 run, good"),
        (DayResult(1200), "g", "1,200 runs, none failed"),
        (DayResult(3, 1), "b", "1 of 4 failed"),
        (DayResult(1, 1), "w", "1 of 2 failed"),
        (DayResult(0, 5), "w", "5 of 5 failed"),
        (DayResult(others=2), "o", "2 under way"),
        (DayResult(3, is_known=False), "u", "3 runs, none failed, some of the day is not known"),
        (DayResult(3, 1, is_known=False), "b", "1 of 4 failed, some of the day is not known"),
    ],
)
def test_a_cell_says_what_failed_and_calls_nothing_good_that_is_not_known(
    result: DayResult, meaning: str, told: str
) -> None:
    assert (meaning_of(result), words_of(result)) == (meaning, told)


@given(st.builds(DayResult, st.integers(0, 9), st.integers(0, 9), st.integers(0, 3), st.booleans()))
def test_a_cell_is_good_only_where_runs_finished_none_failed_and_the_day_is_known(result: DayResult) -> None:
    meaning = meaning_of(result)
    assert meaning in MEANINGS
    assert (meaning == "g") == (result.succeeded > 0 and not result.failed and result.is_known)
    assert (meaning in "bw") == (result.failed > 0)


def of_flows(count: int) -> DayGrid:
    rows = []
    for key in range(1, count + 1):
        flow = Flow(pk=key, flow_name=f'Flow "{key}" <b>')
        flow.progress = FlowProgress(flow_id=key)
        rows.append(FlowDays(flow, [DayResult(1)]))
    return DayGrid([TODAY], rows, is_cut=False)


@pytest.mark.parametrize(("count", "halves"), [(0, []), (1, [1]), (ONE_TABLE, [ONE_TABLE]), (ONE_TABLE + 1, [7, 6])])
def test_many_flows_stand_in_two_tables_side_by_side(count: int, halves: list[int]) -> None:
    found = paint_halves(of_flows(count))
    assert [half.count("<tr>") for half in found] == halves
    assert "<b>" not in "".join(found)


def test_the_head_names_each_day_for_those_who_do_not_see_it() -> None:
    head = paint_head([TODAY - n * DAY for n in range(DAYS - 1, -1, -1)])
    assert re.findall(r'visually-hidden">([^<]+)', head)[-1] == "22 Nov"
    assert head.count("<th ") == DAYS


@pytest.fixture
def flow(healthy: ZohoAccount, at_noon: datetime) -> Flow:
    read = {"executions_read_at": at_noon, "history_read_at": at_noon}
    flow = factories.make_flow(healthy, flow_name="Lead sync", first_seen_at=at_noon - 90 * DAY, **read)
    for ago, status in ((0, "failed"), (0, "success"), (3, "success"), (29, "failed"), (30, "failed")):
        factories.make_execution(flow, status, started_time=at_noon - ago * DAY)
    for ago, counts in ((0, (1, 1)), (3, (1, 0)), (29, (0, 1)), (30, (0, 1))):
        factories.make_day(flow, TODAY - ago * DAY, **dict(zip(("succeeded", "failed"), counts, strict=True)))
    return flow


def row_of(client: Client, flow: Flow) -> list[Any]:
    page = Page(client.get("/?grid=yes").content.decode())
    rows = [row for row in page.root.iter("tr") if words(row).startswith(flow.shown_name)]
    (row,) = rows
    return list(row.iter("td"))


def test_a_cell_opens_exactly_the_runs_that_it_counts(flow: Flow, vera: User, signed_in: Any) -> None:
    client = signed_in(vera)
    cells = row_of(client, flow)
    assert len(cells) == DAYS
    assert [cell.get("class") for cell in cells] == ["w", *["n"] * 25, "g", "n", "n", "w"]
    linked = {place: cell.find("a") for place, cell in enumerate(cells) if cell.find("a") is not None}
    assert {place: link.get("title") for place, link in linked.items()} == {
        0: "24 Oct: 1 of 1 failed",
        26: "19 Nov: 1 run, good",
        29: "22 Nov: 1 of 2 failed",
    }
    for place, link in linked.items():
        rows = client.get(link.get("href")).context["rows"]
        day = TODAY - (DAYS - 1 - place) * DAY
        assert [(run.started_time.date(), run.flow_id) for run in rows] == [(day, flow.pk)], link.get("href")
    assert linked[26].get("tabindex") == "-1"
    assert linked[29].get("tabindex") is None, "with a keyboard failures are the way"


def test_days_whose_history_is_not_read_are_not_called_empty(flow: Flow, vera: User, signed_in: Any) -> None:
    FlowProgress.objects.filter(flow=flow).update(
        executions_read_at=None, covered_from=datetime(2026, 11, 18, tzinfo=UTC)
    )
    kinds = [cell.get("class") for cell in row_of(signed_in(vera), flow)]
    assert kinds == ["w", *["u"] * 24, "n", "g", "n", "n", "w"]


def test_days_whose_runs_are_no_longer_listed_are_no_links(flow: Flow, vera: User, signed_in: Any) -> None:
    FlowProgress.objects.filter(flow=flow).update(pruned_before=datetime(2026, 11, 1, tzinfo=UTC))
    first = row_of(signed_in(vera), flow)[0]
    assert first.find("a") is None
    assert words(first) == "24 Oct: 1 of 1 failed"


def test_flows_with_the_most_failures_come_first_and_deleted_ones_not_at_all(
    flow: Flow, vera: User, signed_in: Any, at_noon: datetime
) -> None:
    today = at_noon.date()
    busy = factories.make_flow(flow.account, flow_name="Busy")
    worse = factories.make_flow(flow.account, flow_name="Worse")
    gone = factories.make_flow(flow.account, flow_name="Gone", gone_at=at_noon)
    factories.make_day(busy, today, succeeded=900)
    factories.make_day(worse, today, succeeded=1, failed=9)
    factories.make_day(gone, today, failed=99)
    page = Page(signed_in(vera).get("/?grid=yes").content.decode())
    names = [words(head) for head in page.root.iter("th") if head.get("title")]
    assert [name for name in names if name in ("Worse", "Lead sync", "Busy", "Gone")] == ["Worse", "Lead sync", "Busy"]


def test_without_scripts_a_link_shows_it_and_with_them_it_comes_as_a_part(
    flow: Flow, vera: User, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(vera)
    page = client.get("/?days=30").content.decode()
    assert 'class="day-grid"' not in page
    assert 'href="?days=30&amp;grid=yes#grid-title"' in page
    assert re.search(r'hx-get="\?days=30&amp;part=grid"\s+hx-trigger="revealed"', page)
    with django_assert_max_num_queries(5):
        part = client.get("/?days=30&part=grid", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith("<section")
    assert 'class="freshness"' in part
    assert 'title="22 Nov: 1 of 2 failed"' in part
