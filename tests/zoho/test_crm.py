"""CRM: workflow rules, their usage, the organisation."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from monitor.zoho import BadAnswer, NotAvailable, NotFound, Refused

from .helpers import crm_client, sample


def test_rules_are_listed_with_times_in_utc():
    crm, script = crm_client("crm-rules")
    page = crm.list_workflow_rules()
    assert script.paths == ["/crm/v8/settings/automation/workflow_rules?page=1&per_page=200"]
    assert (page.more_records, page.page, page.per_page, page.rejected) == (False, 1, 200, [])
    rule = page.rules[0]
    assert (rule.id, rule.name, rule.description, rule.module_api_name) == (
        "3361265000006526160", "GetFieldUpdate", "", "Leads",
    )  # fmt: skip
    assert (rule.active, rule.execute_when_type, rule.last_executed_time) == (True, "create", None)
    assert rule.trigger_module == "Leads"
    assert rule.modified_time == datetime(2025, 12, 3, 9, 30, 24, tzinfo=UTC)
    assert rule.modified_by_name == "Jane Doe"
    assert rule.raw["lock"] == {"locked_by": None, "message": None, "status": False}


def test_every_parameter_of_the_list_is_spelled_zohos_way():
    crm, script = crm_client("crm-rules")
    crm.list_workflow_rules(
        2, 50, "Leads", status_active=True, execute_on="create", trigger_module="Notes",
        sort_by="modified_time", sort_order="desc", include_inner_details=False, name_contains="VP",
    )  # fmt: skip
    params = dict(script.requests[0].url.params)
    assert params == {
        "page": "2",
        "per_page": "50",
        "module": "Leads",
        "status_active": "true",
        "execute_on": "create",
        "trigger_module": "Notes",
        "sort_by": "modified_time",
        "sort_order": "desc",
        "include_inner_details": "false",
        "filter": '{"field":{"api_name":"name"},"comparator":"contains","value":"VP"}',
    }


@pytest.mark.parametrize("asked", [{"execute_on": "create"}, {"trigger_module": "Notes"}])
def test_what_zoho_takes_only_with_a_module_is_not_sent_without(asked):
    crm, script = crm_client("crm-rules")
    with pytest.raises(ValueError, match="go with a module"):
        crm.list_workflow_rules(**asked)
    assert script.requests == []


def test_a_204_is_an_empty_page():
    crm, _ = crm_client("crm-empty")
    page = crm.list_workflow_rules()
    assert (page.rules, page.more_records, page.rejected) == ([], False, [])


def test_one_rule_is_read_and_a_204_means_there_is_none():
    crm, script = crm_client("crm-rules", "crm-empty")
    assert crm.get_workflow_rule("3361265000006526160").name == "GetFieldUpdate"
    with pytest.raises(NotFound):
        crm.get_workflow_rule("1")
    assert script.paths[0] == "/crm/v8/settings/automation/workflow_rules/3361265000006526160"


def test_usage_is_summed_over_all_actions_instant_and_scheduled():
    crm, script = crm_client("crm-rule-usage")
    usage = crm.rule_usage("4876876000013248001", date(2025, 8, 1), date(2025, 10, 29))
    assert script.paths == [
        (
            "/crm/v8/settings/automation/workflow_rules/4876876000013248001/actions/usage"
            "?executed_from=2025-08-01&executed_till=2025-10-29"
        )
    ]
    assert (usage.rule_id, usage.trigger_count) == ("4876876000013248001", 3)
    assert (usage.success_count, usage.failure_count) == (4, 0)
    assert usage.reset_time == datetime(2025, 10, 16, 10, 53, 4, tzinfo=UTC)


def test_usage_of_a_rule_without_trigger_count_or_with_odd_actions():
    report = {"id": 5, "conditions": [{"instant_actions": None, "scheduled_actions": None}, None, {
        "instant_actions": {"actions": [{"success_count": "2", "failure_count": 1}, {"success_count": None}, "x"]},
        "scheduled_actions": {"actions": [{"failure_count": 3}]},
    }]}  # fmt: skip
    crm, _ = crm_client(httpx.Response(200, json={"workflow_rules": [report]}))
    usage = crm.rule_usage("5", date(2025, 8, 1), date(2025, 8, 1))
    assert (usage.trigger_count, usage.success_count, usage.failure_count, usage.reset_time) == (None, 2, 4, None)


@pytest.mark.parametrize("counter", [-4, "many", 1.5, 2**63])
def test_a_counter_of_usage_that_cannot_be_read_is_not_left_out_of_the_sum(counter):
    report = {"id": "5", "conditions": [{"instant_actions": {"actions": [{"success_count": counter}]}}]}
    crm, _ = crm_client(httpx.Response(200, json={"workflow_rules": [report]}))
    with pytest.raises(BadAnswer, match="success_count"):
        crm.rule_usage("5", date(2025, 8, 1), date(2025, 8, 1))


def test_usage_without_counters_is_a_bad_answer_not_zero():
    crm, _ = crm_client(httpx.Response(200, json={"workflow_rules": [{"id": "5"}]}))
    with pytest.raises(BadAnswer, match="without counters"):
        crm.rule_usage("5", date(2025, 8, 1), date(2025, 8, 1))


@pytest.mark.parametrize(
    ("case", "kind", "told"),
    [
        ("crm-error-range", Refused, "DATE_RANGE_EXCEEDS"),
        ("crm-error-edition", NotAvailable, "feature not available in this edition"),
        ("crm-error-invalid-id", NotFound, "the id given seems to be invalid"),
    ],
)
def test_refusals_of_usage_keep_zohos_words(case, kind, told):
    crm, _ = crm_client(case)
    with pytest.raises(kind, match=told):
        crm.rule_usage("5", date(2020, 1, 1), date(2020, 1, 2))


def test_the_organisation_tells_its_edition():
    crm, script = crm_client("crm-org")
    org = crm.org()
    assert script.paths == ["/crm/v8/org"]
    assert (org.id, org.zgid, org.paid_type, org.time_zone) == (
        "3361265000000225005", "10000000001", "enterprise", "Asia/Kolkata",
    )  # fmt: skip
    assert org.users_license_purchased == 5


def test_the_current_user_is_the_one_whose_token_it_is():
    crm, script = crm_client("crm-current-user")
    user = crm.current_user()
    assert script.paths == ["/crm/v8/users?type=CurrentUser"]
    assert (user.full_name, user.profile, user.status) == ("Jane Doe", "Administrator", "active")


def test_a_single_thing_of_wrong_shape_is_a_bad_answer():
    for body in ({}, {"org": None}, {"org": ["x"]}, {"org": [{"id": None}]}, []):
        crm, _ = crm_client(httpx.Response(200, json=body))
        with pytest.raises(BadAnswer):
            crm.org()


def test_one_bad_rule_is_put_aside():
    good = sample("crm-rules").json["workflow_rules"][0]  # type: ignore[index]
    crm, _ = crm_client(httpx.Response(200, json={"workflow_rules": [{"name": "x"}, good], "info": None}))
    page = crm.list_workflow_rules()
    assert (len(page.rules), len(page.rejected), page.more_records) == (1, 1, False)
