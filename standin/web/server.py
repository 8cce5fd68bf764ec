"""Serves the stand-in on a real socket: HTTP/1.1 with keep-alive, one thread a connection, loopback only."""

import contextlib
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standin.faults.sockets import misbehave
from standin.web.app import App
from standin.web.loopback import is_loopback
from standin.web.wire import MAX_BODY, Reply, Request

IDLE_SECONDS = 75.0


class Handler(BaseHTTPRequestHandler):
    """Reads requests from one connection and writes the app's answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    server: "StandinServer"

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        # A client that hangs up, or the server's end, closes the socket under a reading thread.
        with contextlib.suppress(OSError, ValueError):
            super().handle()

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, MAX_BODY)) if length else b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._read_chunks()
        request = Request.build(self.command, self.path, dict(self.headers.items()), body)
        reply = self.server.app.handle(request)
        if reply.wire is not None:
            self.close_connection = True
            misbehave(self.connection, reply, head(reply), self.server.stopping)
            return
        if self.close_connection:
            reply.headers["Connection"] = "close"
        self.wfile.write(head(reply) + reply.body)

    def _read_chunks(self) -> bytes:
        body = b""
        while len(body) < MAX_BODY:
            size = int(self.rfile.readline().split(b";")[0] or b"0", 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                break
        return body

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Logs nothing: a request line may hold a token."""


def head(reply: Reply) -> bytes:
    """Writes status line and headers; a header with an empty value is left out."""
    lines = [f"HTTP/1.1 {reply.status} Status"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items() if value]
    if reply.status != 204:
        lines.append(f"Content-Length: {len(reply.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class StandinServer(ThreadingHTTPServer):
    """Holds a server that knows its connections, so that it can end without leaving one open."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, app: App) -> None:
        """Listens on a loopback address (ValueError for another); port 0 picks one."""
        self.app = app
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        if not is_loopback(host):
            raise ValueError(f"the stand-in listens on loopback only, not on {host}")
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)
        app.callbacks.start()

    def server_bind(self) -> None:
        """Binds without asking a name server for our own name, as http.server would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def base_url(self) -> str:
        """Returns the address to call."""
        host, port = self.server_address[0], self.server_address[1]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}"

    def opened(self, connection: socket.socket) -> None:
        """Remembers a connection."""
        with self._guard:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Forgets a connection."""
        with self._guard:
            self._open.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores a lost connection, which is no error of the stand-in; anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """Ends: no new connection, the open ones are shut, their threads are waited for."""
        self.stopping.set()
        self.shutdown()
        self.app.callbacks.stop()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextlib.contextmanager
def serving(app: App, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves `app` from a thread while the block lasts; gives the base URL.

    `tls` makes it https: with a certificate that nobody trusts it is the fault F8 of docs/reference/faults.md.
    """
    server = StandinServer(host, port, app)
    if tls is not None:
        # The handshake belongs to the connection's thread, not to the one that accepts.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.base_url.replace("http://", "https://") if tls else server.base_url
    finally:
        server.stop()
        thread.join()
