"""Reads a callback's body: at most 10 MiB, the whole or nothing.

How long it may take, and how many may come at once, is the web server's matter (`dashboard.server.limits`): it gives a
body to a thread only once it has come.
"""

from __future__ import annotations

from collections.abc import Callable

LIMIT = 10 * 1024 * 1024  # bytes that pass (docs/reference/zoho-flow.md, "Plans and limits": 10 MB)


class TooLarge(Exception):  # noqa: N818 - named for what happened
    """Says that there is more than `LIMIT`."""


class Broken(Exception):  # noqa: N818 - named for what happened
    """Says that the sender hung up, or gave a length that is none."""


def read_body(read: Callable[[int], bytes], length: str | None) -> bytes:
    """Reads the whole body.

    Args:
        read: gives up to so many bytes, b"" at the end; an OSError is a sender that hung up.
        length: the Content-Length header; None for a body in chunks.

    Raises:
        TooLarge, Broken: see there.
    """
    declared = _declared(length)
    if declared is not None and declared > LIMIT:
        raise TooLarge
    wanted = LIMIT + 1 if declared is None else declared
    pieces: list[bytes] = []
    try:
        while wanted and (piece := read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
    except OSError:
        raise Broken from None
    body = b"".join(pieces)
    if len(body) > LIMIT:
        raise TooLarge
    if declared is not None and len(body) != declared:
        raise Broken
    return body


def _declared(length: str | None) -> int | None:
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        raise Broken
    # 20 digits are more than any limit, and int() is quick with them.
    return int(length[:20])
