"""Zoho Flow v1: lists, details, retries, refusals."""

from datetime import timedelta

import pytest

from standin.build import make_app
from tests.standin.client import BEGINNING, Client, flow_id


def test_flows_come_in_pages_of_twenty_with_a_total(client):
    data = client.flow("/flows")
    assert (data["page"], data["per_page"], data["total_count"]) == (1, 20, 5)
    two = client.flow("/flows", params={"page": 2, "per_page": 3})
    assert [one["flow_id"] for one in two["flows"]] == [one["flow_id"] for one in data["flows"]][3:]
    assert set(data["flows"][0]) == {
        "flow_id", "flow_name", "description", "status", "trigger_app", "created_time", "modified_time",
        "execution_count", "success_count", "failure_count",
    }  # fmt: skip


def test_a_flow_shows_its_trigger_and_actions(client, app):
    flow = client.flow(f"/flows/{flow_id(app, 'sick')}")
    assert flow["trigger"] == {"type": "webhook", "app": "zohocrm", "event": "update", "module": "Deals"}
    assert {"action_id", "app", "action", "config"} == set(flow["actions"][0])
    assert flow["created_by"].endswith("@example.com")


def test_an_unknown_flow_is_not_found_in_the_documented_envelope(client):
    answer = client.get("/api/v1/flows/12345")
    assert answer.status_code == 404
    assert answer.json() == {
        "status": "failure",
        "error": {
            "code": "FLOW_NOT_FOUND",
            "message": "The specified flow does not exist",
            "details": "Flow ID '12345' not found in your organization",
        },
    }


def test_executions_are_newest_first_and_paged_without_gap_or_repeat(client, app):
    flow = flow_id(app, "silent")
    pages = [client.rows(flow, page=page) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 50, 50]
    rows = [row for page in pages for row in page]
    assert len({row["execution_id"] for row in rows}) == 150
    assert rows == sorted(rows, key=lambda row: row["started_time"], reverse=True)
    assert len(client.rows(flow, per_page=1000)) == 200
    assert client.rows(flow, page=1000) == []


def test_executions_are_filtered_by_status_and_closed_interval(client, app):
    flow = flow_id(app, "broken")
    client.do("add_executions", flow_id=flow, count=2, status="failed", started="2025-06-03T08:00:00+00:00")
    for bound in ("2025-06-03T08:00:00Z", "2025-06-03T13:30:00+05:30"):
        rows = client.rows(flow, status="failed", from_date=bound, to_date=bound)
        assert [row["started_time"] for row in rows] == ["2025-06-03T08:00:00Z"] * 2
    day = client.rows(flow, from_date="2025-06-02", to_date="2025-06-02", per_page=200)
    assert day
    assert {row["started_time"][:10] for row in day} == {"2025-06-02"}
    assert {row["status"] for row in client.rows(flow, status="failed")} == {"failed"}


@pytest.mark.parametrize(
    "params",
    [
        {"status": "paused"},
        {"from_date": "yesterday"},
        {"from_date": "2025-06-01T00:00:00"},
        {"to_date": "2025-13-01"},
        {"from_date": "2025-06-02", "to_date": "2025-06-01"},
        {"page": "0"},
        {"page": "two"},
        {"per_page": "-1"},
    ],
)
def test_bad_parameters_are_an_invalid_request(client, app, params):
    answer = client.get(f"/api/v1/flows/{flow_id(app, 'sick')}/executions", params=params)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "INVALID_REQUEST"


def test_the_list_carries_the_flows_own_counters(client, app):
    flow = flow_id(app, "broken")
    stats = client.flow(f"/flows/{flow}/executions", params={"status": "running"})["stats"]
    detail = client.flow(f"/flows/{flow}")
    assert stats["total_executions"] == detail["execution_count"]
    assert (stats["successful"], stats["failed"]) == (detail["success_count"], detail["failure_count"])


def test_stats_count_a_period(client, app):
    flow = flow_id(app, "sick")
    stats = client.flow(f"/flows/{flow}/executions/stats", params={"period": "last_7_days"})["stats"]
    rows = client.rows(flow, from_date=(BEGINNING - timedelta(days=7)).isoformat(), per_page=200)
    assert stats["total_executions"] == len(rows)
    assert client.get(f"/api/v1/flows/{flow}/executions/stats?period=ever").status_code == 400


def test_the_counters_of_a_list_and_of_a_period_can_mean_other_things(client, app):
    flow = flow_id(app, "sick")
    counters = client.flow(f"/flows/{flow}")
    since = (BEGINNING - timedelta(days=2)).isoformat()
    app.world.habits = app.world.habits.changed(list_stats="window", period_counts="life")
    rows = client.rows(flow, from_date=since, per_page=200)
    path = f"/flows/{flow}/executions"
    shown = client.flow(f"{path}?from_date={since.replace('+', '%2B')}&per_page=5")
    assert shown["stats"]["total_executions"] == len(rows) < counters["execution_count"]
    life = client.flow(f"{path}/stats?period=last_7_days")["stats"]
    assert life["total_executions"] == counters["execution_count"]
    app.world.habits = app.world.habits.changed(list_stats="none", period_counts="days")
    assert "stats" not in client.flow(path)
    begins = (BEGINNING - timedelta(days=6)).replace(hour=0, minute=0).isoformat()
    days = client.flow(f"{path}/stats?period=last_7_days")["stats"]
    assert days["total_executions"] == len(client.rows(flow, from_date=begins, per_page=200))


def test_the_end_of_a_window_is_taken_in_three_ways(client, app):
    flow = flow_id(app, "sick")
    newest = client.rows(flow, per_page=200)
    bound = newest[3]["started_time"]
    later = [row for row in newest if row["started_time"] > bound]
    at = [row for row in newest if row["started_time"] == bound]
    expected = {"inclusive": len(newest) - len(later), "exclusive": len(newest) - len(later) - len(at)}
    for habit, count in (expected | {"ignored": len(newest)}).items():
        app.world.habits = app.world.habits.changed(to_date=habit)
        assert len(client.rows(flow, to_date=bound, per_page=200)) == count


def test_a_failed_row_names_code_message_action_and_details(client, app):
    row = client.failed(flow_id(app, "broken"))
    assert row["error"]["code"] == "ACTION_FAILED"
    assert row["error"]["message"] == "Failed to create contact in Mailchimp"
    assert row["error"]["details"].startswith("Invalid email format: '")
    actions = client.flow(f"/flows/{row['flow_id']}")["actions"]
    assert row["error"]["action_id"] in [one["action_id"] for one in actions]


def test_a_retry_of_a_failed_execution_makes_one_new_execution(client, app, clock):
    app.world.habits = app.world.habits.changed(retries="succeed")
    row = client.failed(flow_id(app, "sick"))
    counts = client.flow(f"/flows/{row['flow_id']}")
    path = f"/flows/{row['flow_id']}/executions/{row['execution_id']}"
    answer = client.flow(path + "/retry", "POST")
    assert answer["execution_id"] != row["execution_id"]
    new = f"/flows/{row['flow_id']}/executions/{answer['execution_id']}"
    assert client.flow(new)["status"] == "running"
    clock.advance(10)
    assert client.flow(new)["status"] == "success"
    assert client.flow(new)["trigger_data"] == row["trigger_data"]
    assert client.flow(path)["status"] == "failed"
    after = client.flow(f"/flows/{row['flow_id']}")
    assert after["execution_count"] == counts["execution_count"] + 1
    assert after["failure_count"] == counts["failure_count"]
    ledger = client.ledger()
    assert ledger["runs_caused"] == {row["execution_id"]: [answer["execution_id"]]}
    assert ledger["retries_received"] == {row["execution_id"]: 1}


def test_a_retry_can_answer_with_the_same_id_and_turn_the_row(client, app, clock):
    app.world.habits = app.world.habits.changed(retries="succeed", retry_answers="same-id")
    row = client.failed(flow_id(app, "sick"))
    counts = client.flow(f"/flows/{row['flow_id']}")
    path = f"/flows/{row['flow_id']}/executions/{row['execution_id']}"
    assert client.flow(path + "/retry", "POST")["execution_id"] == row["execution_id"]
    assert client.flow(path)["status"] == "running"
    clock.advance(10)
    after = client.flow(path)
    assert after["status"] == "success"
    assert after["completed_time"] > row["completed_time"]
    now = client.flow(f"/flows/{row['flow_id']}")
    assert now["failure_count"] == counts["failure_count"] - 1
    assert now["success_count"] == counts["success_count"] + 1
    assert now["execution_count"] == counts["execution_count"]


def test_two_retries_cause_two_runs_and_the_ledger_says_so(client, app, clock):
    app.world.habits = app.world.habits.changed(retries="succeed")
    row = client.failed(flow_id(app, "sick"))
    for _ in range(2):
        client.flow(f"/flows/{row['flow_id']}/executions/{row['execution_id']}/retry", "POST")
    assert len(client.ledger()["runs_caused"][row["execution_id"]]) == 2
    clock.advance(10)
    runs = client.get(f"/_control/ledger/runs/{row['execution_id']}", headers={"X-Standin-Control": "standin-control"})
    assert runs.json() == {"execution_id": row["execution_id"], "runs": 3, "successes": 2}


def test_what_has_not_failed_cannot_be_retried(client, app):
    flow = flow_id(app, "sick")
    good = client.rows(flow, status="success")[0]["execution_id"]
    answer = client.post(f"/api/v1/flows/{flow}/executions/{good}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    unknown = client.post(f"/api/v1/flows/{flow}/executions/1/retry")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "EXECUTION_NOT_FOUND")
    assert client.ledger()["runs_caused"] == {}


def test_connections_are_listed_shown_and_tested(client):
    connections = client.flow("/connections")["connections"]
    results = {}
    for one in connections:
        assert client.flow(f"/connections/{one['connection_id']}") == one
        results[one["status"]] = client.flow(f"/connections/{one['connection_id']}/test", "POST")["test_result"]
    assert results == {"active": "passed", "expired": "failed"}
    assert client.get("/api/v1/connections/1").json()["error"]["code"] == "CONNECTION_NOT_FOUND"


def test_history_older_than_the_retention_is_gone_while_counters_stay(client, app, clock):
    flow = flow_id(app, "silent")
    before = client.flow(f"/flows/{flow}")["execution_count"]
    newest = client.rows(flow)[0]["execution_id"]
    clock.advance(91 * 86_400)
    assert client.rows(flow) == []
    assert client.get(f"/api/v1/flows/{flow}/executions/{newest}").status_code == 404
    assert client.flow(f"/flows/{flow}")["execution_count"] == before


def test_a_plan_limits_calls_a_minute_and_says_when_to_come_back(world, clock):
    with Client(make_app(world, plan="free")) as client:
        answers = [client.get("/api/v1/flows") for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        first, last = answers[0], answers[-1]
        assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("1000", "999")
        assert int(first.headers["X-RateLimit-Reset"]) == 1748995200
        assert last.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
        clock.advance(int(last.headers["Retry-After"]) - 2)
        assert client.get("/api/v1/flows").status_code == 429
        clock.advance(2)
        assert client.get("/api/v1/flows").status_code == 200


def test_a_plan_limits_calls_a_day(world, clock):
    app = make_app(world, plan="free")
    with Client(app) as client:
        for _ in range(100):
            for _ in range(10):
                assert app.products[0].limit.ask(clock()).granted
            clock.advance(61)
        spent = client.sign_in().get("/api/v1/flows")
        assert spent.status_code == 429
        assert spent.headers["X-RateLimit-Remaining"] == "0"
        assert int(spent.headers["Retry-After"]) > 3600
        clock.advance(int(spent.headers["Retry-After"]))
        assert client.sign_in().get("/api/v1/flows").headers["X-RateLimit-Remaining"] == "999"


def test_an_unlimited_plan_sends_no_rate_headers(client):
    assert not [name for name in client.get("/api/v1/flows").headers if name.startswith("x-ratelimit")]


def test_an_unknown_address_and_a_wrong_method_are_told_apart(client):
    assert client.get("/api/v1/nothing").status_code == 404
    wrong = client.patch("/api/v1/flows")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "INVALID_REQUEST_METHOD")
