"""Stands before Django: answers the liveness probe without it, and sends no body where HEAD was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dashboard.health import LIVE, LIVE_ANSWER
from dashboard.server.requests import without_charset

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def front(pages: Application) -> Application:
    """Wraps Django's application.

    Args:
        pages: answers everything but `/healthz/live`.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"]
        if environ["PATH_INFO"] == LIVE and method in ("GET", "HEAD"):
            headers = [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(LIVE_ANSWER))),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ]
            start_response("200 OK", headers)
            return [b"" if method == "HEAD" else LIVE_ANSWER]
        if "CONTENT_TYPE" in environ:
            environ["CONTENT_TYPE"] = without_charset(environ["CONTENT_TYPE"])
        if method != "HEAD":
            return pages(environ, start_response)
        # Django leaves it to the server to send no body (RFC 9110, 9.3.2).
        body = pages(environ, start_response)
        close = getattr(body, "close", None)
        if close is not None:
            close()
        return [b""]

    return answer
