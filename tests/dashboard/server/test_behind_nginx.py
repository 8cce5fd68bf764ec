from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard.client_address import read_trust
from tests.dashboard.server.site import everything, serving, status
from tests.nginx import in_front_of

POST = b"POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
# Bodies reach us as they come, where nginx as a rule waits for them itself.
KEPT = 'proxy_http_version 1.1; proxy_set_header Connection "";'
UNBUFFERED = f"{KEPT} proxy_request_buffering off;"


@contextmanager
def nginx_before(behind: int, folder: Path, *, more: str = KEPT) -> Iterator[int]:
    """The port of an nginx before one of ours."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with in_front_of(behind, port=port, folder=folder, more=more):
        yield port


def ask(port: int, data: bytes) -> bytes:
    with connect(port, data) as client:
        return everything(client)


def connect(port: int, data: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=15)
    client.sendall(data)
    return client


def test_what_comes_through_nginx_is_answered(tmp_path: Path):
    with serving() as site, nginx_before(site.port, tmp_path) as port:
        assert ask(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").endswith(b"hello")
        assert ask(port, b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello")
        assert ask(port, POST + b"Content-Length: 3\r\n\r\nabc").endswith(b"3 3")
        assert ask(port, POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").endswith(b"3 3")
        assert len(ask(port, b"GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) > 30_000_000
        assert status(ask(port, POST + b"Content-Length: 70000\r\n\r\n" + b"a" * 70_000)) == 413


def test_connections_that_nginx_keeps_serve_many_requests(tmp_path: Path):
    with serving() as site, nginx_before(site.port, tmp_path) as port:
        for _ in range(50):
            assert ask(port, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").endswith(b"hello")
        assert len(site.listener.active_channels) <= 8


def test_pages_are_answered_through_nginx_while_200_slow_clients_hang_behind_it(tmp_path: Path):
    starts = [POST + b"Content-Length: 5000\r\n\r\na", b"GET / HTTP/1.1\r\nX: ", b""]
    patient = {"silent": 60, "body": 60, "body_grace": 60}
    with (
        serving(trust=read_trust("127.0.0.1"), **patient) as site,
        nginx_before(site.port, tmp_path, more=UNBUFFERED) as port,
    ):
        slow = [connect(port, starts[number % 3]) for number in range(200)]
        for path in ("/", "/healthz/live", "/healthz/ready", "/hooks/flow/x"):
            assert status(ask(port, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())) == 200
        for client in slow:
            client.close()


def test_a_body_that_drips_through_nginx_takes_too_long(tmp_path: Path):
    with serving() as site, nginx_before(site.port, tmp_path, more=UNBUFFERED) as port:
        assert status(ask(port, POST + b"Content-Length: 5000\r\n\r\na")) == 408


def test_the_clients_of_nginx_are_counted_one_by_one(tmp_path: Path):
    patient = {"silent": 60, "body": 60, "body_grace": 60}
    # The test itself asks from a trusted address, so that it can play many clients.
    trust = read_trust("127.0.0.1")
    with (
        serving(trust=trust, per_address=2, **patient) as site,
        nginx_before(site.port, tmp_path, more=UNBUFFERED) as port,
    ):
        heads = [POST + f"X-Forwarded-For: 198.51.100.{one}\r\n".encode() for one in (1, 2, 3, 9, 9, 9)]
        clients = []
        for number, head in enumerate(heads, start=1):
            clients.append(connect(port, head + b"Content-Length: 9\r\n\r\na"))
            site.wait_for_bodies(min(number, 5))
        assert status(everything(clients[3])) == 429
        for client in (*clients[:3], *clients[4:]):
            client.sendall(b"b" * 8)
            assert status(everything(client)) == 200
        for client in clients:
            client.close()
