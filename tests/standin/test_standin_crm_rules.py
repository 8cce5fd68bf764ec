"""Workflow rules and their usage."""

import pytest

from standin.build import make_app, make_world
from tests.standin.client import Client

RULES = "/settings/automation/workflow_rules"


def rules(client, **params):
    answer = client.crm(RULES, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["workflow_rules"]


def busy(client):
    return next(rule for rule in rules(client) if rule["last_executed_time"])


def test_rules_are_listed_in_the_documented_shape(client):
    answer = client.crm(RULES).json()
    assert answer["info"] == {"per_page": 200, "count": 4, "page": 1, "more_records": False}
    rule = answer["workflow_rules"][0]
    assert set(rule) == {
        "id", "name", "description", "module", "execute_when", "status", "last_executed_time", "created_time",
        "modified_time", "created_by", "modified_by", "source", "editable", "deletable", "lock",
    }  # fmt: skip
    assert len(rule["id"]) <= 20
    assert rule["status"] == {"active": True}


def test_pages_say_whether_more_is_to_come(client):
    first = client.crm(RULES, params={"page": 1, "per_page": 3}).json()
    second = client.crm(RULES, params={"page": 2, "per_page": 3}).json()
    assert (first["info"]["more_records"], second["info"]["more_records"]) == (True, False)
    assert len({rule["id"] for rule in first["workflow_rules"] + second["workflow_rules"]}) == 4
    assert client.crm(RULES, params={"page": 3, "per_page": 3}).status_code == 204


def test_offsets_are_mixed_and_a_rule_may_never_have_run(client):
    assert {rule["created_time"][-6:] for rule in rules(client)} == {"-08:00", "+05:30"}
    assert None in [rule["last_executed_time"] for rule in rules(client)]


def test_rules_are_filtered(client):
    assert {rule["module"]["api_name"] for rule in rules(client, module="Deals")} == {"Deals"}
    for name, value in (("execute_on", "create"), ("trigger_module", "Leads")):
        alone = client.crm(RULES, params={name: value}).json()
        assert (alone["code"], alone["details"]) == ("REQUIRED_PARAM_MISSING", {"param_name": "module"})
    whose = {rule["module"]["api_name"] for rule in rules(client) if rule["execute_when"]["type"] == "create"}
    found = rules(client, execute_on="create", module=min(whose))
    assert {rule["execute_when"]["type"] for rule in found} == {"create"}
    assert rules(client, module="Deals", trigger_module="Deals") == rules(client, module="Deals")
    assert client.crm(RULES, params={"module": "Deals", "trigger_module": "Notes"}).status_code == 204
    wish = '{"field":{"api_name":"name"},"comparator":"contains","value":"hand-over"}'
    assert [rule["name"] for rule in rules(client, filter=wish)] == ["Deal won hand-over"]
    assert client.crm(RULES, params={"status_active": "false"}).status_code == 204
    assert "conditions" in rules(client, include_inner_details="true")[0]


def test_rules_are_sorted_by_their_last_change(client):
    times = [rule["id"] for rule in rules(client, sort_by="modified_time", sort_order="asc")]
    assert times == [rule["id"] for rule in rules(client, sort_by="modified_time", sort_order="desc")][::-1]


@pytest.mark.parametrize(
    ("params", "code", "name"),
    [
        ({"module": "Nothing"}, "INVALID_MODULE", "module"),
        ({"sort_order": "up"}, "INVALID_DATA", "sort_order"),
        ({"sort_by": "name"}, "INVALID_DATA", "sort_by"),
        ({"per_page": "201"}, "INVALID_DATA", "per_page"),
        ({"filter": "{"}, "INVALID_DATA", "filter"),
    ],
)
def test_a_bad_parameter_is_named(client, params, code, name):
    answer = client.crm(RULES, params=params)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": code,
        "details": {"param_name": name},
        "message": "The value provided to the param is Invalid",
        "status": "error",
    }


def test_one_rule_shows_conditions_and_actions_and_an_unknown_id_is_204(client):
    rule = client.crm(f"{RULES}/{rules(client)[1]['id']}").json()["workflow_rules"][0]
    assert rule["category"] == "default"
    condition = rule["conditions"][0]
    assert [one["type"] for one in condition["instant_actions"]["actions"]] == [
        "webhooks", "tasks", "email_notifications",
    ]  # fmt: skip
    assert client.crm(f"{RULES}/1").status_code == 204


def test_usage_counts_runs_and_actions_between_two_days(client, clock):
    rule = busy(client)["id"]
    report = client.crm(
        f"{RULES}/{rule}/actions/usage", params={"executed_from": "2025-05-01", "executed_till": "2025-06-03"}
    ).json()["workflow_rules"][0]
    condition = report["conditions"][0]
    assert report["trigger_count"] == condition["usage_count"] > 50
    for action in condition["instant_actions"]["actions"]:
        assert action["success_count"] + action["failure_count"] == condition["usage_count"]
    days = [
        client.crm(f"{RULES}/{rule}/actions/usage", params={"executed_from": day, "executed_till": day}).json()
        for day in ("2025-05-29", "2025-05-30")
    ]
    both = client.crm(
        f"{RULES}/{rule}/actions/usage", params={"executed_from": "2025-05-29", "executed_till": "2025-05-30"}
    ).json()
    counts = [body["workflow_rules"][0]["trigger_count"] for body in (*days, both)]
    assert counts[0] + counts[1] == counts[2] > 0


def test_usage_grows_as_the_rule_runs_and_can_be_reset(client, clock):
    rule = busy(client)["id"]
    wish = {"executed_from": "2025-05-20", "executed_till": "2025-06-10"}

    def count():
        return client.crm(f"{RULES}/{rule}/actions/usage", params=wish).json()["workflow_rules"][0]

    before, last = count(), busy(client)["last_executed_time"]
    clock.advance(86_400)
    client.sign_in()
    assert count()["trigger_count"] > before["trigger_count"]
    assert busy(client)["last_executed_time"] > last
    client.do("reset_usage", rule_id=rule)
    after = count()
    assert after["trigger_count"] == 0
    assert after["reset_time"].startswith("2025-06-04T15:00:00+05:30")


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"executed_from": "2025-05-01"}, "REQUIRED_PARAM_MISSING", "required param not found"),
        (
            {"executed_from": "May", "executed_till": "2025-06-01"},
            "INVALID_DATA",
            "Please provide  ISO Time format to the param",
        ),
        ({"executed_from": "2025-03-01", "executed_till": "2025-06-01"}, "INVALID_REQUEST", "DATE_RANGE_EXCEEDS"),
    ],
)
def test_usage_refuses_in_the_documented_words(client, params, code, message):
    answer = client.crm(f"{RULES}/{busy(client)['id']}/actions/usage", params=params)
    assert (answer.status_code, answer.json()["code"], answer.json()["message"]) == (400, code, message)


def test_org_and_current_user_are_known(client):
    org = client.crm("/org").json()["org"][0]
    assert org["time_zone"] == "Asia/Kolkata"
    assert org["license_details"]["paid_type"] == "ultimate"
    users = client.crm("/users", params={"type": "CurrentUser"}).json()["users"]
    assert [user["email"] for user in users] == ["marta.ops@example.com"]


def test_spent_credits_are_refused_without_retry_after_and_shown_only_past_half(clock):
    world = make_world(seed=7, clock=clock, flows=1, rules=1)
    app = make_app(world, plan="free")
    with Client(app) as client:
        credit = app.products[1].credits
        assert "X-API-CREDITS-REMAINING" not in client.crm("/org").headers
        credit.ask(clock(), cost=2499)
        assert client.crm("/org").headers["X-API-CREDITS-REMAINING"] == "2499"
        credit.ask(clock(), cost=2499)
        refused = client.crm("/org")
        assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
        assert "Retry-After" not in refused.headers
        clock.advance(86_401)
        assert client.sign_in().crm("/org").status_code == 200


def test_an_account_may_lack_one_of_the_products(client, app):
    app.world.habits = app.world.habits.changed(crm=False)
    assert client.crm("/org").status_code == 403
    assert client.get("/api/v1/flows").status_code == 200


@pytest.mark.parametrize(
    ("habits", "paid", "trial"),
    [
        ({"paid_type": "crmplusstarter"}, "crmplusstarter", None),
        ({"trial_type": "enterprise"}, "free", "enterprise"),
        ({}, "ultimate", None),
    ],
)
def test_the_edition_may_be_a_suites_or_on_trial(client, app, habits, paid, trial):
    app.world.habits = app.world.habits.changed(**habits)
    details = client.crm("/org").json()["org"][0]["license_details"]
    assert (details["paid_type"], details["trial_type"]) == (paid, trial)
