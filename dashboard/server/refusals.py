"""Words what the server itself refuses, before any page is asked."""

from __future__ import annotations

import json

from waitress.utilities import Error

REASONS = {
    400: "Bad Request",
    404: "Not Found",
    408: "Request Timeout",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}


class Refusal(Error):  # noqa: N818 - named for what it is
    """Is the answer to a request that no page gets to see: one line of text, or of JSON for a callback."""

    def __init__(self, code: int, text: str, *, retry_after: int = 0) -> None:
        super().__init__(text)
        self.code, self.reason = code, REASONS[code]
        self.retry_after = retry_after
        self.is_callback = False

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Returns status line, headers and body, as waitress asks for them."""
        if self.is_callback:
            kind, body = "application/json", json.dumps({"status": self.body})
        else:
            kind, body = "text/plain; charset=utf-8", f"{self.body}\n"
        headers = [("Content-Type", kind), ("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]
        if self.retry_after:
            headers.append(("Retry-After", str(self.retry_after)))
        return f"{self.code} {self.reason}", headers, body.encode()
