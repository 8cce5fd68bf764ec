"""Zoho's oddities, each switched both ways; those with a place of their own are tested there."""

import pytest

from standin.build import habits_for, make_app, make_world
from tests.standin.client import CONTROL, Client, flow_id, token_form

RULES = "/settings/automation/workflow_rules"


def token(client, **changes):
    return client.post("/oauth/v2/token", data=token_form(**changes)).json()


def test_habits_are_switched_by_the_control_endpoint(client):
    answer = client.put("/_control/habits", json={"empty_list_is_204": False}, headers=CONTROL)
    assert answer.json()["empty_list_is_204"] is False
    assert client.crm(RULES, params={"page": 9}).json()["workflow_rules"] == []
    refused = client.put("/_control/habits", json={"nonsense": 1}, headers=CONTROL)
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "no such habit: nonsense")


def test_without_the_throttle_any_number_of_tokens_is_issued(client, app):
    app.world.habits = app.world.habits.changed(token_throttle=False)
    assert all("access_token" in token(client) for _ in range(20))


def test_more_access_tokens_may_live(client, app):
    app.world.habits = app.world.habits.changed(token_throttle=False, live_access_tokens=15)
    first = client.headers["Authorization"]
    for live, status in ((14, 200), (1, 401)):
        for _ in range(live):
            token(client)
        assert client.get("/api/v1/flows", headers={"Authorization": first}).status_code == status


def test_the_first_refresh_token_is_dropped_at_the_twenty_first(client, app, clock):
    def grant():
        code = client.post("/_control/grant", json={}, headers=CONTROL).json()["code"]
        return token(client, grant_type="authorization_code", code=code)["refresh_token"]

    fresh = [grant() for _ in range(19)]
    clock.advance(601)
    assert "access_token" in token(client)
    fresh.append(grant())
    assert token(client) == {"error": "invalid_code"}
    assert "access_token" in token(client, refresh_token=fresh[0])


def test_tokens_can_live_shorter(client, app, clock):
    app.world.habits = app.world.habits.changed(access_token_seconds=60)
    assert token(client)["expires_in"] == 60
    client.sign_in()
    clock.advance(61)
    assert client.get("/api/v1/flows").status_code == 401


def test_api_domain_can_be_the_real_one(client, app):
    app.world.habits = app.world.habits.changed(own_api_domain=False)
    assert token(client)["api_domain"] == "https://www.zohoapis.com"


def test_the_redirect_can_name_another_data_centre(client, app):
    app.world.habits = app.world.habits.changed(location="eu")
    ask = {"client_id": "1000.STANDIN", "response_type": "code", "redirect_uri": "http://127.0.0.1:9/"}
    assert "location=eu" in client.get("/oauth/v2/auth", params=ask).headers["location"]


def test_scopes_need_not_be_checked(client, app):
    client.fault("narrow_scope", "/org", args={"scope": "nothing.READ"})
    assert client.crm("/org").status_code == 401
    app.world.habits = app.world.habits.changed(check_scopes=False)
    assert client.crm("/org").status_code == 200


def test_the_credits_header_can_be_left_out(world, clock):
    world.habits = world.habits.changed(credits_header=False)
    app = make_app(world, plan="free")
    with Client(app) as client:
        app.products[1].credits.ask(clock(), cost=4000)
        assert "X-API-CREDITS-REMAINING" not in client.crm("/org").headers


def test_offsets_can_be_the_same_everywhere(clock):
    world = make_world(seed=7, clock=clock, flows=1, habits=habits_for("zoho", mixed_offsets=False))
    with Client(make_app(world)) as client:
        rules = client.crm(RULES).json()["workflow_rules"]
        assert {rule["created_time"][-6:] for rule in rules} == {"+05:30"}


def test_usage_can_reach_further_back(client, app):
    app.world.habits = app.world.habits.changed(usage_days=100)
    rule = client.crm(RULES).json()["workflow_rules"][0]["id"]
    params = {"executed_from": "2025-02-28", "executed_till": "2025-06-03"}
    assert client.crm(f"{RULES}/{rule}/actions/usage", params=params).status_code == 200


def test_zoho_need_not_run_anything_again(client, app, clock):
    app.world.habits = app.world.habits.changed(auto_reruns=False)
    flow = flow_id(app, "sick")
    client.do("add_executions", flow_id=flow, count=9, status="failed", kind="503", duration_ms=0)
    clock.advance(86_400)
    assert len(client.rows(flow, status="failed", to_date="2025-06-03T09:30:00Z")) >= 9


@pytest.mark.parametrize(("luck", "status"), [("succeed", "success"), ("fail", "failed")])
def test_retries_can_be_made_to_go_well_or_not(client, app, clock, luck, status):
    app.world.habits = app.world.habits.changed(retries=luck)
    for kind in ("email", "503"):
        made = client.do("add_executions", flow_id=flow_id(app, "sick"), status="failed", kind=kind, duration_ms=0)
        path = f"/flows/{flow_id(app, 'sick')}/executions"
        again = client.flow(f"{path}/{made[0]}/retry", "POST")["execution_id"]
        clock.advance(10)
        assert client.flow(f"{path}/{again}")["status"] == status


def test_an_account_may_lack_flow(client, app):
    app.world.habits = app.world.habits.changed(flow=False)
    assert client.get("/api/v1/flows").status_code == 403
    assert client.crm("/org").status_code == 200


def test_history_may_be_kept_shorter(client, app):
    flow = flow_id(app, "silent")
    app.world.habits = app.world.habits.changed(retention_days=6)
    assert {row["started_time"][:10] for row in client.rows(flow)} <= {"2025-05-28", "2025-05-29"}


def test_every_endpoint_of_the_seed_has_a_route(app):
    routes = set(app.routes())
    flow, one = "/api/v1/flows", "/api/v1/flows/{flow_id}"
    for route in (
        ("GET", flow), ("POST", flow), ("GET", one), ("PUT", one), ("DELETE", one), ("POST", one + "/enable"),
        ("POST", one + "/disable"), ("GET", one + "/history"), ("GET", "/api/v1/triggers"),
        ("GET", "/api/v1/triggers/{trigger_id}"), ("POST", one + "/trigger"), ("PUT", one + "/trigger"),
        ("GET", one + "/trigger/test"), ("GET", "/api/v1/actions"), ("GET", "/api/v1/actions/{action_id}"),
        ("POST", one + "/actions"), ("PUT", one + "/actions/{action_id}"), ("DELETE", one + "/actions/{action_id}"),
        ("POST", one + "/actions/test"), ("GET", "/api/v1/connections"), ("POST", "/api/v1/connections"),
        ("POST", "/api/v1/connections/{connection_id}/test"), ("GET", "/api/v1/webhooks/{webhook_id}/logs"),
        ("GET", one + "/executions/stats"), ("POST", one + "/executions/{execution_id}/retry"),
        ("GET", "/crm/v8/workflow_configurations"), ("POST", "/oauth/v2/token"),
    ):  # fmt: skip
        assert route in routes
    assert len(routes) > 150


def test_grants_are_for_one_of_a_persons_organisations_or_for_a_sandbox(app, client):
    def org():
        return client.get("/crm/v8/org").json()["org"][0]

    first = org()
    assert (first["company_name"], first["type"]) == ("Zephyr Works", "production")
    app.world.habits = app.world.habits.changed(portal=2)
    other = org()
    assert other["company_name"] == "Zephyr Works 2"
    assert not {first["id"], first["zgid"]} & {other["id"], other["zgid"]}
    app.world.habits = app.world.habits.changed(portal=1, organisation_kind="sandbox")
    assert org() == first | {"type": "sandbox"}
    answer = client.post("/oauth/v2/token", data=token_form()).json()
    assert answer["api_domain"] == "https://sandbox.zohoapis.com"
