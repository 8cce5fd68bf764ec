"""Gives sockets a total deadline, and lets them reach public addresses only.

httpx bounds each single read, so a server that drips one byte at a time holds it for ever (measured: with a time-out of
1 s it still read after 16 s; docs/reference/faults.md, F10). Here every read, write and connection attempt gets what is
left of the deadline of the call that the current thread is making.

A name is looked up once for each connection, every address that it has is checked, and one of these very addresses is
connected to: whoever owns the name cannot give another answer in between. TLS and `Host` go on with the name.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore

from monitor.public_addresses import NO_PRIVATE_HOSTS, IpAddress, PrivateHosts, as_address, may_be_asked


class Deadline(threading.local):
    """Holds the moment (monotonic) at which the current thread's call must end; None outside of a call."""

    at: float | None = None


class NoPublicAddress(httpcore.ConnectError):
    """Says that nothing may be asked under a name, in the same words whether it has a private address or none.

    Different words would tell which names a private network knows.
    """

    def __init__(self, host: str) -> None:
        super().__init__(f"no public address is known for {host}")


class DeadlineBackend(httpcore.NetworkBackend):
    """Bounds each operation of httpcore's own sockets by the call's deadline, and where they may lead."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        allow_loopback: bool = False,
        private_hosts: PrivateHosts = NO_PRIVATE_HOSTS,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._private_hosts = private_hosts
        self._inner = httpcore.SyncBackend()
        self._deadline = Deadline()
        self._monotonic = monotonic

    @contextmanager
    def until(self, at: float) -> Iterator[None]:
        """Bounds everything that this thread does inside the block."""
        self._deadline.at = at
        try:
            yield
        finally:
            self._deadline.at = None

    def left(self, timeout: float | None, error: type[Exception]) -> float | None:
        """Returns the shorter of `timeout` and what is left, in seconds.

        Raises:
            Exception: `error`, when nothing is left.
        """
        at = self._deadline.at
        if at is None:
            return timeout
        left = at - self._monotonic()
        if left <= 0:
            raise error("the total deadline of the call has passed")
        return left if timeout is None else min(timeout, left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to the first address of `host` that answers; all of them share one time-out."""
        left = self.left(timeout, httpcore.ConnectTimeout)
        end = None if left is None else self._monotonic() + left
        error: Exception = NoPublicAddress(host)
        for address in self._checked(host, _addresses(host, port, left)):
            rest = None if end is None else end - self._monotonic()
            if rest is not None and rest <= 0:
                raise httpcore.ConnectTimeout("connecting took too long")
            try:
                stream = self._inner.connect_tcp(address, port, rest, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                error = problem
            else:
                return DeadlineStream(stream, self)
        raise error

    def _checked(self, host: str, found: list[str]) -> list[str]:
        """Returns the addresses of `host`; one that may not be asked spoils all of them."""
        addresses = [as_address(address) for address in found]
        if all(address is not None and self._may_be_asked(host, address) for address in addresses):
            return found
        raise NoPublicAddress(host)

    def _may_be_asked(self, host: str, address: IpAddress) -> bool:
        is_permitted = self._private_hosts.permit(host, address)
        return is_permitted or may_be_asked(address, allow_loopback=self._allow_loopback)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        """Refuses: Zoho is never a local socket."""
        raise NotImplementedError


class DeadlineStream(httpcore.NetworkStream):
    """Is a connection whose every operation ends in time."""

    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._backend.left(timeout, httpcore.ConnectTimeout)
        return DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _addresses(host: str, port: int, timeout: float | None) -> list[str]:
    """Returns the addresses of `host`, each once.

    The system's look-up knows no time-out and may take half a minute, so it runs beside us and is left behind
    when it is late.

    Raises:
        NoPublicAddress: it has none.
        ConnectTimeout: the look-up took too long.
    """
    if as_address(host) is not None:  # else a name, which has to be looked up
        return [host]
    found: list[str] = []
    problems: list[Exception] = []

    def look_up() -> None:
        try:
            found.extend(str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            problems.append(problem)

    thread = threading.Thread(target=look_up, name="zoho-look-up", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise httpcore.ConnectTimeout(f"looking up {host} took too long")
    if problems:
        raise NoPublicAddress(host)
    return list(dict.fromkeys(found))
