"""Keeps one client's connection: what it waits for, since when, and how it is ended."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import MutableMapping
from dataclasses import replace
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser

from dashboard.client_address import find_client, is_trusted, network_of
from dashboard.server.bodies import LargeBody
from dashboard.server.limits import Phase, SocketWait
from dashboard.server.refusals import Refusal
from dashboard.server.requests import ClientRequest, UnreadRest

# Requests of one connection that wait for their turn. Each answer may hold a file open, until its reader has taken it.
MOST_AT_ONCE = 8


class _Pathless(logging.LoggerAdapter):  # type: ignore[type-arg]
    """Logs what waitress says without the address behind it, which may be a secret."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return str(msg).partition(" while serving ")[0], kwargs


class ClientConnection(HTTPChannel):  # type: ignore[misc]
    """Is waitress's channel with a clock: it knows what it waits for, and ends by an answer where one helps."""

    logger = _Pathless(logging.getLogger("dashboard.server"), {})
    request: Any
    requests: list[Any]

    def __init__(self, server: Any, sock: socket.socket, addr: tuple[Any, ...], adj: Any, map: Any = None) -> None:  # noqa: A002
        self._since = self._began = time.monotonic()
        self._moved = 0
        self._is_answered = False
        self._in_body = False
        self._lingers_since: float | None = None
        self._is_refused = False
        self._last: Any = None  # the last request that is taken, where its client sent more behind it
        super().__init__(server, sock, addr, adj, map=map)
        self.client = self._find_client(None)  # found once for each request, as it is asked for often
        server.came(self)

    def parser_class(self, adj: Any) -> HTTPRequestParser:
        """Makes the next request; its head counts from here."""
        if len(self.requests) >= MOST_AT_ONCE:
            self._take_no_more()
            return UnreadRest(adj)
        self._since, self._moved, self._in_body = time.monotonic(), 0, False
        if self._is_answered:
            self._began = self._since
        return ClientRequest(adj, self.server.limits, self._take_head)

    def _take_no_more(self) -> None:
        """Makes the answer to the last request say that the connection ends with it (RFC 9112, 9.6)."""
        self._last = self.requests[-1]  # no thread has begun with it, as others are before it
        self._last.headers["CONNECTION"] = "close"

    def _take_head(self, headers: dict[str, str]) -> None:
        self.client = self._find_client(headers.get("X_FORWARDED_FOR", ""))

    def _find_client(self, forwarded_for: str | None) -> str:
        """Finds whom this connection counts for; "" behind a trusted proxy that has not yet said for whom it asks."""
        peer, trust = str(self.addr[0]), self.server.trust
        if forwarded_for is None and is_trusted(peer, trust):
            return ""
        return network_of(find_client(peer, forwarded_for or "", trust))

    @property
    def standing(self) -> SocketWait:
        """Is where this connection stands now."""
        if self._lingers_since is not None:
            return SocketWait(Phase.LINGERING, self._lingers_since, 0, self._began)
        return SocketWait(self._phase, self._since, self._moved, self._began)

    @property
    def _phase(self) -> Phase:
        if self.total_outbufs_len:
            return Phase.READING
        if self.requests or self.close_when_flushed:
            return Phase.SERVING
        if self.request is not None:
            return Phase.BODY if self._in_body else Phase.HEAD
        return Phase.IDLE if self._is_answered else Phase.SILENT

    def received(self, data: bytes) -> bool:
        """Takes what came over the wire; blank lines alone begin nothing, so the wait goes on."""
        if self.request is None and not data.strip(b"\r\n"):
            return True
        self._moved += len(data)
        taken: bool = super().received(data)
        if self.request is not None and self.request.headers_finished and not self._in_body:
            self._since, self._moved, self._in_body = time.monotonic(), 0, True
            self.server.make_room_beside(self)
        if self.request is not None and self._in_body and self.request.is_large and not self.request.is_admitted:
            self.request.is_admitted = True
            self.server.admit(self, self.request)
        return taken

    @property
    def large_bodies(self) -> list[LargeBody]:
        """Is what its requests take of the disk."""
        current = self.request
        requests = [*self.requests, *([current] if current is not None and current.is_admitted else [])]
        return [replace(one.large_body, began=self._began) for one in requests if one.is_large]

    def go_on(self) -> None:
        """Reads the rest of a body whose address is known, and says so to a sender that waits for it."""
        request = self.request
        request.is_asked = False
        if not request.is_told_to_go_on:
            request.is_told_to_go_on = request.expect_continue = True
            if not self.requests and not self.sent_continue:
                self.send_continue()

    def service(self) -> None:
        """Makes the answer to the first request that waits."""
        self._is_refused = self.requests[0].error is not None or self.requests[0] is self._last
        super().service()
        self._is_answered = True
        if self.request is None and not self.total_outbufs_len:
            self._since, self._moved = time.monotonic(), 0
            self._began = self._since

    def write_soon(self, data: Any) -> int:
        """Puts a piece of the answer into the buffer; from the first on, its reader's time counts."""
        if not self.total_outbufs_len:
            self._since, self._moved = time.monotonic(), 0
        written: int = super().write_soon(data)
        return written

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Sends what the client takes at once."""
        sent: int = super().send(data, do_close)
        self._moved += sent
        if self.total_outbufs_len == sent:
            self._since, self._moved = time.monotonic(), 0
            self._began = self._since
        return sent

    def readable(self) -> bool:
        """Returns whether anything of the client is looked at."""
        if self._lingers_since is not None:
            return True
        request = self.request
        return not (request is not None and getattr(request, "is_asked", False)) and bool(super().readable())

    def writable(self) -> bool:
        """Returns whether something is to be sent, or to be ended."""
        return self._lingers_since is None and bool(super().writable())

    def handle_read(self) -> None:
        """Reads; what a refused client still sends is thrown away."""
        if self._lingers_since is None:
            super().handle_read()
            return
        try:
            self.recv(self.adj.recv_bytes)  # at its end, or where it fails, `handle_close` is called
        except OSError:
            self.abort()

    def handle_close(self) -> None:
        """Closes; where its client may still send, only our side, as it would lose the answer (RFC 9112, 9.6)."""
        if self._is_refused and self.connected and self._lingers_since is None and not self.total_outbufs_len:
            try:
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.abort()
                return
            self._lingers_since = time.monotonic()
            self.will_close = False
            return
        self.abort()

    def abort(self) -> None:
        """Closes at once; a thread that still writes to it learns of it."""
        super().handle_close()

    def end(self, refusal: Refusal) -> None:
        """Ends the wait: an unfinished request is answered, a connection without one is closed."""
        with self.requests_lock:
            request = self.request
            if request is not None:
                if not request.headers_finished:
                    # What an answer needs to know of a request, as no head has said it.
                    request.version, request.connection_close = "1.1", True
                request.refuse(refusal)
                self.requests.append(request)
                self.request = None
                self.server.add_task(self)
        if request is None:
            self.abort()
