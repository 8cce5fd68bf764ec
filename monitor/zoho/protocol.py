"""Describes Zoho's HTTP without I/O: a request to send, an answer to read, and nothing in between.

Everything odd about Zoho's replies is known here, so that it can be tested from bytes in a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.parse import quote, urlencode, urlsplit

import orjson

from monitor.exact_numbers import decoder
from monitor.privacy import mask_text
from monitor.zoho import clean
from monitor.zoho.errors import BadAnswer, TornAnswer

TOLD, MASKED_FROM = 300, 2_000  # characters of a text of Zoho's that a message quotes, and that are masked before
_HTML_START = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)


class Headers(Mapping[str, str]):
    """Holds reply headers: names in any case, the repr without values (they may hold cookies)."""

    def __init__(self, pairs: Mapping[str, str] | list[tuple[str, str]] | None = None) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs.items() if isinstance(pairs, Mapping) else pairs or []:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({sorted(self._values)})"


@dataclass(frozen=True, repr=False)
class Request:
    """Holds one request, ready to send.

    `fresh`: sent once, on a connection of its own that is closed afterwards (a stale pooled one may take a
    POST and lose it). `total`: seconds for this call as a whole, None for the transport's own figure.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fresh: bool = False
    total: float | None = None

    @property
    def path(self) -> str:
        """Returns the path without query."""
        return urlsplit(self.url).path or "/"

    @property
    def where(self) -> str:
        """Returns method, host and path, for messages; never the query, headers or body."""
        return f"{self.method} {urlsplit(self.url).netloc.rpartition('@')[2]}{self.path}"

    def __repr__(self) -> str:
        return f"Request({self.where})"


@dataclass(frozen=True, repr=False)
class Answer:
    """Holds one complete reply. `received_at` is on the transport's monotonic clock, `received_utc` on the wall's."""

    status: int
    headers: Headers
    body: bytes
    received_at: float
    received_utc: datetime
    where: str = ""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes, {self.where})"

    @cached_property
    def server_date(self) -> datetime | None:
        """Returns the server's clock by its `Date` header, aware UTC; None when absent or not a date."""
        return http_date(self.headers.get("date", ""))

    @property
    def is_html(self) -> bool:
        """Returns whether this is a web page: no API of Zoho's answers with one."""
        return "html" in self.headers.get("content-type", "").lower() or bool(_HTML_START.match(self.body))

    @cached_property
    def json(self) -> object:
        """Returns the body as JSON, every number exact (see `monitor.exact_numbers`); None for a 204.

        Raises:
            BadAnswer: HTML and other types.
            TornAnswer: JSON that breaks off.
        """
        if self.status == 204 or (not self.body and self.status == 205):
            return None
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind and "json" not in kind:
            raise BadAnswer(f"{self.where} answered {self.status} with {self.kind}", status=self.status)
        try:
            return parse_json(self.body)
        except RecursionError:
            raise BadAnswer(f"{self.where} answered JSON nested too deep", status=self.status) from None
        except ValueError:
            error = BadAnswer if self.is_html else TornAnswer
            raise error(f"{self.where} answered {self.status} with {self.kind}", status=self.status) from None

    @property
    def any_json(self) -> object:
        """Returns the body as JSON whatever type it claims; None when it is none. For error bodies."""
        try:
            return parse_json(self.body)
        except (RecursionError, ValueError):
            return None

    @property
    def kind(self) -> str:
        """Says in words what came instead of JSON."""
        if not self.body:
            return "an empty body"
        if self.any_json is not None:
            return f"JSON that calls itself {redact(self.headers.get('content-type', ''))[:80]}"
        if self.is_html:
            return "an HTML page instead of JSON"
        return "something that is not JSON"


def parse_json(body: bytes) -> object:
    """Parses UTF-8 JSON, with or without BOM.

    Raises:
        ValueError: what is given is too much, too little or of the wrong form (also for bad UTF-8).
        RecursionError: see its class.
    """
    # Few bodies have a long row of digits or an exponent: what else has to be looked at number by number.
    shape = body.translate(_DIGITS_AS_0)
    if _LONG in shape or b"0e" in shape or b"0E" in shape or (b"0.0" in shape and _LONG_FRACTION.search(shape)):
        return _EXACT.decode(body.decode("utf-8-sig"))
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        # The standard library takes more: a BOM, NaN, half a surrogate pair, objects in objects in objects.
        return _EXACT.decode(body.decode("utf-8-sig"))


_LONG = b"0" * 19  # digits; what is shorter lies within 64 bits
_LONG_FRACTION = re.compile(rb"(?<![0.])(?=[0.]{17})0+\.0")  # 16 digits or more: a float may be another number
_DIGITS_AS_0 = bytes.maketrans(b"123456789", b"0" * 9)
_EXACT = decoder()


def http_date(value: str) -> datetime | None:
    """Returns an HTTP-date as aware UTC, None when it is none (RFC 9110, section 5.6.7)."""
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def build_url(origin: str, *segments: str, params: Mapping[str, object] | None = None) -> str:
    """Builds `origin/a/b?x=1` with every part quoted; parameters that are None are left out, booleans are true/false.

    Args:
        origin: scheme and host.
        segments: parts of the path.
        params: of the query, as Python values.

    Raises:
        ValueError: a segment that would change the path (empty, ".", "..").
    """
    for segment in segments:
        if segment.strip() in {"", ".", ".."}:
            raise ValueError(f"not a usable id or name in an address: {segment!r}")
    path = "/".join(quote(segment, safe="") for segment in segments)
    pairs = {name: _param(value) for name, value in (params or {}).items() if value is not None}
    return f"{origin.rstrip('/')}/{path}" + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else "")


def _param(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def utc_text(when: datetime) -> str:
    """Writes a time as Zoho's `YYYY-MM-DDTHH:MM:SSZ`.

    Raises:
        ValueError: a naive one.
    """
    if when.tzinfo is None:
        raise ValueError("a time without zone cannot be sent")
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day_text(when: datetime) -> str:
    """Writes the UTC day of a time, `YYYY-MM-DD`.

    Raises:
        ValueError: a naive one.
    """
    return utc_text(when)[:10]


def json_body(value: object) -> bytes:
    """Writes `value` as the body of a request."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def form_body(fields: Mapping[str, str | None]) -> bytes:
    """Writes a form; fields that are None are left out. Secrets travel here, never in a query."""
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def redact(message: object, *secrets: str) -> str:
    """Shortens a text of Zoho's (or a library's) for our messages: one line without tokens and personal data.

    What is made of it is stored, logged, mailed and shown to everybody. More is masked than kept: a cut before the
    masking could leave half an address unrecognised.
    """
    shown = clean.line(message, MASKED_FROM)
    for secret in secrets:
        if secret:
            shown = shown.replace(secret, "…")
    return mask_text(shown)[:TOLD]
