"""Reads a body piece by piece, never more of it than allowed, whatever it unpacks to.

httpx unpacks whole chunks: 194 kB of gzip became 200 MB in memory (docs/reference/faults.md, F17).
"""

# ruff: noqa: N818 (named for what happened; callers read `except Wait`)

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

_GZIP, _DEFLATE = 31, 15  # zlib's window bits


class BodyTooLarge(Exception):
    """Says that there is more than the cap. These four never leave the transport."""


class BadPacking(Exception):
    """Says that a body cannot be unpacked, or has an encoding that was not asked for."""


class TornBody(Exception):
    """Says that a packed body ends too early."""


class LateBody(Exception):
    """Says that a body is not complete when the call must end."""


def read_body(chunks: Iterable[bytes], encoding: str, cap: int, late: Callable[[], bool]) -> bytes:
    """Reads the whole body, unpacked.

    Args:
        encoding: the `Content-Encoding`.
        cap: the most bytes of the result.
        late: is asked after each chunk.

    Raises:
        BodyTooLarge: there is more than `cap`.
        BadPacking: it cannot be unpacked.
        TornBody: it ends too early.
        LateBody: `late` said so.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        unpack: Callable[[bytes, int], bytes] = lambda chunk, room: chunk  # noqa: E731
        ended: Callable[[], bool] = lambda: True  # noqa: E731
    elif encoding in {"gzip", "x-gzip", "deflate"}:
        unpacker = _Unpacker(_DEFLATE if encoding == "deflate" else _GZIP)
        unpack, ended = unpacker.unpack, unpacker.ended
    else:
        raise BadPacking(encoding)
    body = bytearray()
    for chunk in chunks:
        if late():
            raise LateBody
        body += unpack(chunk, cap + 1 - len(body))
        if len(body) > cap:
            raise BodyTooLarge
    if not ended():
        raise TornBody
    return bytes(body)


class _Unpacker:
    """Unpacks with zlib, with a bound on what one chunk may become."""

    def __init__(self, bits: int) -> None:
        self._zlib = zlib.decompressobj(bits)
        self._fed = False

    def unpack(self, chunk: bytes, room: int) -> bytes:
        """Returns at most `room` bytes; what does not fit is never unpacked."""
        self._fed = self._fed or bool(chunk)
        try:
            return self._zlib.decompress(chunk, max(room, 1))
        except zlib.error as problem:
            raise BadPacking(str(problem)) from None

    def ended(self) -> bool:
        """Returns whether the packed data is complete; no data at all is."""
        return self._zlib.eof or not self._fed
