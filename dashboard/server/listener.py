"""Listens, lets clients in, and ends the waiting of those that take too long."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from dashboard.client_address import NOBODY, Trust
from dashboard.server.application import Front
from dashboard.server.bodies import make_room_for
from dashboard.server.connection import ClientConnection
from dashboard.server.limits import THEIRS, Phase, ServerLimits, give_way, is_overdue
from dashboard.server.pools import AddressQuestion, Pools
from dashboard.server.refusals import Refusal

LOOKS_EVERY = 0.5  # seconds between two looks at who takes too long
ACCEPTS = 64  # clients that are let in between two looks at the others
TOO_SLOW = "the request took too long"


def adjustments(sock: socket.socket, limits: ServerLimits) -> Adjustments:
    """Returns waitress's own settings. Its limits are out of reach, as ours come first."""
    return Adjustments(
        sockets=[sock],
        ident=None,
        asyncore_use_poll=True,
        backlog=1024,
        channel_request_lookahead=0,
        clear_untrusted_proxy_headers=False,  # TRUSTED_PROXIES says whose are believed
        connection_limit=10**9,
        log_socket_errors=False,
        max_request_body_size=2**40,
        max_request_header_size=64 * 1024,
        recv_bytes=64 * 1024,
        inbuf_overflow=limits.in_memory,  # the rest of a body is a file
        outbuf_overflow=1024 * 1024,
        # A thread never waits for a reader: what a reader does not take is a file.
        outbuf_high_watermark=2**40,
    )


class Listener(TcpWSGIServer):  # type: ignore[misc]
    """Is waitress's server with deadlines and caps."""

    channel_class = ClientConnection
    active_channels: dict[int, ClientConnection]

    def __init__(
        self,
        application: Front,
        sock: socket.socket,
        limits: ServerLimits,
        *,
        trust: Trust = NOBODY,
        refuse_address: Callable[[str], Refusal | None] | None = None,
        threads: dict[str, int] | None = None,
    ) -> None:
        self.limits = limits
        self.trust = trust
        self.pools = Pools(limits, application.is_known, threads)
        self._refuse_address = refuse_address
        self._asked: deque[AddressQuestion] = deque()
        self._newest: ClientConnection | None = None
        self._next_look = 0.0
        self._stops_at: float | None = None
        sockinfo = (sock.family, sock.type, sock.proto, sock.getsockname())
        super().__init__(
            *(application, {}, True, sock),
            dispatcher=self.pools,
            adj=adjustments(sock, limits),
            sockinfo=sockinfo,
            bind_socket=False,
        )

    def readable(self) -> bool:
        """Returns whether another client may be let in."""
        return bool(self.accepting) and (not self._is_full() or bool(self._longest(self._channels(), 1)))

    def handle_accept(self) -> None:
        """Lets in who stands at the door; where all places are taken, some that only wait give way first."""
        for let_in in range(ACCEPTS):
            if self._is_full():
                if let_in:
                    return  # whether somebody else stands there is not known yet
                self._end(self._longest(self._channels(), self.limits.make_room))
            self._newest = None
            super().handle_accept()
            if self._newest is None:
                return
            self.make_room_beside(self._newest)

    def came(self, newcomer: ClientConnection) -> None:
        """Takes note of a connection that was let in."""
        self._newest = newcomer

    def make_room_beside(self, newcomer: ClientConnection) -> None:
        """Ends the longest wait of a client that has too many; asked when it comes and when it is known who it is."""
        client = newcomer.client
        if not client:
            return
        others = [one for one in self._channels() if one.client == client and one is not newcomer]
        if len(others) >= self.limits.per_address:
            # One that was refused has given way already, and goes by itself once its answer is read.
            waiting = [one for one in others if one.standing.phase in THEIRS - {Phase.LINGERING}]
            self._end(self._longest(waiting, len(waiting) + 1 - self.limits.per_address))

    def admit(self, channel: ClientConnection, request: Any) -> None:
        """Lets a large body come, where there is room for it and, for a callback's, somebody is known by its address.

        A thread looks for that; the rest of the body stays with its sender meanwhile.
        """
        if self._refuse_address is None or not request.is_callback:
            self._give_room(channel, request)
            return
        request.is_asked = True
        question = AddressQuestion(channel, request, self._refuse_address, self._asked, self.pull_trigger)
        if refusal := self.pools.ask(question):
            channel.end(refusal)

    def _hear(self) -> None:
        """Does what the answers to questions about addresses say."""
        while self._asked:
            question = self._asked.popleft()
            if question.channel.request is not question.request:
                continue  # it has ended meanwhile
            if question.refusal is not None:
                question.channel.end(question.refusal)
            else:
                self._give_room(question.channel, question.request)

    def _give_room(self, channel: ClientConnection, request: Any) -> None:
        held = [(one, body) for one in self._channels() if one is not channel for body in one.large_bodies]
        ended = make_room_for(request.large_body, [body for _, body in held], self.limits)
        if ended is None:
            channel.end(Refusal(503, "too many large requests at once", retry_after=5))
            return
        self._end([held[place][0] for place in ended])
        channel.go_on()

    def set_socket_options(self, conn: socket.socket) -> None:
        """Keeps the kernel from taking megabytes off us for a reader that takes nothing off the kernel."""
        super().set_socket_options(conn)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.limits.send_buffer)

    def look(self, now: float) -> None:
        """Ends what has taken too long."""
        for channel in self._channels():
            standing = channel.standing
            if not is_overdue(standing, self.limits, now):
                continue
            if standing.phase in (Phase.HEAD, Phase.BODY):
                channel.end(Refusal(408, TOO_SLOW))
            else:
                channel.abort()

    def serve(self) -> None:
        """Serves until `stop` was called and the answers under way are given, or the time for them is over."""
        while self._goes_on():
            wasyncore.poll2(LOOKS_EVERY, self._map)
            now = time.monotonic()
            if now >= self._next_look:
                self._next_look = now + LOOKS_EVERY
                self.look(now)
                if self._stops_at is not None:
                    self._end_waiting()
            self._hear()
            self.pools.answer_at_once()
        for channel in self._channels():
            channel.abort()
        self.pools.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def stop(self) -> None:
        """Asks for the end; may be called by a signal's handler or by another thread."""
        if self._stops_at is None:  # asked again, it ends no later
            self._stops_at = time.monotonic() + self.limits.stopping
        self._next_look = 0.0
        # The loop may have seen the time just now, ended and closed what wakes it.
        with suppress(OSError):
            self.pull_trigger()

    def _goes_on(self) -> bool:
        if self._stops_at is None:
            return True
        if self.accepting:
            self.accepting = False
            self.del_channel()
            self.socket.close()
        return bool(self.active_channels) and time.monotonic() < self._stops_at

    def _end_waiting(self) -> None:
        """Ends what waits for its client while we are ending; an unfinished request learns of it."""
        for channel in self._channels():
            if channel.standing.phase in (Phase.HEAD, Phase.BODY):
                channel.end(Refusal(503, "the server is being restarted", retry_after=5))
            elif channel.standing.phase in (Phase.SILENT, Phase.IDLE):
                channel.abort()

    def _is_full(self) -> bool:
        return len(self.active_channels) >= self.limits.connections

    def _channels(self) -> list[ClientConnection]:
        return list(self.active_channels.values())

    def _longest(self, channels: list[ClientConnection], count: int) -> list[ClientConnection]:
        return [channels[place] for place in give_way([one.standing for one in channels], count)]

    def _end(self, channels: list[ClientConnection]) -> None:
        for channel in channels:
            channel.end(Refusal(429, "too many unfinished requests", retry_after=10))
