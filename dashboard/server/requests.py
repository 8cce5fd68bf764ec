"""Reads a request, and refuses one whose head says enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import Error

from dashboard.server.bodies import LargeBody
from dashboard.server.chunks import ChunkedBody
from dashboard.server.limits import ServerLimits
from dashboard.server.refusals import Refusal
from monitor.hooks.body import LIMIT as CALLBACK_BODY

CALLBACKS = "/hooks/"
BAD_REQUEST = 400
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})
CALLBACK_CHARSETS = CHARSETS | {"iso-8859-1", "latin-1", "windows-1252"}  # their bodies are read as UTF-8 all the same
# What waitress found wrong, without the line of the request that it quotes: by the code, and by how its words begin.
UNREADABLE = {
    400: "this is no request that can be read",
    413: "the body is too large",
    431: "the head of the request is too long",
    501: "a body that is coded like this is not read here",
}
_NO_LINE, _NO_LENGTH = "the first line is no request's", "the length of its body is no number"
REASONS_OF_WAITRESS = {
    "Start line is invalid": _NO_LINE,
    "HTTP message header invalid": _NO_LINE,
    "Malformed HTTP method": "its method is not in capital letters",
    "Bare CR or LF": "a line of it has no proper end",
    "Invalid header": "a header has no proper name or value",
    "Content-Length is invalid": _NO_LENGTH,
    "Bad URI": "its address is none",
}
# A name with a star is in a charset of its own (RFC 2231), which no browser sends in a Content-Type.
_ENCODED = re.compile(r"\*\d*\*?\s*=")
_VERSION = re.compile(rb"HTTP/[0-9.]{1,20}")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CODING = re.compile(rb"(?im)^transfer-encoding:([^\r\n]*)")
_ENDLESS_LENGTH = re.compile(rb"(?im)^content-length:[ \t]{0,64}\d{20}")
# A line that goes on in the next (RFC 9112, 5.2), and a value that begins far behind its name.
_SPREAD = re.compile(rb"\r\n[ \t]|(?m:^[^:\r\n]*:[ \t]{64})")


@dataclass(frozen=True)
class Head:
    """Holds what is decided upon when a request's head has come."""

    path: str
    version: str
    method: str
    content_type: str
    length: int
    has_both_lengths: bool


def refuse_head(head: Head, limits: ServerLimits) -> Refusal | None:
    """Returns why a request is refused before its body is read, or None. Callbacks judge their own content type."""
    if head.version not in ("1.0", "1.1"):
        return Refusal(505, "HTTP/1.1 or HTTP/1.0 is spoken here")
    if not head.path.startswith("/") or "\0" in head.path:
        return Refusal(400, "the address is not one")
    if head.method not in METHODS:  # of any length; logs and the trail of what was refused would repeat it
        return Refusal(501, "this method is not known here")
    if head.has_both_lengths:
        return Refusal(400, "the length of the body is said twice")
    if head.length > body_limit(head.path, limits):
        return too_large(head.path, limits)
    if not is_charset_known(head.content_type, CALLBACK_CHARSETS if head.path.startswith(CALLBACKS) else CHARSETS):
        return Refusal(400, "this charset is not read here: send UTF-8")
    if not head.path.startswith(CALLBACKS) and media_type(head.content_type).startswith("multipart/"):
        return Refusal(415, "no page here takes files: send the form as application/x-www-form-urlencoded")
    return None


def is_charset_known(content_type: str, charsets: frozenset[str]) -> bool:
    """Returns whether a Content-Type names no charset but one of these.

    Django reads addresses and forms in any charset that Python knows, and Python knows `zlib` and `rot13`; it does so
    before any middleware is asked, so that this is the only place for it.
    """
    named = map(_charset_of, content_type.lower().split(";"))
    return not _ENCODED.search(content_type) and all(name is None or name in charsets for name in named)


def _charset_of(part: str) -> str | None:
    """Returns what follows the first name with "charset" in it, in a part between two semicolons; None for no such."""
    pieces = part.split("=")
    at = next((number for number, piece in enumerate(pieces[:-1], 1) if "charset" in piece), None)
    return None if at is None else "=".join(pieces[at:]).strip().strip("\"'")


def without_charset(content_type: str) -> str:
    """Returns a Content-Type without the charsets that it names, all of which are known.

    A page reads UTF-8 all the same. Django, told so by a request, reads the whole address before its handler begins,
    and whatever it refuses of that (more than 1,000 parameters) would end as an error of the server's.
    """
    kind, *parts = content_type.split(";")
    return ";".join([kind, *(part for part in parts if "charset" not in part.partition("=")[0].lower())])


def body_limit(path: str, limits: ServerLimits) -> int:
    """Returns how many bytes of a body are read."""
    return CALLBACK_BODY if path.startswith(CALLBACKS) else limits.page_body


def too_large(path: str, limits: ServerLimits) -> Refusal:
    """Returns the answer to a body that is larger than is read."""
    if path.startswith(CALLBACKS):
        return Refusal(413, "the body is larger than 10 MiB")
    return Refusal(413, f"the form is larger than {limits.page_body // 1024} KiB")


def media_type(content_type: str) -> str:
    """Returns what a Content-Type header says without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def why_unreadable(head: bytes) -> str:
    """Returns why a head is none, "" where waitress may look at it: its patterns take seconds over what they refuse."""
    line = head.partition(b"\r\n")[0].rstrip().split(b" ")
    if not 2 <= len(line) <= 3 or (len(line) == 3 and not _VERSION.fullmatch(line[2])):
        return _NO_LINE
    if b",".join(_CODING.findall(head)).lower().count(b"chunked") > 1:
        return "its body is in chunks twice"
    if _SPREAD.search(head):
        return "a header is spread out"
    if _ENDLESS_LENGTH.search(head):
        return _NO_LENGTH
    return "a control character stands in it" if _CONTROL.search(head) else ""


class ClientRequest(HTTPRequestParser):  # type: ignore[misc]
    """Is one request, as far as it has come.

    Args:
        adj: waitress's own settings.
        limits: that it keeps to.
        take_head: is told its headers, once they have come.
    """

    path = ""

    _why = ""  # its head is none
    is_checked = False
    is_admitted = False  # there is room for its large body, or was found soon after it began
    is_asked = False  # somebody is looking whether its address is known; nothing of it is read meanwhile
    is_told_to_go_on = True  # or waits for it before it sends its body

    def __init__(self, adj: Any, limits: ServerLimits, take_head: Callable[[dict[str, str]], None]) -> None:
        super().__init__(adj)
        self._limits = limits
        self._take_head = take_head

    def received(self, data: bytes) -> int:
        """Takes what came over the wire; returns how much of it belongs to this request."""
        blank = 0 if self.header_plus or self.headers_finished else len(data) - len(data.lstrip(b"\r\n"))
        if blank == len(data):  # blank lines before a request are none of it, as many as there are
            self.empty = self.completed = True
            return blank
        consumed: int = blank + super().received(data[blank:] if blank else data)
        if self.error is not None:
            self.refuse(self.error if isinstance(self.error, Refusal) else self._word(self.error))
        if self.headers_finished and not self.is_checked and not self.empty:
            self.is_checked = True
            self._take_head(self.headers)
            if self.error is None:
                self.refuse(refuse_head(self._head(), self._limits))
            if self.is_large and self.is_callback and self.expect_continue:
                self.is_told_to_go_on = self.expect_continue = False
        elif self.is_checked and self.error is None and self._body_length() > body_limit(self.path, self._limits):
            self.refuse(too_large(self.path, self._limits))
        return consumed

    @property
    def is_callback(self) -> bool:
        """Says whether it is a callback's."""
        return bool(self.path.startswith(CALLBACKS))

    @property
    def is_large(self) -> bool:
        """Says whether its body is more than is kept in memory, as far as that is known."""
        return self.error is None and max(self.content_length, self._body_length()) > self._limits.in_memory

    @property
    def large_body(self) -> LargeBody:
        """Is what its body takes of the disk."""
        size = self.content_length or (self._body_length() if self.completed else body_limit(self.path, self._limits))
        return LargeBody(size, self.is_callback, is_on_its_way=not self.completed)

    def _body_length(self) -> int:
        """Returns how much of the body has come; what frames its chunks is no part of it."""
        return len(self.body_rcv) if self.body_rcv is not None else 0

    def parse_header(self, header_plus: bytes) -> None:
        if why := why_unreadable(header_plus):
            self._why = why
            raise ParsingError(why)
        self.has_transfer_encoding = b"\ntransfer-encoding:" in header_plus.lower()
        try:
            super().parse_header(header_plus)
        except ValueError:  # "http://[" and the like
            raise ParsingError("Bad URI") from None
        if self.chunked:
            self.body_rcv = ChunkedBody(self.body_rcv.buf)

    def _word(self, error: Error) -> Refusal:
        """Returns the answer to what waitress cannot read; a client that was not meant to be refused learns why."""
        if error.code != BAD_REQUEST:
            code = error.code if error.code in UNREADABLE else BAD_REQUEST
            return Refusal(code, UNREADABLE[code])
        found = (ours for theirs, ours in REASONS_OF_WAITRESS.items() if str(error.body).startswith(theirs))
        why = self._why or next(found, "")
        return Refusal(BAD_REQUEST, f"{UNREADABLE[BAD_REQUEST]}: {why}" if why else UNREADABLE[BAD_REQUEST])

    def refuse(self, refusal: Refusal | None) -> None:
        """Ends the request with an answer of our own, where there is one."""
        if refusal is None:
            return
        refusal.is_callback = self.is_callback
        self.error, self.completed, self.expect_continue = refusal, True, False

    def _head(self) -> Head:
        headers: dict[str, Any] = self.headers
        return Head(
            path=self.path,
            version=self.version,
            method=self.command,
            content_type=headers.get("CONTENT_TYPE", ""),
            length=self.content_length,
            # HTTP/1.0 knows no chunks: a body in them would be read as the next request.
            has_both_lengths=self.has_transfer_encoding and ("CONTENT_LENGTH" in headers or not self.chunked),
        )


class UnreadRest(HTTPRequestParser):  # type: ignore[misc]
    """Is all that a client sent behind more requests than are taken at once; nobody looks at it."""

    def received(self, data: bytes) -> int:
        """Takes everything."""
        self.empty = self.completed = True
        return len(data)
