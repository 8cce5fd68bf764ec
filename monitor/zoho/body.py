"""A body read piece by piece, never more of it than allowed, whatever it unpacks to.

httpx unpacks whole chunks: 194 kB of gzip became 200 MB in memory (notes/reliability.md, section 0).
"""

# ruff: noqa: N818 (named for what happened; callers read `except Wait`)

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable

_GZIP, _DEFLATE = 31, 15  # zlib's window bits


class BodyTooLarge(Exception):
    """More than the cap. These four never leave the transport."""


class BadPacking(Exception):
    """A body that cannot be unpacked, or an encoding that was not asked for."""


class TornBody(Exception):
    """A packed body that ends too early."""


class LateBody(Exception):
    """A body that is not complete when the call must end."""


def read_body(chunks: Iterable[bytes], encoding: str, cap: int, late: Callable[[], bool]) -> bytes:
    """The whole body, unpacked.

    Parameters: `encoding` the `Content-Encoding`; `cap` the most bytes of the result; `late` is asked
    after each chunk. Errors: the four of this module.
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
    """zlib with a bound on what one chunk may become."""

    def __init__(self, bits: int) -> None:
        self._zlib = zlib.decompressobj(bits)
        self._fed = False

    def unpack(self, chunk: bytes, room: int) -> bytes:
        """At most `room` bytes; what does not fit is never unpacked."""
        self._fed = self._fed or bool(chunk)
        try:
            return self._zlib.decompress(chunk, max(room, 1))
        except zlib.error as problem:
            raise BadPacking(str(problem)) from None

    def ended(self) -> bool:
        """Whether the packed data is complete; no data at all is."""
        return self._zlib.eof or not self._fed
