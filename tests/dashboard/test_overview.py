"""The first page."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from dashboard import remembered
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
    assert text_of(page).count("As of 30 s ago Complete") == 2, "once in its head, once beside what is refreshed apart"
    assert "Nothing needs anybody" in text_of(page)
    assert b"Needs somebody" not in page.content, "the sentence has said it"


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
    assert re.search(r"Not everything is known: |Nothing is known yet: ", text_of(page))
    assert "Nothing needs anybody" not in text_of(page)
    assert b"verdict--good" not in page.content


def test_a_first_sweep_is_told_calmly_and_without_zeros(
    vera: User, signed_in: Any, account: ZohoAccount, at_noon: datetime
) -> None:
    WorkerBeat.objects.create(name="canary", beat_at=at_noon)
    page = signed_in(vera).get("/")
    assert f"{account.name} is being read for the first time." in text_of(page)
    assert b"freshness-banner" not in page.content
    assert "Failed runs –" in text_of(page)
    assert "Needs somebody Nothing read yet" in text_of(page)
    assert "Nothing is known yet: " in text_of(page)


def test_the_time_since_the_last_complete_read_is_shaded(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    assert b"chart__hole" not in signed_in(vera).get("/").content
    SyncState.objects.update(state="unreachable", last_complete_at=at_noon - timedelta(hours=30))
    page = signed_in(vera).get("/")
    assert b"chart__hole" in page.content
    assert "Not known for sure" in text_of(page)


FIRING = {"state": "firing", "is_open": True, "episode": 1}


def test_alerts_connections_and_silent_flows_are_one_list(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow(flow_name="Lead to campaign")
    rule = factories.make_alert_rule(flow.account)
    firing = {"since": at_noon - timedelta(hours=2), "evaluated_at": at_noon, "reason": "88.0 % of 50 runs"} | FIRING
    factories.make_incident(flow.alert_states.create(rule=rule, **firing), began_at=at_noon - timedelta(hours=2))
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
    page = signed_in(vera).get("/")
    words = text_of(page)
    assert "Lead to campaign Firing 88.0 % of 50 runs since 2 h ago nobody yet Open" in words
    assert "Books main Expired The connection does not work since 1 d ago Open" in words
    assert "Nightly clean-up Silent Its longest pause in four weeks was 4 h since 1 d ago" in words
    assert "1 alert ; 1 silent flow ; 1 broken connection . As of" in words
    assert '<a href="/flows/?standing=silent">1 silent flow</a>' in page.content.decode()


def test_an_operator_takes_acknowledges_and_retries_from_the_list(
    vera: User, otto: User, ada: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow()
    run = flow.executions.get(status="failed")
    problem = factories.make_failure(run).group.problem
    alert = flow.alert_states.create(
        rule=factories.make_alert_rule(flow.account), since=at_noon, evaluated_at=at_noon, **FIRING
    )
    incident = factories.make_incident(alert, cause="problem", cause_key=str(problem.pk))

    def forms(person: User) -> set[str]:
        page = signed_in(person).get("/").content.decode()
        (section,) = re.findall(r'<section class="card overview__needs".*?</section>', page, re.DOTALL)
        assert f'href="{incident.get_absolute_url()}"' not in section, "its problem tells of it"
        return set(re.findall(r'action="([^"]+)"', section))

    acts = {f"/incidents/{incident.pk}/acknowledge/", f"/problems/{problem.pk}/take/"}
    assert forms(vera) == set()
    assert forms(otto) == acts
    assert forms(ada) == acts | {"/batches/preview/"}
    client = signed_in(otto)
    for address in acts:
        assert client.post(address).status_code == 302
    incident.refresh_from_db()
    problem.refresh_from_db()
    assert (incident.acknowledged_by, problem.owner) == (otto, otto)
    assert forms(otto) == set()


def test_what_changed_and_when_alerts_began_is_marked_and_told_below_the_chart(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow(flow_name="Lead to campaign")
    for number in (1, 2):
        factories.make_version(flow, number=number)
    link = Connection.objects.create(
        account=flow.account,
        connection_id="1",
        connection_name="Books main",
        status="expired",
        status_since=at_noon,
        first_seen_at=at_noon,
        seen_at=at_noon,
    )
    link.changes.create(kind="came", status="active", at=at_noon - timedelta(days=2))
    link.changes.create(kind="status", before="active", status="expired", at=at_noon - timedelta(hours=1))
    page = signed_in(vera).get("/")
    words = text_of(page)
    assert "2 changes in this time" in words
    assert "Books main connection became “expired”" in words
    assert "Lead to campaign, version 2 flow changed" in words
    assert "version 1 " not in words, "the first is no change"
    assert f'href="/flows/{flow.pk}/versions/2/"' in page.content.decode()
    assert page.content.count(b"chart__mark ") == 2


def test_crms_numbers_open_the_lists_that_they_count(
    vera: User, signed_in: Any, healthy: ZohoAccount, at_noon: datetime
) -> None:
    good = {"active": True, "last_executed_time": at_noon, "failure_count": 0}
    factories.make_rule(healthy, **good)
    factories.make_rule(healthy, **good | {"failure_count": 3})
    factories.make_rule(healthy, **good | {"last_executed_time": None})
    factories.make_rule(healthy, **good | {"active": False, "failure_count": 3, "last_executed_time": None})
    factories.make_rule(healthy, **good | {"gone_at": at_noon, "failure_count": 3, "last_executed_time": None})
    for days in (0, 6, 7):
        factories.make_webhook_failure(healthy, failure_time=at_noon - timedelta(days=days, hours=1))
    client = signed_in(vera)
    page = client.get("/")
    (section,) = re.findall(r'<section class="card overview__beside".*?</section>', page.content.decode(), re.DOTALL)
    found = re.findall(r'href="(/(?:rules|webhook-failures)/[^"]*)">\s*([\d,]+) ([\w ]+)</a>', section)
    counted = {what: int(number) for _, number, what in found}
    listed = {
        what: client.get(address.replace("&amp;", "&")).context["page_obj"].paginator.count
        for address, _, what in found
    }
    assert listed == counted

    assert counted == {"active": 3, "with failures": 1, "never fired": 1, "failed": 2}


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
    incidents = [need.alert.key for need in page.context["facts"].needs.rows if need.alert]
    assert sorted(incidents) == sorted(row.incident.pk for row in opened)
    every = len(opened)
    assert every == 2 + Incident.objects.exclude(account__in=[flow.account for flow in flows]).count()
    for address in ("/", "/flows/", "/alerts/"):
        assert re.search(rf"menu__count\">\s*{every}<", client.get(address).content.decode()), address
    words = text_of(page)
    assert f"All {every} alerts" in words
    assert f" {every} alerts . As of" in words
    assert "2 flows: they began together Firing 2 alerts" in words
    assert "Flow 2 Acknowledged" in words


def test_the_refreshed_part_is_the_very_part_of_the_page(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    busy_flow()
    client = signed_in(vera)
    for part in ("cards", "chart", "grid"):
        page = client.get("/", {"grid": "yes"} if part == "grid" else {}).content.decode()
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
    figure = re.search(r'<script id="chart-volume" type="application/json">(.*?)</script>', page.content.decode())
    assert figure is not None
    assert [trace["name"] for trace in json.loads(figure[1])["data"]] == ["Success", "Failed", "Success rate"]


@pytest.mark.parametrize("cause", ["time", "problem"])
def test_the_page_costs_at_most_nine_statements(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime, cause: str, django_assert_max_num_queries: Any
) -> None:
    """Session and person among them; eight where no flow is silent, seven where no alert is open either."""
    for _ in range(4):
        flow = busy_flow()
        rule = factories.make_alert_rule(flow.account)
        known = {"since": at_noon, "evaluated_at": at_noon} | FIRING
        problem = factories.make_failure(flow.executions.get(status="failed")).group.problem
        alert = flow.alert_states.create(rule=rule, **known)
        factories.make_incident(alert, cause=cause, cause_key=str(problem.pk))
        quiet = factories.make_flow(flow.account, **READ)
        for n in range(9):
            quiet.hours.create(hour=at_noon - timedelta(hours=40 + 4 * n), succeeded=1)
    client = signed_in(vera)
    with django_assert_max_num_queries(9):
        client.get("/")


def test_a_second_reader_costs_who_they_are_and_nothing_else(
    vera: User, otto: User, signed_in: Any, busy_flow: Any, settings: Any, django_assert_max_num_queries: Any
) -> None:
    busy_flow()
    settings.REMEMBER_SECONDS = 60
    remembered.forget()
    first, second = signed_in(vera), signed_in(otto)
    page = first.get("/").content
    with django_assert_max_num_queries(2):
        assert len(second.get("/").content) > len(page) / 2
    remembered.forget()


def test_lines_name_their_account_only_where_there_are_several(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow()
    factories.make_failure(flow.executions.get(status="failed"))
    client, named = signed_in(vera), f"· {flow.account.name}"
    assert named not in text_of(client.get("/"))
    factories.make_account("Elsewhere")
    assert named in text_of(client.get("/"))


def test_what_is_refreshed_has_ids_so_that_the_keyboards_focus_stays_where_it_is(
    otto: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    problem = factories.make_failure(busy_flow().executions.get(status="failed")).group.problem
    page = signed_in(otto).get("/", {"part": "cards"}, headers={"HX-Request": "true"}).content.decode()
    ids = re.findall(r'id="(need-[^"]+)"', page)
    assert ids[:2] == [f"need-problem-{problem.pk}", f"need-problem-{problem.pk}-1"]
    assert len(ids) == len(set(ids))


def test_no_more_lines_are_shown_than_fit_and_the_rest_is_a_link_away(
    vera: User, signed_in: Any, busy_flow: Any, at_noon: datetime
) -> None:
    flow: Flow = busy_flow()
    for number in range(14):
        run = factories.make_execution(flow, "failed", error_message=f"Cause {number}")
        factories.make_failure(run)
    page = signed_in(vera).get("/")
    assert len(page.context["needs"]) == 12
    assert "the worst 12; all by their kind below" in text_of(page)
    assert "All 14 problems" in text_of(page)
