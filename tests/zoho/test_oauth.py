"""Tokens, and the errors that Zoho hides in bodies with HTTP 200."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import (
    CRM_SCOPES,
    DATA_CENTERS,
    FLOW_SCOPES,
    AnswerLost,
    BadAnswer,
    ClientRefused,
    GrantRevoked,
    NotSent,
    OAuthClient,
    Refused,
    Wait,
    ZohoError,
)
from monitor.zoho.oauth import life

from .helpers import Reply, Script, fuzzed, scripted
from .test_clean import ANY_JSON

SECRET = "0123456789abcdef0123456789abcdef01234567ab"
REFRESH = "1000.0ldr3fre5h0ldr3fre5h0ldr3fre5h00.0ldr3fre5h0ldr3fre5h0ldr3fre5h00"


def client(*replies: Reply | str) -> tuple[OAuthClient, Script]:
    transport, script = scripted(*replies)
    return OAuthClient(transport, DATA_CENTERS["eu"], "1000.CLIENT", SECRET), script


def form(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


def test_a_code_becomes_tokens_and_every_secret_travels_in_the_body():
    oauth, script = client("token-grant")
    grant = oauth.exchange_code("1000.code", "https://monitor.example.com/oauth/callback")
    assert grant.access_token.startswith("1000.aaaa")
    assert grant.refresh_token is not None
    assert grant.expires_in == 3600.0
    assert grant.api_domain == "https://www.zohoapis.com"
    assert script.paths == ["/oauth/v2/token"]
    assert script.requests[0].url.host == "accounts.zoho.eu"
    assert form(script.requests[0]) == {
        "grant_type": "authorization_code",
        "code": "1000.code",
        "redirect_uri": "https://monitor.example.com/oauth/callback",
        "client_id": "1000.CLIENT",
        "client_secret": SECRET,
    }


def test_a_self_clients_code_needs_no_redirect_uri():
    oauth, script = client("token-grant")
    oauth.exchange_code("1000.code", None)
    assert "redirect_uri" not in form(script.requests[0])


def test_a_refresh_token_becomes_an_access_token():
    oauth, script = client("token-refresh")
    grant = oauth.refresh(REFRESH)
    assert grant.access_token.startswith("1000.bbbb")
    assert grant.refresh_token is None
    assert form(script.requests[0])["grant_type"] == "refresh_token"


def test_a_rotated_refresh_token_is_handed_over():
    oauth, _ = client(httpx.Response(200, json={"access_token": "1000.a", "refresh_token": "1000.new"}))
    assert oauth.refresh(REFRESH).refresh_token == "1000.new"


def test_a_grant_never_shows_its_tokens():
    oauth, _ = client("token-grant")
    shown = repr(oauth.exchange_code("1000.code", None)) + repr(oauth)
    assert "aaaa" not in shown
    assert "rrrr" not in shown
    assert SECRET not in shown


def error_json(word: str, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json={"error": word})


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ("token-invalid-code", GrantRevoked, "invalid_code"),
        (error_json("invalid_code", 400), GrantRevoked, "invalid_code"),
        (error_json("invalid_code", 500), GrantRevoked, "invalid_code"),
        ("token-invalid-client", ClientRefused, "invalid_client"),
        (error_json("invalid_client", 401), ClientRefused, "invalid_client"),
        (error_json("invalid_client_secret"), ClientRefused, "invalid_client_secret"),
        ("token-throttled", Wait, "Access Denied"),
        ("token-other-dc", Refused, "other_dc"),
        (error_json("invalid_redirect_uri"), Refused, "invalid_redirect_uri"),
        (error_json("invalid_grant"), Refused, "invalid_grant"),
        (error_json("general_error"), AnswerLost, "general_error"),
        (httpx.Response(200, json={}), BadAnswer, ""),
        (httpx.Response(200, json=[]), BadAnswer, ""),
        (httpx.Response(200, json={"access_token": None}), BadAnswer, ""),
        (httpx.Response(200, json={"access_token": "two words"}), BadAnswer, ""),
        (httpx.Response(200, json={"access_token": "a\r\nX: y"}), BadAnswer, ""),
        ("html-page", BadAnswer, ""),
        (httpx.Response(302, headers={"location": "/x"}), BadAnswer, ""),
        (httpx.Response(404, content=b"<html>"), BadAnswer, ""),
        (httpx.Response(429), Wait, ""),
        (httpx.Response(502, content=b"<html>"), AnswerLost, ""),
        (httpx.Response(500, json={}), AnswerLost, ""),
        (httpx.ConnectError("refused"), NotSent, ""),
        (httpx.ReadTimeout("slow"), AnswerLost, ""),
    ],
)
def test_errors_are_told_apart_by_the_body(reply, kind, code):
    oauth, script = client(reply)
    with pytest.raises(ZohoError) as error:
        oauth.refresh(REFRESH)
    assert type(error.value) is kind
    assert error.value.code == code
    assert len(script.requests) == 1
    assert REFRESH not in f"{error.value!s}{error.value!r}"
    assert SECRET not in f"{error.value!s}{error.value!r}"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("You have made too many requests continuously. Please try again after some time.", Wait),
        ("Request limit exceeded", Wait),
        ("", Wait),
        ("You have exceeded the number of access tokens allowed in ten minutes", Wait),
        ("Please wait for some time", Wait),
        ("Please retry after 10 minutes", Wait),
        ("Please try again.", Wait),
        ("The organisation is blocked", Refused),
        ("Your account is blocked, contact support again", Refused),
        ("User limit of your trial exceeded", Refused),
        ("Please wait for your administrator's approval", Refused),
        ("Try again with another account", Refused),
        ("Access is limited to administrators", Refused),
        ("The user is inactive", Refused),
    ],
)
def test_access_is_denied_for_a_while_only_where_the_words_speak_of_a_pace(words, kind):
    oauth, _ = client(httpx.Response(200, json={"error": "Access Denied", "error_description": words}))
    with pytest.raises(ZohoError) as error:
        oauth.refresh("1000.refresh")
    assert type(error.value) is kind
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": "too_many_requests", "error_description": "slow down"}),
        (200, {"error": "too_many_requests", "error_description": "The organisation is busy"}),
        (429, {"error": "access_denied", "error_description": "quota reached"}),
        (429, {"error": "something_new"}),
        (429, {"message": "busy"}),
    ],
)
def test_a_throttle_that_names_itself_needs_no_words_about_a_pace(status, body):
    oauth, _ = client(httpx.Response(status, json=body))
    with pytest.raises(Wait) as error:
        oauth.refresh("1000.refresh")
    assert error.value.retry_after == 600.0


@pytest.mark.parametrize(("word", "kind"), [("invalid_code", GrantRevoked), ("invalid_client", ClientRefused)])
def test_a_word_that_is_final_is_believed_before_the_status(word, kind):
    oauth, _ = client(httpx.Response(429, json={"error": word}))
    with pytest.raises(kind):
        oauth.refresh("1000.refresh")


def test_the_throttle_lasts_ten_minutes():
    oauth, _ = client("token-throttled")
    with pytest.raises(Wait, match="too many requests") as error:
        oauth.refresh(REFRESH)
    assert error.value.retry_after == 600.0


def test_a_web_page_at_the_token_address_asks_about_the_data_centre():
    oauth, _ = client("html-page")
    with pytest.raises(BadAnswer, match="HTML page") as error:
        oauth.refresh(REFRESH)
    assert error.value.hint == "Is this the accounts URL of the right data centre?"


def test_a_server_that_echoes_secrets_does_not_get_them_into_our_messages():
    oauth, _ = client(httpx.Response(200, json={"error": f"bad {SECRET}", "error_description": f"{REFRESH} {SECRET}"}))
    with pytest.raises(Refused) as error:
        oauth.refresh(REFRESH)
    assert SECRET not in str(error.value) + error.value.code
    assert REFRESH not in str(error.value)


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        ({"expires_in": 3600}, 3600.0),
        ({"expires_in": "3600"}, 3600.0),
        ({"expires_in": 5}, 5.0),
        ({"expires_in": 3_600_000}, 3600.0),
        ({"expires_in": 3_600_000, "expires_in_sec": 3600}, 3600.0),
        ({}, 3300.0),
        ({"expires_in": 0}, 3300.0),
        ({"expires_in": -1}, 3300.0),
        ({"expires_in": None}, 3300.0),
        ({"expires_in": "soon"}, 3300.0),
        ({"expires_in": float("nan")}, 3300.0),
        ({"expires_in": True}, 3300.0),
        ({"expires_in": 10**15}, 86400.0),
    ],
)
def test_the_life_of_a_token_is_sane_whatever_is_said(reply, seconds):
    assert life(reply) == seconds


def test_the_authorization_address_holds_no_secret_and_asks_for_a_refresh_token():
    oauth, _ = client("token-grant")
    url = oauth.authorization_url("https://monitor.example.com/cb", (*FLOW_SCOPES, *CRM_SCOPES), "state-1_a")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert url.startswith("https://accounts.zoho.eu/oauth/v2/auth?")
    assert asked == {
        "scope": ",".join((*FLOW_SCOPES, *CRM_SCOPES)),
        "client_id": "1000.CLIENT",
        "response_type": "code",
        "access_type": "offline",
        "redirect_uri": "https://monitor.example.com/cb",
        "state": "state-1_a",
        "prompt": "consent",
    }
    assert "prompt" not in oauth.authorization_url("https://m.example.com/cb", ["x"], "s", prompt_consent=False)
    with pytest.raises(ValueError, match="state"):
        oauth.authorization_url("https://m.example.com/cb", ["x"], "a|b")


def test_no_scope_could_write_a_record_of_crm():
    assert all(scope.endswith(".READ") for scope in CRM_SCOPES)
    assert not any(scope.startswith("ZohoCRM.modules") for scope in CRM_SCOPES)
    assert "ZohoFlow.actions.ALL" not in FLOW_SCOPES


@pytest.mark.parametrize(
    "reply", [httpx.Response(200, json={"status": "success"}), error_json("invalid_code"), error_json("invalid_token")]
)
def test_a_token_is_revoked_in_the_body_and_an_unknown_one_counts_as_revoked(reply):
    oauth, script = client(reply)
    oauth.revoke(REFRESH)
    assert script.paths == ["/oauth/v2/token/revoke"]
    assert form(script.requests[0]) == {"token": REFRESH}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("html-page", BadAnswer),
        ("token-throttled", Wait),
        (httpx.Response(500), AnswerLost),
        (httpx.Response(200, json=[]), BadAnswer),
        (httpx.Response(404, json={}), BadAnswer),
    ],
)
def test_a_revocation_that_is_not_confirmed_is_an_error(reply, kind):
    oauth, _ = client(reply)
    with pytest.raises(kind):
        oauth.revoke(REFRESH)


@fuzzed()
@given(st.sampled_from([200, 400, 401, 429, 500]), ANY_JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("access_token", "refresh_token", "expires_in", "error", "api_domain"), ANY_JSON)
))  # fmt: skip
def test_any_token_reply_is_a_grant_or_one_error_of_the_tree(status, value):
    oauth, _ = client(httpx.Response(status, content=json.dumps(value).encode()))
    try:
        grant = oauth.refresh(REFRESH)
    except ZohoError:
        return
    assert grant.access_token
    assert 0 < grant.expires_in <= 86400


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (httpx.Response(401, json={"errorCode": "INVALID_OAUTH", "message": "no"}), "INVALID_OAUTH: no"),
        (httpx.Response(400, json=[{"code": "NOPE", "message": "not here"}]), "NOPE: not here"),
        (httpx.Response(200, json={"foo": "bar"}), '{"foo": "bar"}'),
        (httpx.Response(403, text="Forbidden by the proxy"), "“Forbidden by the proxy”"),
    ],
)
def test_what_answers_instead_of_a_token_is_told_in_its_own_words(reply, told):
    transport, _ = scripted(reply)
    oauth = OAuthClient(transport, DATA_CENTERS["eu"], "1000.ID", "secret")
    with pytest.raises(BadAnswer) as error:
        oauth.refresh("1000.refresh")
    assert told in str(error.value)
    assert "not JSON" not in str(error.value)
