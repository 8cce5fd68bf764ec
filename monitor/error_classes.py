"""Sorts errors of failed runs into a small, fixed set of classes, so that a bucket stays small. Pure.

Sources: the codes of Flow and of CRM (docs/reference/zoho-flow.md, "Errors"; docs/reference/zoho-crm.md, "Errors of
CRM"); the HTTP status that an app answered the failed action with, as messages and details quote it; and the words that
apps use. `ACTION_FAILED`, the one code that is known of a run, says nothing by itself. What a person does about an
error decides the class: reconnect, wait, fix the data, fix the flow, call the vendor.
"""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.languages import gettext_noop

OTHER = "other"
# In this order on pages, from what needs a person most to what passes by itself.
CLASSES: dict[str, str] = {
    "connection": gettext_noop("Connection or sign-in"),
    "permission": gettext_noop("Not permitted"),
    "data": gettext_noop("Data or mapping"),
    "duplicate": gettext_noop("Duplicate"),
    "not_found": gettext_noop("Not found"),
    "function": gettext_noop("Custom function"),
    "quota": gettext_noop("Quota used up"),
    "rate": gettext_noop("Too many requests"),
    "conflict": gettext_noop("Record busy"),
    "timeout": gettext_noop("No answer in time"),
    "server": gettext_noop("App not available"),
    OTHER: gettext_noop("Other"),
}
READ = 300  # characters of each text that are looked at

_CODES = {
    "connection": ("INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE", "CONNECTION_FAILED"),
    "permission": ("OAUTH_SCOPE_MISMATCH", "NO_PERMISSION", "FEATURE_NOT_SUPPORTED", "FEATURE_NOT_ENABLED"),
    "data": (
        *("INVALID_DATA", "INVALID_REQUEST", "MANDATORY_NOT_FOUND", "REQUIRED_PARAM_MISSING", "PATTERN_NOT_MATCHED"),
        *("EXPECTED_FIELD_MISSING", "DEPENDENT_FIELD_MISSING", "DEPENDENT_MISMATCH", "INVALID_MODULE"),
    ),
    "duplicate": ("DUPLICATE_DATA", "ALREADY_USED"),
    "function": ("CUSTOM_FUNCTION_FAILED",),
    "quota": ("LIMIT_EXCEEDED", "LOOKUP_LIMIT_EXCEEDED"),
    "rate": ("RATE_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"),
    "timeout": ("ACTION_TIMEOUT", "TIMEOUT"),
    "server": ("INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "EXECUTION_FAILED"),
}
_BY_CODE = {code: name for name, codes in _CODES.items() for code in codes}
_BY_STATUS = {
    401: "connection",
    402: "quota",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    410: "not_found",
    423: "conflict",
    429: "rate",
    504: "timeout",
}
_STATUS = re.compile(
    r"\b(?:http(?:/[\d.]+)?|status(?:\s*code)?|answered|returned|error)\W{0,3}([45]\d\d)\b|^([45]\d\d)$"
)
# What begins a word of the text; the first class that fits decides: narrow words before wide ones.
_WORDS = {
    "rate": ("rate.?limit", "too many requests", "throttl"),
    "quota": ("quota", "limit (?:is |was )?(?:exceeded|reached)", "insufficient (?:credit|storage)", "storage full"),
    "timeout": ("time.?out", "timed out", "did not answer", "no response", "deadline"),
    "connection": (
        "reconnect",
        "revoked",
        r"(?:token|connection|session)\b.{0,40}\bexpired",
        "unauthori[sz]ed",
        "authenticat",
        "invalid (?:credential|token|grant|api key|password)",
        "sign.?in",
    ),
    "permission": ("permission", "forbidden", "not (?:allowed|permitted)", "access denied", "scope"),
    "duplicate": ("duplicate", "already exist", "unique"),
    "conflict": ("locked", "conflict", "is busy", "being (?:edited|used)"),
    "function": ("custom function", "script", r"\w+error:", r"line \d+\)"),
    "data": (
        *("invalid", "mandatory", "required", "missing", "mapping", "not a valid", "must (?:be|have|not)", "format"),
        *("too long", "type mismatch", "parse"),
    ),
    "not_found": ("not found", "does not exist", "no such", "could not (?:be found|find)", "deleted"),
    "server": (
        *("unavailable", "not available", "bad gateway", "internal (?:server )?error", "server error"),
        *("connection (?:refused|reset)", "could not connect", "down for"),
    ),
}
_PATTERNS = tuple((name, re.compile(rf"\b(?:{'|'.join(words)})")) for name, words in _WORDS.items())


@lru_cache(maxsize=1024)  # the same few errors come again and again
def error_class(code: str, message: str, details: str) -> str:
    """Returns the class of an error, one of `CLASSES`.

    Args:
        code: Zoho's, or what the app gave as one; "" where there is none.
        message: for people.
        details: more of it, often the app's own answer.
    """
    code = code.strip().upper()
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code.endswith("_NOT_FOUND"):
        return "not_found"
    # The details first: they quote the app's answer, the message only says which action did not work.
    texts = [text[:READ].lower() for text in (details, message, code.replace("_", " ")) if text]
    quoted = (int(status) for text in texts for match in _STATUS.findall(text) for status in match if status)
    by_status = next(filter(None, map(_by_status, quoted)), "")
    by_words = (name for text in texts for name, pattern in _PATTERNS if pattern.search(text))
    return by_status or next(by_words, OTHER)


def _by_status(status: int) -> str:
    """Returns the class of an HTTP status; "" for 400 and 422, where the words say more, and for what is no error."""
    if status >= 500 and status not in _BY_STATUS:
        return "server"
    return _BY_STATUS.get(status, "")
