"""Where a request comes from stands in the answer, the log and the trail."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from dashboard.client_address import read_trust
from dashboard.logs import LineFormatter
from monitor import origin


def line() -> str:
    return LineFormatter().format(logging.LogRecord("our", logging.INFO, __file__, 1, "done", None, None))


def test_a_log_line_carries_the_id_of_the_request_that_brought_it_about() -> None:
    origin.begin(origin.Origin("203.0.113.7", "a-request-id"))
    assert line().endswith(" INFO our [a-request-id] done")
    origin.end()
    assert line().endswith(" INFO our done")


def test_the_line_about_a_page_that_is_not_there_has_the_id_of_its_answer(db: None, capsys: Any) -> None:
    """Django writes it after all middleware."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("django.request")
    logger.addHandler(handler)
    try:
        answer = Client().get("/healthz/nothing")
    finally:
        logger.removeHandler(handler)
    assert answer.status_code == 404
    assert f"[{answer['X-Request-ID']}] Not Found: /healthz/nothing" in capsys.readouterr().err


def test_what_comes_after_a_request_belongs_to_none(db: None) -> None:
    Client().get("/accounts/login/")
    assert origin.present() == origin.Origin()


@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ("", "127.0.0.1", 1),
        ("", "10.0.0.3", 1),
        ("", "93.184.216.34", 0),
        ("127.0.0.1", "127.0.0.1", 0),
        ("1", "10.0.0.3", 0),
    ],
)
def test_a_proxy_near_by_that_is_not_trusted_is_named_once_in_the_log(
    trusted: str, peer: str, expected: int, db: None, settings: Any, caplog: Any
) -> None:
    settings.TRUSTED_PROXIES = read_trust(trusted)
    client = Client(REMOTE_ADDR=peer)
    client.get("/healthz/live")
    for _ in range(3):
        client.get("/healthz/live", HTTP_X_FORWARDED_FOR="203.0.113.7")
    assert [record.message for record in caplog.records if "TRUSTED_PROXIES" in record.message] == [
        "a proxy that TRUSTED_PROXIES does not name: all who come through it count as one address"
    ] * expected


@pytest.mark.parametrize("path", ["/healthz/live", "/accounts/login/", "/nothing", "/", "/static/nothing.css"])
def test_every_answer_has_an_id_of_its_own(path: str, db: None) -> None:
    first, second = (Client().get(path)["X-Request-ID"] for _ in range(2))
    assert first != second
    assert len(first) == 32


def test_a_clients_own_id_is_not_taken(db: None) -> None:
    assert Client().get("/healthz/live", HTTP_X_REQUEST_ID="my-own-id-1")["X-Request-ID"] != "my-own-id-1"


@pytest.mark.parametrize("given", ["my-own-id-1", "0af7651916cd43dd8448eb211c80319c", "1-67891233-abcdef012345"])
def test_a_trusted_proxys_id_is_taken(given: str, db: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = read_trust("127.0.0.1")
    assert Client().get("/healthz/live", HTTP_X_REQUEST_ID=given)["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "x" * 65, "a b c d e f g", "abcdefgh\n", "<script>alert", "ümlaut-id-1", "--------"]
)
def test_a_proxys_id_that_is_not_well_formed_is_replaced(given: str, db: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = read_trust("127.0.0.1")
    assert len(Client().get("/healthz/live", HTTP_X_REQUEST_ID=given)["X-Request-ID"]) == 32
