"""A server on a socket whose pages are a few lines long and do what a test asks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from dashboard.client_address import NOBODY, Trust
from dashboard.server.application import Front
from dashboard.server.limits import Phase, ServerLimits
from dashboard.server.listener import Listener
from dashboard.server.refusals import Refusal
from tests.realprocess import wait_for

QUICK = ServerLimits(
    silent=0.6,
    idle=5.0,
    body=2.0,
    body_grace=0.6,
    answer_grace=0.6,
    answer_rate=1e6,
    linger=1.0,
    page_body=64 * 1024,
    stopping=5.0,
)


class Site:
    """Serves `/`, `/hang` (until `go` is set), `/echo`, `/big` and `/stream`, and counts who hangs."""

    def __init__(
        self,
        limits: ServerLimits,
        threads: dict[str, int] | None,
        trust: Trust,
        refuse_address: Callable[[str], Refusal | None] | None,
    ) -> None:
        self.go = threading.Event()
        self.hanging = threading.Semaphore(0)
        door = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = door.getsockname()[1]
        self.front = Front(self._pages)
        self.listener = Listener(self.front, door, limits, trust=trust, threads=threads, refuse_address=refuse_address)
        self._thread = threading.Thread(target=self.listener.serve, name="site")
        self._thread.start()

    def _pages(self, environ: dict[str, Any], start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path.endswith("/hang"):
            self.hanging.release()
            self.go.wait(20)
        if path == "/stream":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return self._stream()
        body = b"hello"
        if environ["REQUEST_METHOD"] == "POST":
            body = str(len(environ["wsgi.input"].read())).encode() + b" " + environ["CONTENT_LENGTH"].encode()
        if path == "/big":
            body = b"x" * 30_000_000
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    def _stream(self) -> Iterator[bytes]:
        yield b"first"
        self.hanging.release()
        self.go.wait(20)
        yield b"last"

    def connect(self, data: bytes = b"", *, small: bool = False) -> socket.socket:
        """A client that has sent `data`; a small one takes next to nothing of an answer before it reads."""
        client = socket.socket()
        if small:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", self.port))
        client.sendall(data)
        return client

    def ask(self, data: bytes) -> bytes:
        """Everything that is answered until the server closes."""
        with self.connect(data) as client:
            return everything(client)

    def get(self, path: str) -> bytes:
        """An answer to a GET, on a connection of its own."""
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())

    def connect_bodies(self, starts: list[bytes]) -> list[socket.socket]:
        """Clients whose bodies are on their way, each before the next one comes."""
        clients = []
        for start in starts:
            client = self.connect(start)
            clients.append(client)
            wait_for("the body", partial(self.has_body_of, client.getsockname()), timeout=10, pace=0.02)
        return clients

    def has_body_of(self, address: tuple[str, int]) -> bool:
        """Whether the body of the client at an address is on its way."""
        return address in self.bodies

    def is_without(self, address: tuple[str, int]) -> bool:
        """Whether the client at an address has no connection any more."""
        return all(one.addr != address for one in list(self.listener.active_channels.values()))

    @property
    def bodies(self) -> list[tuple[str, int]]:
        """The addresses of the connections whose bodies are on their way."""
        channels = list(self.listener.active_channels.values())
        return [one.addr for one in channels if one.standing.phase is Phase.BODY]

    def wait_for_bodies(self, count: int) -> None:
        """Waits until so many bodies are on their way."""
        wait_for(f"{count} bodies", lambda: len(self.bodies) == count, timeout=10, pace=0.02)

    def wait_for_readers(self, count: int) -> None:
        """Waits until so many have not yet taken all of their answers."""

        def reading() -> int:
            return sum(one.standing.phase is Phase.READING for one in list(self.listener.active_channels.values()))

        wait_for(f"{count} readers", lambda: reading() == count, timeout=10, pace=0.02)

    def end(self) -> None:
        self.go.set()
        self.listener.stop()
        self._thread.join(15)
        assert not self._thread.is_alive()


def everything(client: socket.socket) -> bytes:
    """What comes until the end; a connection that was cut counts as one."""
    pieces = []
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def status(answer: bytes) -> int:
    """An answer's status; 0 for none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


@contextmanager
def serving(
    threads: dict[str, int] | None = None,
    *,
    trust: Trust = NOBODY,
    refuse_address: Callable[[str], Refusal | None] | None = None,
    **limits: Any,
) -> Iterator[Site]:
    """A site with short deadlines, and others where they are given."""
    site = Site(replace(QUICK, **limits), threads, trust, refuse_address)
    try:
        yield site
    finally:
        site.end()
