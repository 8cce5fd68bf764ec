"""Zoho Flow: flows, executions, connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest

from monitor.zoho import BadAnswer, NotAvailable, NotFound

from .helpers import flow_client, sample

LEAD = "12345000000123456"


def ok(data: object) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data})


def test_flows_are_listed_with_their_counters():
    flow, script = flow_client("flow-list")
    page = flow.list_flows(per_page=100)
    assert script.paths == ["/api/v1/flows?page=1&per_page=100"]
    assert (page.page, page.per_page, page.total_count, page.rejected) == (1, 20, 2, [])
    first = page.flows[0]
    assert (first.flow_id, first.flow_name, first.status, first.trigger_app) == (
        LEAD, "CRM Lead to Campaign", "active", "zohocrm",
    )  # fmt: skip
    assert (first.execution_count, first.success_count, first.failure_count) == (1250, 1240, 10)
    assert first.modified_time == datetime(2025, 1, 20, 14, 45, tzinfo=UTC)
    assert first.raw["flow_name"] == "CRM Lead to Campaign"


@pytest.mark.parametrize("body", [{"flows": []}, {"data": {"flows": []}}, {"status": "success", "data": []}])
def test_a_list_is_found_where_it_lies(body):
    flow, _ = flow_client(httpx.Response(200, json=body))
    assert flow.list_flows().flows == []


@pytest.mark.parametrize(
    "body", [{}, [], None, "x", 5, {"data": None}, {"data": {}}, {"data": {"flows": None}}, {"data": {"flows": {}}}]
)
def test_a_page_without_a_list_is_a_bad_answer_not_an_empty_page(body):
    flow, _ = flow_client(httpx.Response(200, json=body))
    with pytest.raises(BadAnswer):
        flow.list_flows()


def test_a_204_is_not_an_empty_list_in_flow():
    flow, _ = flow_client(httpx.Response(204))
    with pytest.raises(BadAnswer):
        flow.list_flows()


def test_one_bad_record_does_not_stop_its_page():
    good = {"flow_id": 7, "flow_name": "a\0b", "execution_count": 2**70, "new_field": [1]}
    flow, _ = flow_client(ok({"flows": [good, {"flow_name": "no id"}, "text", {"flow_id": "x" * 65}]}))
    page = flow.list_flows()
    assert [item.flow_id for item in page.flows] == ["7"]
    assert page.flows[0].flow_name == "ab"
    assert page.flows[0].execution_count is None
    assert page.flows[0].raw["new_field"] == [1]
    assert [item.reason for item in page.rejected] == [
        "no usable flow_id", "a JSON object was expected, got text", "no usable flow_id",
    ]  # fmt: skip
    assert "no id" in page.rejected[0].raw_text


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("ACTIVE ", "active"), (True, "active"), ("true", "active"), ({"active": True}, "active"),
        (False, "inactive"), ({"active": "false"}, "inactive"), ("Suspended by Zoho", "suspended by zoho"),
        (None, ""), ("", ""), ([], ""), ({}, ""), ({"active": None}, ""),
    ],
)  # fmt: skip
def test_whether_a_flow_is_switched_on_is_read_and_never_guessed(said, status):
    flow, _ = flow_client(ok({"flows": [{"flow_id": "7", "status": said}, {"flow_id": "8"}]}))
    assert [item.status for item in flow.list_flows().flows] == [status, ""]
    flow, _ = flow_client(ok({"connections": [{"connection_id": "7", "status": said}, {"connection_id": "8"}]}))
    assert [item.status for item in flow.list_connections().connections] == [status, ""]


def test_one_flow_comes_with_trigger_and_actions():
    flow, script = flow_client("flow-detail")
    detail = flow.get_flow(LEAD)
    assert script.paths == [f"/api/v1/flows/{LEAD}"]
    assert detail.trigger["module"] == "Leads"
    assert detail.actions[0]["action"] == "add_contact"
    assert detail.trigger_app == "zohocrm"
    assert detail.created_by == "jane.doe@example.com"


def test_a_flow_that_is_gone_is_not_found():
    flow, _ = flow_client("flow-error-not-found")
    with pytest.raises(NotFound):
        flow.get_flow("12345")


def test_an_api_that_is_not_there_is_not_available():
    flow, _ = flow_client(httpx.Response(404))
    with pytest.raises(NotAvailable):
        flow.list_flows()


@pytest.mark.parametrize("switch", ["enable", "disable"])
def test_a_flow_is_switched_by_a_post(switch):
    flow, script = flow_client(httpx.Response(200, json={"status": "success"}))
    getattr(flow, switch)(LEAD)
    assert (script.requests[0].method, script.paths) == ("POST", [f"/api/v1/flows/{LEAD}/{switch}"])


def test_a_window_sent_as_days_holds_the_one_asked_for_in_any_zone():
    flow, script = flow_client("execution-list")
    at = datetime(2025, 1, 22, 23, 59, 59, tzinfo=UTC)
    flow.list_executions(LEAD, from_date=at, to_date=at, by_day=True)
    assert script.paths == [f"/api/v1/flows/{LEAD}/executions?from_date=2025-01-21&to_date=2025-01-23&page=1"]


def test_executions_are_listed_with_error_and_statistics():
    flow, script = flow_client("execution-list")
    kolkata = timezone(timedelta(hours=5, minutes=30))
    page = flow.list_executions(
        LEAD,
        status="failed",
        from_date=datetime(2025, 1, 22, 5, 30, tzinfo=kolkata),
        to_date=datetime(2025, 1, 23, tzinfo=UTC),
        page=2,
        per_page=50,
    )
    assert script.paths == [
        (
            f"/api/v1/flows/{LEAD}/executions?status=failed&from_date=2025-01-22T00%3A00%3A00Z"
            "&to_date=2025-01-23T00%3A00%3A00Z&page=2&per_page=50"
        )
    ]
    good, bad = page.rows
    assert (good.status, good.duration_ms, good.actions_executed, good.actions_failed) == ("success", 3250, 3, 0)
    assert good.trigger_data == {"First_Name": "Jane", "Last_Name": "Doe", "Email": "jane.doe@example.com"}
    assert (bad.error_code, bad.error_message) == ("ACTION_FAILED", "Failed to create contact in Campaigns")
    assert (bad.error_action_id, bad.error_details) == ("12345000000234567", "Invalid email format")
    assert bad.trigger_data is None
    assert bad.completed_time == datetime(2025, 1, 22, 9, 15, 33, tzinfo=UTC)
    assert page.stats is not None
    assert (page.stats.total, page.stats.successful, page.stats.failed) == (1250, 1240, 10)
    assert page.total_count is None


def test_trigger_data_is_not_in_the_repr():
    flow, _ = flow_client("execution-list")
    assert "Jane" not in repr(flow.list_executions(LEAD))


def test_odd_executions_are_cleaned_or_put_aside():
    rows = [
        {"execution_id": 1, "status": "Retrying", "duration_ms": -5, "started_time": "soon", "error": "broken"},
        {"execution_id": "2", "error": {"details": {"b": 1, "a": "\0"}, "message": None}, "trigger_data": [float(1)]},
        {"execution_id": None},
    ]
    flow, _ = flow_client(ok({"executions": rows}))
    page = flow.list_executions("9")
    assert [(row.execution_id, row.flow_id, row.status) for row in page.rows] == [
        ("1", "9", "retrying"),
        ("2", "9", ""),
    ]
    assert (page.rows[0].duration_ms, page.rows[0].started_time, page.rows[0].error_message) == (-5, None, "broken")
    assert page.rows[1].error_details == '{"a": "", "b": 1}'
    assert page.stats is None
    assert len(page.rejected) == 1


@pytest.mark.parametrize(
    ("error", "message", "details"),
    [
        ({"message": {"text": "No such deal"}}, '{"text": "No such deal"}', ""),
        ({"message": ["a", "b"], "details": [1]}, '["a", "b"]', "[1]"),
        (["No such deal"], '["No such deal"]', ""),
        ({"message": 404, "details": {}}, "404", ""),
        ({"message": {}, "details": []}, "", ""),
    ],
)
def test_what_an_error_says_in_an_object_or_a_list_is_not_lost(error, message, details):
    flow, _ = flow_client(ok({"executions": [{"execution_id": 1, "error": error}]}))
    (row,) = flow.list_executions("9").rows
    assert (row.error_message, row.error_details) == (message, details)


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: {"execution": row}])
def test_one_execution_is_read_wrapped_or_bare(wrap):
    row = sample("execution-detail").json["data"]  # type: ignore[index]
    flow, script = flow_client(ok(wrap(row)))
    assert flow.get_execution(LEAD, "12345000000567891").status == "failed"
    assert script.paths == [f"/api/v1/flows/{LEAD}/executions/12345000000567891"]


def test_statistics_are_asked_for_a_period():
    flow, script = flow_client("execution-stats")
    stats = flow.execution_stats(LEAD, "last_7_days")
    assert (stats.total, stats.failed, stats.success_rate) == (1250, 10, 99.2)
    assert script.paths == [f"/api/v1/flows/{LEAD}/executions/stats?period=last_7_days"]
    flow, _ = flow_client(ok({"stats": {}}))
    with pytest.raises(BadAnswer):
        flow.execution_stats(LEAD)


def test_connections_are_listed():
    flow, script = flow_client("connection-list")
    page = flow.list_connections()
    assert script.paths == ["/api/v1/connections"]
    assert [item.connection_name for item in page.connections] == ["Zoho CRM Production", "Gmail Account"]
    assert page.connections[0].scopes == ("ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL")
    assert (page.connections[1].email, page.connections[1].status) == ("notifications@example.com", "active")


def test_one_connection_is_read_and_tested():
    row = sample("connection-list").json["data"]["connections"][0]  # type: ignore[index]
    flow, script = flow_client(
        ok(row), "connection-test", ok({"status": "failed", "error": {"message": "expired"}}), ok({})
    )
    assert flow.get_connection("7").app == "zohocrm"
    assert flow.test_connection("7").passed is True
    failed = flow.test_connection("7")
    assert (failed.passed, failed.message) == (False, "expired")
    assert flow.test_connection("7").passed is None
    assert script.paths == ["/api/v1/connections/7"] + ["/api/v1/connections/7/test"] * 3
    assert script.requests[1].method == "POST"


@pytest.mark.parametrize("flow_id", ["", ".", ".."])
def test_an_id_that_would_ask_for_something_else_is_never_sent(flow_id):
    flow, script = flow_client("flow-detail")
    with pytest.raises(ValueError, match="not a usable id"):
        flow.get_flow(flow_id)
    assert script.requests == []
