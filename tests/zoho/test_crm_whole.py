"""The rest of CRM: what its replies say."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from monitor.zoho import BadAnswer, NotFound, Refused
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.shapes.channels import WatchWish

from .endpoints import WISH
from .helpers import NOON, crm_client


def test_the_limits_of_rules_are_read():
    crm, _ = crm_client("crm-rules-count")
    limits = crm.rules_count()
    assert (limits.total_rules_limit, limits.active_rules_configured) == (2500, 2)
    assert limits.raw["rules_per_process_limit"] == 10
    crm, _ = crm_client(httpx.Response(200, json={"rules_count": {}}))
    with pytest.raises(BadAnswer):
        crm.rules_count()


def test_the_rules_of_modules_are_counted():
    crm, _ = crm_client("crm-module-counts", "crm-empty", "crm-actions-count", "crm-empty")
    (count,) = crm.module_rule_counts()
    assert (count.module.name, count.active_rules_configured, count.total_rules_configured) == ("Leads", 1, 2)
    assert crm.module_rule_counts() == []
    first, second = crm.actions_counts(["1", "2"])
    assert (first.rule_id, first.total, first.by_type["webhooks"]) == ("3361265000006526160", 8, 2)
    assert second.by_type == {"convert": 1}
    assert crm.actions_counts(["1"]) == []


@pytest.mark.parametrize("ids", [[], ["1"] * 11, ["1,2"], [""]])
def test_too_many_or_odd_ids_are_never_sent(ids):
    crm, script = crm_client("crm-actions-count")
    for call in (crm.actions_counts, crm.delete_workflow_rules):
        with pytest.raises(ValueError, match="between 1 and 10"):
            call(ids)
    assert script.requests == []


def test_what_rules_may_be_made_of_is_read_and_a_rule_may_call_a_flow():
    crm, _ = crm_client("crm-configurations")
    configuration = crm.workflow_configurations("Deals")
    assert [kind.api_name for kind in configuration.triggers] == ["create_or_edit", "field_update"]
    assert "flow" in configuration.triggers[0].actions
    assert configuration.triggers[0].scheduled_actions_supported is True
    assert [kind.api_name for kind in configuration.related["Notes"]] == ["delete"]
    assert [(kind.api_name, kind.limit) for kind in configuration.actions] == [("webhooks", 1), ("flow", 1)]


def test_a_configuration_without_triggers_is_a_bad_answer():
    for body in ({}, {"workflow_configurations": {}}, {"workflow_configurations": {"triggers": None}}, []):
        crm, _ = crm_client(httpx.Response(200, json=body))
        with pytest.raises(BadAnswer):
            crm.workflow_configurations("Deals")


def test_the_outcome_of_a_write_has_the_id():
    crm, _ = crm_client("crm-rule-created")
    result = crm.create_workflow_rule({"name": "x"})
    assert (result.ok, result.id, result.code) == (True, "4876876000016390024", "SUCCESS")


def test_mixed_outcomes_are_told_one_by_one():
    crm, _ = crm_client("crm-rules-deleted-mixed")
    assert [(item.ok, item.id) for item in crm.delete_workflow_rules(["1", "2"])] == [(True, "1"), (False, "2")]


@pytest.mark.parametrize(
    ("message", "kind"), [("the id given seems to be invalid", NotFound), ("name is too long", Refused)]
)
@pytest.mark.parametrize("status", [202, 207, 400])
def test_a_single_write_that_was_not_done_is_an_error_whatever_the_status(message, kind, status):
    body = {"workflow_rules": [{"code": "INVALID_DATA", "details": {}, "message": message, "status": "error"}]}
    crm, _ = crm_client(httpx.Response(status, json=body))
    with pytest.raises(kind, match=message):
        crm.update_workflow_rule("7", {})


def test_a_write_without_a_result_is_a_bad_answer():
    for body in ({"workflow_rules": []}, {"workflow_rules": None}, {}):
        crm, _ = crm_client(httpx.Response(200, json=body))
        with pytest.raises(BadAnswer):
            crm.update_workflow_rule("7", {})


def test_connected_workflows_are_read():
    crm, script = crm_client("crm-connected", "crm-connected-limits", "crm-connected-rules", "crm-empty")
    (workflow,) = crm.list_connected_workflows().items
    assert (workflow.name, workflow.status, workflow.primary_module.name) == ("contacts-process", "active", "Contacts")
    assert workflow.involved_modules == ("Contacts", "Deals")
    assert workflow.modified_time == datetime(2025, 11, 4, 6, 30, tzinfo=UTC)
    limits = crm.connected_workflow_limits()
    assert (limits.connected_workflows_limit, limits.rules_limit_per_module) == (10, 5)
    (rule,) = crm.list_connected_rules("7", "Deals").items
    assert (rule.name, rule.execute_when_type) == ("Won deals", "create")
    assert crm.list_connected_workflows().items == []
    assert script.paths[0] == "/crm/v8/settings/connected_workflows"


def test_page_parameters_that_connected_workflows_would_refuse_are_an_error_in_zohos_words():
    crm, _ = crm_client("crm-connected-page-refused")
    with pytest.raises(Refused, match="INVALID_REQUEST"):
        crm.list_connected_workflows()


@pytest.mark.parametrize(
    ("kind", "case", "name"),
    [
        (ActionKind.TASKS, "crm-tasks", "Lost Deal - Feedback"),
        (ActionKind.FIELD_UPDATES, "crm-field-updates", "Set stage"),
        (ActionKind.WEBHOOKS, "crm-webhooks", "Tell billing"),
        (ActionKind.EMAIL_NOTIFICATIONS, "crm-email-notifications", "Deal Lost Alert"),
    ],
)
def test_automation_actions_of_every_kind_are_read(kind, case, name):
    crm, _ = crm_client(case)
    (action,) = crm.list_actions(kind).items
    assert (action.name, action.feature_type, action.module_api_name) == (name, "workflow", "Deals")
    assert (action.modified_by_name, action.deletable) == ("Jane Doe", True)


def test_the_address_of_a_webhook_may_hold_a_secret_and_is_not_in_the_repr():
    crm, _ = crm_client("crm-webhooks", "crm-webhook-modules")
    page = crm.list_webhooks()
    assert (page.items[0].http_method, page.items[0].url.startswith("https://billing")) == ("POST", True)
    assert "abc123" not in repr(page)
    assert [item.api_name for item in crm.webhook_modules().items] == ["Leads", "Deals"]


def test_failures_of_webhooks_are_read_one_by_one():
    crm, _ = crm_client("crm-webhook-failures")
    (failure,) = crm.list_webhook_failures().items
    assert (failure.id, failure.failure_reason) == ("4876876000016474075", "page_notfound")
    assert (failure.webhook.name, failure.workflow_rule.name) == ("Tell billing", "WF-C")
    assert (failure.module_api_name, failure.record.id) == ("Leads", "4876876000016474050")
    assert failure.failure_time == datetime(2025, 10, 21, 11, 38, 7, tzinfo=UTC)
    assert "Jane" not in repr(failure)


@pytest.mark.parametrize(
    ("reason", "told"), [({"code": 500}, '{"code": 500}'), (["a", "b"], '["a", "b"]'), (504, "504"), (None, "")]
)
def test_a_reason_of_a_failed_webhook_is_told_in_whatever_form_it_comes(reason, told):
    row = {"id": "7", "failure_time": "2026-11-20T10:00:00Z", "failure_reason": reason}
    crm, _ = crm_client(httpx.Response(200, json={"webhook_failures": [row], "info": {"more_records": False}}))
    assert [failure.failure_reason for failure in crm.list_webhook_failures().items] == [told]


def test_daily_use_is_read():
    crm, _ = crm_client("crm-webhook-use")
    (use,) = crm.daily_use(ActionKind.WEBHOOKS, date(2025, 10, 1), date(2025, 10, 30)).items
    assert (use.day, use.count, use.resource.name) == (date(2025, 10, 23), 1, "Tell billing")


def test_users_are_listed_and_an_unknown_one_is_not_found():
    crm, _ = crm_client("crm-users", "crm-empty")
    assert [user.email for user in crm.list_users().items] == ["jane.doe@example.com"]
    with pytest.raises(NotFound):
        crm.get_user("8")


def test_names_of_things_are_read():
    crm, _ = crm_client("crm-modules", "crm-fields", "crm-layouts", "crm-views", "crm-related-lists")
    (module,) = crm.list_modules().items
    assert (module.api_name, module.plural_label, module.triggers_supported) == ("Leads", "Leads", True)
    lists = (crm.list_fields, crm.list_layouts, crm.list_custom_views, crm.list_related_lists)
    found = [method("Leads").items[0] for method in lists]
    assert [(item.label, item.kind) for item in found] == [
        ("Stage", "picklist"),
        ("Standard", "default"),
        ("All Leads", "public_views"),
        ("Notes", "default"),
    ]


def test_records_are_read_with_the_token_of_the_next_page_and_without_people_in_the_repr():
    crm, _ = crm_client("crm-records")
    page = crm.list_records("Leads", ["Email"])
    assert (page.more_records, page.next_page_token) == (True, "3f1f7b0c")
    assert page.items[0].modified_time == datetime(2025, 1, 16, 5, 0, tzinfo=UTC)
    assert page.items[0].fields["Company"] == "Example Ltd"
    assert "jane" not in repr(page)


def test_impossible_requests_for_records_are_never_sent():
    crm, script = crm_client("crm-records")
    with pytest.raises(ValueError, match="together"):
        crm.list_records("Leads", ["Email"], page=1, page_token="t")
    with pytest.raises(ValueError, match="50 fields"):
        crm.list_records("Leads", [])
    with pytest.raises(ValueError, match="50 fields"):
        crm.list_records("Leads", ["f"] * 51)
    with pytest.raises(ValueError, match="exactly one"):
        crm.search_records("Leads")
    with pytest.raises(ValueError, match="exactly one"):
        crm.search_records("Leads", email="x", word="y")
    with pytest.raises(ValueError, match="between 1 and 5"):
        crm.composite([("/crm/v8/Leads", {})] * 6)
    with pytest.raises(ValueError, match="between 1 and 50"):
        crm.subscribe([])
    with pytest.raises(ValueError, match="between 1 and 50"):
        crm.change_channels([])
    assert script.requests == []


def test_a_query_gives_rows_with_or_without_ids():
    aggregate = httpx.Response(200, json={"data": [{"COUNT(id)": 5}], "info": {"count": 1, "more_records": True}})
    crm, _ = crm_client("crm-coql", aggregate, "crm-empty", "crm-coql-syntax")
    assert crm.coql("SELECT 1").rows[0]["Annual_Revenue"] == 120000
    result = crm.coql("SELECT COUNT(id) FROM Leads")
    assert (result.rows, result.more_records) == ([{"COUNT(id)": 5}], True)
    assert crm.coql("SELECT 1").rows == []
    with pytest.raises(Refused, match="SYNTAX_ERROR"):
        crm.coql("SELECT")


def test_a_composite_tells_each_answer():
    flat = {"composite_response": [{"status": 404, "body": {"code": "X"}}, "odd"]}
    crm, _ = crm_client("crm-composite", httpx.Response(200, json=flat))
    first, second = crm.composite([("/crm/v8/Leads", {}), ("/crm/v8/Deals", {})])
    assert (first.sub_request_id, first.status) == ("1", 200)
    assert first.body == {"data": [{"id": "12345000000234567"}]}
    assert (second.sub_request_id, second.status, second.code, second.body) == ("2", None, "INVALID_DATA", None)
    (answer,) = crm.composite([("/crm/v8/Leads", {})])
    assert (answer.sub_request_id, answer.status, answer.body) == ("1", 404, {"code": "X"})


def test_no_method_could_write_a_record():
    crm, script = crm_client("crm-composite")
    crm.composite([("/crm/v8/Leads", {"method": "DELETE"})])
    assert b'"method":"GET"' in script.requests[0].content
    names = [name for name in dir(crm) if "record" in name]
    assert sorted(names) == ["get_record", "list_records", "record_timeline", "search_records"]


def test_a_bulk_read_is_made_followed_and_fetched():
    crm, _ = crm_client("crm-bulk-created", "crm-bulk-created-seed", "crm-bulk-job", "crm-bulk-file", "crm-bulk-gone")
    made = crm.create_bulk_read("Leads")
    assert (made.id, made.state) == ("4876876000001294251", "added")
    assert crm.create_bulk_read("Leads").state == "queued"
    job = crm.bulk_read_job("7")
    assert (job.state, job.count, job.download_url) == ("completed", 26, "/crm/bulk/v8/read/4876876000001294251/result")
    assert crm.bulk_read_result("7").startswith(b"PK")
    with pytest.raises(NotFound):
        crm.bulk_read_result("7")


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": []}', b"Rar!"])
def test_a_download_that_is_no_file_is_a_bad_answer(body):
    crm, _ = crm_client(httpx.Response(200, content=body), repeats=1)
    with pytest.raises(BadAnswer):
        crm.bulk_read_result("7")


def test_a_refused_bulk_read_is_an_error():
    body = {"data": [{"status": "error", "code": "MODULE_NOT_AVAILABLE", "message": "no", "details": {}}]}
    for status in (400, 202):
        crm, _ = crm_client(httpx.Response(status, json=body))
        with pytest.raises(Refused, match="MODULE_NOT_AVAILABLE"):
            crm.create_bulk_read("Nothing")


def test_a_channel_is_opened_and_its_real_expiry_told():
    crm, _ = crm_client("crm-watch-opened")
    (result,) = crm.subscribe([WISH])
    assert (result.ok, result.channel_ids) == (True, ("1000000068001",))
    assert result.channel_expiry == datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_a_wish_is_spelled_zohos_way_and_keeps_its_secret():
    assert WISH.as_json()["channel_expiry"] == "2026-03-01T13:00:00+00:00"
    short = WatchWish(channel_id="1", events=("Deals.all",), notify_url="https://m.example.com/s3cret", token="t0ken")
    assert "channel_expiry" not in short.as_json()
    assert "t0ken" not in repr(short)
    assert "s3cret" not in repr(short)


def test_channels_are_listed_without_their_secret_and_closed_with_mixed_outcomes():
    crm, _ = crm_client("crm-watch-list", "crm-watch-mixed", "crm-empty")
    page = crm.list_channels()
    assert (page.items[0].events, page.items[0].token) == (("Leads.create", "Deals.all"), "f00df00d-token")
    assert "f00df00d" not in repr(page)
    results = crm.unsubscribe(["1000000068001", "1000000068002"])
    assert [(item.ok, item.code) for item in results] == [(True, "SUCCESS"), (False, "NOT_SUBSCRIBED")]
    assert crm.list_channels().items == []


def test_a_timeline_names_the_rule_behind_an_event():
    crm, _ = crm_client("crm-timeline")
    (entry,) = crm.record_timeline("Leads", "7").items
    assert (entry.action, entry.source, entry.rule.name, entry.module_api_name) == (
        "webhook_invoked", "workflow", "WF-C", "Leads",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("details", "edition"),
    [
        ({"paid_type": "zohooneenterprise"}, "zohooneenterprise"),
        ({"paid_type": "CRMPlusStarter", "trial_type": None}, "CRMPlusStarter"),
        ({"paid_type": "free", "trial_type": "enterprise"}, "enterprise (trial)"),
        ({"paid_type": None, "trial_type": "ultimate", "trial_expiry": "2026-03-02T00:00:00Z"}, "ultimate (trial)"),
        ({"paid_type": "free", "trial_type": "enterprise", "trial_expiry": "2026-02-01T00:00:00+05:30"}, "free"),
        ({"paid_type": "standard", "trial_type": "ultimate"}, "standard"),
        ({}, ""),
    ],
)
def test_the_edition_in_force_is_the_paid_one_or_the_one_on_trial(details, edition):
    crm, _ = crm_client(httpx.Response(200, json={"org": [{"id": "1", "license_details": details}]}))
    assert crm.org().edition(NOON) == edition
