"""Checks whether a callback was signed with one of our secrets. Pure; anything odd is refused, never an error.

Two ways of signing are known:

- `x-zoho-signature` or `x-webhook-signature` (docs/reference/zoho-flow.md, "Webhook signatures"): HMAC-SHA256 of the
  body as hex or base64, with or without `sha256=`. The published samples sign the parsed body again; we sign the raw
  bytes, because another writer of JSON gives other bytes. A time in `x-zoho-timestamp` or `x-webhook-timestamp`
  counts only where it is signed: HMAC of `<time>.<body>`.
- `webhook-id`, `webhook-timestamp`, `webhook-signature` (Standard Webhooks): HMAC-SHA256 of `<id>.<time>.<body>` as
  `v1,<base64>`, several apart by spaces; a secret that begins with `whsec_` is base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.standard_webhooks import HEADERS, SIGNATURE, VERSION, digest

SIMPLE_HEADERS = ("x-zoho-signature", "x-webhook-signature")
TIME_HEADERS = ("x-zoho-timestamp", "x-webhook-timestamp")
TOLERANCE = 300  # seconds
MOST_SIGNATURES = 10
_SIZE = hashlib.sha256().digest_size
_HEX = re.compile(r"[0-9A-Fa-f]{64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")
_TIME = re.compile(r"[0-9]{1,13}")
_EVENT_ID = re.compile(r"[\x21-\x7e]{1,256}")


@dataclass(frozen=True)
class Signed:
    """Holds what the signature says. `event_id` is only given where it was signed."""

    ok: bool
    event_id: str = ""


REFUSED = Signed(ok=False)


def names(headers: Mapping[str, str]) -> bool:
    """Returns whether there is a signature to look at: without one the body need not even be read."""
    return any(headers.get(name) for name in (*SIMPLE_HEADERS, SIGNATURE))


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Signed:
    """Checks every signature that is there: each has to be right.

    Args:
        headers: of the request, names in lower case; a header that came twice is joined by a comma (RFC 3875).
        body: the raw bytes.
        secrets: all that are valid; during a rotation more than one.
        now: the present.
    """
    found = [headers[name] for name in SIMPLE_HEADERS if name in headers]
    if not secrets or not names(headers):
        return REFUSED
    if any(not _simple(value, headers, body, secrets, now) for value in found):
        return REFUSED
    if SIGNATURE in headers:
        return _standard(headers, body, secrets, now)
    return Signed(ok=True)


def sign(secret: str, body: bytes) -> str:
    """Signs a body with the hex signature that `x-webhook-signature` carries."""
    return _hmac(secret.encode(), body).hex()


def _simple(value: str, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> bool:
    given = _digest(value)
    if given is None:
        return False
    keys = [secret.encode() for secret in secrets]
    if _any_fits([given], [_hmac(key, body) for key in keys]):
        return True
    times = [headers[name] for name in TIME_HEADERS if name in headers]
    if len(times) != 1 or not _is_recent(times[0], now):
        return False
    message = times[0].encode() + b"." + body
    return _any_fits([given], [_hmac(key, message) for key in keys])


def _standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> Signed:
    event_id, time, signatures = (headers.get(name, "") for name in HEADERS)
    if not _EVENT_ID.fullmatch(event_id) or not _is_recent(time, now):
        return REFUSED
    parts = signatures.split(" ")
    if len(parts) > MOST_SIGNATURES:
        return REFUSED
    given = [_digest(part.removeprefix(VERSION)) for part in parts if part.startswith(VERSION)]
    right = [digest(secret, event_id, time, body) for secret in secrets]
    fits = _any_fits([one for one in given if one is not None], right)
    return Signed(ok=True, event_id=event_id) if fits else REFUSED


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _any_fits(given: Sequence[bytes], right: Sequence[bytes]) -> bool:
    # Every pair is compared, so that the time does not tell which secret or signature it was.
    fits = [hmac.compare_digest(one, other) for one in given for other in right]
    return any(fits)


def _digest(text: str) -> bytes | None:
    """Returns the 32 bytes that hex or base64 stand for, or None."""
    text = text.strip()
    if text[:7].lower() == "sha256=":
        text = text[7:]
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if not _BASE64.fullmatch(text):
        return None
    plain = text.rstrip("=").replace("-", "+").replace("_", "/") + "="
    try:
        found = base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError):
        return None
    # One spelling for each signature: the last character has bits that stand for nothing.
    return found if len(found) == _SIZE and base64.b64encode(found).decode() == plain else None


def _is_recent(text: str, now: datetime) -> bool:
    """Returns whether a time in seconds (or milliseconds) since 1970 is at most `TOLERANCE` away."""
    if not _TIME.fullmatch(text):
        return False
    at = int(text)
    seconds = at / 1000 if len(text) == 13 else at
    return abs(now.timestamp() - seconds) <= TOLERANCE
