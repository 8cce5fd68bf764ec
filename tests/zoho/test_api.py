"""What Flow and CRM clients share: the token, one renewal, the gate before every attempt."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from monitor.zoho import AnswerLost, BadAnswer, FlowClient, ScopeMissing, TokenRefused, Wait

from .helpers import FLOW_ORIGIN, TOKEN, Clock, GateShutError, Ledger, Reply, Script, Tokens, sample, scripted


def client(*replies: Reply | str, ledger: Ledger | None = None) -> tuple[FlowClient, Script, Tokens]:
    transport, script = scripted(*replies)
    tokens, ledger = Tokens(), ledger or Ledger()
    return FlowClient(transport, FLOW_ORIGIN, tokens, ledger.before_call, ledger.after_call), script, tokens


def test_the_token_goes_in_zohos_own_header():
    flow, script, _ = client("flow-list")
    flow.list_flows()
    assert script.requests[0].headers["Authorization"] == f"Zoho-oauthtoken {TOKEN}"
    assert script.requests[0].headers["User-Agent"] == "zoho-automation-monitor"


def test_a_refused_token_is_renewed_once_and_the_same_request_goes_on():
    flow, script, tokens = client("flow-error-invalid-token", "flow-list")
    page = flow.list_flows(page=3)
    assert len(page.flows) == 2
    assert tokens.renewals == [TOKEN]
    assert script.paths == ["/api/v1/flows?page=3"] * 2
    assert script.requests[1].headers["Authorization"] == f"Zoho-oauthtoken {tokens.renewed}"


def test_a_second_refusal_is_an_error_and_no_loop():
    flow, script, tokens = client("flow-error-invalid-token")
    with pytest.raises(TokenRefused) as error:
        flow.list_flows()
    assert len(script.requests) == 2
    assert len(tokens.renewals) == 1
    assert TOKEN not in str(error.value)
    assert error.value.__context__ is None


def test_a_switch_was_not_made_when_the_token_was_refused_so_it_may_go_again():
    flow, script, tokens = client("flow-error-invalid-token", httpx.Response(200, json={"status": "success"}))
    flow.disable("12")
    assert [request.method for request in script.requests] == ["POST", "POST"]
    assert len(tokens.renewals) == 1


def test_a_missing_scope_renews_nothing():
    flow, script, tokens = client("flow-error-scope")
    with pytest.raises(ScopeMissing):
        flow.list_flows()
    assert len(script.requests) == 1
    assert tokens.renewals == []


def test_the_gate_is_asked_and_told_for_every_attempt_repeats_and_renewals_too():
    ledger = Ledger()
    replies: list[Reply | str] = [
        httpx.ReadError("reset"),
        httpx.Response(500),
        "flow-error-invalid-token",
        "flow-list",
    ]
    flow, _, _ = client(*replies, ledger=ledger)
    flow.list_flows()
    assert ledger.before == [("flow", "GET", "/api/v1/flows")] * 4
    assert ledger.after == [(1, "flow", None), (2, "flow", 500), (3, "flow", 401), (4, "flow", 200)]


def test_a_shut_gate_ends_the_call_before_anything_is_sent():
    ledger = Ledger(refuse_from=0)
    flow, script, _ = client("flow-list", ledger=ledger)
    with pytest.raises(GateShutError):
        flow.list_flows()
    assert script.requests == []
    assert ledger.after == []


def test_a_gate_that_shuts_between_repeats_ends_them():
    ledger = Ledger(refuse_from=2)
    flow, script, _ = client(httpx.Response(500), ledger=ledger)
    with pytest.raises(GateShutError):
        flow.list_flows()
    assert len(script.requests) == 2
    assert len(ledger.after) == 2


@pytest.mark.parametrize(("seconds", "sent"), [(2.0, 1), (30.0, 0)])
def test_a_read_sleeps_through_a_short_wait_of_the_gate_and_hands_on_a_long_one(seconds, sent):
    clock, asked = Clock(), []

    def gate(*call: str) -> object:
        asked.append(call)
        if len(asked) == 1:
            raise Wait("budget", retry_after=seconds)
        return None

    transport, script = scripted("flow-list", clock=clock)
    flow = FlowClient(transport, FLOW_ORIGIN, Tokens(), gate)
    if sent:
        assert len(flow.list_flows().flows) == 2
        assert 2.0 <= clock.sleeps[0] <= 2.25
    else:
        with pytest.raises(Wait):
            flow.list_flows()
        assert clock.sleeps == []
    assert len(script.requests) == sent


def test_the_gate_is_told_of_a_reply_that_cannot_be_read():
    ledger = Ledger()
    flow, _, _ = client("html-page", ledger=ledger)
    with pytest.raises(BadAnswer):
        flow.list_flows()
    assert ledger.after == [(1, "flow", 200)]


def test_the_servers_clock_is_kept_from_the_last_reply_that_had_one():
    flow, _, _ = client("flow-list", "connection-list", httpx.Response(500, headers={"date": "x"}))
    assert flow.last_server_date is None
    flow.list_flows()
    flow.list_connections()
    assert flow.last_server_date == datetime(2025, 1, 22, 12, tzinfo=UTC)
    with pytest.raises(AnswerLost):
        flow.list_flows()
    assert flow.last_server_date == datetime(2025, 1, 22, 12, tzinfo=UTC)


def test_hooks_see_the_limits_that_zoho_sends():
    seen: list[str | None] = []
    transport, _ = scripted("flow-list")
    FlowClient(
        transport,
        FLOW_ORIGIN,
        Tokens(),
        after_call=lambda _t, _p, _s, headers: seen.append(headers.get("X-RateLimit-Limit")),
    ).list_flows()
    assert seen == ["10000"]
    assert sample("flow-list").headers["x-ratelimit-limit"] == "10000"
