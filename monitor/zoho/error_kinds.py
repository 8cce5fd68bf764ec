"""Judges by its error whether Zoho may run a failed execution again by itself. Pure.

Zoho re-runs internal errors and app errors 408, 409, 429, 500, 503 and 504 up to 24 h long. The error is free text, so
this is a reading of signs, and it leans to one side: any sign of a passing fault beats every sign of a lasting one,
because a needless question to a person costs less than work that runs twice. Sources: docs/reference/zoho-flow.md,
"Re-runs by Zoho"; docs/reference/retries.md, "The re-run clock".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class ErrorKind(StrEnum):
    """Names what a failure looks like."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ErrorFinding:
    """Holds a kind and the sign it was known by, in few words and none of Zoho's text ("" for none)."""

    kind: ErrorKind
    sign: str


_TRANSIENT_STATUS = frozenset({408, 409, 423, 425, 429})  # and every 5xx

# Signs are compared with lower-case text in which "_" is a blank.
_TRANSIENT_SIGNS = (
    "timeout", "timed out", "time-out", "time out", "in time", "deadline", "internal error",
    "internal server error", "server error", "rate limit", "too many requests", "limit exceeded", "throttl",
    "connection refused", "connection reset", "connection closed", "connection aborted", "econnrefused",
    "econnreset", "etimedout", "broken pipe", "socket hang up", "unreachable", "network error", "temporar",
    "try again", "unavailable", "not available", "bad gateway", "overload", "busy", "locked", "deadlock",
    "invalid response", "unexpected response",
)  # fmt: skip
_PERMANENT_SIGNS = (
    "invalid", "malformed", "mandatory", "missing required", "required field", "is missing", "not found",
    "does not exist", "expired", "revoked", "unauthor", "forbidden", "permission", "access denied",
    "not allowed", "duplicate", "already exists", "bad request", "unprocessable",
)  # fmt: skip

_NAMED_STATUS = re.compile(
    r"(?:\bhttp(?:s|/\d(?:\.\d)?)?(?:\s+(?:status|error|response))?(?:\s+code)?"
    r"|\bstatus(?:\s*code)?|\b(?:error|response)\s*code)"
    r"\s*[:=#]?\s*\(?([1-5][0-9]{2})\b"
)
_BARE_STATUS = re.compile(r"\W*([1-5][0-9]{2})\W*")


# Failures come in crowds that say the same, and each is asked about several times. Few are kept: texts may be long.
@lru_cache(maxsize=512)
def classify(*texts: str) -> ErrorFinding:
    """Returns the kind of a failure.

    Args:
        texts: error code, message and details as Zoho sent them, in any order; empty ones are fine.
    """
    plain = _plain(texts)
    statuses = named_statuses(*texts)
    passing = sorted(status for status in statuses if status in _TRANSIENT_STATUS or status >= 500)
    if passing:
        return ErrorFinding(ErrorKind.TRANSIENT, f"HTTP {passing[0]}")
    if sign := _first(_TRANSIENT_SIGNS, plain):
        return ErrorFinding(ErrorKind.TRANSIENT, f"“{sign.strip()}”")
    lasting = sorted(status for status in statuses if 400 <= status < 500)
    if lasting:
        return ErrorFinding(ErrorKind.PERMANENT, f"HTTP {lasting[0]}")
    if sign := _first(_PERMANENT_SIGNS, plain):
        return ErrorFinding(ErrorKind.PERMANENT, f"“{sign.strip()}”")
    return ErrorFinding(ErrorKind.UNKNOWN, "")


def named_statuses(*texts: str) -> frozenset[int]:
    """Returns the HTTP statuses that the texts name as such, 100 to 599.

    Args:
        texts: as for `classify`.
    """
    return frozenset(status for text in _plain(texts) for status in _statuses(text))


def speaks_of(signs: tuple[str, ...], *texts: str) -> bool:
    """Returns whether any of the texts has one of the signs, which are in lower case with blanks for "_"."""
    return bool(_first(signs, _plain(texts)))


def _plain(texts: tuple[str, ...]) -> list[str]:
    return [text.casefold().replace("_", " ") for text in texts if text]


def _statuses(text: str) -> list[int]:
    """Returns HTTP statuses that are named as such; a number that merely occurs in a text is none."""
    found = [int(status) for status in _NAMED_STATUS.findall(text)]
    bare = _BARE_STATUS.fullmatch(text)
    return [*found, int(bare[1])] if bare else found


def _first(signs: tuple[str, ...], texts: list[str]) -> str:
    return next((sign for sign in signs if any(sign in text for text in texts)), "")
