"""Makes requests that nobody would write: every address, parameters that views read, values that programs trip over.

What a view reads is found out by letting it read: each name that it asks a query string or a form for is noted.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode
from xml.etree.ElementTree import Element

import pytest
from django.http import QueryDict
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

from dashboard.server.requests import CALLBACK_CHARSETS, CALLBACKS, CHARSETS, is_charset_known, without_charset
from tests.dashboard.soup import Page

VALUES: tuple[bytes, ...] = tuple(
    value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
    for value in (
        *("", " ", "0", "-1", "1", "2", "7", "30", "90", "²", "①", "١٢", "१२", "１", "Ⅷ", "1e9", "1.5", "NaN", "-inf"),
        *("9" * 19, "9" * 30, "9" * 5000, str(2**31), str(2**63 - 1), str(2**63), str(-(2**63) - 1), "0x10", "1_000"),
        *("+1", " 1 ", "1\n", "1,2", "[1]", "{}", "null", "None", "true", "on", "yes", "custom", "eu", "failed"),
        *("\x00", "a\x00b", "\ud800", "\ufeff", "\u202e", "e\u0301", "ß", "İ", "🏳️‍🌈", "\r\nX-Header: 1", "\x1b[31m"),
        *("'", '"', "' OR 1=1--", "%", "_", "%%", "\\", "[", "(", "*", "a" * 300, "ä" * 10_000, "<script>", "{{ 7 }}"),
        *("../../etc/passwd", "//evil.example", "https://evil.example/", "javascript:1", "Europe/Berlin", "../UTC"),
        *("2026-11-22", "2026-02-30", "0000-00-00", "9999-12-31T23:59", "2026-11-22T25:61", "0001-01-01T00:00+14:00"),
        *("9999-12-31T23:59:59.999999-12:00", "2026-11-22T12:00:00 0200", "2026-W01", "12:00", "2026-03-29T02:30"),
        *("name", "-name", "newest", "started_time", "success", "running", "firing", "cards", "chart", "csv", "json"),
        *("1.2", "1~2", "1763812800.000000-7", "2026-11-22T12:00:00+00:00,7", "eyJhIjoxfQ==", "MQ", "a@example.com"),
        *("x@example.com\nBcc: y@example.com", "<x@example.com>", "viewer", "admin", "enterprise", "Acme"),
        *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"%zz", b"\x80abc", b"\xf0\x9f"),
    )
)  # fmt: skip
CONTENT_TYPES = (
    *("application/x-www-form-urlencoded",) * 6,
    *(f"application/x-www-form-urlencoded; charset={name}" for name in (
        "utf-8", "US-ASCII", "latin-1", "utf-7", "utf-16", "rot13", "hex", "idna", "punycode", "unicode_escape", "none",
        "", "zlib", "mbcs", "undefined", "\x00", "utf-8\\", '"utf-8"', "'zlib'", " rot13 ", "a" * 300,
    )),
    *("multipart/form-data; boundary=edge",) * 4,
    *("multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\x80"),
    *("multipart/form-data; boundary=edge; charset=utf-16", "multipart/mixed; boundary=edge"),
    *("application/json", "text/plain", "text/xml", "", "/", "a" * 5000, "application/x-www-form-urlencoded;;;=\"'"),
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    *({},) * 6,
    {"HX-Request": "true"},
    {"HX-Request": "true", "HX-Target": "list", "HX-Current-URL": "http://testserver/\x80?x=%zz"},
    {"HX-Request": "true", "HX-Current-URL-URI-AutoEncoded": "true", "HX-Current-URL": "%ff"},
    {"X-Zoho-Signature": "sha256=\x80", "Webhook-Timestamp": "²"},
    {"X-Webhook-Signature": "0" * 64, "Webhook-Timestamp": "9" * 5_000, "Webhook-Id": "\x00"},
    {"Host": "evil.example"},
    {"Host": "a b"},
    {"Cookie": "monitor_session=%00; messages=\"[["},
    {"Cookie": "monitor_session=" + "x" * 9000},
    {"Accept": "*/*;q=x, \x80", "Accept-Language": "x" * 600, "Accept-Encoding": "\x00"},
    {"If-Modified-Since": "yesterday", "If-None-Match": "W/\"", "Range": "bytes=9-1"},
    {"Referer": "http://[::1", "Origin": "null"},
    {"X-Forwarded-For": "1.2.3.4, ::ffff:999, \x80", "X-Forwarded-Proto": "\x00", "X-Forwarded-Host": "["},
)  # fmt: skip
METHODS = (*("GET",) * 9, *("POST",) * 9, "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")


@dataclass(frozen=True)
class Asked:
    """One request, and how it can be told again."""

    name: str
    method: str
    path: str
    query: str
    content_type: str
    body: bytes
    headers: dict[str, str]

    def __str__(self) -> str:
        return (
            f"{self.method} {self.path[:200]}?{self.query[:300]} ({self.name}) {self.content_type[:80]!r} "
            f"{self.body[:300]!r} {self.headers}"
        )

    @property
    def is_read(self) -> bool:
        """Tells whether the server hands it on: Django would trip over some charsets before it is asked anything."""
        charsets = CALLBACK_CHARSETS if self.path.startswith(CALLBACKS) else CHARSETS
        return is_charset_known(self.content_type, charsets)

    def send(self, client: Any) -> Any:
        """Sends it past the server."""
        return client.generic(
            self.method,
            self.path,
            self.body,
            content_type=without_charset(self.content_type),
            QUERY_STRING=self.query,
            headers=self.headers,
        )


def patterns(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Walks over every address, allauth's too: its name and its route."""
    for item in (resolver or get_resolver()).url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from patterns(item, route)
        elif isinstance(item, URLPattern):
            yield item.name or route, route


@dataclass
class Names:
    """The names that views asked a query string or a form for, by the name of the address; forms as pages show them."""

    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    forms: dict[str, list[dict[str, bytes]]] = field(default_factory=lambda: defaultdict(list))
    now: str = ""

    def keep_forms(self, path: str, html: str) -> None:
        """Keeps what each form of a page would send, by the name of the address it goes to."""
        page = Page(html)
        for form in page.root.iter("form"):
            action = form.get("action", "").partition("?")[0] or path
            with suppress(Resolver404):
                filled = {name: value for name, value in map(_sent, form.iter()) if name}
                self.forms[resolve(action).url_name or ""].append(filled)

    def note(self, name: object) -> None:
        if isinstance(name, str) and name:
            self.asked[self.now].add(name)


@contextmanager
def noted(names: Names) -> Iterator[None]:
    """Notes each name that is asked for within the block."""
    patch = pytest.MonkeyPatch()
    for method in ("__getitem__", "__contains__", "get", "getlist"):
        original = getattr(QueryDict, method)

        def noting(self: QueryDict, key: Any, *args: Any, _original: Any = original, **more: Any) -> Any:
            names.note(key)
            return _original(self, key, *args, **more)

        patch.setattr(QueryDict, method, noting)
    try:
        yield
    finally:
        patch.undo()


def _sent(element: Element) -> tuple[str, bytes]:
    """What a form's element sends: its value, or something where it is empty."""
    value = element.get("value", "")
    if element.tag == "select":
        options = [option.get("value", "") for option in element.iter("option")]
        value = next((option for option in options if option), "")
    elif element.tag not in ("input", "textarea", "button"):
        return "", b""
    return element.get("name", ""), (value or "A reason, or a name").encode()


class Fuzzer:
    """Draws requests.

    Args:
        seed: the same one draws the same requests.
        places: the name of each address and its paths, of which at least one leads somewhere.
        names: what views were seen to read.
        good: values that are right for some parameter: ids of rows, names, keys.
    """

    def __init__(self, seed: int, places: dict[str, list[str]], names: Names, good: list[str]) -> None:
        self._random = random.Random(seed)
        self._places = places
        self._names = names
        self._good = [value.encode() for value in good]
        self._all = sorted({name for asked in names.asked.values() for name in asked})

    def draw(self) -> Asked:
        """Draws one request."""
        dice = self._random
        name = dice.choice(list(self._places))
        method = dice.choice(METHODS)
        path = dice.choice(self._places[name])
        if dice.random() < 0.05:
            path = path.rstrip("/") + dice.choice(("", "//", "/x", "/%00", "/..%2f", "/%ff", ";x=1", "/²/", "/9" * 99))
        query = self._encoded(self._pairs(name)) if method != "POST" or dice.random() < 0.3 else ""
        content_type, body = "application/octet-stream", b""
        if method in ("POST", "PUT", "PATCH"):
            content_type = dice.choice(CONTENT_TYPES)
            body = self._body(content_type, self._pairs(name))
        headers = dice.choice(HEADERS)
        return Asked(name, method, path, query, content_type, body, headers)

    def _pairs(self, name: str) -> list[tuple[str, bytes]]:
        dice = self._random
        known = sorted(self._names.asked[name])
        if self._names.forms.get(name) and dice.random() < 0.5:
            filled = dict(dice.choice(self._names.forms[name]))
            for parameter in dice.sample(sorted(filled), min(len(filled), dice.choice((0, 1, 1, 2)))):
                filled[parameter] = self._value()
            return list(filled.items())
        count = dice.choice((0, 1, 1, 1, 2, 2, 3, 5, len(known)))
        pairs = []
        for _ in range(count):
            parameter = dice.choice(known) if known and dice.random() < 0.9 else dice.choice([*self._all, "ü\x00", ""])
            pairs.append((parameter, self._value()))
            if dice.random() < 0.1:
                pairs.append((parameter, self._value()))
        if dice.random() < 0.003:
            pairs += [("x", b"")] * 1_200
        return pairs

    def _value(self) -> bytes:
        dice = self._random
        value = dice.choice(self._good) if dice.random() < 0.35 else dice.choice(VALUES)
        return value + dice.choice(VALUES)[:20] if dice.random() < 0.05 else value

    def _encoded(self, pairs: list[tuple[str, bytes]]) -> str:
        whole = "&".join(f"{quote(name)}={quote_from_bytes(value)}" for name, value in pairs)
        return whole + self._random.choice(("",) * 20 + ("&", "&&=", "%", "&%zz=1", "&a=%u1234", ";b=1"))

    def _body(self, content_type: str, pairs: list[tuple[str, bytes]]) -> bytes:
        if content_type.startswith("multipart/"):
            parts = b"".join(self._part(name, value) for name, value in pairs)
            return parts + self._random.choice((b"--edge--\r\n",) * 5 + (b"", b"--edge", b"\r\n"))
        if "json" in content_type:
            return self._random.choice((b"{}", b"[", b'{"a":' * 2_000, b"\xff", b"1e999", b'{"a":"\\ud800"}'))
        return urlencode(pairs).encode()

    def _part(self, name: str, value: bytes) -> bytes:
        file = self._random.choice(("",) * 4 + ('; filename="a.csv"', '; filename="../\x00"', "; filename*=rot13''x"))
        extra = self._random.choice(
            ("",) * 6 + ("Content-Transfer-Encoding: base64\r\n", "Content-Type: a/b;charset=x\r\n")
        )
        head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{extra}\r\n'
        return head.encode() + value + b"\r\n"
