"""What reaches Django is what Django can refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from dashboard.server.application import Front
from dashboard.server.requests import without_charset


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """A request leaves the connection open, for the test's transaction is in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=utf-8",
        "application/x-www-form-urlencoded; Charset=UTF-8",
        'text/plain;x=1;charset="utf-8"; y=2',
        "text/plain; charset=utf-8; charset=us-ascii",
    ],
)
@pytest.mark.parametrize(
    ("method", "answer"),
    [("GET", "400 Bad Request"), ("HEAD", "400 Bad Request"), ("POST", "403 Forbidden")],  # it has no token either
)
def test_too_many_parameters_are_refused_also_where_a_charset_is_named(
    one_connection: None, content_type: str, method: str, answer: str
) -> None:
    told: list[str] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "PATH_INFO": "/accounts/login/",
        "QUERY_STRING": "x=&" * 1_001,
        "CONTENT_TYPE": content_type,
        "HTTP_HOST": "localhost",
    }
    setup_testing_defaults(environ)
    list(Front(WSGIHandler())(environ, lambda status, _headers: told.append(status)))
    assert told == [answer]


def test_the_rest_of_a_content_type_stays() -> None:
    assert without_charset("application/json") == "application/json"
    assert without_charset('text/plain;x=1;charset="utf-8"; y=2') == "text/plain;x=1; y=2"
    assert without_charset("text/plain; charset = utf-8") == "text/plain"
    assert without_charset("") == ""


class Probed:
    """Pages that say how often readiness was asked for."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status, self.asked, self.closed, self.now = status, 0, 0, 100.0
        self.front = Front(self.pages, lambda: self.now)

    def pages(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.asked += 1
        start_response(self.status, [("Content-Type", "x"), ("X-Request-ID", f"request {self.asked}")])
        return self

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"asked ", str(self.asked).encode()])

    def close(self) -> None:
        self.closed += 1

    def ask(self, method: str = "GET", path: str = "/healthz/ready") -> tuple[str, dict[str, str], bytes]:
        told: list[Any] = []
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
        body = b"".join(self.front(environ, lambda status, headers: told.extend((status, dict(headers)))))
        return told[0], told[1], body


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
def test_what_one_probe_was_told_others_are_told_for_a_second(status: str) -> None:
    probed = Probed(status)
    assert not probed.front.is_known("/healthz/ready", "GET")
    assert probed.ask() == (status, {"Content-Type": "x", "X-Request-ID": "request 1"}, b"asked 1")
    for _ in range(1000):
        assert probed.front.is_known("/healthz/ready", "GET")
        assert probed.ask() == (status, {"Content-Type": "x"}, b"asked 1")
    assert probed.ask("HEAD") == (status, {"Content-Type": "x"}, b"")
    assert (probed.asked, probed.closed) == (1, 1)
    probed.now += 1
    assert not probed.front.is_known("/healthz/ready", "GET")
    probed.now += 1
    assert probed.ask()[2] == b"asked 2"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/healthz/ready", "200 OK"),
        ("GET", "/", "200 OK"),
        ("GET", "/healthz/ready", "500 Internal Server Error"),
    ],
)
def test_nothing_else_is_told_twice(method: str, path: str, status: str) -> None:
    probed = Probed(status)
    for number in (1, 2):
        assert probed.ask(method, path)[2] == f"asked {number}".encode()
        assert not probed.front.is_known(path, method)


def test_liveness_is_always_known_and_asks_nobody() -> None:
    probed = Probed()
    for method in ("GET", "HEAD"):
        assert probed.front.is_known("/healthz/live", method)
        assert probed.ask(method, "/healthz/live")[0] == "200 OK"
    assert not probed.front.is_known("/healthz/live", "POST")
    assert probed.asked == 0
