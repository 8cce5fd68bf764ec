"""Zoho refuses with 200 and in the form of what was asked for: nothing of it is a value, and its words are told."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import BadAnswer, NotAvailable, TokenRefused, Wait, ZohoError, read_answer
from monitor.zoho.envelope import refusal_in
from monitor.zoho.shapes.executions import execution_page

from .helpers import FLOW_ORIGIN, TOKEN, Tokens, answer, crm_client, flow_client, scripted
from .test_other_words import DATA, FlowClient


def row(code: object = "RULE_IS_ASLEEP", message: str = "come back tomorrow") -> dict[str, object]:
    return {"code": code, "details": {}, "message": message, "status": "error"}


# How one error may be wrapped where a list is asked for.
WRAPPINGS = {
    "the one row": lambda said: {"flows": [said]},
    "the one row, as documented": lambda said: {"status": "success", "data": {"flows": [said]}},
    "rows in rows": lambda said: {"flows": [[said]]},
    "the data": lambda said: {"data": [said]},
    "instead of the list": lambda said: {"flows": said},
    "a bare list": lambda said: [said],
    "several": lambda said: {"errors": [said, said]},
    "a response": lambda said: {"response": {"error": said, "uri": "/flows"}},
    "beside nothing": lambda said: {"flows": [said], "info": {}, "page_context": None},
    "beside no rows": lambda said: {**said, "flows": []},
}


@pytest.mark.parametrize("wrapping", [*WRAPPINGS])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (row(), BadAnswer),
        (row(57, "You are not authorized"), BadAnswer),
        (row("NO_PERMISSION", "permission denied"), NotAvailable),
        (row("RATE_LIMIT_EXCEEDED", "slow down"), Wait),
    ],
)
def test_a_list_that_holds_a_refusal_alone_is_no_list(
    wrapping: str, said: dict[str, object], kind: type[ZohoError]
) -> None:
    client, _ = flow_client(httpx.Response(200, json=WRAPPINGS[wrapping](said)))
    with pytest.raises(kind, match=f"{said['code']}: {said['message']}") as error:
        client.list_flows()
    assert type(error.value) is kind


@pytest.mark.parametrize("wrapping", [*WRAPPINGS])
def test_a_token_that_is_refused_with_a_200_is_renewed(wrapping: str) -> None:
    refused = httpx.Response(200, json=WRAPPINGS[wrapping](row("INVALID_OAUTHTOKEN", "invalid oauth token")))
    transport, script = scripted(refused, httpx.Response(200, json=DATA))
    tokens = Tokens()
    assert FlowClient(transport, FLOW_ORIGIN, tokens).list_flows().flows == []
    assert (len(script.requests), tokens.renewals) == (2, [TOKEN])
    transport, _ = scripted(refused)
    with pytest.raises(TokenRefused, match="INVALID_OAUTHTOKEN: invalid oauth token"):
        FlowClient(transport, FLOW_ORIGIN, Tokens()).list_flows()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"status": {"code": 401, "description": "unauthorized"}, "data": {"errorCode": "TICKET_LOST"}}, "TICKET_LOST"),
        ({"success": False, "message": "Maintenance until 10"}, "Maintenance until 10"),
        ({"status": "failed", "message": "You have no access"}, "You have no access"),
        ({"status": "maintenance", "message": "Zoho Flow is resting"}, "Zoho Flow is resting"),
        ({"result": "failure", "reason": "resting"}, "resting"),
    ],
)
def test_what_zoho_says_instead_of_a_list_is_told(body: object, words: str) -> None:
    client, _ = flow_client(httpx.Response(200, json=body))
    with pytest.raises(BadAnswer, match=words):
        client.list_flows()


def test_crm_is_read_alike() -> None:
    for body in ({"workflow_rules": [row()]}, {"workflow_rules": row()}):
        crm, _ = crm_client(httpx.Response(200, json=body))
        with pytest.raises(BadAnswer, match="RULE_IS_ASLEEP: come back tomorrow"):
            crm.list_workflow_rules(page=1)


@pytest.mark.parametrize(
    ("body", "rows", "rejected"),
    [
        ({"status": "success", "data": {"executions": []}}, 0, 0),
        ({"status": "success", "message": "ok", "data": {"executions": []}}, 0, 0),
        ({"code": 0, "message": "success", "executions": []}, 0, 0),
        ({"status": {"code": 200, "description": "success"}, "data": []}, 0, 0),
        ({"executions": [], "message": "No runs found"}, 0, 0),
        ({"code": "NO_DATA", "message": "No records found", "executions": []}, 0, 0),
        ({"code": "OK", "executions": []}, 0, 0),
        ({"code": 2000, "message": "success", "executions": []}, 0, 0),
        ({"code": "NO_FURTHER_PAGE", "message": "that was all", "data": {"executions": []}}, 0, 0),
        ({"status": "success", "data": {"code": "NO_CONTENT", "executions": []}}, 0, 0),
        ({"executions": [{"execution_id": None, "status": "failed", "error": row("INVALID_TOKEN")}]}, 0, 1),
        ({"executions": [{"execution_id": None, "started_time": "", "code": "INVALID_TOKEN"}]}, 0, 1),
        ({"data": {"executions": [{"trigger_data": {}, "status": "failed", "error": row("LIMIT_EXCEEDED")}]}}, 0, 1),
        ({"executions": [{}]}, 0, 1),
        ({"executions": [{"status": "failed", "error": row(), "started_time": "2026-11-24T10:05:00Z"}]}, 0, 1),
        ({"executions": [row() | {"id": "1"}, row()]}, 1, 1),
    ],
)
def test_a_list_is_one_where_anything_of_it_is_there_or_nothing_is_refused(
    body: object, rows: int, rejected: int
) -> None:
    page = execution_page(read_answer.read_only(answer(200, body)))
    assert (len(page.rows), len(page.rejected)) == (rows, rejected)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"code": "INVALID_OAUTHTOKEN", "message": "expired", "flows": []}, "INVALID_OAUTHTOKEN"),
        ({"code": "OAUTH_SCOPE_MISMATCH", "flows": []}, "OAUTH_SCOPE_MISMATCH"),
        ({"code": "RATE_LIMIT_EXCEEDED", "flows": []}, "RATE_LIMIT_EXCEEDED"),
        ({"code": "NO_PERMISSION", "data": {"flows": []}}, "NO_PERMISSION"),
        ({"code": "FEATURE_NOT_SUPPORTED", "flows": []}, "FEATURE_NOT_SUPPORTED"),
        ({"code": "SERVICE_UNAVAILABLE", "flows": []}, "SERVICE_UNAVAILABLE"),
        ({"code": "FLOW_NOT_FOUND", "flows": []}, "FLOW_NOT_FOUND"),
        ({"code": "X1", "message": "You are not authorized", "flows": []}, "X1"),
        ({"code": 57, "message": "You are not authorized", "flows": []}, "57"),
        ({"code": 503, "flows": []}, "503"),
        ({"status": {"code": 401, "description": "who are you"}, "data": []}, "401"),
        ({"code": "RULE_IS_ASLEEP", "status": "error", "data": {"flows": []}}, "RULE_IS_ASLEEP"),
        ({"status": "success", "data": {"status": "failed", "code": "RULE_IS_ASLEEP", "flows": []}}, "RULE_IS_ASLEEP"),
        ({"code": "RULE_IS_ASLEEP", "success": False, "flows": []}, "RULE_IS_ASLEEP"),
        ({"error": {"code": "RULE_IS_ASLEEP"}, "flows": []}, "RULE_IS_ASLEEP"),
        ({"errors": [], "code": "RULE_IS_ASLEEP"}, "RULE_IS_ASLEEP"),
    ],
)
def test_a_refusal_in_known_words_or_that_says_failure_is_one_beside_an_empty_list_too(
    body: object, words: str
) -> None:
    client, _ = flow_client(httpx.Response(200, json=body))
    with pytest.raises(ZohoError, match=words):
        client.list_flows()


def test_a_refusal_in_the_form_of_a_record_is_no_record_of_a_query() -> None:
    crm, _ = crm_client(httpx.Response(200, json={"data": [row("RULE_IS_ASLEEP")]}))
    with pytest.raises(BadAnswer, match="RULE_IS_ASLEEP"):
        crm.coql("select id from Leads limit 1")
    crm, _ = crm_client(httpx.Response(200, json={"data": [row() | {"id": "1"}]}))
    assert len(crm.coql("select id from Leads limit 1").rows) == 1


# What stands inside an "error" is the error's own.
OPEN = [name for name in WRAPPINGS if name != "a response"]


@given(st.sampled_from(OPEN), st.text(min_size=1), st.one_of(st.text(min_size=1), st.integers(1)))
def test_whatever_stands_beside_an_error_that_is_no_word_of_its_own_is_a_value(
    wrapping: str, name: str, value: object
) -> None:
    said = row() | {f"x_{name}": value}
    assert refusal_in(WRAPPINGS[wrapping](said)) is None
    assert refusal_in(WRAPPINGS[wrapping](row())) is not None
