"""The first page."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitor.models import Connection, Flow, Incident, SyncState, User, WorkerBeat, ZohoAccount
from tests import factories

READ = {"executions_read_at": factories.NOON} | {
    f"read_{name}_count": 0 for name in ("execution", "success", "failure")
}


def text_of(response: Any) -> str:
    """The page's words, without markup, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_new_installation_says_how_to_connect(ada: User, vera: User, signed_in: Any) -> None:
    page = signed_in(ada).get("/")
    assert "No Zoho account is connected yet" in text_of(page)
    assert b"/accounts-zoho/connect/" in page.content
    assert "An admin connects it" in text_of(signed_in(vera).get("/"))


def test_the_rate_stands_beside_the_first_attempts_and_the_period_before(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    words = text_of(signed_in(vera).get("/"))
    assert "Success rate 90.0 %" in words
    assert "First attempt 90.0 %" in words
    assert "Failed runs 1 0 in the 7 days before" in words


def test_a_healthy_mirror_shows_its_age_and_no_banner(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    page = signed_in(vera).get("/")
    assert b"freshness-banner" not in page.content
    assert "As of 30 s ago Complete" in text_of(page)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"state": "unreachable", "reason": "connect timed out"}, "Cannot be reached"),
        ({"state": "revoked", "reason": "invalid_code"}, "Credentials refused"),
        ({"last_complete_at": factories.NOON - timedelta(hours=2)}, "Out of date"),
        ({"state": "never", "last_complete_at": None}, "Not read yet"),
    ],
)
def test_a_mirror_in_trouble_is_never_all_green(
    vera: User, signed_in: Any, healthy: ZohoAccount, at_noon: datetime, state: dict[str, Any], words: str
) -> None:
    SyncState.objects.update(**state)
    page = signed_in(vera).get("/")
    assert b"freshness-banner" in page.content
    assert words in text_of(page)
    assert state.get("reason", "") in text_of(page)
    assert "No incident is open." not in text_of(page)


def test_a_first_sweep_is_told_calmly_and_without_zeros(
    vera: User, signed_in: Any, account: ZohoAccount, at_noon: datetime
) -> None:
    WorkerBeat.objects.create(name="canary", beat_at=at_noon)
    page = signed_in(vera).get("/")
    assert f"{account.name} is being read for the first time." in text_of(page)
    assert b"freshness-banner" not in page.content
    assert "Failed runs –" in text_of(page)
    assert "Open incidents Nothing read yet" in text_of(page)


def test_the_time_since_the_last_complete_read_is_shaded(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    assert b"chart__hole" not in signed_in(vera).get("/").content
    SyncState.objects.update(state="unreachable", last_complete_at=at_noon - timedelta(hours=30))
    page = signed_in(vera).get("/")
    assert b"chart__hole" in page.content
    assert "Not known for sure" in text_of(page)


def test_worst_flows_alerts_connections_and_silent_flows_are_listed(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow(flow_name="Lead to campaign")
    rule = factories.make_alert_rule(flow.account)
    alert = flow.alert_states.create(
        rule=rule,
        state="firing",
        is_open=True,
        since=at_noon - timedelta(hours=2),
        evaluated_at=at_noon,
        rate=88.0,
        runs=50,
        episode=1,
    )
    factories.make_incident(alert)
    Connection.objects.create(
        account=flow.account,
        connection_id="1",
        connection_name="Books main",
        status="expired",
        status_since=at_noon - timedelta(days=1),
        first_seen_at=at_noon,
        seen_at=at_noon,
    )
    quiet = factories.make_flow(flow.account, flow_name="Nightly clean-up", **READ)
    for n in range(9):
        quiet.hours.create(hour=at_noon - timedelta(hours=40 + 4 * n), succeeded=1)
    words = text_of(signed_in(vera).get("/"))
    assert "Lead to campaign Firing 88.0 % of 50 runs, threshold 95.0 %" in words
    assert "Books main Expired" in words
    assert "Nightly clean-up Silent No run for 1 d 16 h; its longest pause in four weeks was 4 h" in words


def test_the_menu_and_the_overview_count_the_incidents_that_the_page_of_alerts_opens(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    """One incident can have several alerts, and an alert can fire on after its incident was closed by hand."""
    known = {"state": "firing", "is_open": True, "since": at_noon, "evaluated_at": at_noon, "episode": 1}
    flows = [busy_flow(flow_name=f"Flow {n}") for n in range(4)]
    alerts = [flow.alert_states.create(rule=factories.make_alert_rule(flow.account), **known) for flow in flows]
    wide = factories.make_incident(alerts[0], cause="time")
    wide.members.create(alert=alerts[1], episode=1, began_at=at_noon, joined_at=at_noon)
    factories.make_incident(alerts[2], acknowledged_at=at_noon)
    factories.make_incident(alerts[3], closed_at=at_noon, closed_how="by_hand")
    client = signed_in(vera)
    page = client.get("/")
    opened = client.get("/alerts/").context["open_incidents"]
    assert [row.incident for row in page.context["cards"].incidents] == [row.incident for row in opened]
    every = len(opened)
    assert every == 2 + Incident.objects.exclude(account__in=[flow.account for flow in flows]).count()
    for address in ("/", "/flows/", "/alerts/"):
        assert re.search(rf"menu__count\">\s*{every}<", client.get(address).content.decode()), address
    words = text_of(page)
    assert f"Open incidents All {every}" in words
    assert "2 flows: they began together Firing 2 alerts" in words
    assert "Flow 2 Acknowledged" in words


def test_the_refreshed_part_is_the_very_part_of_the_page(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    client = signed_in(vera)
    page = client.get("/").content.decode()
    for part in ("cards", "chart"):
        piece = client.get("/", {"part": part}, headers={"HX-Request": "true"}).content.decode()
        tokens = re.compile(r"\s+|\?[^\"]*")  # the address of the next refresh names the part
        assert tokens.sub("", piece) in tokens.sub("", page)


def test_without_htmx_a_part_is_the_whole_page(vera: User, signed_in: Any, healthy: ZohoAccount) -> None:
    assert b"<!DOCTYPE html>" in signed_in(vera).get("/?part=cards").content


@pytest.mark.parametrize("days", ["1", "7", "30", "90", "12", "x", ""])
def test_every_period_can_be_asked_for(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, days: str
) -> None:
    busy_flow()
    page = signed_in(vera).get("/", {"days": days})
    assert page.status_code == 200
    figure = re.search(r'<script id="chart-success-rate" type="application/json">(.*?)</script>', page.content.decode())
    assert figure is not None
    assert json.loads(figure[1])["data"][1]["name"] == "Final result"


@pytest.mark.parametrize(("cause", "statements"), [("time", 17), ("problem", 18)])  # whose title is read, too
def test_the_page_costs_at_most_seventeen_statements(
    vera: User,
    signed_in: Any,
    busy_flow: Any,
    at_noon: datetime,
    cause: str,
    statements: int,
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(4):
        flow = busy_flow()
        rule = factories.make_alert_rule(flow.account)
        known = {"state": "firing", "is_open": True, "since": at_noon, "evaluated_at": at_noon, "episode": 1}
        factories.make_incident(flow.alert_states.create(rule=rule, **known), cause=cause, cause_key="1")
        quiet = factories.make_flow(flow.account, **READ)
        for n in range(9):
            quiet.hours.create(hour=at_noon - timedelta(hours=40 + 4 * n), succeeded=1)
    client = signed_in(vera)
    with django_assert_max_num_queries(statements):
        client.get("/")
