"""Ports: taken or free, and whose."""

from __future__ import annotations

import errno
import socket

from django.core.management.base import CommandError


def require_port(host: str, port: int, *, option: str = "--port") -> None:
    """Ends the command with one clear line where nobody could listen at `host:port`.

    Args:
        host: a name or an address.
        port: 1 to 65535.
        option: what the message names as the way out.

    Raises:
        CommandError: the port is taken, forbidden or out of range, or the host is not ours.
    """
    if not 1 <= port <= 65535:
        raise CommandError(f"port {port} is not between 1 and 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: a port whose last connections only fade away is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except PermissionError:
        raise CommandError(f"port {port} needs more rights than this user has; choose another with {option}") from None
    except socket.gaierror:
        raise CommandError(f"{host} is not a name or address that is known here") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"port {port} on {host} is in use; choose another with {option}") from None
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from None
