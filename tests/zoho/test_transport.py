"""The transport against real sockets: nothing lasts longer, or weighs more, than allowed."""

from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
import tracemalloc
import zlib

import httpx
import pytest

from monitor.zoho import AnswerLost, BadAnswer, NotSent, Transport, ZohoError, read_answer
from monitor.zoho.errors import TornAnswer
from monitor.zoho.protocol import Request

from .helpers import TOKEN, drips, raw_server, says, scripted, silent, then_close, then_reset

OK = b'{"status":"success","data":{"flows":[]}}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def get(origin: str, path: str = "/x") -> Request:
    return Request("GET", origin + path, {"Authorization": f"Zoho-oauthtoken {TOKEN}"})


def one_try(**options: float) -> Transport:
    return Transport(allow_loopback=True, repeats=1, **options)  # type: ignore[arg-type]


def failure(transport: Transport, request: Request) -> ZohoError:
    with transport, pytest.raises(ZohoError) as error:
        transport.call(request, read_answer.read)
    assert TOKEN not in f"{error.value!s}{error.value!r}"
    return error.value


def test_an_answer_comes_whole_with_its_headers_and_date():
    with raw_server(says(OK, "200 OK", "Date: Sun, 01 Mar 2026 12:00:00 GMT", "X-RateLimit-Limit: 10")) as server:
        with Transport(allow_loopback=True) as transport:
            answer = transport.request(get(server.origin))
        assert answer.status == 200
        assert answer.body == OK
        assert answer.headers["x-ratelimit-limit"] == "10"
        assert answer.server_date is not None
        assert answer.received_at <= time.monotonic()
        assert b"Accept-Encoding: gzip\r\n" in server.requests[0]


@pytest.mark.parametrize(
    ("script", "options"),
    [
        (drips(b"", b"H", 0.05), {}),
        (drips(HEAD, b"X-Slow: 1\r\n", 0.05), {}),
        (drips(HEAD + b"Content-Length: 5000\r\n\r\n", b" ", 0.05), {}),
        (drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05), {}),
        (silent, {}),
        (silent, {"read": 0.2, "total": 30.0}),
    ],
    ids=["status line", "headers", "body", "chunks", "silence until the deadline", "silence until the read time-out"],
)
def test_a_server_that_drips_is_left_at_the_total_deadline(script, options):
    with raw_server(script) as server:
        begun = time.monotonic()
        error = failure(one_try(**{"total": 0.3, **options}), get(server.origin))
        assert type(error) is AnswerLost
        assert time.monotonic() - begun < 2


def test_the_deadline_holds_for_all_repeats_together():
    with raw_server(silent) as server:
        begun = time.monotonic()
        with Transport(allow_loopback=True, read=0.2, total=0.5) as transport, pytest.raises(AnswerLost):
            transport.request(get(server.origin))
        assert time.monotonic() - begun < 2
        assert server.connections <= 3


@pytest.mark.parametrize(
    "script",
    [
        then_close(b""),
        then_reset(),
        then_close(HEAD + b"Content-Length: 500\r\n\r\n" + OK),
        then_reset(HEAD + b"Content-Length: 500\r\n\r\n" + OK),
        then_close(HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":'),
        then_close(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(OK)[:-9]),
        then_close(b"SSH-2.0-OpenSSH_9\r\n"),
    ],
    ids=["closed", "reset", "short body", "reset in the body", "cut chunks", "cut gzip", "not HTTP"],
)
def test_a_broken_answer_is_lost_and_a_read_is_tried_again(script):
    with raw_server(script, script, says(OK)) as server:
        with Transport(allow_loopback=True, sleep=lambda _: None) as transport:
            assert transport.request(get(server.origin)).body == OK
        assert server.connections == 3
    with raw_server(script) as server:
        assert type(failure(one_try(), get(server.origin))) is AnswerLost


def test_a_cut_body_without_length_is_torn_not_complete():
    torn = then_close(HEAD + b"\r\n" + OK[:20])
    with raw_server(torn, says(OK)) as server, Transport(allow_loopback=True, sleep=lambda _: None) as transport:
        assert transport.call(get(server.origin), read_answer.read) == {"status": "success", "data": {"flows": []}}
    with raw_server(torn) as server:
        assert type(failure(one_try(), get(server.origin))) is TornAnswer


def test_a_gzip_bomb_hits_the_cap_without_filling_the_memory():
    bomb = gzip.compress(b" " * 70_000_000, compresslevel=6)
    tracemalloc.start()
    with raw_server(says(bomb, "200 OK", "Content-Encoding: gzip")) as server:
        error = failure(Transport(allow_loopback=True), get(server.origin))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert type(error) is BadAnswer
    assert "12000000 bytes" in str(error)
    assert peak < 40_000_000


@pytest.mark.parametrize("length", [b"Content-Length: 3000000\r\n\r\n", b"\r\n"])
def test_a_body_beyond_the_cap_is_left(length):
    with raw_server(then_close(HEAD + length + b" " * 3_000_000)) as server:
        error = failure(Transport(allow_loopback=True, max_body=1_000_000), get(server.origin))
    assert type(error) is BadAnswer


def test_a_body_of_exactly_the_cap_is_read():
    with raw_server(says(OK)) as server, Transport(allow_loopback=True, max_body=len(OK)) as transport:
        assert transport.request(get(server.origin)).body == OK


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"not gzip at all", "gzip"), (OK, "br"), (OK, "gzip, gzip")],
)
def test_a_body_that_cannot_be_unpacked_is_a_bad_answer(body, encoding):
    with raw_server(says(body, "200 OK", f"Content-Encoding: {encoding}")) as server:
        assert type(failure(Transport(allow_loopback=True), get(server.origin))) is BadAnswer
        assert server.connections == 1


@pytest.mark.parametrize(("pack", "encoding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
def test_a_packed_body_is_unpacked(pack, encoding):
    packed = pack(OK)
    with (
        raw_server(says(packed, "200 OK", f"Content-Encoding: {encoding}")) as server,
        Transport(allow_loopback=True) as transport,
    ):
        assert transport.request(get(server.origin)).body == OK


def test_a_web_page_is_a_bad_answer_and_not_asked_for_again():
    page = b"<!doctype html><html></html>"
    with raw_server(says(page, "200 OK", "Content-Type: text/html")) as server:
        error = failure(Transport(allow_loopback=True), get(server.origin))
        assert type(error) is BadAnswer
        assert "HTML" in str(error)
        assert len(server.requests) == 1


def test_a_redirect_is_not_followed():
    with raw_server(says(OK)) as other, raw_server(says(b"", "302 Found", f"Location: {other.origin}")) as server:
        assert type(failure(Transport(allow_loopback=True), get(server.origin))) is BadAnswer
        assert other.connections == 0


def test_a_refused_connection_is_proof_that_nothing_was_sent():
    with raw_server(says(OK)) as server:
        origin = server.origin
    error = failure(one_try(), get(origin))
    assert type(error) is NotSent
    assert "refused" not in str(error)  # which ports are open is nobody's business who gives addresses


def test_a_host_that_does_not_exist_is_named_and_nothing_was_sent(monkeypatch):
    def unknown(*_args: object, **_named: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(one_try(), get("https://flow.example.com"))
    assert type(error) is NotSent
    assert "host name" in error.hint


@pytest.mark.parametrize("host", ["xn--a.example.com", "xn--.example.com", "xn--443"])
def test_a_host_that_stands_for_no_letters_is_no_crash_and_nothing_was_sent(host: str) -> None:
    error = failure(one_try(), get(f"https://{host}"))
    assert type(error) is NotSent


def test_a_look_up_that_hangs_is_left_at_the_time_out(monkeypatch):
    held = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: held.wait(5) and [])
    begun = time.monotonic()
    error = failure(one_try(connect=0.2), get("https://flow.example.com"))
    held.set()
    assert type(error) is NotSent
    assert time.monotonic() - begun < 2


def test_the_next_address_is_tried_when_the_first_refuses(monkeypatch):
    with raw_server(says(OK)) as server:
        port = int(server.origin.rpartition(":")[2])
        real = socket.getaddrinfo

        def two(host: str, *args: object, **named: object) -> list[object]:
            if host != "flow.example.com":
                return real(host, *args, **named)  # type: ignore[arg-type]
            return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.9", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        with one_try() as transport:
            assert transport.request(get(f"http://flow.example.com:{port}")).status == 200


def test_calls_at_the_same_time_keep_their_own_deadlines():
    with raw_server(silent) as slow, raw_server(says(OK)) as fast, one_try(total=0.4) as transport:
        lost: list[ZohoError] = []

        def wait_for_nothing() -> None:
            with pytest.raises(AnswerLost) as error:
                transport.request(get(slow.origin))
            lost.append(error.value)

        thread = threading.Thread(target=wait_for_nothing)
        thread.start()
        answers = [transport.request(get(fast.origin)).status for _ in range(20)]
        thread.join(5)
    assert answers == [200] * 20
    assert len(lost) == 1


def test_reads_share_a_connection_and_posts_have_their_own():
    with raw_server(says(OK)) as server, Transport(allow_loopback=True) as transport:
        transport.request(get(server.origin))
        transport.request(get(server.origin))
        assert server.connections == 1
        for _ in range(2):
            transport.request(Request("POST", server.origin + "/y", body=b"{}", fresh=True))
    assert b"Connection: close\r\n" in server.requests[-1]
    assert b"Connection: close\r\n" not in server.requests[0]


def test_a_cookie_of_one_reply_never_travels_with_the_next_request():
    with (
        raw_server(says(OK, "200 OK", "Set-Cookie: s=1; Path=/")) as server,
        Transport(allow_loopback=True) as transport,
    ):
        transport.request(get(server.origin))
        transport.request(get(server.origin))
        assert b"cookie" not in server.requests[1].lower()


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with raw_server(says(OK)) as server, one_try() as transport:
        assert transport.request(get(server.origin)).status == 200


def test_neither_address_nor_token_reaches_a_log(caplog):
    with caplog.at_level(logging.DEBUG), raw_server(says(OK)) as server, Transport(allow_loopback=True) as transport:
        transport.request(get(server.origin, "/secret-path"))
    assert "secret-path" not in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ConnectError(f"x {TOKEN}"), NotSent),
        (httpx.ConnectTimeout("x"), NotSent),
        (httpx.PoolTimeout("x"), NotSent),
        (httpx.InvalidURL("x"), NotSent),
        (httpx.UnsupportedProtocol("x"), NotSent),
        (httpx.ReadError(f"x {TOKEN}"), AnswerLost),
        (httpx.WriteTimeout("x"), AnswerLost),
        (httpx.RemoteProtocolError("x"), AnswerLost),
        (OSError("x"), AnswerLost),
    ],
    ids=repr,
)
def test_the_libraries_exceptions_stay_inside_with_the_request_they_hold(fault, kind):
    transport, _ = scripted(fault, repeats=1)
    error = failure(transport, get("https://flow.zoho.com"))
    assert type(error) is kind
    assert error.__context__ is None
    assert error.__cause__ is None
