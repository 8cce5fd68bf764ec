from __future__ import annotations

import logging
import time
from functools import partial

import pytest

from dashboard.server.connection import MOST_AT_ONCE
from dashboard.server.requests import CHARSETS, is_charset_known, without_charset
from tests.dashboard.server.site import QUICK, everything, serving, status

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"


@pytest.fixture(scope="module")
def site():
    with serving() as served:
        yield served


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"F" * 30_000 + b" / HTTP/1.1\r\n\r\n", 501),
        (b"FOO /hooks/flow/abc HTTP/1.1\r\n\r\n", 501),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/3.0\r\n\r\n", 505),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nBad Header: a\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400),
        (b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400),
        (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
        (POST + b"Content-Length: -1\r\n\r\n", 400),
        (POST + "Content-Length: \u0663\r\n\r\n".encode(), 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
        (POST + b"Content-Length: 65537\r\n\r\n", 413),
        (POST + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5\r\n\r\n--x--", 415),
    ],
)
def test_what_is_no_request_for_a_page_is_answered_and_closed(site, request_bytes: bytes, code: int):
    assert status(site.ask(request_bytes)) == code


@pytest.mark.parametrize(
    ("request_bytes", "end"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"hello"),
        (POST + b"Content-Length: 3\r\n\r\nabc", b"3 3"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"5 5"),
        (POST + b"Content-Length: 65536\r\n\r\n" + b"a" * 65536, b"65536 65536"),
        (POST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", b"3 3"),
        (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"hello"),
    ],
)
def test_what_is_a_request_is_answered(site, request_bytes: bytes, end: bytes):
    answer = site.ask(request_bytes)
    assert b" 200 OK\r\n" in answer
    assert answer.endswith(end)


def test_a_client_that_asks_for_many_things_at_once_gets_the_first_few_or_nothing(site):
    def ask_for(count: int) -> bytes:
        return site.ask(b"GET / HTTP/1.1\r\n\r\n" * (count - 1) + b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert ask_for(MOST_AT_ONCE).count(b"hello") == MOST_AT_ONCE
    assert ask_for(600).count(b"hello") <= MOST_AT_ONCE
    assert site.get("/").endswith(b"hello")


def test_what_frames_the_chunks_of_a_body_is_no_part_of_its_length(site):
    chunk = b"100\r\n" + b"a" * 0x100 + b"\r\n"
    whole = chunk * (QUICK.page_body // 0x100)
    answer = site.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + whole + b"0\r\n\r\n")
    assert answer.endswith(f"{QUICK.page_body} {QUICK.page_body}".encode())


def test_a_body_in_chunks_that_grows_too_large_is_refused_on_the_way(site):
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    assert status(site.ask(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5)) == 413


def test_a_client_that_still_sends_its_large_body_can_read_why_it_is_refused(site):
    with site.connect(POST + b"Content-Length: 3000000\r\n\r\n") as client:
        for _ in range(30):
            client.sendall(b"a" * 100_000)
        assert status(everything(client)) == 413


@pytest.mark.parametrize("path", ["/", "/healthz/live", "/big", "/stream"])
def test_head_has_the_headers_of_get_and_no_body(site, path: str):
    site.go.set()
    head = site.ask(f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    if path == "/big":
        assert b"Content-Length: 30000000" in head


def test_no_answer_says_what_serves(site):
    assert b"\r\nServer:" not in site.get("/")


def test_an_address_is_never_logged_by_the_server(site, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with serving() as own:
        own.listener.application = fails
        assert status(own.get("/hooks/flow/0123456789abcdef")) == 500
    assert "nothing to see" in caplog.text
    assert "0123456789abcdef" not in caplog.text


def fails(environ, start_response):
    raise ValueError("nothing to see")


LONG = 60_000  # nearly as long as a head may be


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b" \t" * (LONG // 2) + b"\x01",
        b"GET / HTTP/1.1\r\nX: a" + b" " * LONG + b"\x7f",
        b"GET / HTTP/1.1\r\nX: a" + b" \t" * (LONG // 2) + b"\xff",
        b"GET / HTTP/1.1\r\nX:" + b" \t" * (LONG // 2) + b"a",
        b"GET / HTTP/1.1\r\nX:" + b" " * LONG,
        b"GET / HTTP/1.1\r\nX:" + b"\r\n   " * (LONG // 5) + b"a",
        b"GET / HTTP/1.1" + b"\r\nX:" + (b" " * 63 + b"a\r\nX:") * (LONG // 68) + b"a",
        b"GET / HTTP/1.1\r\nX" + b" " * LONG + b": a",
        b"GET / HTTP/1.1\r\nX: a\r\n" + b" a\r\n" * (LONG // 4) + b"\x00",
        b"GET a://" + b"1" * LONG + b" x",
        b"GET a://" + b"1" * LONG + b" HTTP/1.1 x",
        b"GET a://" + b"1" * LONG + b" HTTP/1.1a",
        b"GET " + b"a" * LONG + b":// HTTP/",
        b"GET" + b" " * LONG + b"/ HTTP/1.1",
        b"GET / HTTP/" + b"1." * (LONG // 2),
        b"GET http://[" + b":" * LONG + b"]/ HTTP/1.1",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: " + b"," * LONG,
        b"GET / HTTP/1.1\r\nContent-Type: " + b"charset" * (LONG // 7),
        b"GET / HTTP/1.1\r\nContent-Type: a; " + b"charset" * (LONG // 7),
        b"GET / HTTP/1.1\r\nContent-Type: a" + b"; charset" * (LONG // 9),
        b"GET / HTTP/1.1\r\nContent-Type: a" + b"; charset=" * (LONG // 10),
        b"GET / HTTP/1.1\r\nContent-Type: " + b"*1" * (LONG // 2),
        b"GET / HTTP/1.1\r\nX-Forwarded-For: " + b"1," * (LONG // 2),
    ],
)
def test_no_head_costs_the_loop_more_than_a_moment(site, head: bytes):
    """Of waitress's own patterns and ours some took 3 to 40 seconds over it, in which nobody else was served."""
    began = time.process_time()
    assert status(site.ask(head + b"\r\nHost: a\r\nConnection: close\r\n\r\n")) in (200, 400, 505)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("spelled", ["charset", "Charset ", "charset=", "x=charset", "charset*"])
@pytest.mark.parametrize("judge", [partial(is_charset_known, charsets=CHARSETS), without_charset])
def test_no_content_type_costs_more_than_a_moment(judge, spelled: str):
    began = time.process_time()
    judge("a; " + spelled * (LONG // len(spelled)))
    assert time.process_time() - began < 1
