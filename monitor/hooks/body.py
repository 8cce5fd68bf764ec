"""Reads a callback's body: at most 10 MiB, in bounded time, by few threads at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LIMIT = 10 * 1024 * 1024  # bytes that pass (docs/reference/zoho-flow.md, "Plans and limits": 10 MB)
DRAINED = 2 * LIMIT  # a sender of a little more reads our answer only after it has sent everything
PIECE = 64 * 1024
LONGEST = 30.0  # seconds
# Under `manage.py web` a body has come before a thread is given; under another server its read may block until a piece
# is there.
READERS = 4
PATIENCE = 2.0  # seconds to wait for one of those places

_places = threading.BoundedSemaphore(READERS)


class TooLarge(Exception):  # noqa: N818 - named for what happened
    """Says that there is more than `LIMIT`."""


class Broken(Exception):  # noqa: N818 - named for what happened
    """Says that the sender hung up, or gave a length that is none."""


class TooSlow(Exception):  # noqa: N818 - named for what happened
    """Says that the body took longer than `LONGEST`."""


class NoPlace(Exception):  # noqa: N818 - named for what happened
    """Says that as many bodies are being read as may be."""


def read_body(
    read: Callable[[int], bytes],
    length: str | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    patience: float = PATIENCE,
) -> bytes:
    """Reads the whole body.

    Args:
        read: gives up to so many bytes, b"" at the end; an OSError is a sender that hung up.
        length: the Content-Length header; None for a body in chunks.
        clock: seconds that only grow.
        patience: seconds to wait for a place among the readers.

    Raises:
        TooLarge, Broken, TooSlow, NoPlace: see there.
    """
    declared = _declared(length)
    if declared is not None and declared > DRAINED:
        raise TooLarge
    if not _places.acquire(timeout=patience):
        raise NoPlace
    try:
        return _read(read, declared, clock)
    finally:
        _places.release()


def _declared(length: str | None) -> int | None:
    if length is None:
        return None
    if not (length.isascii() and length.isdigit()):
        raise Broken
    # 20 digits are more than any limit, and int() is quick with them.
    return int(length[:20])


def _read(read: Callable[[int], bytes], declared: int | None, clock: Callable[[], float]) -> bytes:
    until = clock() + LONGEST
    pieces: list[bytes] = []
    size = 0
    while declared is None or size < declared:
        wanted = PIECE if declared is None else min(PIECE, declared - size)
        try:
            piece = read(wanted)
        except OSError:
            raise Broken from None
        if not piece:
            break
        size += len(piece)
        if size <= LIMIT:
            pieces.append(piece)
        else:
            pieces.clear()
        if size > DRAINED:
            raise TooLarge
        if clock() > until:
            raise TooSlow
    if size > LIMIT:
        raise TooLarge
    if declared is not None and size != declared:
        raise Broken
    return b"".join(pieces)
