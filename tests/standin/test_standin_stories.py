"""Named stories."""

import re

import pytest

from standin.build import make_app, make_world
from standin.what_goes_wrong import STORIES, begin
from tests.standin.client import CONTROL, Client, flow_id


@pytest.mark.parametrize("name", STORIES)
def test_every_story_can_begin_and_tells_what_it_does(world, name):
    app = make_app(world)
    told = begin(name, world, app.faults)
    assert told.endswith(".")
    assert "\n" not in told


def test_every_fault_of_the_table_has_a_story():
    numbers = {int(found[1]) for name in STORIES if (found := re.match(r"f(\d\d)-", name))}
    assert numbers == {*range(1, 34), 46, 47}


def test_a_story_begins_by_the_control_endpoint(client):
    answer = client.post("/_control/story/f06-server-errors", headers=CONTROL)
    assert answer.json() == {"story": "f06-server-errors", "told": "A burst of twenty 500."}
    assert [client.get("/api/v1/flows").status_code for _ in range(21)] == [500] * 20 + [200]
    assert client.post("/_control/story/nonsense", headers=CONTROL).status_code == 400


def tell(client, name):
    assert client.post(f"/_control/story/{name}", headers=CONTROL).status_code == 200


def test_the_flow_goes_bad_as_a_story(client, app, clock):
    tell(client, "flow-goes-bad")
    clock.advance(60)
    assert client.rows(flow_id(app, "sick"))[0]["status"] in {"failed", "running"}
    assert len(client.rows(flow_id(app, "sick"), status="failed")) >= 3


def test_after_an_outage_downstream_zoho_runs_the_failures_again(client, app, clock):
    flow = flow_id(app, "sick")
    tell(client, "downstream-outage")
    clock.advance(240)
    failed = client.rows(flow, status="failed", per_page=200)
    assert len(failed) > 10
    client.do("heal_flow", flow_id=flow)
    clock.advance(1800)
    still = {row["execution_id"] for row in client.rows(flow, status="failed", per_page=200)}
    assert len(still & {row["execution_id"] for row in failed}) < len(failed) / 2


def test_a_connection_that_expires_fails_the_flows_that_use_it(client, app, clock):
    tell(client, "connection-expires")
    broken = {one["app"] for one in client.flow("/connections")["connections"] if one["status"] == "expired"}
    assert broken == {"slack", "mailchimp"}


def test_a_flow_can_be_deleted_and_another_fall_silent(clock):
    world = make_world(seed=7, clock=clock)
    with Client(make_app(world)) as client:
        gone = world.role("inactive").flow_id
        tell(client, "flow-is-deleted")
        assert client.get(f"/api/v1/flows/{gone}").status_code == 404
        tell(client, "flow-falls-silent")
        silent = next(one for one in client.flow("/flows?per_page=50")["flows"] if one["flow_name"] == "Exchange rates")
        newest = client.rows(silent["flow_id"], per_page=1)
        clock.advance(86_400)
        assert client.rows(silent["flow_id"], per_page=1) == newest


def test_counters_can_be_reset(client):
    rule = client.crm("/settings/automation/workflow_rules").json()["workflow_rules"][0]["id"]
    tell(client, "counters-are-reset")
    params = {"executed_from": "2025-05-01", "executed_till": "2025-06-03"}
    report = client.crm(f"/settings/automation/workflow_rules/{rule}/actions/usage", params=params).json()
    assert report["workflow_rules"][0]["trigger_count"] == 0


def test_after_six_hours_of_outage_twenty_thousand_executions_come_at_once(client, app, clock):
    flow = flow_id(app, "sick")
    before = client.flow(f"/flows/{flow}")["failure_count"]
    tell(client, "f46-outage-and-flood")
    assert client.get("/api/v1/flows").status_code == 503
    clock.advance(6 * 3600)
    assert client.flow(f"/flows/{flow}")["failure_count"] >= before
    clock.advance(2)
    assert client.flow(f"/flows/{flow}")["failure_count"] >= before + 20_000
    pages = [client.rows(flow, page=page, per_page=200) for page in (1, 50, 100)]
    assert len({row["execution_id"] for page in pages for row in page}) == 600


def test_a_lost_token_leaves_a_token_issued_and_the_next_refresh_works(client, app):
    tell(client, "f32-lost-token")
    with pytest.raises(ConnectionResetError):
        client.sign_in()
    assert client.sign_in().get("/api/v1/flows").status_code == 200


def test_every_request_works_again_when_a_revoked_account_is_connected_anew(client):
    tell(client, "f29-revoked")
    assert client.get("/api/v1/flows").status_code == 401
    code = client.post("/_control/grant", json={}, headers=CONTROL).json()["code"]
    form = {"grant_type": "authorization_code", "client_id": "1000.STANDIN", "code": code}
    tokens = client.post("/oauth/v2/token", data={**form, "client_secret": "standin-client-secret"}).json()
    headers = {"Authorization": f"Zoho-oauthtoken {tokens['access_token']}"}
    assert client.get("/api/v1/flows", headers=headers).status_code == 200
