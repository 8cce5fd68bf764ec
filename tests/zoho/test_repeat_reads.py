"""Reads are repeated, within tries and time; nothing else is."""

from __future__ import annotations

import random

import httpx
import pytest

from monitor.zoho import AnswerLost, BadAnswer, NotSent, Refused, Unreachable, Wait, ZohoError, read_answer
from monitor.zoho.protocol import Request
from monitor.zoho.repeat_reads import RepeatPolicy

from .helpers import Clock, scripted

GET = Request("GET", "https://flow.zoho.com/api/v1/flows")
OK = httpx.Response(200, json={"status": "success", "data": {}})


def limited(value: str) -> httpx.Response:
    return httpx.Response(429, headers={"retry-after": value})


@pytest.mark.parametrize(
    "fault",
    [
        httpx.Response(500),
        httpx.Response(503, json={"status": "failure", "error": {"code": "EXECUTION_FAILED"}}),
        httpx.Response(408),
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("busy"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, content=b'{"status": "succ', headers={"content-type": "application/json"}),
    ],
    ids=str,
)
def test_a_read_gets_over_two_faults(fault):
    clock = Clock()
    transport, script = scripted(fault, fault, OK, clock=clock)
    with transport:
        assert transport.call(GET, read_answer.read) == {"status": "success", "data": {}}
    assert len(script.requests) == 3
    assert len(clock.sleeps) == 2
    assert clock.sleeps[0] <= 0.5
    assert clock.sleeps[1] <= 1.0


@pytest.mark.parametrize(
    "final",
    [
        httpx.Response(400, json={"status": "failure", "error": {"code": "INVALID_REQUEST"}}),
        httpx.Response(404),
        httpx.Response(302, headers={"location": "https://elsewhere.example.com"}),
        httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}),
        httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate"),
    ],
    ids=str,
)
def test_what_another_try_cannot_mend_is_not_repeated(final):
    transport, script = scripted(final)
    with transport, pytest.raises(ZohoError):
        transport.call(GET, read_answer.read)
    assert len(script.requests) == 1


def test_five_tries_are_the_end():
    clock = Clock()
    transport, script = scripted(httpx.Response(500), clock=clock)
    with transport, pytest.raises(AnswerLost):
        transport.request(GET)
    assert len(script.requests) == 5
    assert len(clock.sleeps) == 4
    assert sum(clock.sleeps) <= 0.5 + 1 + 2 + 4


def test_all_tries_together_stay_within_the_total_time():
    clock = Clock()

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 15
        raise httpx.ReadTimeout("slow")

    transport, script = scripted(slow, clock=clock, total=45)
    with transport, pytest.raises(AnswerLost):
        transport.request(GET)
    assert len(script.requests) <= 3
    assert clock.now - 1000 <= 45 + 15


def test_the_switch_turns_repeating_off():
    transport, script = scripted(httpx.Response(500), repeats=1)
    with transport, pytest.raises(AnswerLost):
        transport.request(GET)
    assert len(script.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("fault", [httpx.Response(500), limited("1"), httpx.ConnectError("x"), httpx.ReadError("x")])
def test_what_changes_zoho_is_never_repeated(method, fault):
    transport, script = scripted(fault, OK)
    with transport, pytest.raises((Unreachable, Wait)):
        transport.request(Request(method, GET.url))
    assert len(script.requests) == 1


def test_a_short_wait_that_zoho_asks_for_is_slept_through():
    clock = Clock()
    transport, script = scripted(limited("4"), OK, clock=clock)
    with transport:
        transport.request(GET)
    assert len(script.requests) == 2
    assert 4.0 <= clock.sleeps[0] <= 4.25


@pytest.mark.parametrize(("value", "seconds"), [("6", 6.0), ("junk", 60.0), ("Sun, 01 Mar 2026 12:10:00 GMT", 600.0)])
def test_a_long_wait_is_handed_to_the_caller_at_once(value, seconds):
    clock = Clock()
    transport, script = scripted(limited(value), clock=clock)
    with transport, pytest.raises(Wait) as error:
        transport.request(GET)
    assert error.value.retry_after == seconds
    assert len(script.requests) == 1
    assert clock.sleeps == []


def test_what_counts_as_short_is_a_setting():
    transport, script = scripted(limited("30"), OK, max_wait=40, total=60)
    with transport:
        transport.request(GET)
    assert len(script.requests) == 2


def test_a_wait_beyond_the_total_time_is_not_begun():
    clock = Clock()
    transport, _ = scripted(limited("4"), clock=clock, total=3)
    with transport, pytest.raises(Wait):
        transport.request(GET)
    assert clock.sleeps == []


def test_the_servers_date_counts_for_a_retry_after_date_not_our_clock():
    hours_ahead = {"retry-after": "Sun, 01 Mar 2026 18:00:04 GMT", "date": "Sun, 01 Mar 2026 18:00:00 GMT"}
    clock = Clock()
    transport, _ = scripted(httpx.Response(429, headers=hours_ahead), OK, clock=clock)
    with transport:
        transport.request(GET)
    assert 4.0 <= clock.sleeps[0] <= 4.25


def test_pauses_are_fully_jittered_and_capped():
    policy, rng = RepeatPolicy(tries=50), random.Random(1)
    pauses = [policy.pause(tried, NotSent("x"), rng) or 0 for tried in range(1, 50)]
    assert max(pauses) <= 8.0
    assert len(set(pauses)) == 49
    assert policy.pause(50, NotSent("x"), rng) is None
    assert policy.pause(1, Refused("x"), rng) is None
    assert policy.pause(1, BadAnswer("x"), rng) is None
