"""Reads a body that comes in chunks (RFC 9112, 7.1), each byte once, and refuses what is mostly frame.

waitress's own reader keeps a line or a trailer without an end, whatever it grows to, and copies all that is left of a
read at each chunk: some clients that send one byte a chunk kept everybody else waiting for seconds.
"""

from __future__ import annotations

from typing import Any

from waitress.receiver import ChunkedReceiver
from waitress.rfc7230 import CHUNK_EXT_RE, ONLY_HEXDIG_RE

from dashboard.server.refusals import Refusal

LONGEST_LINE = 1024  # bytes: the size of a chunk with its extension, or a field of the trailer
# Bytes of frame that are free; beyond them a body has at least as many of its own.
FREE_FRAME = 64 * 1024
_SIZE, _DATA, _END, _TRAILER = range(4)


class ChunkedBody(ChunkedReceiver):  # type: ignore[misc]
    """Is a body in chunks, as far as it has come.

    Args:
        buf: takes the bytes of the body.
    """

    def __init__(self, buf: Any) -> None:
        super().__init__(buf)
        self._next = _SIZE
        self._left = 0  # bytes of the present chunk that have not come
        self._line = b""  # the beginning of a line that has not come to its end
        self._frame = self._body = 0

    def received(self, data: bytes) -> int:
        """Takes what came over the wire; returns how much of it belongs to this body, all where it is refused."""
        place = 0
        pieces: list[bytes] = []
        while place < len(data) and not self.completed and self.error is None:
            if self._next == _DATA:
                piece = data[place : place + self._left]
                pieces.append(piece)
                place += len(piece)
                self._left -= len(piece)
                self._body += len(piece)
                self._next = _DATA if self._left else _END
            else:
                place = self._read_line(data, place)
        if pieces:
            self.buf.append(b"".join(pieces))
        return place if self.error is None else len(data)

    def _read_line(self, data: bytes, place: int) -> int:
        """Takes a line, or as much of it as has come; returns the place behind it."""
        end = data.find(b"\n", place, place + LONGEST_LINE) + 1
        stop = end or min(len(data), place + LONGEST_LINE)
        line = self._line + data[place:stop]
        self._frame += stop - place
        if len(line) > LONGEST_LINE or (not end and len(line) == LONGEST_LINE):
            self._refuse("a line of its frame is too long")
        elif self._frame > FREE_FRAME + self._body:
            self._refuse("it is mostly frame")
        elif not end:
            self._line = line
        elif not line.endswith(b"\r\n"):
            self._refuse("a line of its frame has no proper end")
        else:
            self._line = b""
            self._take_line(line[:-2])
        return stop

    def _take_line(self, line: bytes) -> None:
        if self._next == _SIZE:
            self._begin_chunk(line)
        elif self._next == _TRAILER:
            self.completed = not line  # what stands in the trailer is nothing that anybody reads
        elif line:
            self._refuse("a chunk is longer than it says")
        else:
            self._next = _SIZE

    def _begin_chunk(self, line: bytes) -> None:
        size, semicolon, extension = line.partition(b";")
        if not ONLY_HEXDIG_RE.match(size) or not CHUNK_EXT_RE.match(semicolon + extension):
            self._refuse("the size of a chunk cannot be read")
            return
        self._left = int(size, 16)
        self._next = _DATA if self._left else _TRAILER

    def _refuse(self, why: str) -> None:
        self.error = Refusal(400, f"the body in chunks cannot be read: {why}")
