"""What reaches Django is what Django can refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from dashboard.server.application import front
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
    list(front(WSGIHandler())(environ, lambda status, _headers: told.append(status)))
    assert told == [answer]


def test_the_rest_of_a_content_type_stays() -> None:
    assert without_charset("application/json") == "application/json"
    assert without_charset('text/plain;x=1;charset="utf-8"; y=2') == "text/plain;x=1; y=2"
    assert without_charset("text/plain; charset = utf-8") == "text/plain"
    assert without_charset("") == ""
