"""Misbehaves on the socket as a proxy, a cable or a crash does (docs/reference/faults.md, F9 to F13)."""

import socket
import struct
import threading

from standin.web.wire import Reply


def misbehave(connection: socket.socket, reply: Reply, head: bytes, stopping: threading.Event) -> None:
    """Sends `reply` in the way of its wire fault; the connection ends afterwards.

    Arguments of the fault: `seconds` (hang, delay), `interval` in seconds and `chunk` in bytes (drip),
    `share` of the body that is sent before a cut (0 to 1).
    """
    wire = reply.wire
    if wire is None:
        return
    args, kind = wire.args, wire.kind
    sent = reply.body[: int(len(reply.body) * float(args.get("share", 0.5)))]
    if kind == "close":
        return
    if kind == "reset":
        reset(connection)
    elif kind == "hang":
        stopping.wait(float(args.get("seconds", 3600)))
    elif kind == "delay":
        stopping.wait(float(args.get("seconds", 1)))
        connection.sendall(_closing(head) + reply.body)
    elif kind == "drip":
        _drip(connection, _closing(head) + reply.body, args, stopping)
    elif kind == "cut_length":  # the length announces more than comes
        connection.sendall(_closing(head) + sent)
    elif kind == "cut_reset":
        connection.sendall(head + sent)
        reset(connection)
    elif kind == "cut_chunked":
        connection.sendall(_without_length(head, b"Transfer-Encoding: chunked\r\n"))
        connection.sendall(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
    elif kind == "cut_unsized":  # without a length the end of the connection is the end of the body
        connection.sendall(_without_length(head, b"Connection: close\r\n") + sent)


def reset(connection: socket.socket) -> None:
    """Closes so that the peer gets a RST instead of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _drip(connection: socket.socket, content: bytes, args: dict[str, object], stopping: threading.Event) -> None:
    size, interval = int(str(args.get("chunk", 1))), float(str(args.get("interval", 0.4)))
    for place in range(0, len(content), size):
        connection.sendall(content[place : place + size])
        if stopping.wait(interval):
            return


def _closing(head: bytes) -> bytes:
    return head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


def _without_length(head: bytes, instead: bytes) -> bytes:
    lines = [line for line in head.split(b"\r\n") if line and not line.lower().startswith(b"content-length")]
    return b"\r\n".join(lines) + b"\r\n" + instead + b"\r\n"
