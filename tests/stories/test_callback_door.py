"""The door over a real socket, through the web server of the product: large bodies, chunks, slow senders."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from monitor.hooks.body import LIMIT
from monitor.hooks.signature import sign
from monitor.models import PushEvent
from tests.notify.sink import free_port
from tests.realprocess import Stage, rows, second_connection, throw_away_database, wait_for

pytestmark = [pytest.mark.story, pytest.mark.one_database]  # what is shown is refused before any database


@dataclass
class Web:
    """A web server with one address for callbacks."""

    port: int
    path: str
    secret: str

    def post(self, body: bytes, *, chunked: bool = False, path: str | None = None) -> tuple[int, dict[str, str]]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"X-Webhook-Signature": sign(self.secret, body), "Content-Type": "application/json"}
        pieces = (body[at : at + 50_000] for at in range(0, len(body), 50_000))
        try:
            line.request("POST", path or self.path, pieces if chunked else body, headers, encode_chunked=chunked)
            answer = line.getresponse()
            return answer.status, dict(json.loads(answer.read()))
        finally:
            line.close()

    def begin(self) -> socket.socket:
        """A sender that says it has 1,000 bytes, and sends one."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        head = f"POST {self.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Length: 1000", f"X-Zoho-Signature: {'0' * 64}"
        line.sendall("\r\n".join([*head, "", "{"]).encode())
        return line


@pytest.fixture
def web(tmp_path: Path, django_db_blocker) -> Iterator[Web]:
    port = free_port()
    with throw_away_database(tmp_path) as url, django_db_blocker.unblock():
        stage = Stage(tmp_path, url, PUBLIC_URL=f"http://127.0.0.1:{port}", ALLOWED_HOSTS="")
        with second_connection(url):
            try:
                stage.must("migrate", "-v0")
                secret = "a-secret-for-this-test-only"
                script = (
                    "from django.utils import timezone; from monitor.hooks import endpoints; "
                    "from monitor.models import system_user; from tests import factories; "
                    "print(endpoints.create(account=factories.make_account('Acme'), name='Errors', "
                    f"actor=system_user(), now=timezone.now(), secret='{secret}').address)"
                )
                address = stage.must("shell", "--no-imports", "-c", script).strip().splitlines()[-1]
                stage.start("web", "--port", str(port))
                wait_for("the web server", lambda: _answers(port), timeout=120)
                yield Web(port, urlsplit(address).path, secret)
            finally:
                stage.close()
        log = stage.log("web").read_text()
        assert "a-secret-for-this-test-only" not in log
        assert urlsplit(address).path.rpartition("/")[2] not in log
        assert "Traceback" not in log


def _answers(port: int) -> bool:
    try:
        return _get(port, "/healthz/live") == 200
    except OSError:
        return False


def _get(port: int, path: str, timeout: float = 20) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        line.request("GET", path)
        return line.getresponse().status
    finally:
        line.close()


def test_bodies_of_ten_mebibytes_chunks_and_slow_senders(web: Web):
    filler = b" " * (LIMIT - 2)
    assert web.post(b"{" + filler + b"}")[0] == 202
    assert web.post(b"[" + filler + b"]", chunked=True)[0] == 202
    for chunked in (False, True):
        assert web.post(b"{ " + filler + b"}", chunked=chunked) == (413, {"status": "the body is larger than 10 MiB"})
    assert web.post(b"{}", path="/hooks/flow/unknown")[0] == 404
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as stranger:
        stranger.sendall(b"POST /hooks/flow/unknown HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n{")
        assert stranger.recv(100).startswith(b"HTTP/1.1 404 Not Found"), "its body is not waited for"

    slow = [web.begin() for _ in range(8)]
    began = time.monotonic()
    assert _get(web.port, "/healthz/live") == 200
    assert _get(web.port, "/accounts/login/") == 200
    assert time.monotonic() - began < 10
    assert web.post(b'{"while": "others are slow"}')[0] == 202
    for line in slow:
        line.close()
    assert rows(PushEvent).count() == 3
