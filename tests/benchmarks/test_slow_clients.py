"""How pages and the liveness probe fare beside 200 slow clients, against the same server without them.

Run by `make bench`. The server is `manage.py web` as it is, with a page that renders a form and asks the database.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import pytest

from tests.realprocess import Stage, throw_away_database, wait_for

pytestmark = [pytest.mark.bench]
SLOW = 200
ROUNDS, ASKED = 4, 50
PAGE, LIVE = "/accounts/login/", "/healthz/live"
STARTS = (
    b"",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
    b"POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n",
    b"POST /hooks/flow/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n",
    b"POST /accounts/login/ HTTP/1.0\r\nContent-Length: 5000\r\n\r\n",
)


class SlowClients:
    """Two hundred clients that send a letter every half second, and come again when they are thrown out."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._ended = threading.Event()
        self._clients = [self._come(number) for number in range(SLOW)]
        self._thread = threading.Thread(target=self._drip)
        self._thread.start()

    def _come(self, number: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        client.sendall(STARTS[number % len(STARTS)])
        if number % 20 == 0:
            client.shutdown(socket.SHUT_WR)
        return client

    def _drip(self) -> None:
        while not self._ended.wait(0.5):
            for number, client in enumerate(self._clients):
                try:
                    if number % len(STARTS):
                        client.sendall(b"a")
                except OSError:
                    client.close()
                    self._clients[number] = self._come(number)

    def leave(self) -> None:
        self._ended.set()
        self._thread.join()
        for client in self._clients:
            client.close()


@contextmanager
def slow_clients(port: int) -> Iterator[None]:
    clients = SlowClients(port)
    try:
        yield
    finally:
        clients.leave()


def took(port: int, path: str) -> list[float]:
    """Milliseconds of each of some requests, each on a connection of its own."""
    times = []
    for _ in range(ASKED):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        began = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        times.append((time.perf_counter() - began) * 1000)
        connection.close()
        assert answer.status == 200
    return times


def p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]


def test_pages_beside_200_slow_clients(tmp_path) -> None:
    with throw_away_database(tmp_path) as url:
        stage = Stage(tmp_path, url)
        stage.migrate()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        stage.start("web", "--port", str(port))
        try:
            wait_for("the server", lambda: "serving on" in stage.log("web").read_text(), timeout=40)
            took(port, PAGE)
            alone: dict[str, list[float]] = {PAGE: [], LIVE: []}
            beside: dict[str, list[float]] = {PAGE: [], LIVE: []}
            for _ in range(ROUNDS):  # by turns, so that a machine that is busy meanwhile is busy for both
                for path in (PAGE, LIVE):
                    alone[path] += took(port, path)
                with slow_clients(port):
                    for path in (PAGE, LIVE):
                        beside[path] += took(port, path)
        finally:
            stage.close()
    for path in (PAGE, LIVE):
        ratio = p95(beside[path]) / p95(alone[path])
        print(
            f"\n{path}: alone {median(alone[path]):.1f} ms, p95 {p95(alone[path]):.1f}; "
            f"beside {SLOW} slow clients {median(beside[path]):.1f} ms, p95 {p95(beside[path]):.1f}: ratio {ratio:.2f}"
        )
    assert p95(beside[PAGE]) <= 2 * p95(alone[PAGE])
