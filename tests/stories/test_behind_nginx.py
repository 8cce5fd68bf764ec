"""Signing in through a real nginx: with and without its address among the trusted proxies."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from monitor.models import AuditEntry
from tests import factories, nginx
from tests.notify.sink import free_port
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.story, pytest.mark.one_database]  # what is shown is who is counted as whom
RIGHT = "correct horse battery"
PEOPLE = ("vera", "otto")
# Every address of 127.0.0.0/8 is this machine's: clients with addresses of their own.
HOME, ATTACKER, PROXY = "127.0.0.7", "127.0.0.66", "127.0.0.1"


@dataclass
class Browser:
    """A client at an address, with its cookies."""

    port: int
    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: str = "", *headers: tuple[str, str]) -> http.client.HTTPResponse:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self.address, 0))
        try:
            line.putrequest(method, path)
            for name, value in headers:
                line.putheader(name, value)
            line.putheader("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
            if body:
                line.putheader("Content-Type", "application/x-www-form-urlencoded")
                line.putheader("Content-Length", str(len(body)))
            line.endheaders(body.encode() or None)
            answer = line.getresponse()
            answer.text = answer.read().decode()  # type: ignore[attr-defined]
        finally:
            line.close()
        for header in answer.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(header).items()}
        return answer

    def submit(self, path: str, *headers: tuple[str, str], **fields: str) -> http.client.HTTPResponse:
        page: Any = self.ask("GET", "/accounts/login/" if path != "/accounts/logout/" else path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        return self.ask("POST", path, urlencode(fields | {"csrfmiddlewaretoken": token}), *headers)

    def sign_in(self, name: str, password: str, *headers: tuple[str, str]) -> int:
        return self.submit("/accounts/login/", *headers, login=name, password=password).status


@dataclass
class House:
    """A web server, and nginx before it."""

    web: int
    nginx: int

    def browser(self, address: str) -> Browser:
        return Browser(self.nginx, address)


def add_people() -> None:
    for name in PEOPLE:
        person = factories.make_user(name)
        person.set_password(RIGHT)
        person.save()


@pytest.fixture
def house(tmp_path: Path, django_db_blocker: Any) -> Iterator[Callable[..., House]]:
    """`house(TRUSTED_PROXIES=...)` starts one, with people who have passwords."""
    with ExitStack() as stack:

        def build(**settings: str) -> House:
            web, front = free_port(), free_port()
            url = stack.enter_context(throw_away_database(tmp_path))
            stack.enter_context(django_db_blocker.unblock())
            stage = Stage(tmp_path, url, PUBLIC_URL=f"http://127.0.0.1:{front}", ALLOWED_HOSTS="", **settings)
            stack.enter_context(second_connection(url))
            stack.callback(stage.close)
            stage.migrate()
            stage.must("shell", "--no-imports", "-c", f"from {__name__} import add_people; add_people()")
            stage.start("web", "--port", str(web))
            stack.enter_context(nginx.in_front_of(web, port=front, folder=tmp_path))
            found = House(web, front)
            wait_for(
                "the web server", lambda: found.browser(HOME).ask("GET", "/healthz/live").status == 200, timeout=120
            )
            return found

        yield build


def test_each_client_of_a_trusted_proxy_counts_by_itself(house: Callable[..., House]) -> None:
    door = house(TRUSTED_PROXIES=PROXY)
    attacker = [
        door.browser(ATTACKER).sign_in("vera", f"guess {n}", ("X-Forwarded-For", f"192.0.2.{n}")) for n in range(7)
    ]
    assert attacker == [200] * 5 + [429] * 2
    assert door.browser(HOME).sign_in("vera", RIGHT) == 302

    refused = door.browser(ATTACKER).ask("GET", "/accounts/login/?next=//evil.example")
    assert re.fullmatch("[0-9a-f]{32}", refused.headers["X-Request-ID"])
    found = rows(AuditEntry).order_by("pk").values_list("action", "address", "object_type")
    assert list(found) == [
        ("sign_in.failed", ATTACKER, "person"), ("sign_in.delayed", ATTACKER, "person"), ("sign_in", HOME, "person"),
    ]  # fmt: skip

    # Past the proxy nobody is believed; a second header is as good as a second entry.
    past = [Browser(door.web, "127.0.0.99") for _ in range(7)]
    codes = [one.sign_in("otto", "guess", ("X-Forwarded-For", f"192.0.2.{n}")) for n, one in enumerate(past)]
    assert codes == [200] * 5 + [429] * 2
    doubled = [
        Browser(door.web, PROXY).sign_in(
            "otto", "guess", ("X-Forwarded-For", f"192.0.2.{n}"), ("X-Forwarded-For", "198.51.100.9")
        )
        for n in range(7)
    ]
    assert doubled == [200] * 5 + [429] * 2


def test_behind_a_proxy_that_is_not_trusted_others_guesses_keep_nobody_out(house: Callable[..., House]) -> None:
    door = house()
    vera = door.browser(HOME)
    assert vera.sign_in("vera", RIGHT) == 302
    assert vera.submit("/accounts/logout/").status == 302
    guesses = [door.browser(ATTACKER).sign_in("vera", f"guess {n}") for n in range(25)]
    assert guesses[-1] == 429
    sprayed = [door.browser(ATTACKER).sign_in(f"name {n}", "guess") for n in range(25)]
    assert sprayed[-1] == 429
    assert vera.sign_in("vera", RIGHT) == 302
    assert door.browser(HOME).sign_in("otto", RIGHT) == 302
    assert rows(AuditEntry).exclude(address=PROXY).count() == 0
