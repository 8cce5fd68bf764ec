"""Writing CRM automation: rules, actions, connected workflows; counts and configurations."""

import pytest

from standin.build import make_app, make_world
from tests.standin.client import Client

RULES = "/settings/automation/workflow_rules"
CONNECTED = "/settings/connected_workflows"
BODY = {
    "name": "Lost deal",
    "module": {"api_name": "Deals"},
    "execute_when": {"type": "field_update", "details": {"trigger_module": {"api_name": "Deals"}}},
    "conditions": [
        {
            "criteria_details": {"criteria": {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "x"}},
            "instant_actions": {"actions": [{"type": "add_tags", "details": {"over_write": False}}]},
            "scheduled_actions": [{"execute_after": {"period": "days", "unit": 3}, "actions": [{"type": "tasks"}]}],
        }
    ],
}


def results(answer, name="workflow_rules"):
    return [(one["code"], one["message"]) for one in answer.json()[name]]


def create(client, **changes):
    answer = client.crm(RULES, "POST", json={"workflow_rules": [{**BODY, **changes}]})
    assert answer.status_code == 201, answer.text
    return answer.json()["workflow_rules"][0]["details"]["id"]


def one(client, rule):
    return client.crm(f"{RULES}/{rule}").json()["workflow_rules"][0]


def test_a_rule_is_created_with_ids_for_conditions_and_actions(client):
    rule = one(client, create(client))
    assert (rule["status"], rule["last_executed_time"]) == ({"active": True}, None)
    condition = rule["conditions"][0]
    assert condition["id"]
    assert condition["instant_actions"]["actions"][0]["id"]
    assert condition["scheduled_actions"][0]["actions"][0]["id"]
    assert client.crm(RULES).json()["info"]["count"] == 5


def test_a_rule_is_switched_off_and_on_by_its_status(client, clock):
    rule = client.crm(RULES).json()["workflow_rules"][0]["id"]
    for active in (False, True):
        answer = client.crm(f"{RULES}/{rule}", "PUT", json={"workflow_rules": [{"status": {"active": active}}]})
        assert results(answer) == [("SUCCESS", "workflow updated")]
        assert one(client, rule)["status"] == {"active": active}


def test_a_rule_that_is_off_does_not_run(client, clock):
    rule = client.crm(RULES).json()["workflow_rules"][0]["id"]
    client.crm(f"{RULES}/{rule}", "PUT", json={"workflow_rules": [{"status": {"active": False}}]})
    last = one(client, rule)["last_executed_time"]
    clock.advance(3 * 86_400)
    assert one(client.sign_in(), rule)["last_executed_time"] == last


def test_conditions_are_merged_by_id_added_and_deleted(client):
    rule = create(client)
    first = one(client, rule)["conditions"][0]["id"]
    client.crm(RULES, "PUT", json={"workflow_rules": [{"id": rule, "conditions": [{"id": first, "note": 1}, {}]}]})
    conditions = one(client, rule)["conditions"]
    assert (len(conditions), conditions[0]["note"], conditions[0]["instant_actions"] is not None) == (2, 1, True)
    gone = {"conditions": [{"id": first, "_delete": None}]}
    client.crm(f"{RULES}/{rule}", "PUT", json={"workflow_rules": [gone]})
    assert [condition["id"] for condition in one(client, rule)["conditions"]] == [conditions[1]["id"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": ""}, "MANDATORY_NOT_FOUND"),
        ({"name": "x" * 101}, "INVALID_DATA"),
        ({"module": {"api_name": "Nothing"}}, "INVALID_DATA"),
        ({"execute_when": {"type": "sometimes"}}, "INVALID_DATA"),
        ({"conditions": [{}] * 11}, "LIMIT_EXCEEDED"),
        ({"conditions": ["x"]}, "INVALID_DATA"),
    ],
)
def test_what_is_wrong_with_a_rule_is_wrapped_in_a_result(client, changes, code):
    answer = client.crm(RULES, "POST", json={"workflow_rules": [{**BODY, **changes}]})
    assert answer.status_code == 400
    assert results(answer)[0][0] == code


def test_only_one_rule_a_call_and_the_module_stays(client):
    assert client.crm(RULES, "POST", json={"workflow_rules": [BODY, BODY]}).status_code == 400
    rule = create(client)
    answer = client.crm(f"{RULES}/{rule}", "PUT", json={"workflow_rules": [{"module": {"api_name": "Leads"}}]})
    assert results(answer) == [("NOT_ALLOWED", "module cannot be changed")]
    unknown = client.crm(f"{RULES}/1", "PUT", json={"workflow_rules": [{"name": "x"}]})
    assert results(unknown) == [("INVALID_DATA", "the id given seems to be invalid")]


def test_deleting_several_gives_207_when_not_all_went_well(client, app):
    first, second = create(client), create(client, name="Other")
    answer = client.crm(RULES, "DELETE", params={"ids": f"{first},1"})
    assert answer.status_code == 207
    assert [code for code, _ in results(answer)] == ["SUCCESS", "INVALID_DATA"]
    app.world.habits = app.world.habits.changed(mixed_is_207=False)
    assert client.crm(RULES, "DELETE", params={"ids": f"{second},1"}).status_code == 200
    assert client.crm(f"{RULES}/{first}", "DELETE").status_code == 400
    assert client.crm(RULES, "DELETE", params={"ids": ",".join("1" * 11)}).json()["code"] == "INVALID_DATA"
    assert client.crm(RULES, "DELETE").json()["code"] == "REQUIRED_PARAM_MISSING"


def test_reordering_is_all_or_nothing(client):
    ids = [rule["id"] for rule in client.crm(RULES, params={"module": "Deals"}).json()["workflow_rules"]]
    order = [{"id": rule, "module_specific_sequence": place} for place, rule in enumerate(ids, start=1)]
    wrong = {"reorder": {"workflow_rules": [*order, {"id": "1", "module_specific_sequence": 9}]}}
    path = RULES + "/actions/reorder?module=Deals"
    assert client.crm(path, "PUT", json=wrong).status_code == 400
    assert "module_specific_sequence" not in one(client, ids[0])
    done = client.crm(path, "PUT", json={"reorder": {"workflow_rules": order}}).json()["reorder"]
    assert [row["details"]["id"] for row in done] == ids
    assert one(client, ids[1])["module_specific_sequence"] == 2


def test_counts_follow_what_is_written(client):
    create(client, status={"active": False})
    count = client.crm(RULES + "/actions/rules_count").json()["rules_count"]
    assert (count["total_rules_configured"], count["active_rules_configured"]) == (5, 4)
    deals = client.crm(RULES + "/actions/module_specific_count", params={"module": "Deals"}).json()
    assert deals["module_specific_count"][0]["total_rules_configured"] == 4
    rule = client.crm(RULES).json()["workflow_rules"][1]["id"]
    actions = client.crm(RULES + "/actions/actions_count", params={"ids": rule}).json()["workflow_rules"]
    kinds = [one["type"] for one in actions[0]["conditions"][0]["instant_actions"]["actions_count"]]
    assert (actions[0]["id"], actions[0]["conditions"][0]["sequence_number"]) == (rule, 1)
    assert sorted(kinds) == sorted(
        {action["type"] for action in one(client, rule)["conditions"][0]["instant_actions"]["actions"]}
    )
    missing = client.crm(RULES + "/actions/actions_count").json()
    assert missing["message"] == "One of the expected parameter is missing"


def test_configurations_list_triggers_with_their_actions(client):
    triggers = client.crm("/workflow_configurations", params={"module": "Deals"}).json()["workflow_configurations"]
    by_name = {trigger["api_name"]: trigger for trigger in triggers["triggers"]}
    assert "flow" in by_name["create_or_edit"]["actions"]
    assert "assign_owner" not in by_name["delete"]["actions"]
    assert client.crm("/workflow_configurations").status_code == 400


@pytest.mark.parametrize("kind", ["tasks", "field_updates", "webhooks", "email_notifications"])
def test_actions_are_listed_created_changed_and_deleted(client, kind):
    base = f"/settings/automation/{kind}"
    body = {"name": "Fresh", "module": {"api_name": "Leads"}, "field": {"api_name": "Phone"}, "template": {"id": "1"}}
    body |= {"url": "https://hook.example.com/in", "http_method": "POST"}
    body |= {"field_mappings": [{"field": {"api_name": "Subject"}, "type": "static", "value": "Call"}]}
    answer = client.crm(base, "POST", json={kind: [body, {"name": "No module"}]})
    assert answer.status_code == 207
    assert [row["code"] for row in answer.json()[kind]] == ["SUCCESS", "MANDATORY_NOT_FOUND"]
    made = answer.json()[kind][0]["details"]["id"]
    path = f"{base}/{made}?include_inner_details=true"
    assert client.crm(path).json()[kind][0]["name"] == "Fresh"
    assert client.crm(path, "PUT", json={kind: [{**body, "name": "Newer"}]}).status_code == 200
    assert client.crm(path).json()[kind][0]["name"] == "Newer"
    wish = '{"field":{"api_name":"name"},"comparator":"equals","value":"Newer"}'
    spelled = "filter" if kind in {"tasks", "field_updates"} else "filters"
    assert [row["id"] for row in client.crm(base, params={spelled: wish}).json()[kind]] == [made]
    assert client.crm(f"{base}/1?include_inner_details=true").status_code == 204
    assert client.crm(f"{base}/{made}", "DELETE").status_code == 200
    assert client.crm(path).status_code == 204


def test_an_action_that_a_rule_uses_cannot_be_deleted(client):
    webhook = client.crm("/settings/automation/webhooks").json()["webhooks"][0]["id"]
    answer = client.crm("/settings/automation/webhooks", "DELETE", params={"ids": webhook})
    words = "This webhook is associated with at least one of Approval Process/Workflow Rules/Blueprint"
    assert results(answer, "webhooks") == [("NOT_ALLOWED", words)]


def test_the_older_codes_are_habits(client, app):
    app.world.habits = app.world.habits.changed(in_use_code="ALREADY_USED", ids_limit_code="LIMIT_EXCEEDED")
    webhook = client.crm("/settings/automation/webhooks").json()["webhooks"][0]["id"]
    answer = client.crm("/settings/automation/webhooks", "DELETE", params={"ids": webhook})
    assert results(answer, "webhooks")[0][0] == "ALREADY_USED"
    for base in ("/settings/automation/webhooks", RULES):
        assert client.crm(base, "DELETE", params={"ids": ",".join("1" * 11)}).json()["code"] == "LIMIT_EXCEEDED"


def test_a_task_is_replaced_whole_one_a_call_unless_a_habit_says_otherwise(client, app):
    base = "/settings/automation/tasks"
    task = client.crm(base).json()["tasks"][0]
    assert {one["field"]["api_name"] for one in task["field_mappings"]} == {"Subject", "Due_Date", "Status", "Priority"}
    thin = {"id": task["id"], "name": "Newer"}
    assert results(client.crm(base, "PUT", json={"tasks": [thin]}), "tasks")[0][0] == "MANDATORY_NOT_FOUND"
    whole = {**thin, "module": task["module"], "field_mappings": task["field_mappings"]}
    assert client.crm(base, "PUT", json={"tasks": [whole, whole]}).json()["code"] == "INVALID_DATA"
    assert results(client.crm(base, "PUT", json={"tasks": [whole]}), "tasks") == [("SUCCESS", "updated")]
    replaced = client.crm(f"{base}/{task['id']}").json()["tasks"][0]
    assert (replaced["name"], "notify" in replaced, replaced["editable"]) == ("Newer", False, True)
    app.world.habits = app.world.habits.changed(action_puts="merge")
    assert client.crm(base, "PUT", json={"tasks": [thin, thin]}).status_code == 200


def test_a_webhook_is_replaced_whole_one_a_call(client, app):
    base = "/settings/automation/webhooks"
    webhook = client.crm(base).json()["webhooks"][0]
    whole = {"id": webhook["id"], "name": "Newer", "module": webhook["module"], "url": webhook["url"]}
    assert client.crm(base, "PUT", json={"webhooks": [whole, whole]}).json()["code"] == "INVALID_DATA"
    thin = {"id": webhook["id"], "name": "Newer"}
    assert results(client.crm(base, "PUT", json={"webhooks": [thin]}), "webhooks")[0][0] == "MANDATORY_NOT_FOUND"
    assert client.crm(f"{base}/{webhook['id']}").json()["webhooks"][0]["name"] == webhook["name"]


def test_a_locked_task_refuses_a_change_with_401(client, app):
    base = "/settings/automation/tasks"
    task = client.crm(base).json()["tasks"][0]
    app.world.store.put("tasks", {**task, "lock_status": {"locked": True}})
    answer = client.crm(f"{base}/{task['id']}", "PUT", json={"tasks": [task]})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTHORIZATION_ERROR")


@pytest.mark.parametrize("form", ["list", "object", "nested"])
def test_refused_rows_come_in_three_forms(client, app, form):
    app.world.habits = app.world.habits.changed(error_rows=form)
    rows = client.crm("/settings/automation/webhooks/1", "DELETE").json()["webhooks"]
    refused = {"list": lambda: rows[0], "object": lambda: rows, "nested": lambda: rows[0][0]}[form]()
    assert (refused["code"], refused["message"]) == ("INVALID_DATA", "The ID given is invalid")


def test_tasks_may_spell_their_filter_as_they_did(client, app):
    wish = '{"field":{"api_name":"name"},"comparator":"equals","value":"none of them"}'
    assert client.crm("/settings/automation/tasks", params={"filter": wish}).status_code == 204
    app.world.habits = app.world.habits.changed(tasks_filter="filters")
    assert client.crm("/settings/automation/tasks", params={"filter": wish}).status_code == 200
    assert client.crm("/settings/automation/tasks", params={"filters": wish}).status_code == 204


def test_a_locked_rule_is_not_deleted_in_words_that_sound_like_an_unknown_id(client, app):
    rule = next(iter(app.world.rules.rules.values()))
    rule.body["lock"]["status"] = True
    answer = client.crm(f"{RULES}/{rule.rule_id}", "DELETE")
    assert results(answer) == [("NOT_ALLOWED", "the id given seems to be invalid")]


def test_a_rule_of_a_connected_workflow_is_deleted(client):
    path = f"{CONNECTED}/{client.crm(CONNECTED).json()['connected_workflows'][0]['id']}/rules"
    rule = client.crm(path, params={"module": "Leads"}).json()["rules"][0]["id"]
    assert results(client.crm(f"{path}/{rule}", "DELETE"), "rules") == [("SUCCESS", "rule deleted successfully")]
    assert client.crm(f"{path}/{rule}").status_code == 204
    assert results(client.crm(f"{path}/{rule}", "DELETE"), "rules")[0][0] == "INVALID_DATA"


def test_a_webhook_to_an_insecure_address_is_refused_in_the_documented_words(client):
    body = {"name": "x", "module": {"api_name": "Leads"}, "url": "http://127.0.0.1/", "http_method": "POST"}
    answer = client.crm("/settings/automation/webhooks", "POST", json={"webhooks": [body]})
    assert answer.status_code == 400
    assert answer.json()["webhooks"][0] == {
        "code": "INVALID_DATA",
        "details": {"api_name": "url", "json_path": "$.webhooks[0].url"},
        "message": "Url you've configured is not secure",
        "status": "error",
    }


def test_a_field_update_by_id_wants_inner_details(client):
    answer = client.crm("/settings/automation/field_updates/1")
    assert (answer.status_code, answer.json()["code"]) == (400, "REQUIRED_PARAM_MISSING")


def test_connected_workflows_refuse_page_parameters_unless_told_otherwise(client, app):
    rows = client.crm(CONNECTED).json()["connected_workflows"]
    assert {row["status"] for row in rows} == {"active", "draft", "inactive"}
    assert "last_executed_time" not in rows[0]
    refused = client.crm(CONNECTED, params={"page": 1})
    assert (refused.status_code, refused.json()["code"]) == (400, "INVALID_REQUEST")
    app.world.habits = app.world.habits.changed(connected_workflows_refuse_paging=False)
    assert client.crm(CONNECTED, params={"page": 1}).status_code == 200


def test_a_connected_workflow_is_drafted_activated_and_deleted(client):
    body = {"name": "contacts-process", "primary_module": {"api_name": "Contacts"}}
    answer = client.crm(CONNECTED, "POST", json={"connected_workflows": [body]})
    assert results(answer, "connected_workflows") == [("SUCCESS", "connected workflow created successfully")]
    path = f"{CONNECTED}/{answer.json()['connected_workflows'][0]['details']['id']}"

    def status():
        return client.crm(path).json()["connected_workflows"][0]["status"]

    assert status() == "draft"
    assert client.crm(path + "/actions/activate", "PUT").status_code == 200
    assert client.crm(path + "/actions/activate", "PUT").json()["code"] == "NOT_ALLOWED"
    assert status() == "active"
    assert client.crm(path + "/actions/deactivate", "PUT").status_code == 200
    assert status() == "inactive"
    assert client.crm(path, "PUT", json={"connected_workflows": [{"name": "renamed"}]}).status_code == 200
    assert client.crm(path, "DELETE").status_code == 200
    assert client.crm(path).status_code == 204


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"primary_module": {"api_name": "Contacts"}}, "MANDATORY_NOT_FOUND"),
        ({"name": "x"}, "MANDATORY_NOT_FOUND"),
        ({"name": "x", "primary_module": {}}, "EXPECTED_FIELD_MISSING"),
        ({"name": "x", "primary_module": {"api_name": "Contacts", "id": "1"}}, "AMBIGUITY_DURING_PROCESSING"),
        ({"name": "x", "primary_module": {"api_name": "Nothing"}}, "INVALID_DATA"),
        ({"name": "x" * 51, "primary_module": {"api_name": "Contacts"}}, "INVALID_DATA"),
        ({"name": "a<b>", "primary_module": {"api_name": "Contacts"}}, "INVALID_DATA"),
        ({"name": "Lead to cash", "primary_module": {"api_name": "Contacts"}}, "DUPLICATE_DATA"),
        ({"name": "x", "primary_module": {"api_name": "Leads"}}, "LIMIT_EXCEEDED"),
    ],
)
def test_the_seeds_errors_of_connected_workflows(client, body, code):
    answer = client.crm(CONNECTED, "POST", json={"connected_workflows": [body]})
    assert answer.status_code == 400
    assert results(answer, "connected_workflows")[0][0] == code


def test_rules_of_a_connected_workflow_want_a_module(client):
    row = client.crm(CONNECTED).json()["connected_workflows"][0]
    path = f"{CONNECTED}/{row['id']}/rules"
    assert client.crm(path).json()["code"] == "REQUIRED_PARAM_MISSING"
    rules = client.crm(path, params={"module": "Deals"}).json()["rules"]
    assert client.crm(f"{path}/{rules[0]['id']}").json()["rules"] == rules
    made = client.crm(path, "POST", json={"rules": [{"name": "new", "module": {"api_name": "Deals"}}]})
    assert made.status_code == 201
    identity = made.json()["rules"][0]["details"]["id"]
    assert client.crm(f"{path}/{identity}", "PUT", json={"rules": [{"name": "newer"}]}).status_code == 200
    assert client.crm(f"{path}/{identity}").json()["rules"][0]["name"] == "newer"
    limits = client.crm(CONNECTED + "/actions/configurations").json()["configurations"]
    assert {"connected_workflows_limit", "modules_limit_per_process", "rules"} == set(limits)


def test_what_was_written_survives_a_restart(tmp_path, clock):
    state = tmp_path / "state"
    world = make_world(seed=7, clock=clock, flows=1, rules=2, state=state)
    with Client(make_app(world)) as client:
        rule = create(client)
        body = {"name": "t", "module": {"api_name": "Leads"}}
        client.crm("/settings/automation/tasks", "POST", json={"tasks": [body]})
        tasks = client.crm("/settings/automation/tasks").json()
        client.crm(f"{CONNECTED}/{client.crm(CONNECTED).json()['connected_workflows'][0]['id']}", "DELETE")
    world.close()
    world = make_world(seed=7, clock=clock, flows=1, rules=2, state=state)
    with Client(make_app(world)) as client:
        assert one(client, rule)["name"] == "Lost deal"
        assert client.crm("/settings/automation/tasks").json() == tasks
        assert len(client.crm(CONNECTED).json()["connected_workflows"]) == 3
    world.close()
