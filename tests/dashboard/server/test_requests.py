from __future__ import annotations

import logging
import time
from functools import partial

import pytest

from dashboard.server.connection import MOST_AT_ONCE
from dashboard.server.requests import CHARSETS, is_charset_known, without_charset
from tests.dashboard.server.site import QUICK, everything, serving, status

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
CLOSING = b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n"


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


@pytest.mark.parametrize("rest", [0, 1, 2, 592, 20_000])
def test_a_client_that_asks_for_many_things_at_once_gets_the_first_few_and_is_told_that_they_are_all(site, rest: int):
    get = b"GET / HTTP/1.1\r\n\r\n"
    with site.connect(get * (MOST_AT_ONCE + rest) if rest else get * (MOST_AT_ONCE - 1) + CLOSING) as client:
        answers = everything(client).split(b"HTTP/1.1 ")[1:]
    assert [answer.endswith(b"hello") for answer in answers] == [True] * MOST_AT_ONCE
    assert [b"\r\nConnection: close\r\n" in answer for answer in answers] == [False] * (MOST_AT_ONCE - 1) + [True]
    assert site.get("/").endswith(b"hello")


def test_a_client_that_asks_for_a_few_things_again_and_again_is_answered(site):
    get = b"GET / HTTP/1.1\r\n\r\n"
    with site.connect() as client:
        for _ in range(4):
            client.sendall(get * MOST_AT_ONCE)
            read = b""
            while read.count(b"hello") < MOST_AT_ONCE:
                read += client.recv(65536)
            assert b"Connection: close" not in read


@pytest.mark.parametrize(
    ("request_bytes", "reason"),
    [
        (b"s3cret\r\n\r\n", "the first line is no request's"),
        (b"GET / HTTP/1.1 s3cret\r\n\r\n", "the first line is no request's"),
        (b"G(T / HTTP/1.1\r\n\r\n", "the first line is no request's"),
        (b"get / HTTP/1.1\r\n\r\n", "its method is not in capital letters"),
        (b"GET http://[s3cret/ HTTP/1.1\r\n\r\n", "its address is none"),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", "its address is none"),
        (b"GET / HTTP/1.1\r\ns3 cret: a\r\n\r\n", "a header has no proper name or value"),
        (b"GET / HTTP/1.1\r\nX: a\n s3cret\r\n\r\n", "a line of it has no proper end"),
        (b"GET / HTTP/1.1\r\nX: a\r\n s3cret\r\n\r\n", "a header is spread out"),
        (b"GET / HTTP/1.1\r\nX: s3cret\x01\r\n\r\n", "a control character stands in it"),
        (POST + b"Content-Length: s3cret\r\n\r\n", "the length of its body is no number"),
        (POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", "the length of its body is no number"),
        (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n", "its body is in chunks twice"),
    ],
)
def test_whoever_is_refused_is_told_what_cannot_be_read(site, request_bytes: bytes, reason: str):
    answer = site.ask(request_bytes)
    assert status(answer) == 400
    assert answer.endswith(f"\r\n\r\nthis is no request that can be read: {reason}\n".encode())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"s3cret\r\n", "the size of a chunk cannot be read"),
        (b"1;" + b"a" * 2000, "a line of its frame is too long"),
        (b"1\r\na\r\n" * 60_000, "it is mostly frame"),
        (b"1\r\na\n", "a line of its frame has no proper end"),
        (b"1\r\ns3cret\r\n", "a chunk is longer than it says"),
    ],
)
@pytest.mark.parametrize("path", [b"/echo", b"/hooks/flow/x"])
def test_whoever_sends_chunks_that_cannot_be_read_is_told_why(site, path: bytes, body: bytes, reason: str):
    answer = site.ask(POST.replace(b"/echo", path) + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    said = f"the body in chunks cannot be read: {reason}"
    assert status(answer) == 400
    assert answer.endswith(f'\r\n\r\n{{"status": "{said}"}}'.encode() if b"hooks" in path else f"{said}\n".encode())


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
    ("head", "code"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b" \t" * (LONG // 2) + b"\x01", 400),
        (b"GET / HTTP/1.1\r\nX: a" + b" " * LONG + b"\x7f", 400),
        (b"GET / HTTP/1.1\r\nX: a" + b" \t" * (LONG // 2) + b"\xff", 200),
        (b"GET / HTTP/1.1\r\nX:" + b" \t" * (LONG // 2) + b"a", 400),
        (b"GET / HTTP/1.1\r\nX:" + b" " * LONG, 400),
        (b"GET / HTTP/1.1\r\nX:" + b"\r\n   " * (LONG // 5) + b"a", 400),
        (b"GET / HTTP/1.1" + b"\r\nX:" + (b" " * 63 + b"a\r\nX:") * (LONG // 68) + b"a", 200),
        (b"GET / HTTP/1.1\r\nX" + b" " * LONG + b": a", 400),
        (b"GET / HTTP/1.1\r\nX: a\r\n" + b" a\r\n" * (LONG // 4) + b"\x00", 400),
        (b"GET a://" + b"1" * LONG + b" x", 400),
        (b"GET a://" + b"1" * LONG + b" HTTP/1.1 x", 400),
        (b"GET a://" + b"1" * LONG + b" HTTP/1.1a", 400),
        (b"GET " + b"a" * LONG + b":// HTTP/", 400),
        (b"GET" + b" " * LONG + b"/ HTTP/1.1", 400),
        (b"GET / HTTP/" + b"1." * (LONG // 2), 400),
        (b"GET http://[" + b":" * LONG + b"]/ HTTP/1.1", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: " + b"," * LONG, 400),
        (b"GET / HTTP/1.1\r\nContent-Type: " + b"charset" * (LONG // 7), 200),
        (b"GET / HTTP/1.1\r\nContent-Type: a; " + b"charset" * (LONG // 7), 200),
        (b"GET / HTTP/1.1\r\nContent-Type: a" + b"; charset" * (LONG // 9), 200),
        (b"GET / HTTP/1.1\r\nContent-Type: a" + b"; charset=" * (LONG // 10), 400),
        (b"GET / HTTP/1.1\r\nContent-Type: " + b"*1" * (LONG // 2), 200),
        (b"GET / HTTP/1.1\r\nX-Forwarded-For: " + b"1," * (LONG // 2), 200),
    ],
)
def test_no_head_costs_the_loop_more_than_a_moment(site, head: bytes, code: int):
    """Of waitress's own patterns and ours some took 3 to 40 seconds over it, in which nobody else was served."""
    began = time.process_time()
    assert status(site.ask(head + b"\r\nHost: a\r\nConnection: close\r\n\r\n")) == code
    assert time.process_time() - began < 1


@pytest.mark.parametrize("spelled", ["charset", "Charset ", "charset=", "x=charset", "charset*"])
@pytest.mark.parametrize("judge", [partial(is_charset_known, charsets=CHARSETS), without_charset])
def test_no_content_type_costs_more_than_a_moment(judge, spelled: str):
    began = time.process_time()
    judge("a; " + spelled * (LONG // len(spelled)))
    assert time.process_time() - began < 1
