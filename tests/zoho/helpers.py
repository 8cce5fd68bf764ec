"""What the tests of the client play with: a clock, scripted replies, raw sockets, samples."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from hypothesis import settings

from monitor.zoho import CrmClient, FlowClient, Transport
from monitor.zoho.protocol import Answer, Headers
from tests.depth import tried

SAMPLES = Path(__file__).parent.parent / "samples"
TOKEN = "1000.f00df00df00df00df00df00df00df00d.0123456789abcdef0123456789abcdef"
FLOW_ORIGIN = "https://flow.zoho.com"
CRM_ORIGIN = "https://www.zohoapis.com"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def fuzzed(examples: int = 100) -> settings:
    """How Hypothesis feeds the client: a third of so many examples in `make test`, with `nightly` 1,000 new ones."""
    return tried(examples // 3, examples, nightly=1_000, database=None)


@dataclass(frozen=True)
class Sample:
    """One reply as it is documented."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        return json.loads(self.body) if self.body else None

    def response(self) -> httpx.Response:
        return httpx.Response(self.status, headers=self.headers, content=self.body)


def sample(case: str) -> Sample:
    folder = SAMPLES / case
    meta = json.loads((folder / "meta.json").read_text())
    bodies = [*folder.glob("body.*")]
    return Sample(meta["status"], meta["headers"], bodies[0].read_bytes() if bodies else b"")


def answer(
    status: int = 200,
    body: bytes | object = b"",
    headers: Mapping[str, str] | None = None,
    where: str = "GET flow.zoho.com/x",
) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"content-type": "application/json", **(headers or {})}
    return Answer(status, Headers(named), content, 0.0, NOON, where)


class Clock:
    """A monotonic clock that only sleeping moves, and that remembers each sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.sleeps: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


Reply = httpx.Response | Sample | Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class Script:
    """Replies to give in turn (the last one for ever), and the requests that came."""

    replies: list[Reply]
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        reply = self.replies[min(len(self.requests), len(self.replies) - 1)]
        self.requests.append(request)
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Sample):
            return reply.response()
        return reply(request) if callable(reply) else copy_of(reply)

    @property
    def paths(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]


def copy_of(reply: httpx.Response) -> httpx.Response:
    return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)


def scripted(*replies: Reply | str, clock: Clock | None = None, **options: object) -> tuple[Transport, Script]:
    """A transport that never touches the network; a text names a sample."""
    script = Script([sample(reply) if isinstance(reply, str) else reply for reply in replies])
    clock = clock or Clock()
    transport = Transport(
        http=httpx.MockTransport(script),
        sleep=clock.sleep,
        monotonic=clock.monotonic,
        rng=random.Random(7),
        now=lambda: NOON,
        **options,  # type: ignore[arg-type]
    )
    return transport, script


@dataclass
class Tokens:
    """A token source that counts; `renewed` is what a renewal gives."""

    access_token: str = TOKEN
    renewed: str = TOKEN.replace("f00d", "beef")
    renewals: list[str] = field(default_factory=list)

    def current(self) -> str:
        return self.access_token

    def renew(self, refused: str) -> str:
        self.renewals.append(refused)
        self.access_token = self.renewed
        return self.renewed


class RawServer:
    """A server on loopback that answers each connection by a script of sockets, not of HTTP."""

    def __init__(self, *scripts: Callable[[socket.socket], None]) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections = 0
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._talk, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, connection: socket.socket, script: Callable[[socket.socket], None]) -> None:
        with connection:
            connection.settimeout(5)
            try:
                while request := read_request(connection):
                    self.requests.append(request)
                    script(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(6)


@contextmanager
def raw_server(*scripts: Callable[[socket.socket], None]) -> Iterator[RawServer]:
    server = RawServer(*scripts)
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request, headers and body; b"" when the other side is gone."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        seen += chunk
    head, _, body = seen.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def says(body: bytes, status: str = "200 OK", *headers: str) -> Callable[[socket.socket], None]:
    """A script that gives one whole reply and keeps the connection."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    if not any(header.lower().startswith("content-type") for header in headers):
        head.append("Content-Type: application/json")
    reply = "\r\n".join([*head, *headers, "", ""]).encode() + body

    def script(connection: socket.socket) -> None:
        connection.sendall(reply)

    return script


def then_close(first: bytes) -> Callable[[socket.socket], None]:
    """A script that sends `first` and ends the connection in an orderly way."""

    def script(connection: socket.socket) -> None:
        connection.sendall(first)
        connection.shutdown(socket.SHUT_RDWR)

    return script


def then_reset(first: bytes = b"") -> Callable[[socket.socket], None]:
    """A script that sends `first` and resets the connection (RST)."""

    def script(connection: socket.socket) -> None:
        if first:
            connection.sendall(first)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    return script


def drips(first: bytes, drop: bytes, every: float) -> Callable[[socket.socket], None]:
    """A script that sends `first`, then `drop` again and again until the client leaves."""

    def script(connection: socket.socket) -> None:
        pause = threading.Event()
        connection.sendall(first)
        for _ in range(200):
            connection.sendall(drop)
            pause.wait(every)

    return script


def silent(connection: socket.socket) -> None:
    """A script that answers nothing until the client leaves."""
    connection.recv(1)


@dataclass
class Ledger:
    """The two hooks of a client, written down; `refuse_from` makes the gate shut at that attempt."""

    before: list[tuple[str, str, str]] = field(default_factory=list)
    after: list[tuple[object, str, int | None]] = field(default_factory=list)
    refuse_from: int = 10_000

    def before_call(self, product: str, method: str, path: str) -> object:
        if len(self.before) >= self.refuse_from:
            raise GateShutError
        self.before.append((product, method, path))
        return len(self.before)

    def after_call(self, token: object, product: str, status: int | None, headers: Mapping[str, str]) -> None:
        assert headers.get("No-Such-Header") is None
        self.after.append((token, product, status))


class GateShutError(Exception):
    """What a budget would raise."""


def flow_client(*replies: Reply | str, **options: object) -> tuple[FlowClient, Script]:
    """A Flow client on scripted replies."""
    transport, script = scripted(*replies, **options)  # type: ignore[arg-type]
    return FlowClient(transport, FLOW_ORIGIN, Tokens()), script


def crm_client(*replies: Reply | str, **options: object) -> tuple[CrmClient, Script]:
    """A CRM client on scripted replies."""
    transport, script = scripted(*replies, **options)  # type: ignore[arg-type]
    return CrmClient(transport, CRM_ORIGIN, Tokens()), script
