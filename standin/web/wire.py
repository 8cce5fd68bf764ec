"""Describes a request and a reply, without a server."""

import json
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import parse_qs, urlsplit

from standin.errors import RefusalError

JSON = "application/json;charset=UTF-8"
# The largest body of a webhook, nothing else comes near: docs/reference/zoho-flow.md, "Plans and limits".
MAX_BODY = 10 * 1024 * 1024


@dataclass(slots=True)
class Request:
    """Holds one call: `query` keeps every value of a parameter, header names are in lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    base_url: str
    granted: str = ""  # the scope of the access token that the call came with

    @classmethod
    def build(cls, method: str, target: str, headers: dict[str, str], body: bytes) -> "Request":
        """Builds it from a request line's target and headers; the base URL is the one the caller used."""
        parts = urlsplit(target)
        lower = {name.lower(): value for name, value in headers.items()}
        scheme = lower.get("x-forwarded-proto", "http")
        return cls(
            method=method.upper(),
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers=lower,
            body=body,
            base_url=f"{scheme}://{lower.get('host', '127.0.0.1')}",
        )

    def param(self, name: str) -> str | None:
        """Returns the first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def form(self) -> dict[str, str]:
        """Returns a form-encoded body; anything else gives nothing."""
        kind = Message()
        kind["content-type"] = self.headers.get("content-type", "application/x-www-form-urlencoded")
        if kind.get_content_type() != "application/x-www-form-urlencoded":
            return {}
        text = self.body.decode("utf-8", "replace")
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}

    def json(self) -> Any:
        """Returns the JSON body; an empty body is an empty object; RefusalError INVALID_REQUEST for anything else."""
        if not self.body.strip():
            return {}
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as problem:
            raise RefusalError("INVALID_REQUEST", "The request body is not valid JSON", str(problem)) from None

    def json_object(self) -> dict[str, Any]:
        """Returns the JSON body when it is an object; RefusalError INVALID_REQUEST otherwise."""
        body = self.json()
        if not isinstance(body, dict):
            raise RefusalError("INVALID_REQUEST", "The request body must be a JSON object")
        return body


@dataclass(slots=True)
class WireFault:
    """Holds what the server does to the socket instead of answering properly."""

    kind: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Reply:
    """Holds one answer; `wire` spoils the way in which it is sent."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wire: WireFault | None = None

    def json(self) -> Any:
        """Returns the body read as JSON."""
        return json.loads(self.body)


def json_reply(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Returns an answer in JSON; text outside ASCII is escaped, so that any string can be sent."""
    return Reply(status, json.dumps(content).encode(), {"Content-Type": JSON, **(headers or {})})


def no_content() -> Reply:
    """Makes a 204 without a body."""
    return Reply(204)


def html_reply(text: str, status: int = 200) -> Reply:
    """Returns an HTML page."""
    return Reply(status, text.encode(), {"Content-Type": "text/html;charset=UTF-8"})


def flow_refusal(code: str, message: str, details: object = "", status: int = 400) -> Reply:
    """Returns an error as Zoho Flow says it (docs/reference/zoho-flow.md, "Addresses and envelope")."""
    return json_reply({"status": "failure", "error": {"code": code, "message": message, "details": details}}, status)


def crm_refusal(code: str, message: str, details: object = None, status: int = 400) -> Reply:
    """Returns an error as Zoho CRM says it (docs/reference/zoho-crm.md, "Errors of CRM")."""
    return json_reply(
        {
            "code": code,
            "details": details if isinstance(details, dict) else {},
            "message": message,
            "status": "error",
        },
        status,
    )


def whole_number(request: Request, name: str, default: int, *, low: int = 1, high: int | None = None) -> int:
    """Returns a number from the query, capped at `high`; RefusalError INVALID_REQUEST if it is none or below `low`."""
    raw = request.param(name)
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or len(raw) > 9 or int(raw) < low:
        raise RefusalError("INVALID_REQUEST", "Invalid request parameters", f"{name} must be a number from {low}")
    return min(int(raw), high) if high is not None else int(raw)
