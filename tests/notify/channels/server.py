"""An HTTP server on loopback that keeps what is posted to it and answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DROP, HANG, DRIP = "drop", "hang", "drip"
OK = (200, {}, b"ok")


@dataclass
class Taken:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Counter:
    """`answers` are given in turn, then 200: (status, headers, body), or DROP (after the body), HANG, DRIP."""

    answers: list[Any] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def counter() -> Iterator[Counter]:
    """Serves until the end of the block, and lets what hangs or drips go then."""
    mine = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            mine.taken.append(Taken(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = mine.answers.pop(0) if mine.answers else OK
            if answer == DROP:
                self.close_connection = True
            elif answer == HANG:
                mine.over.wait(30)
            elif answer == DRIP:
                self._drip()
            else:
                self._answer(*answer)

        def _drip(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            while not mine.over.wait(0.05):
                try:
                    self.wfile.write(b".")
                except OSError:
                    return

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mine.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield mine
    finally:
        mine.over.set()
        server.shutdown()
        server.server_close()
