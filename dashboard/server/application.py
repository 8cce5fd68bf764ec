"""Stands before Django: answers probes without it where it can, and sends no body where HEAD was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from dashboard.health import LIVE, LIVE_ANSWER, READY
from dashboard.server.requests import without_charset

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
FRESH = 1.0  # seconds for which an answer to a probe is given to others, too
_OWN = frozenset({"x-request-id"})  # of the one request that was answered


@dataclass(frozen=True)
class KnownAnswer:
    """Holds an answer that others may have, and when it was made."""

    at: float
    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Front:
    """Wraps Django's application.

    Args:
        pages: answers everything but `/healthz/live`, and `/healthz/ready` once a second at most.
        clock: seconds that only grow.
    """

    def __init__(self, pages: Application, clock: Callable[[], float] = time.monotonic) -> None:
        self._pages = pages
        self._clock = clock
        self._ready: KnownAnswer | None = None

    def is_known(self, path: str, method: str) -> bool:
        """Returns whether a request is answered at once, without a question to anybody."""
        return method in ("GET", "HEAD") and (path == LIVE or (path == READY and self._known(FRESH) is not None))

    def _known(self, age: float) -> KnownAnswer | None:
        known = self._ready
        return known if known is not None and self._clock() - known.at < age else None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = without_charset(environ["CONTENT_TYPE"])
        if method in ("GET", "HEAD") and path == LIVE:
            answer: Iterable[bytes] = _live(start_response)
        elif method in ("GET", "HEAD") and path == READY:
            # A little older is good enough here: who was sent on as known has waited a moment.
            known = self._known(2 * FRESH)
            answer = self._ask(environ, start_response) if known is None else _repeat(known, start_response)
        else:
            answer = self._pages(environ, start_response)
        if method != "HEAD":
            return answer
        # Django leaves it to the server to send no body (RFC 9110, 9.3.2).
        _close(answer)
        return [b""]

    def _ask(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Asks the pages for the probe's answer, and keeps it."""
        said: list[tuple[str, list[tuple[str, str]]]] = []
        pieces = self._pages(environ, lambda status, headers, *_: said.append((status, headers)))
        try:
            body = b"".join(pieces)
        finally:
            _close(pieces)
        status, headers = said[-1]
        if status[:3] in ("200", "503"):
            self._keep(status, headers, body)
        start_response(status, headers)
        return [body]

    def _keep(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        others = [(name, value) for name, value in headers if name.lower() not in _OWN]
        self._ready = KnownAnswer(self._clock(), status, others, body)


def _live(start_response: Any) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(LIVE_ANSWER))),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    start_response("200 OK", headers)
    return [LIVE_ANSWER]


def _repeat(known: KnownAnswer, start_response: Any) -> Iterable[bytes]:
    start_response(known.status, list(known.headers))
    return [known.body]


def _close(pieces: Iterable[bytes]) -> None:
    close = getattr(pieces, "close", None)
    if close is not None:
        close()
