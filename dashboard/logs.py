"""Formats log lines: short single lines in UTC, control characters escaped, secrets and personal data hidden."""

from __future__ import annotations

import copy
import logging
import re
import time

from monitor import origin
from monitor.privacy import mask_log
from monitor.privacy_length import MORE, cut

LONGEST = 1000  # characters of a line
MOST_MASKED = 4 * LONGEST  # of a line: what is masked is mostly shorter, and anybody can bring about lines of 64 kB
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


class LineFormatter(logging.Formatter):
    """Writes `2026-11-22T01:02:03Z LEVEL logger [request id] message`, safe to grep and safe to keep.

    The id, which is the answer's `X-Request-ID`, stands only in what a request brings about.
    """

    converter = time.gmtime

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(asked)s%(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        if record.name.startswith("django.security.") or (
            record.name == "django.request" and record.levelno < logging.ERROR
        ):
            # Anybody can cause these, as often as they like: a line says it all, where a traceback would fill the disk.
            record = copy.copy(record)
            record.exc_info = record.exc_text = None
        request_id = origin.present().request_id
        record.asked = f"[{request_id}] " if request_id else ""
        text = super().format(record)
        # Time, level and logger are ours; what follows may quote anything, a traceback too.
        bare = copy.copy(record)
        bare.message = ""
        ours = len(self.formatMessage(bare))
        quoted = "\n".join(cut(line, MOST_MASKED) for line in text[ours:].split("\n"))
        lines = (text[:ours] + mask_log(quoted)).split("\n")
        return "\n  ".join(_CONTROLS.sub("?", _cut(line)) for line in lines)


def _cut(line: str) -> str:
    """Ends a line that quotes more than is read: a header or an address may have 64 kB."""
    if len(line) <= LONGEST:
        return line
    return f"{line[:LONGEST]}… ({'more than ' if line.endswith(MORE) else ''}{len(line)} characters)"
