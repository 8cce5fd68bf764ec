"""The list of executions."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import User, ZohoAccount
from tests import factories
from tests.dashboard.test_overview import text_of
from tests.dashboard.world import make_attempt


def test_failures_are_listed_with_their_error(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    busy_flow(flow_name="Lead to campaign")
    words = text_of(signed_in(vera).get("/executions/?status=failed"))
    assert "22 Nov 09:00:00 Failed Lead to campaign 2.0 s ACTION_FAILED Invalid email format" in words
    assert "1 execution · times in UTC" in words


@pytest.mark.parametrize("word", ["complete", "ok", "recovered", "error", "sent"])
def test_a_status_that_nobody_knows_is_shown_in_its_own_word(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, word: str
) -> None:
    run = factories.make_execution(busy_flow(), word, started_time=at_noon)
    shown = re.compile(rf'<span class="pill pill--quiet">.*?</svg>{word}</span>', re.DOTALL)
    for address in (f"/executions/?flow={run.flow_id}", run.get_absolute_url()):
        page = signed_in(vera).get(address).content.decode()
        assert shown.search(page)
        assert f'pill--good">{word}' not in page


def test_times_are_in_the_viewers_zone(vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime) -> None:
    busy_flow()
    vera.timezone = "Asia/Kolkata"
    vera.save()
    client = signed_in(vera)
    assert "22 Nov 14:30:00 Failed" in text_of(client.get("/executions/?status=failed"))
    assert "1 execution " in text_of(client.get("/executions/?start=2026-11-22T17:30"))


def test_an_address_of_a_page_keeps_its_filters_and_its_rows(
    vera: User, signed_in: Any, busy_flow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.queries.executions.page.__defaults__", (4,))
    flow = busy_flow()
    client = signed_in(vera)
    first = client.get(f"/executions/?flow={flow.pk}&status=success&text=").content.decode()
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first)
    assert f"flow={flow.pk}&amp;status=success&amp;after=" in older
    second = client.get("/executions/" + older.replace("&amp;", "&"))
    # In each row, in the choice of statuses, and in the chip of the one that is set.
    assert text_of(second).count("Success") == text_of(second).count("2.0 s") + 2
    assert 'rel="prev"' in second.content.decode()
    factories.make_execution(flow, started_time=factories.NOON + timedelta(hours=1))
    rows = re.compile(r'<tr>.*?href="/executions/(\d+)/"', re.DOTALL)
    again = client.get("/executions/" + older.replace("&amp;", "&"))
    assert rows.findall(again.content.decode()) == rows.findall(second.content.decode()) != []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start=banana", "Give a time such as"),
        ("end=1700-01-01", "Give a year between 2000 and 2100."),
        ("start=2026-11-22&end=2026-11-21", "This is not after the start."),
        ("status=x", "There is no such status."),
        ("flow=99999999999999999999", "No flow has this name or id."),
        ("after=12", "The page's place in the address is damaged."),
        ("text=%00", "Null characters are not allowed."),
    ],
)
def test_a_filter_that_cannot_be_read_is_a_400_that_says_so(
    vera: User, signed_in: Any, busy_flow: Any, query: str, words: str
) -> None:
    flow = busy_flow()
    page = signed_in(vera).get(f"/executions/?{query}")
    assert page.status_code == 400
    assert words.replace("'", "&#x27;") in text_of(page)
    assert flow.executions.first().execution_id not in text_of(page)


@pytest.mark.parametrize(
    "query", ["flow=9223372036854775807", "account=77", "text=100%25", "start=2026-01-01", "nonsense=1"]
)
def test_a_filter_that_fits_nothing_is_an_empty_page_and_no_error(
    vera: User, signed_in: Any, healthy: ZohoAccount, query: str
) -> None:
    assert signed_in(vera).get(f"/executions/?{query}").status_code == 200


def test_a_row_without_a_start_and_with_an_unknown_status_is_listed(
    vera: User, signed_in: Any, healthy: ZohoAccount
) -> None:
    factories.make_execution(factories.make_flow(healthy), "paused_by_limit", started_time=factories.NOON)
    factories.make_execution(factories.make_flow(healthy), "running", started_time=None)
    words = text_of(signed_in(vera).get("/executions/"))
    assert "paused_by_limit" in words
    assert "not known Running" in words


def test_personal_data_in_an_error_is_hidden(vera: User, signed_in: Any, healthy: ZohoAccount) -> None:
    message = "No such contact: jane.roe@example.com"
    factories.make_execution(factories.make_flow(healthy), "failed", error_message=message)
    page = signed_in(vera).get("/executions/").content.decode()
    assert "No such contact" in page
    assert "jane.roe" not in page


def test_the_list_costs_at_most_fifteen_statements(
    vera: User, signed_in: Any, busy_flow: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        busy_flow()
    client = signed_in(vera)
    with django_assert_max_num_queries(12):
        client.get("/executions/")


@pytest.mark.parametrize("address", ["/executions/?status=failed", "/flows/?sort=name"])
def test_a_list_that_is_asked_for_again_is_the_very_part_of_the_page(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, address: str
) -> None:
    busy_flow()
    client = signed_in(vera)
    part = client.get(address, headers={"HX-Request": "true"}).content.decode().strip()
    assert part.startswith('<section class="card" id="list"')
    assert "".join(part.split()) in "".join(client.get(address).content.decode().split())


@pytest.mark.parametrize("minutes", [-30, 0, 6])
def test_the_list_and_the_runs_own_page_know_the_same_clock_of_zoho(
    minutes: int, vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    """By Zoho's clock the re-run is at 12:03: shown is when that is by ours."""
    flow = busy_flow(flow_name="Orders")
    at = factories.NOON - timedelta(minutes=7) + timedelta(minutes=minutes)
    run = factories.make_execution(
        flow,
        status="failed",
        started_time=at,
        completed_time=at,
        first_failed_at=at,
        rerun_due_at=at + timedelta(minutes=10),
        error_details="HTTP 503 from Books",
    )
    earlier = factories.make_execution(flow, "failed", started_time=at - timedelta(days=3))
    make_attempt(earlier, vera, at_noon, state="failed_again", zoho_ahead=timedelta(minutes=minutes))
    client = signed_in(vera)

    listed = text_of(client.get("/executions/?status=waiting"))
    assert "Zoho will retry at 22 Nov 12:03:00" in listed
    assert "22 Nov 12:03:00" in text_of(client.get(run.get_absolute_url()))
    assert "1 execution " in listed


def test_the_list_says_what_is_stuck_and_what_zoho_will_retry(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow = busy_flow(flow_name="Orders")
    factories.make_execution(flow, status="running", started_time=factories.NOON - timedelta(minutes=20))
    at = factories.NOON - timedelta(minutes=7)
    factories.make_execution(
        flow,
        status="failed",
        started_time=at,
        completed_time=at,
        first_failed_at=at,
        rerun_due_at=at + timedelta(minutes=10),
        error_details="HTTP 503 from Books",
    )
    client = signed_in(vera)

    assert "22 Nov 11:40:00 Running stuck Orders" in text_of(client.get("/executions/?status=stuck"))
    waiting = text_of(client.get("/executions/?status=waiting"))
    assert "22 Nov 11:53:00 Failed Zoho will retry at 22 Nov 12:03:00 Orders" in waiting
    assert "1 execution " in waiting
    assert "Failed Zoho will retry at 22 Nov 12:03:00" in text_of(client.get(f"{flow.get_absolute_url()}?tab=runs"))
