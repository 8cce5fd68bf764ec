"""The retry of an execution: sent exactly once, and an error says what it proves."""

from __future__ import annotations

import socket

import httpx
import pytest

from monitor.zoho import (
    AnswerLost,
    BadAnswer,
    FlowClient,
    NotAvailable,
    NotFound,
    NotSent,
    Refused,
    ScopeMissing,
    TokenRefused,
    Transport,
    Wait,
    ZohoError,
)
from monitor.zoho.errors import TornAnswer

from .helpers import (
    FLOW_ORIGIN,
    TOKEN,
    GateShutError,
    Ledger,
    Reply,
    Tokens,
    drips,
    flow_client,
    raw_server,
    says,
    scripted,
    silent,
    then_close,
    then_reset,
)

ACCEPTED = b'{"status":"success","data":{"execution_id":"2"}}'
PATH = "/api/v1/flows/7/executions/1/retry"
ENVELOPE = {"status": "failure", "error": {"code": "INVALID_REQUEST", "message": "not retryable"}}


def test_an_accepted_retry_tells_the_new_id():
    flow, script = flow_client("execution-retry-new-id")
    reply = flow.retry_execution("7", "1")
    assert (reply.accepted, reply.new_execution_id) == (True, "12345000000567999")
    assert script.paths == [PATH]
    assert script.requests[0].method == "POST"
    assert script.requests[0].headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("data", "new_id"),
    [
        ({}, None),
        (None, None),
        ({"execution_id": 2}, "2"),
        ({"execution_id": "1", "new_execution_id": "2"}, "2"),
        ({"execution": {"execution_id": "2"}}, "2"),
        ({"message": "queued"}, None),
        ({"id": "2"}, "2"),
        ({"retried_execution_id": "2"}, "2"),
        ({"retry_id": "2", "execution_id": "1"}, "2"),
        ({"executions": [{"execution_id": "2"}, {"execution_id": "3"}]}, "2"),
        ({"executions": ["odd", {"id": "2"}]}, "2"),
        ([{"execution_id": "2"}], "2"),
        ([{"new_execution_id": "2", "execution_id": "1"}], "2"),
        ({"execution": {"id": 2}}, "2"),
        ({"retry": {"execution_id": "2"}}, "2"),
        ({"retry": [{"id": "2"}]}, "2"),
        ({"flow_id": "7"}, None),
        ({"flow_id": "7", "id": "2"}, "2"),
        ({"id": "job-1", "execution_id": "2"}, "2"),
        ({"retry": {"id": "job-1"}, "execution_id": "2"}, "2"),
        ({"id": {"odd": 1}, "execution_id": ["odd"]}, None),
        ("queued", None),
        ([], None),
        (["odd", 3], None),
        (3, None),
        (True, None),
    ],
)
def test_the_id_is_found_wherever_the_reply_has_it(data, new_id):
    body = {"status": "success"} if data is None else {"status": "success", "data": data}
    flow, _ = flow_client(httpx.Response(200, json=body))
    assert flow.retry_execution("7", "1").new_execution_id == new_id


@pytest.mark.parametrize(
    ("body", "new_id"),
    [
        ({"execution_id": "2"}, "2"),
        ({"id": "2"}, "2"),
        ({"data": None, "new_execution_id": "2"}, "2"),
        ({"data": "queued", "execution": {"id": "2"}}, "2"),
        ({"data": None}, None),
        ({"data": None, "id": "request-1"}, None),
        ({"data": {"message": "queued"}, "id": "request-1"}, None),
        ({"data": {"id": "2"}, "id": "request-1"}, "2"),
    ],
)
def test_an_id_beside_the_data_is_found_too_but_a_requests_own_is_not_taken_for_it(body, new_id):
    flow, _ = flow_client(httpx.Response(200, json={"status": "success"} | body))
    reply = flow.retry_execution("7", "1")
    assert (reply.accepted, reply.new_execution_id) == (True, new_id)


NOT_SENT: list[tuple[Reply | str, type[ZohoError]]] = [
    (httpx.ConnectError("refused"), NotSent),
    (httpx.ConnectTimeout("slow"), NotSent),
    (httpx.PoolTimeout("busy"), NotSent),
]
NOT_DONE: list[tuple[Reply | str, type[ZohoError]]] = [
    ("flow-error-invalid-token", TokenRefused),
    ("flow-error-scope", ScopeMissing),
    ("flow-error-rate-limit", Wait),
    ("flow-error-invalid-request", Refused),
    ("flow-error-permission", NotAvailable),
    ("flow-error-not-found", NotFound),
    (httpx.Response(409, json=ENVELOPE), Refused),
    (httpx.Response(422, json=ENVELOPE), Refused),
    (httpx.Response(200, json=ENVELOPE), Refused),
    (httpx.Response(200, json={"code": "NOT_ALLOWED", "message": "no", "status": "error", "details": {}}), Refused),
    (httpx.Response(202, json={"code": "not_allowed", "message": "no", "status": "error"}), Refused),
    (httpx.Response(207, json={"executions": [{"code": "NOT_ALLOWED", "status": "error"}]}), Refused),
    (httpx.Response(200, json=[{"code": "NO_PERMISSION", "status": "error"}]), Refused),
    (httpx.Response(200, json={"status": "failure", "error": {"code": "FLOW_NOT_FOUND"}, "data": None}), Refused),
    (httpx.Response(200, json={"status": "error", "code": "INVALID_TOKEN"}), Refused),
]
UNKNOWN: list[tuple[Reply | str, type[ZohoError]]] = [
    (httpx.ReadTimeout("slow"), AnswerLost),
    (httpx.WriteTimeout("slow"), AnswerLost),
    (httpx.WriteError("broken pipe"), AnswerLost),
    (httpx.ReadError("reset"), AnswerLost),
    (httpx.RemoteProtocolError("cut"), AnswerLost),
    ("flow-error-internal", AnswerLost),
    ("flow-error-execution-failed", AnswerLost),
    (httpx.Response(502, content=b"<html>"), AnswerLost),
    (httpx.Response(504), AnswerLost),
    (httpx.Response(408, json=ENVELOPE), AnswerLost),
    ("html-page", BadAnswer),
    (httpx.Response(204), BadAnswer),
    (httpx.Response(200, json={}), BadAnswer),
    # Words that nobody knows, or that may be about the run itself, prove nothing; nor does a refusal beside more.
    (httpx.Response(200, json={"code": "FLOW_IS_ASLEEP", "status": "error"}), BadAnswer),
    (httpx.Response(200, json={"code": "DUPLICATE_DATA", "status": "error"}), BadAnswer),
    (httpx.Response(200, json={"code": "EXECUTION_FAILED", "status": "error"}), BadAnswer),
    (httpx.Response(200, json={"status": "error", "message": "NOT_ALLOWED"}), BadAnswer),
    (httpx.Response(200, json={"code": 57, "message": "You are not authorized"}), BadAnswer),
    (httpx.Response(200, json=ENVELOPE | {"data": {"execution_id": "2"}}), BadAnswer),
    (httpx.Response(200, json={"code": "NOT_ALLOWED", "data": {"execution_id": "2"}}), BadAnswer),
    (httpx.Response(200, json={"warnings": [{"code": "NOT_ALLOWED"}], "status": "accepted"}), BadAnswer),
    (httpx.Response(207, json=[{"code": "NOT_ALLOWED", "status": "error"}, {"status": "success"}]), BadAnswer),
    (httpx.Response(207, json={"data": {"code": "NOT_ALLOWED"}, "message": "x", "more": 1}), BadAnswer),
    (httpx.Response(200, content=b'{"status"', headers={"content-type": "application/json"}), TornAnswer),
    (httpx.Response(302, headers={"location": "/elsewhere"}), BadAnswer),
    (httpx.Response(400), BadAnswer),
    (httpx.Response(401, content=b"<html>"), BadAnswer),
    (httpx.Response(403), BadAnswer),
    (httpx.Response(404), BadAnswer),
    (httpx.Response(429), BadAnswer),
]


@pytest.mark.parametrize(("reply", "kind"), [*NOT_SENT, *NOT_DONE, *UNKNOWN], ids=str)
def test_every_outcome_has_its_error_and_exactly_one_post(reply, kind):
    transport, script = scripted(reply)
    tokens, ledger = Tokens(), Ledger()
    flow = FlowClient(transport, FLOW_ORIGIN, tokens, ledger.before_call, ledger.after_call)
    with pytest.raises(ZohoError) as error:
        flow.retry_execution("7", "1")
    assert type(error.value) is kind
    assert len(script.requests) == 1
    assert tokens.renewals == []
    assert ledger.before == [("flow", "POST", PATH)]
    assert len(ledger.after) == 1
    assert TOKEN not in f"{error.value!s}{error.value!r}"


def test_what_is_unknown_and_what_is_proved_never_share_a_branch():
    proved = {kind for _, kind in [*NOT_SENT, *NOT_DONE]}
    unknown = {kind for _, kind in UNKNOWN}
    assert not any(issubclass(one, other) or issubclass(other, one) for one in proved for other in unknown)


def test_a_shut_gate_comes_before_anything_is_sent():
    transport, script = scripted("execution-retry-new-id")
    flow = FlowClient(transport, FLOW_ORIGIN, Tokens(), Ledger(refuse_from=0).before_call)
    with pytest.raises(GateShutError):
        flow.retry_execution("7", "1")
    assert script.requests == []


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (then_close(b""), AnswerLost),
        (then_reset(), AnswerLost),
        (then_reset(HEAD), AnswerLost),
        (then_close(HEAD + b"Content-Length: 500\r\n\r\n" + ACCEPTED), AnswerLost),
        (then_close(HEAD + b"\r\n" + ACCEPTED[:9]), TornAnswer),
        (silent, AnswerLost),
        (drips(b"", b"H", 0.05), AnswerLost),
        (drips(HEAD + b"Content-Length: 5000\r\n\r\n", b" ", 0.05), AnswerLost),
        (says(b"<html>", "200 OK", "Content-Type: text/html"), BadAnswer),
        (says(b"", "307 Temporary Redirect", "Location: /elsewhere"), BadAnswer),
        (says(b'{"status":"failure","error":{"code":"EXECUTION_FAILED"}}', "503 Service Unavailable"), AnswerLost),
        (says(b'{"status":"failure","error":{"code":"INVALID_TOKEN"}}', "401 Unauthorized"), TokenRefused),
        (says(b'{"status":"failure","error":{"code":"RATE_LIMIT_EXCEEDED"}}', "429 Too Many Requests"), Wait),
    ],
)
def test_on_the_wire_too_it_is_sent_exactly_once(script, kind):
    with raw_server(script) as server, Transport(allow_loopback=True, total=0.4, sleep=lambda _: None) as transport:
        with pytest.raises(ZohoError) as error:
            FlowClient(transport, server.origin, Tokens()).retry_execution("7", "1")
        assert type(error.value) is kind
        assert server.connections == 1
        assert len(server.requests) == 1
        assert server.requests[0].startswith(f"POST {PATH} HTTP/1.1\r\n".encode())


def test_it_never_takes_a_connection_that_was_used_before():
    flows = b'{"status":"success","data":{"flows":[]}}'

    def first_flows_then_reset(connection: socket.socket) -> None:
        says(flows)(connection)

    with raw_server(first_flows_then_reset, says(ACCEPTED)) as server, Transport(allow_loopback=True) as transport:
        flow = FlowClient(transport, server.origin, Tokens())
        flow.list_flows()
        assert flow.retry_execution("7", "1").new_execution_id == "2"
        assert server.connections == 2


def test_a_refused_connection_is_proof_that_it_was_not_sent():
    with raw_server(silent) as server:
        origin = server.origin
    with Transport(allow_loopback=True) as transport, pytest.raises(NotSent):
        FlowClient(transport, origin, Tokens()).retry_execution("7", "1")
