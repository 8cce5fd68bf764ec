"""Writes log lines: in UTC, control characters escaped, secrets of Zoho's known forms removed."""

from __future__ import annotations

import logging
import re
import time

# Zoho's tokens look like 1000.<hex>.<hex>; webhook addresses carry a zapikey (docs/reference/zoho-flow.md), ours for
# callbacks a key.
_SECRETS = re.compile(
    r"1000\.[0-9A-Za-z]{8,}(?:\.[0-9A-Za-z]{8,})?"
    r"|(?<=/hooks/flow/)[^/\s?\"']+|whsec_[0-9A-Za-z+/=_-]+"
    r"|(?<=zapikey=)[^&\s]+"
    r"|(?<=Zoho-oauthtoken )\S+"
    r"|(?<=client_secret=)[^&\s]+|(?<=refresh_token=)[^&\s]+|(?<=access_token=)[^&\s]+",
    re.IGNORECASE,
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


def redact(text: str) -> str:
    """Removes anything that looks like a Zoho secret."""
    return _SECRETS.sub("[removed]", text)


class LineFormatter(logging.Formatter):
    """Writes `2026-11-22T01:02:03Z LEVEL logger message`, safe to grep and safe to keep."""

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        lines = redact(super().format(record)).split("\n")
        return "\n  ".join(_CONTROLS.sub("?", line) for line in lines)
