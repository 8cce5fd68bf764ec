"""What Zoho's products answer in other words than the one envelope: found, told, and never taken for something else."""

from __future__ import annotations

import httpx
import pytest

from monitor.zoho import (
    BadAnswer,
    CrmClient,
    FlowClient,
    GrantRevoked,
    NotAvailable,
    NotFound,
    Refused,
    ScopeMissing,
    TokenRefused,
    Wait,
    ZohoError,
    read_answer,
)
from monitor.zoho.crm.actions import ActionKind
from monitor.zoho.envelope import find_envelope
from monitor.zoho.errors import DaysRefused
from monitor.zoho.shapes.crm_common import write_result, write_results

from .helpers import FLOW_ORIGIN, TOKEN, Reply, Script, Tokens, answer, crm_client, flow_client, scripted

DATA = {"status": "success", "data": {"flows": []}}
PAGE = httpx.Response(401, text="<html><title>401 Authorization Required</title></html>")
# A refused token, as products of Zoho's say it; and what is told of it.
REFUSED_TOKEN = {
    "Desk": (httpx.Response(401, json={"errorCode": "INVALID_OAUTH", "message": "Bad token"}), "INVALID_OAUTH: Bad"),
    "bare": (httpx.Response(401, json={"errorCode": "INVALID_OAUTH"}), "INVALID_OAUTH"),
    "Mail": (
        httpx.Response(401, json={"status": {"code": 401}, "data": {"errorCode": "INVALID_OAUTHTOKEN"}}),
        "INVALID_OAUTHTOKEN",
    ),
    "Books": (
        httpx.Response(401, json={"code": 57, "message": "You are not authorized"}),
        "57: You are not authorized",
    ),
    "a number": (httpx.Response(401, json={"code": 14}), "14"),
    "Projects": (
        httpx.Response(401, json={"error": {"code": 6401, "message": "Invalid OAuth"}}),
        "6401: Invalid OAuth",
    ),
    "Sheet": (
        httpx.Response(401, json={"error_code": 2831, "error_message": "Invalid ticket"}),
        "2831: Invalid ticket",
    ),
    "People": (
        httpx.Response(401, json={"response": {"errors": [{"code": 7218, "message": "expired"}], "status": 1}}),
        "7218: expired",
    ),
    "a list": (httpx.Response(401, json=[{"code": "INVALID_OAUTHTOKEN", "message": "m"}]), "INVALID_OAUTHTOKEN: m"),
    "RFC 9457": (httpx.Response(401, json={"title": "Unauthorized", "status": 401}), "Unauthorized"),
    "a challenge": (
        httpx.Response(401, headers={"www-authenticate": 'Zoho-oauthtoken realm="crm"'}),
        "an empty body",
    ),
    "nothing": (httpx.Response(401), "an empty body"),
    "RFC 6750": (
        httpx.Response(401, headers={"www-authenticate": 'Bearer error="invalid_token"'}),
        "invalid_token: by WWW-Authenticate",
    ),
    "an empty object": (httpx.Response(401, json={}), "{}"),
    "null": (httpx.Response(401, content=b"null"), "null"),
    "a page": (PAGE, "an HTML page instead of JSON (“401 Authorization Required”)"),
    "a text": (httpx.Response(401, text="Invalid oauth token"), "“Invalid oauth token”"),
    "a JSON text": (httpx.Response(401, json="Unauthorized"), "Unauthorized"),
    "UTF-16": (httpx.Response(401, content="nein".encode("utf-16")), "401"),
}
# With the same status, but it is the act that is refused.
REFUSED_ACT = {
    "locked task": {"code": "AUTHORIZATION_ERROR", "details": {}, "message": "Locked task cannot be edited"},
    "view": {"code": "PERMISSION_DENIED", "details": {}, "message": "permission denied", "status": "error"},
    "in the list": {"tasks": [{"code": "AUTHORIZATION_ERROR", "message": "locked", "status": "error"}]},
    "an object": {"tasks": {"code": "NO_PERMISSION", "message": "no", "status": "error"}},
    "unknown": {"code": "RULE_IS_ASLEEP", "message": "come back tomorrow", "status": "error"},
    "a licence": {"code": "LICENSE_EXPIRED", "message": "Your Zoho Flow licence has expired", "status": "error"},
}


def flow(*replies: Reply) -> tuple[FlowClient, Script, Tokens]:
    transport, script = scripted(*replies)
    tokens = Tokens()
    return FlowClient(transport, FLOW_ORIGIN, tokens), script, tokens


@pytest.mark.parametrize("case", [*REFUSED_TOKEN])
def test_after_any_401_a_read_goes_on_with_a_new_token(case):
    client, script, tokens = flow(REFUSED_TOKEN[case][0], httpx.Response(200, json=DATA))
    assert client.list_flows().flows == []
    assert tokens.renewals == [TOKEN]
    assert script.requests[1].headers["Authorization"] == f"Zoho-oauthtoken {tokens.renewed}"


@pytest.mark.parametrize("case", [*REFUSED_TOKEN])
def test_where_the_new_token_is_refused_too_its_words_are_told_as_they_came(case):
    reply, words = REFUSED_TOKEN[case]
    client, script, tokens = flow(reply)
    with pytest.raises(TokenRefused) as error:
        client.list_flows()
    assert (len(script.requests), len(tokens.renewals)) == (2, 1)
    assert words in str(error.value)
    assert "not JSON" not in str(error.value)


@pytest.mark.parametrize("case", [*REFUSED_ACT])
def test_a_401_that_refuses_the_act_is_no_matter_of_signing_in(case):
    client, script, tokens = flow(httpx.Response(401, json=REFUSED_ACT[case]))
    with pytest.raises((NotAvailable, Refused)) as error:
        client.list_flows()
    assert (len(script.requests), len(tokens.renewals)) == (2, 1)  # once: a dead token may hide behind any words
    code = find_envelope(REFUSED_ACT[case])
    assert code is not None
    assert f"{code.code}: {code.message}" in str(error.value)


def test_refusals_of_the_act_cost_no_token_each():
    refused = httpx.Response(401, json=REFUSED_ACT["view"])
    client, script, tokens = flow(httpx.Response(200, json=DATA), refused)
    client.list_flows()
    for _ in range(3):
        with pytest.raises(NotAvailable):
            client.list_flows()
    assert (len(script.requests), tokens.renewals) == (4, [])  # the token was good a moment ago
    client, script, tokens = flow(httpx.Response(401, json=REFUSED_ACT["unknown"]))
    for _ in range(3):
        with pytest.raises(Refused):
            client.list_flows()
    assert (len(script.requests), tokens.renewals) == (4, [TOKEN])


@pytest.mark.parametrize("case", [*REFUSED_ACT, "Books", "nothing", "a page", "a text"])
def test_a_write_is_not_repeated_after_a_401_that_may_be_about_the_act(case):
    reply = REFUSED_TOKEN[case][0] if case in REFUSED_TOKEN else httpx.Response(401, json=REFUSED_ACT[case])
    client, script, tokens = flow(reply, httpx.Response(200, json=DATA))
    with pytest.raises(ZohoError) as error:
        client.disable("12")
    assert error.value.status == 401
    assert [request.method for request in script.requests] == ["POST"]
    assert tokens.renewals == [TOKEN]  # for the next call


@pytest.mark.parametrize("case", ["Desk", "Mail", "a list", "RFC 6750"])
def test_a_write_goes_again_where_known_words_say_that_it_was_the_token(case):
    client, script, _ = flow(REFUSED_TOKEN[case][0], httpx.Response(200, json={"status": "success"}))
    client.disable("12")
    assert len(script.requests) == 2


class Spent(Tokens):
    """Has no other token to give."""

    error: ZohoError = TokenRefused("Zoho refuses every new access token")

    def renew(self, refused: str) -> str:
        raise self.error


@pytest.mark.parametrize(
    ("reply", "trouble", "told"),
    [
        (REFUSED_ACT["locked task"], TokenRefused("no more"), NotAvailable),
        (REFUSED_ACT["unknown"], Wait("too many"), Refused),
        (REFUSED_ACT["view"], GrantRevoked("spent"), GrantRevoked),
        ({"code": "INVALID_TOKEN", "message": "m"}, Wait("too many"), Wait),
    ],
)
def test_a_refusal_of_the_act_stays_one_where_no_new_token_is_to_be_had(reply, trouble, told):
    transport, _ = scripted(httpx.Response(401, json=reply))
    tokens = Spent()
    tokens.error = trouble
    with pytest.raises(told):
        FlowClient(transport, FLOW_ORIGIN, tokens).list_flows()


@pytest.mark.parametrize("case", [*REFUSED_ACT, *REFUSED_TOKEN])
def test_the_retry_of_an_execution_is_posted_once_whatever_a_401_says(case):
    reply = REFUSED_TOKEN[case][0] if case in REFUSED_TOKEN else httpx.Response(401, json=REFUSED_ACT[case])
    client, script, tokens = flow(reply)
    with pytest.raises(ZohoError) as error:
        client.retry_execution("1", "2")
    assert (len(script.requests), tokens.renewals) == (1, [])
    known = case in {"Desk", "bare", "Mail", "a list"}
    assert isinstance(error.value, TokenRefused) is known


@pytest.mark.parametrize("scope", ["OAUTH_SCOPE_MISMATCH", "SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"])
def test_a_missing_scope_is_no_refused_token_in_any_spelling(scope):
    client, script, tokens = flow(httpx.Response(401, json={"errorCode": scope, "message": "m"}))
    with pytest.raises(ScopeMissing):
        client.list_flows()
    assert (len(script.requests), tokens.renewals) == (1, [])


def test_queries_that_are_posted_only_read_and_go_again():
    crm, script = crm_client(PAGE, httpx.Response(200, json={"data": [], "info": {}}))
    assert crm.coql("select id from Leads limit 1").rows == []
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"tasks": {"code": "INVALID_DATA", "details": {"api_name": "x"}, "message": "m", "status": "error"}},
        {"tasks": [{"code": "INVALID_DATA", "details": {}, "message": "m", "status": "error"}]},
        {"webhooks": [[{"code": "INVALID_DATA", "details": {}, "message": "m", "status": "error"}]]},
        [{"code": "INVALID_DATA", "message": "m"}],
        [[{"code": "INVALID_DATA", "message": "m", "status": "error"}]],
        {"data": {"status": {"errors": [{"code": "INVALID_DATA", "message": "m"}]}}},
        {"status": "error", "errors": {"error": {"errorCode": "INVALID_DATA", "errorMessage": "m"}}},
        {"data": [{"code": "SUCCESS", "status": "success"}, {"code": "INVALID_DATA", "message": "m"}]},
    ],
)
def test_zohos_code_and_message_are_found_wherever_a_body_has_them(body):
    with pytest.raises(Refused) as error:
        read_answer.read(answer(400, body))
    assert error.value.code == "INVALID_DATA"
    assert "INVALID_DATA: m" in str(error.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"foo": "bar"}, 'answered 400 in other words than Zoho\'s: {"foo": "bar"}'),
        ([1, 2], "[1, 2]"),
        (b"Too long a header", "“Too long a header”"),
        (b"", "an empty body"),
        ({"who": "jane.doe@example.com", "refresh_token": "short-secret"}, "in other words"),
        (b"jane.doe@example.com is locked out", "is locked out"),
        ({"foo": "x" * 900}, "xxx"),
        ({"access_token": TOKEN}, "in other words"),
        (f"bad {TOKEN}".encode(), "“bad"),
    ],
)
def test_a_body_in_no_known_form_is_told_in_short_and_without_secrets(body, told):
    with pytest.raises(BadAnswer) as error:
        read_answer.read(answer(400, body))
    assert told in str(error.value)
    assert TOKEN not in str(error.value)
    assert "jane.doe" not in str(error.value)
    assert "short-secret" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("code", "details", "message", "kind"),
    [
        ("INVALID_DATA", {"resource_path_index": 3}, "the id given seems to be invalid", NotFound),
        ("INVALID_DATA", {"param_name": "webhook_id"}, "the id given seems to be invalid", NotFound),
        ("INVALID_DATA", {"id": "1"}, "The ID given is invalid", NotFound),
        ("INVALID_DATA", {"json_path": "$.tasks[0].id"}, "the id given seems to be invalid", NotFound),
        ("NOT_ALLOWED", {"id": "1"}, "the id given seems to be invalid", Refused),
        ("INVALID_DATA", {"json_path": "$.tasks[0].module.id"}, "the id given seems to be invalid", Refused),
        ("INVALID_DATA", {"json_path": "$.rules[0].actions[1].id"}, "The ID given is invalid", Refused),
    ],
)
def test_only_the_id_of_the_thing_itself_says_that_it_is_not_there(code, details, message, kind):
    said = {"code": code, "details": details, "message": message, "status": "error"}
    for body in (said, {"tasks": [said]}):
        with pytest.raises(ZohoError) as error:
            read_answer.read(answer(400, body))
        assert type(error.value) is kind
    with pytest.raises(ZohoError) as error:
        write_result({"tasks": [said]}, "tasks")
    assert type(error.value) is kind


@pytest.mark.parametrize(
    ("body", "too_old"),
    [
        ({"code": "INVALID_REQUEST", "message": "DATE_RANGE_EXCEEDS"}, True),
        ({"code": "INVALID_DATA", "details": {"param_name": "from", "expected_data_type": "datetime"}}, True),
        ({"code": "INVALID_DATA", "details": {"param_name": "to", "expected_data_type": "datetime"}}, False),
        ({"code": "INVALID_DATA", "details": {"param_name": "executed_till", "expected_data_type": "datetime"}}, False),
    ],
)
def test_days_that_zoho_does_not_answer_for_are_known_by_their_parameter(body, too_old):
    with pytest.raises(DaysRefused) as error:
        read_answer.read(answer(400, {"status": "error", **body}))
    assert error.value.is_too_old is too_old


def test_the_results_of_a_write_may_be_one_object_or_lists_in_a_list():
    good = {"code": "SUCCESS", "details": {"id": "7"}, "message": "m", "status": "success"}
    for payload in ({"tasks": good}, {"tasks": [good]}, {"tasks": [[good]]}):
        assert [result.id for result in write_results(payload, "tasks")] == ["7"]


def test_a_code_of_a_2xx_in_other_words_is_no_payload():
    client, _ = flow_client(httpx.Response(200, json={"errorCode": "FLOW_ASLEEP", "message": "m"}))
    with pytest.raises(ZohoError, match="FLOW_ASLEEP"):
        client.list_flows()


def test_a_locked_task_is_told_in_its_own_words():
    body = {"code": "AUTHORIZATION_ERROR", "details": {}, "message": "Locked task cannot be edited", "status": "error"}
    crm, script = crm_client(httpx.Response(401, json=body))
    assert isinstance(crm, CrmClient)
    with pytest.raises(NotAvailable, match="AUTHORIZATION_ERROR: Locked task cannot be edited"):
        crm.update_action(ActionKind.TASKS, "12", {"name": "x"})
    assert len(script.requests) == 1
