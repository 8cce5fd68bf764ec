"""Reading CRM: webhook failures, usage by day, metadata, records, COQL, composite, bulk, watch."""

import csv
import io
import zipfile
from datetime import date, datetime, timedelta

import pytest

from standin.build import habits_for, make_app, make_world
from tests.standin.client import BEGINNING, Client

AUTOMATION = "/settings/automation"
FAILURES = AUTOMATION + "/webhook_failures"


def day(back):
    return (BEGINNING.date() - timedelta(days=back)).isoformat()


def test_webhook_failures_are_one_row_an_event_and_agree_with_the_usage_report(client):
    rows = client.crm(FAILURES, params={"from": day(60), "to": day(0)}).json()["webhook_failures"]
    assert len(rows) == len({row["id"] for row in rows}) > 3
    rule = rows[0]["workflow_rule"]["id"]
    params = {"executed_from": day(60), "executed_till": day(0)}
    report = client.crm(f"{AUTOMATION}/workflow_rules/{rule}/actions/usage", params=params).json()["workflow_rules"][0]
    actions = report["conditions"][0]["instant_actions"]["actions"]
    assert [one["failure_count"] for one in actions if one["type"] == "webhooks"] == [len(rows)]
    assert set(rows[0]) == {"id", "webhook", "workflow_rule", "entity_details", "failure_time", "failure_reason"}


def test_webhook_failures_reach_back_thirty_days_unless_asked_and_ninety_at_most(client):
    usual = client.crm(FAILURES).json()["webhook_failures"]
    asked = client.crm(FAILURES, params={"from": day(30), "to": day(0)}).json()["webhook_failures"]
    assert usual == asked
    assert min(row["failure_time"][:10] for row in usual) >= day(31)
    assert client.crm(FAILURES, params={"from": day(90), "to": day(0)}).status_code == 200
    for asked, name in ((("from", 91), "from"), (("to", -2), "to")):
        refused = client.crm(FAILURES, params={"to": day(0), asked[0]: day(asked[1])})
        details = {"param_name": name, "expected_data_type": "datetime"}
        assert (refused.status_code, refused.json()["code"], refused.json()["details"]) == (
            400,
            "INVALID_DATA",
            details,
        )


def test_days_of_failures_that_are_too_old_are_refused_in_older_words_or_left_out(client, app):
    old = {"from": day(91), "to": day(0)}
    app.world.habits = app.world.habits.changed(failures_from="range")
    assert client.crm(FAILURES, params=old).json()["message"] == "DATE_RANGE_EXCEEDS"
    app.world.habits = app.world.habits.changed(failures_from="clamp")
    assert client.crm(FAILURES, params=old).json() == client.crm(FAILURES).json()


def test_webhook_failures_are_filtered_by_webhook_and_module(client):
    rows = client.crm(FAILURES).json()["webhook_failures"]
    webhook = rows[0]["webhook"]["id"]
    assert client.crm(FAILURES, params={"webhook_id": webhook}).json()["webhook_failures"] == rows
    assert client.crm(FAILURES, params={"webhook_id": "1"}).status_code == 204
    assert client.crm(FAILURES, params={"module": "Leads"}).status_code == 204
    assert client.crm(FAILURES, params={"module": "x"}).json()["code"] == "INVALID_MODULE"


def test_usage_by_day_wants_the_group_date_and_mails_reach_back_seven_days(client):
    path = AUTOMATION + "/webhooks/actions/usage_reports"
    assert client.crm(path).json()["code"] == "REQUIRED_PARAM_MISSING"
    answer = client.crm(path, params={"group_by": "date,resource", "from": day(40), "to": day(0)}).json()
    assert answer["info"]["max_limit"] == 2500
    assert set(answer["data_usage"][0]) == {"date", "count", "type", "resource"}
    mails = AUTOMATION + "/email_notifications/actions/usage_reports"
    assert client.crm(mails, params={"group_by": "date"}).json()["data_usage"]
    assert client.crm(mails, params={"group_by": "date", "from": day(20), "to": day(14)}).status_code == 400
    modules = client.crm(AUTOMATION + "/webhooks/actions/associated_modules").json()["associated_modules"]
    assert [module["api_name"] for module in modules] == ["Deals"]


def test_an_empty_list_is_204_unless_told_otherwise(client, app):
    assert client.crm(FAILURES, params={"webhook_id": "1"}).status_code == 204
    app.world.habits = app.world.habits.changed(empty_list_is_204=False)
    assert client.crm(FAILURES, params={"webhook_id": "1"}).json()["webhook_failures"] == []


def test_modules_and_what_belongs_to_them_can_be_read(client):
    modules = client.crm("/settings/modules").json()["modules"]
    assert "Leads" in [module["api_name"] for module in modules]
    assert client.crm("/settings/modules/Deals").json()["modules"][0]["plural_label"] == "Deals"
    assert client.crm("/settings/modules/Nothing").status_code == 400
    for name in ("fields", "layouts", "custom_views", "related_lists"):
        assert client.crm(f"/settings/{name}", params={"module": "Leads"}).json()[name]
        assert client.crm(f"/settings/{name}").json()["code"] == "REQUIRED_PARAM_MISSING"
        assert client.crm(f"/settings/{name}", params={"module": "x"}).json()["code"] == "INVALID_MODULE"


def test_records_want_fields_and_come_in_pages(client):
    assert client.crm("/Leads").json()["code"] == "REQUIRED_PARAM_MISSING"
    first = client.crm("/Leads", params={"fields": "Email,Company"}).json()
    assert (first["info"]["count"], first["info"]["more_records"]) == (200, True)
    assert set(first["data"][0]) == {"id", "Email", "Company"}
    token = first["info"]["next_page_token"]
    second = client.crm("/Leads", params={"fields": "Email", "page_token": token}).json()
    assert (second["info"]["count"], second["info"]["more_records"]) == (50, False)
    assert client.crm("/Leads", params={"fields": "Email", "page": 2}).json()["data"] == second["data"]
    for params in ({"page_token": token, "page": 2}, {"page_token": "x"}, {"page": 11}):
        assert client.crm("/Leads", params={"fields": "Email", **params}).status_code == 400
    assert client.crm("/Leads", params={"fields": ",".join(["x"] * 51)}).json()["code"] == "LIMIT_EXCEEDED"


def test_one_record_and_searches(client):
    lead = client.crm("/Leads", params={"fields": "Email"}).json()["data"][3]
    whole = client.crm(f"/Leads/{lead['id']}").json()["data"][0]
    few = client.crm(f"/Leads/{lead['id']}", params={"fields": "Email,Company"}).json()["data"]
    assert few == [{name: whole[name] for name in ("id", "Email", "Company")}]
    assert client.crm("/Leads/1").status_code == 204
    found = client.crm("/Leads/search", params={"email": lead["Email"]}).json()["data"]
    assert whole in found
    criteria = f"((Company:equals:{whole['Company']})and(Last_Name:starts_with:{whole['Last_Name'][:2]}))"
    assert whole in client.crm("/Leads/search", params={"criteria": criteria}).json()["data"]
    assert client.crm("/Leads/search", params={"criteria": "x"}).json()["code"] == "INVALID_QUERY"
    assert client.crm("/Leads/search").status_code == 400


def test_a_search_needs_the_scope_of_searching_besides(client):
    client.fault("narrow_scope", "/org", args={"scope": "ZohoCRM.modules.ALL ZohoCRM.org.READ"})
    assert client.crm("/org").status_code == 200
    assert client.crm("/Leads", params={"fields": "Email"}).status_code == 200
    assert client.crm("/Leads/search", params={"word": "Lead"}).json()["code"] == "OAUTH_SCOPE_MISMATCH"
    scopes = "ZohoCRM.modules.ALL ZohoCRM.org.READ ZohoSearch.securesearch.READ"
    client.fault("narrow_scope", "/org", args={"scope": scopes})
    client.crm("/org")
    assert client.crm("/Leads/search", params={"email": "nobody@example.com"}).status_code == 204


def test_rows_have_what_zohos_descriptions_have(client):
    page = client.crm("/Leads", params={"fields": "Email", "per_page": 20}).json()["info"]
    assert page["next_page_token"]
    assert datetime.fromisoformat(page["page_token_expiry"]) > BEGINNING
    related = client.crm("/settings/related_lists", params={"module": "Leads"}).json()["related_lists"][0]
    assert set(related["module"]) == {"api_name", "id"}


def test_nothing_writes_records(client):
    for method in ("POST", "PUT", "DELETE"):
        assert client.crm("/Leads", method).json()["code"] == "INVALID_REQUEST_METHOD"


def test_a_timeline_names_the_rules_that_touched_a_record(client):
    deals = client.crm("/Deals", params={"fields": "Stage"}).json()["data"]
    answers = [client.crm(f"/Deals/{deal['id']}/__timeline") for deal in deals[:8]]
    rows = [row for answer in answers if answer.status_code == 200 for row in answer.json()["__timeline"]]
    assert {row["automation_details"]["rule"]["name"] for row in rows} <= {"Deal won hand-over", "Lost deal feedback"}
    assert rows


def coql(client, text):
    return client.crm("/coql", "POST", json={"select_query": text})


def test_coql_selects_filters_sorts_and_limits(client):
    text = "select Last_Name, Annual_Revenue from Leads where Annual_Revenue > 4000000 and Last_Name like 'A%' limit 5"
    answer = coql(client, text).json()
    assert 0 < answer["info"]["count"] <= 5
    assert all(row["Annual_Revenue"] > 4_000_000 and row["Last_Name"][0] == "A" for row in answer["data"])
    names = [
        row["Last_Name"] for row in coql(client, "select Last_Name from Leads order by Last_Name desc").json()["data"]
    ]
    assert names == sorted(names, reverse=True)
    assert coql(client, "select id from Leads limit 200, 200").json()["info"] == {"count": 50, "more_records": False}
    assert coql(client, "select id from Leads where Email = 'nobody'").status_code == 204


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("drop table Leads", "SYNTAX_ERROR"),
        ("select id from Nothing", "INVALID_QUERY"),
        ("select Nothing from Leads", "INVALID_QUERY"),
        ("select id from Leads where Email ~ 'x'", "SYNTAX_ERROR"),
        ("select id from Leads limit 2001", "LIMIT_EXCEEDED"),
    ],
)
def test_coql_refuses_what_it_cannot_read(client, text, code):
    answer = coql(client, text)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_composite_request_answers_each_part_by_itself(client):
    parts = [
        {"sub_request_id": "a", "method": "GET", "uri": "/crm/v8/org"},
        {"sub_request_id": "b", "method": "GET", "uri": "/crm/v8/Leads", "params": {"fields": "Email", "per_page": 1}},
        {"sub_request_id": "c", "method": "GET", "uri": "/crm/v8/Leads"},
    ]
    answer = client.crm("/__composite_requests", "POST", json={"__composite_requests": parts})
    rows = answer.json()["__composite_requests"]
    assert answer.status_code == 207
    assert [(row["code"], row["status"], row["details"]["response"]["status_code"]) for row in rows] == [
        ("SUCCESS", "success", 200),
        ("SUCCESS", "success", 200),
        ("REQUIRED_PARAM_MISSING", "error", 400),
    ]
    assert rows[1]["details"]["response"]["body"]["info"]["count"] == 1
    good = client.crm("/__composite_requests", "POST", json={"__composite_requests": parts[:2]})
    assert good.status_code == 200
    many = client.crm("/__composite_requests", "POST", json={"__composite_requests": parts * 2})
    assert many.json()["code"] == "LIMIT_EXCEEDED"


def test_a_bulk_read_job_is_done_after_a_while(client, clock):
    made = client.post("/crm/bulk/v8/read", json={"query": {"module": {"api_name": "Leads"}, "fields": ["Email"]}})
    assert made.status_code == 201
    path = "/crm/bulk/v8/read/" + made.json()["data"][0]["details"]["id"]
    assert client.get(path).json()["data"][0]["state"] == "IN PROGRESS"
    assert client.get(path + "/result").status_code == 400
    clock.advance(30)
    done = client.get(path).json()["data"][0]
    assert (done["state"], done["result"]["count"]) == ("COMPLETED", 250)
    result = client.get(done["result"]["download_url"])
    assert result.headers["Content-Disposition"].endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(result.content)) as archive:
        rows = [*csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode()))]
    assert (rows[0], len(rows)) == (["Email"], 251)
    assert client.get("/crm/bulk/v8/read/1").status_code == 404
    assert client.post("/crm/bulk/v8/read", json={"query": {"module": "x"}}).status_code == 400


def watch(client, method="POST", **changes):
    body = {"channel_id": "1", "events": ["Leads.create"], "notify_url": "https://me.example.com/in", "token": "t"}
    return client.crm("/actions/watch", method, json={"watch": [{**body, **changes}]})


def test_a_channel_lives_one_hour_unless_asked_for_up_to_a_week(client, clock):
    def expiry(wish):
        answer = watch(client, channel_expiry=wish)
        assert answer.status_code == 201
        return answer.json()["watch"][0]["details"]["events"][0]["channel_expiry"]

    assert expiry(None) == "2025-06-03T16:00:00+05:30"
    assert expiry("2025-06-09T09:00:00+05:30") == "2025-06-09T09:00:00+05:30"
    assert expiry("2026-06-09T09:00:00+05:30") == "2025-06-03T16:00:00+05:30"
    assert len(client.crm("/actions/watch").json()["watch"]) == 1
    assert "token" not in client.crm("/actions/watch").json()["watch"][0]
    clock.advance(3599)
    assert client.crm("/actions/watch").status_code == 200
    clock.advance(2)
    assert client.sign_in().crm("/actions/watch").status_code == 204


def test_channels_are_changed_ended_and_refused(client):
    watch(client)
    assert watch(client, "PATCH", events=["Deals.all"]).status_code == 200
    assert client.crm("/actions/watch", params={"module": "Deals"}).json()["watch"][0]["events"] == ["Deals.all"]
    assert watch(client, "PUT", channel_id="2").json()["watch"][0]["code"] == "NOT_SUBSCRIBED"
    ended = client.crm("/actions/watch", "DELETE", params={"channel_ids": "1,2"})
    assert ended.status_code == 207
    for changes in ({"events": ["Leads.update"]}, {"notify_url": "ftp://x"}, {"token": "x" * 51}, {"channel_id": ""}):
        assert watch(client, **changes).status_code == 400


def test_the_seeds_dialect_has_the_seeds_addresses(clock):
    world = make_world(seed=7, clock=clock, flows=2, rules=2, habits=habits_for("seed"))
    with Client(make_app(world, plan="standard")) as client:
        body = {"watch": [{"channel_id": "1", "events": ["Leads.update"], "notify_url": "https://a.example.com/"}]}
        assert client.crm("/settings/actions/watch", "POST", json=body).status_code == 201
        answer = client.crm("/coql", params={"select_query": "select id from Leads limit 1"})
        assert answer.json()["info"]["count"] == 1
        assert answer.headers["X-RateLimit-Limit"] == "10000"
        part = {"composite_request": [{"method": "GET", "url": "/crm/v8/Leads?per_page=5"}]}
        assert client.crm("/composite", "POST", json=part).json()["composite_request"][0]["code"] == "SUCCESS"
        assert client.crm("/bulk/read", "POST", json={"query": {"module": "Leads"}}).status_code == 201
        assert client.crm("/Leads/1").json()["code"] == "RECORD_NOT_FOUND"
        flow = client.flow("/flows")["flows"][0]["flow_id"]
        client.do("add_executions", flow_id=flow, status="failed", duration_ms=0)
        failed = client.rows(flow, status="failed")[0]
        assert "trigger_data" not in failed
        assert "trigger_data" in client.flow(f"/flows/{flow}/executions/{failed['execution_id']}")


def test_zohos_dialect_has_not(client):
    assert client.crm("/coql", params={"select_query": "select id from Leads"}).status_code == 400
    assert client.crm("/settings/actions/watch", "POST", json={}).status_code == 404


def test_days_are_days_of_the_organisations_zone(client):
    assert date.fromisoformat(day(0)) == BEGINNING.date()
    rule = client.crm(AUTOMATION + "/workflow_rules").json()["workflow_rules"][0]["id"]
    params = {"executed_from": day(90), "executed_till": day(0)}
    assert client.crm(f"{AUTOMATION}/workflow_rules/{rule}/actions/usage", params=params).status_code == 200
    params["executed_from"] = day(91)
    assert client.crm(f"{AUTOMATION}/workflow_rules/{rule}/actions/usage", params=params).status_code == 400
