"""Finds out whether a port is taken, and by whom."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

from django.core.management.base import CommandError

BACKLOG = 1024  # connections that the kernel keeps until they are accepted
_LISTENING = "0A"  # state in /proc/net/tcp, proc(5)


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


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens; `require_port` has said before why that could fail."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    door = socket.socket(family, kind, protocol)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
        door.listen(BACKLOG)
    except OSError as error:
        door.close()
        raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return door


def listeners(port: int) -> set[int] | None:
    """Returns the process ids that hold the listening socket of a TCP port here; None where /proc cannot say."""
    inodes = set()
    try:
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            if not Path(table).exists():
                continue
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    except OSError:
        return None
    if not inodes:
        return None
    return {int(entry.parts[2]) for entry in Path("/proc").glob("[0-9]*/fd/*") if _target(entry) in inodes}


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except OSError:
        return ""
