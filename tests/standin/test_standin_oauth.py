"""The accounts server: tokens, codes, their limits and their errors, all told by the body."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.standin.client import CONTROL, Client, token_form


def issue(client, **changes):
    answer = client.post("/oauth/v2/token", data=token_form(**changes))
    assert answer.status_code == 200
    return answer.json()


def test_a_refresh_gives_a_token_for_an_hour_and_the_own_address_as_api_domain(client):
    answer = issue(client)
    assert answer["api_domain"] == "http://127.0.0.1:8765"
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in answer


def test_a_token_expires_after_its_time(client, clock):
    assert client.get("/api/v1/flows").status_code == 200
    clock.advance(3601)
    for path, code in (("/api/v1/flows", ["error", "code"]), ("/crm/v8/org", ["code"])):
        answer = client.get(path)
        assert answer.status_code == 401
        body = answer.json()
        for name in code:
            body = body[name]
        assert body == "INVALID_TOKEN"


@pytest.mark.parametrize("header", ["", "Bearer {}", "Zoho-oauthtoken wrong", "zoho-oauthtoken {}"])
def test_only_the_documented_header_is_accepted(client, header):
    token = client.headers["Authorization"].split()[1]
    assert client.get("/api/v1/flows", headers={"Authorization": header.format(token)}).status_code == 401


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "wrong"}, "invalid_client"),
        ({"refresh_token": "wrong"}, "invalid_code"),
        ({"grant_type": "authorization_code", "code": "wrong"}, "invalid_code"),
        ({"grant_type": "password"}, "invalid_request"),
    ],
)
def test_errors_of_the_token_endpoint_come_with_http_200(client, changes, error):
    assert issue(client, **changes) == {"error": error}


def test_the_eleventh_token_in_ten_minutes_is_throttled_with_http_200(client, clock):
    answers = [issue(client) for _ in range(10)]
    assert [("access_token" in answer) for answer in answers] == [True] * 9 + [False]
    assert answers[-1]["error"] == "Access Denied"
    assert answers[-1]["status"] == "failure"
    clock.advance(601)
    assert "access_token" in issue(client)


def test_the_oldest_token_dies_with_the_eleventh(client, clock):
    first = client.headers["Authorization"]
    for _ in range(9):
        issue(client)
    assert client.get("/api/v1/flows", headers={"Authorization": first}).status_code == 200
    clock.advance(601)
    issue(client)
    assert client.get("/api/v1/flows", headers={"Authorization": first}).status_code == 401


def test_consent_redirects_with_code_location_accounts_server_and_state(client):
    ask = {
        "client_id": "1000.STANDIN",
        "response_type": "code",
        "access_type": "offline",
        "scope": "ZohoFlow.flows.ALL,ZohoCRM.settings.ALL",
        "redirect_uri": "http://127.0.0.1:9/callback?x=1",
        "state": "abc",
    }
    answer = client.get("/oauth/v2/auth", params=ask)
    assert answer.status_code == 302
    got = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert (got["x"], got["state"], got["location"]) == ("1", "abc", "us")
    assert got["accounts-server"] == "http://127.0.0.1:8765"
    redeem = {"grant_type": "authorization_code", "code": got["code"], "redirect_uri": ask["redirect_uri"]}
    tokens = issue(client, **redeem)
    assert tokens["refresh_token"]
    assert tokens["scope"] == "ZohoFlow.flows.ALL ZohoCRM.settings.ALL"
    assert issue(client, **redeem) == {"error": "invalid_code"}
    assert "access_token" in issue(client, refresh_token=tokens["refresh_token"])


def test_the_consent_page_asks_before_it_redirects(client, app):
    app.world.habits = app.world.habits.changed(consent="page")
    ask = {"client_id": "1000.STANDIN", "response_type": "code", "redirect_uri": "http://127.0.0.1:9/", "state": "<s>"}
    page = client.get("/oauth/v2/auth", params=ask)
    assert page.status_code == 200
    assert "&lt;s&gt;" in page.text
    refused = client.get("/oauth/v2/auth", params={**ask, "consent": "reject"})
    assert "error=access_denied" in refused.headers["location"]
    assert "code=" in client.get("/oauth/v2/auth", params={**ask, "consent": "accept"}).headers["location"]


def test_a_code_lives_three_minutes_and_knows_its_redirect_uri(client, clock):
    late, other = (
        client.post("/_control/grant", json={"redirect_uri": "http://127.0.0.1:9/"}, headers=CONTROL).json()["code"]
        for _ in range(2)
    )
    wrong = issue(client, grant_type="authorization_code", code=other, redirect_uri="http://127.0.0.1:8/")
    assert wrong == {"error": "invalid_redirect_uri"}
    clock.advance(181)
    assert issue(client, grant_type="authorization_code", code=late, redirect_uri="http://127.0.0.1:9/") == {
        "error": "invalid_code"
    }


def test_the_self_client_grants_a_code_without_redirect(client):
    code = client.post("/_control/grant", json={"scope": "ZohoFlow.flows.READ"}, headers=CONTROL).json()["code"]
    assert issue(client, grant_type="authorization_code", code=code)["scope"] == "ZohoFlow.flows.READ"


def test_revoking_a_refresh_token_kills_its_access_tokens(client):
    refresh = token_form()["refresh_token"]
    assert client.post("/oauth/v2/token/revoke", params={"token": refresh}).json() == {"status": "success"}
    assert client.get("/api/v1/flows").status_code == 401
    assert issue(client) == {"error": "invalid_code"}
    assert client.post("/oauth/v2/token/revoke", params={"token": refresh}).status_code == 400


def test_a_scope_must_cover_product_area_and_verb(client):
    code = client.post("/_control/grant", json={"scope": "ZohoFlow.flows.READ ZohoCRM.settings.ALL"}, headers=CONTROL)
    token = issue(client, grant_type="authorization_code", code=code.json()["code"])["access_token"]
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    flow = client.get("/api/v1/flows", headers=headers).json()["data"]["flows"][0]["flow_id"]
    assert client.get("/crm/v8/settings/automation/workflow_rules", headers=headers).status_code == 200
    for method, path in (
        ("GET", "/api/v1/connections"),
        ("POST", f"/api/v1/flows/{flow}/disable"),
        ("GET", "/crm/v8/org"),
    ):
        refused = client.request(method, path, headers=headers)
        assert refused.status_code == 401
        assert "OAUTH_SCOPE_MISMATCH" in refused.text


def test_a_refresh_token_can_be_rotated(client, app):
    app.world.habits = app.world.habits.changed(rotate_refresh_token=True)
    fresh = issue(client)["refresh_token"]
    assert issue(client) == {"error": "invalid_code"}
    assert "access_token" in issue(client, refresh_token=fresh)


def test_the_ledger_counts_tokens_by_outcome(app):
    with Client(app) as client:
        issue(client, refresh_token="wrong")
        assert client.ledger()["token_posts"] == {"issued": 1, "invalid_code": 1}
        assert client.ledger()["tokens_issued"] == 1


def test_control_needs_its_own_token(client):
    assert client.get("/_control/ledger").status_code == 403
    assert client.get("/_control/ledger", headers={"X-Standin-Control": "wrong"}).status_code == 403
