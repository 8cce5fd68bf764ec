"""Names the class of remedy for a failure, and says what to do about it in plain words. Pure.

The classes are those that people of integration platforms sort errors by: they tell who has to act and where. The words
by which an error is known are those of `monitor.error_classes`; here "the data is wrong" is told apart further.
"""

from __future__ import annotations

import re

from monitor.error_classes import error_class
from monitor.languages import gettext_noop

UNKNOWN = gettext_noop("unknown")
# In this order on pages, from what a person mends in the data to what passes by itself.
REMEDIES: dict[str, str] = {
    gettext_noop("value"): gettext_noop(
        "Correct the value that was refused, in the record or in the flow's mapping. Then retry."
    ),
    gettext_noop("missing"): gettext_noop(
        "Add what is missing: the required value, or the record, tax or item that is referred to. Then retry."
    ),
    gettext_noop("duplicate"): gettext_noop(
        "Such a record exists already: keep that one, or let the flow look for it before it creates one."
    ),
    gettext_noop("too large"): gettext_noop(
        "Make it smaller: fewer rows, a shorter text or a smaller file. A retry of the same fails again."
    ),
    gettext_noop("parse"): gettext_noop(
        "The answer or the data has another form than expected: look at what was sent, then at the mapping."
    ),
    gettext_noop("connection"): gettext_noop(
        "Reconnect the app in Zoho Flow, or renew the password or certificate that was refused. Then retry."
    ),
    gettext_noop("permission"): gettext_noop(
        "Give the connection's user the right, the scope or the edition that the action needs, then retry."
    ),
    gettext_noop("definition"): gettext_noop(
        "Change the flow: the action, its function or its settings are wrong. Until then, a retry fails."
    ),
    gettext_noop("rate limit"): gettext_noop(
        "Wait until the limit renews, then retry slowly. If it returns, spread the runs over the day."
    ),
    gettext_noop("intermittent"): gettext_noop(
        "The app was busy or away. Zoho tries again by itself; retry what is left once it answers."
    ),
    UNKNOWN: gettext_noop(
        "Nothing in the error says what to do: read a sample, and look at what differs from runs that went well."
    ),
}
_BY_CLASS = {
    "connection": "connection",
    "permission": "permission",
    "duplicate": "duplicate",
    "not_found": "missing",
    "function": "definition",
    "quota": "rate limit",
    "rate": "rate limit",
    "conflict": "intermittent",
    "timeout": "intermittent",
    "server": "intermittent",
    "data": "value",
    "other": UNKNOWN,
}
# Looked for in this order; each is narrower than the words that decide a class.
_WORDS = {
    "rate limit": (
        *("rate.?limit", "too many requests", "throttl", "quota", r"429\b", "slow ?down", "daily limit", "retry after"),
        *(
            "(?:limit|credits?) (?:is |was |has been |are )?(?:exceeded|reached|used)",
            "limit of .{0,60}(?:exceeded|reached)",
        ),
        "(?:requests?|calls) (?:limit|per (?:minute|second|hour|day))",
    ),
    "too large": (
        *("too (?:large|long|big|many (?:characters|rows|columns|fields|items|records))", "(?:larger|longer) than"),
        *("exceed(?:s|ed)? .{0,40}(?:grid|size|length)", "payload too", r"413\b", "uri too"),
        *(r"(?:size|length|file|body|text|value)\b.{0,30} exceed", "maximum (?:length|size)"),
    ),
    "definition": (
        *("undefined", "null ?pointer", "object reference not set", "cannot read propert", "null value in expression"),
        r"(?:function|script|statement)s?\b.{0,40} exceed",
    ),
    "connection": (
        *("invalid auth", "log(?:in|on) denied", "invalid user ?name", "username/password", "access denied for user"),
        *(
            "certificate",
            "ssl error",
            "tls handshake",
            "not authenticated",
            "log ?in (?:incorrect|failed)",
            "token .{0,20}(?:revoked|expired|no longer)",
        ),
    ),
    "value": (
        *(r"(?:value|picklist|option)\b.{0,40} not allowed", r"55[03] 5\.1\.", "recipient rejected", "user unknown"),
        "unsubscribed",
    ),
    "permission": (
        "upgrade your",
        "plan (?:has |is )?expired",
        "access ?denied",
        "not available in (?:this|your) (?:edition|plan)",
    ),
}
# Looked for where neither those nor a firm class is found: their words mean something else beside "token" or "scope".
_WIDE_WORDS = {
    "parse": (
        *("pars(?:e|ing)", "unexpected (?:token|end|character)", "malformed", "codec can't", "unterminated", "syntax"),
        *("(?:in)?valid (?:json|xml|csv|base64)", "not (?:valid )?(?:json|xml)", r"(?:de|en)cod(?:e|ed|ing)\b"),
        "(?:de)?seriali[sz]",
    ),
    "duplicate": (
        *("duplicate", "already exist", "already been", "unique (?:constraint|key|index|violation)", "must be unique"),
    ),
    "missing": (
        *("mandatory", "required", "missing", "empty", "blank", "cannot be null", "not found", "no such", "has no"),
        *(
            "was deleted",
            "do(?:es)? not exist",
            "do(?:es)?n't exist",
            "(?:could|can)(?: ?not) be found",
            r"404\b",
            r"410\b",
        ),
        "unknown (?:channel|user|customer|item|record)",
    ),
    "intermittent": (
        *(r"50[0234]\b", r"4[25][0-2] 4\.", "mailbox full", "econnrefused", "econnreset", "etimedout", "enotfound"),
        *("getaddrinfo", "(?:cannot|could not|can't) (?:be )?resolve", "no route to host", "network is", "broken pipe"),
        *("deadlock", "lock wait", "connection.{0,40} refused", "try again"),
    ),
    "value": (
        *("must (?:be|have|not|match)", "not (?:a )?(?:valid|boolean|number|date|integer)", "expected", "out of range"),
        *("does not match", "invalid", "not part of", "negative"),
    ),
}


def _patterns(words: dict[str, tuple[str, ...]]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((remedy, re.compile(rf"(?i)(?<![a-z\d])(?:{'|'.join(these)})")) for remedy, these in words.items())


_NARROW, _WIDE = _patterns(_WORDS), _patterns(_WIDE_WORDS)
_FIRM = ("connection", "permission", "function")
_BY_CODE = {
    "MANDATORY_NOT_FOUND": "missing",
    "REQUIRED_PARAM_MISSING": "missing",
    "EXPECTED_FIELD_MISSING": "missing",
    "DEPENDENT_FIELD_MISSING": "missing",
    "PATTERN_NOT_MATCHED": "value",
    "INVALID_MODULE": "definition",
    "INVALID_REQUEST_METHOD": "definition",
    "INVALID_URL_PATTERN": "definition",
    "LIMIT_EXCEEDED": "rate limit",
}


def remedy_of(code: str, message: str, details: str) -> str:
    """Names the class of remedy, one of `REMEDIES`.

    Args:
        code: Zoho's, or what the app gave as one; "" where there is none.
        message: the template of what people were told: values tell nothing of a remedy.
        details: the template of more of it, often the app's own answer.
    """
    known = _BY_CODE.get(code.strip().upper())
    if known is not None:
        return known
    # The details first: they quote the app's answer, the message only says which action did not work. Codes in either
    # are read as words, such as "invalid grant".
    texts = [text.replace("_", " ") for text in (details, message) if text]
    narrow = _first(texts, _NARROW)
    if narrow is not None:
        return narrow
    kind = error_class(code, message.replace("_", " "), details.replace("_", " "))
    if kind in _FIRM:
        return _BY_CLASS[kind]
    return _first(texts, _WIDE) or _BY_CLASS[kind]


def _first(texts: list[str], patterns: tuple[tuple[str, re.Pattern[str]], ...]) -> str | None:
    return next((remedy for text in texts for remedy, pattern in patterns if pattern.search(text)), None)
