"""Reads how long Zoho asks us to wait. Sources: RFC 9110, section 10.2.3; docs/reference/faults.md, F1 to F3."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from monitor.zoho.errors import DEFAULT_WAIT
from monitor.zoho.protocol import http_date

SHORTEST_WAIT = 1.0  # seconds
LONGEST_WAIT = 900.0  # seconds; then it is worth asking again, whatever was said
FARTHEST_RESET = 86_400.0  # seconds; a reset beyond a day ahead is not believed

_SECONDS = re.compile(r"[+-]?\d{1,12}(?:\.\d{1,6})?\Z", re.ASCII)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Returns the seconds by `Retry-After` (a number or an HTTP-date), within 1 s and 900 s; None without it.

    Garbage counts as 60 s, a date in the past as 1 s. `now` is the server's clock if known.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    value = value.strip()
    if _SECONDS.match(value):
        return _clamp(float(value))
    until = http_date(value)
    return DEFAULT_WAIT if until is None else _clamp((until - now).total_seconds())


def rate_limit_wait(headers: Mapping[str, str], now: datetime) -> float:
    """Returns the seconds to wait after a 429: `Retry-After`, else a sane `X-RateLimit-Reset`, else 60.

    CRM documents no `Retry-After` at all; the reset is seconds since 1970 (milliseconds are taken for what
    they are).
    """
    asked = retry_after(headers, now)
    if asked is not None:
        return asked
    value = headers.get("x-ratelimit-reset", "").strip()
    if not re.fullmatch(r"[0-9]{9,14}", value):
        return DEFAULT_WAIT
    epoch = float(value) / (1000.0 if len(value) > 11 else 1.0)
    ahead = epoch - now.timestamp()
    return _clamp(ahead) if 0 < ahead <= FARTHEST_RESET else DEFAULT_WAIT


def _clamp(seconds: float) -> float:
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)
