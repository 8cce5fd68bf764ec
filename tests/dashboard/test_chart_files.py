"""The figures of each chart as a file: the slots that are drawn, as plain numbers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.test import Client

from monitor.models import Flow, HourBucket, User
from tests.dashboard.soup import Page

pytestmark = pytest.mark.django_db
Signed = Callable[[User], Client]


@pytest.fixture
def flow(busy_flow: Callable[..., Flow], at_noon: datetime) -> Flow:
    """Ten hours with a run each, of which that three hours ago failed."""
    made = busy_flow(flow_name="Lead sync")
    HourBucket.objects.filter(flow=made, failed=1).update(errors={"data": 1})
    return made


def file_of(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(b"".join(answer.streaming_content).decode())))


def test_every_chart_of_a_flow_leads_to_its_figures(flow: Flow, signed_in: Signed, vera: User) -> None:
    client, page = signed_in(vera), f"{flow.get_absolute_url()}?tab=charts&days=1"
    tree = Page(client.get(page).content.decode())
    links = [link.get("href", "") for link in tree.root.iter("a") if "csv=" in link.get("href", "")]
    assert len(links) == len(tree.marked("chart__box")) == 4
    sums: dict[str, float] = {}
    for link in links:
        rows = file_of(client, f"{flow.get_absolute_url()}{link}")
        assert rows[0]["from"] < rows[1]["from"]
        for name in rows[0]:
            if name not in ("from", "to", "is_complete"):
                sums[name] = sums.get(name, 0.0) + sum(float(row[name] or 0) for row in rows)
    assert sums["failed"] == 2, "in two of the files"
    assert sums["succeeded"] == 18
    assert (sums["running"], sums["failed_data"]) == (0, 1)
    assert {"success_rate", "first_attempt_rate", "median_ms", "p95_ms"} <= set(sums)


def test_a_slot_is_a_line_with_its_ends_and_whether_it_is_known(
    flow: Flow, signed_in: Signed, vera: User, at_noon: datetime
) -> None:
    address = f"{flow.get_absolute_url()}?days=1&csv=chart-success-rate"
    rows = {datetime.fromisoformat(row["from"]): row for row in file_of(signed_in(vera), address)}
    bad = rows[at_noon - timedelta(hours=3)]
    assert (bad["success_rate"], bad["succeeded"], bad["failed"], bad["is_complete"]) == ("0.0", "0", "1", "yes")
    assert datetime.fromisoformat(bad["to"]) == at_noon - timedelta(hours=2)
    empty = rows[at_noon - timedelta(hours=15)]
    assert (empty["success_rate"], empty["failed"]) == ("", "0")


def test_the_overviews_chart_is_a_file_too(flow: Flow, signed_in: Signed, vera: User) -> None:
    client = signed_in(vera)
    page = client.get("/?days=7").content.decode()
    assert 'href="?days=7&amp;csv=chart-volume"' in page
    rows = file_of(client, "/?days=7&csv=chart-volume")
    assert sum(int(row["succeeded"]) for row in rows) == 9
    assert client.head("/?days=7&csv=chart-volume").status_code == 200


@pytest.mark.parametrize("query", ["csv=no-such", "csv=chart-durations", "csv=chart-volume"])
def test_what_the_page_does_not_draw_is_not_found(query: str, flow: Flow, signed_in: Signed, vera: User) -> None:
    assert signed_in(vera).get(f"{flow.get_absolute_url()}?{query}").status_code == 404


def test_a_visitor_gets_no_figures(flow: Flow, client: Client) -> None:
    for address in ("/?csv=chart-volume", f"{flow.get_absolute_url()}?csv=chart-success-rate"):
        assert client.get(address).status_code == 302
