"""Text that Zoho or a mail server sent, made fit for a mail. Pure."""

from __future__ import annotations

import re
import unicodedata
from math import floor

_JOINERS = "\u200c\u200d"  # letters of some scripts and emoji need them
_MASKS = (
    (re.compile(r"(?i)[\w.+%'=-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)*"), "[e-mail]"),
    (re.compile(r"(?i)\b(?:bearer|basic|zoho-oauthtoken)\s+\S+"), "[token]"),
    (re.compile(r"(?i)(token|secret|password|passwd|pwd|api_?key)(\s{0,3}[=:]\s{0,3})\S+"), r"\1\2[hidden]"),
    (re.compile(r"(?i)\b(https?://[^\s/?#]+)[^\s]*"), r"\1/…"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "[IP address]"),
)
_LONG_RUN = re.compile(r"[\w~+-]{20,}")
_NUMBER = re.compile(r"\+?\d(?:[\s().\-–/]{0,2}\d){6,}")


def clean(text: str) -> str:
    """One line without control characters, line separators, direction marks or lone surrogates.

    Flow names and error texts come from outside; in a header a line break would begin another header, and a
    direction mark would turn around what a reader takes the line to say.
    """
    kept = []
    for sign in text:
        category = unicodedata.category(sign)
        if category in ("Cc", "Zl", "Zp", "Zs"):
            kept.append(" ")
        elif sign in _JOINERS or category not in ("Cf", "Cs"):
            kept.append(sign)
    return " ".join("".join(kept).split())


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the last an ellipsis where some are left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def mask(text: str, *, numbers: bool = True) -> str:
    """Text without e-mail addresses, IP addresses, paths of URLs, tokens and long numbers (telephones, ids).

    In doubt it hides: the page behind the mail's link shows more to whoever may see it.

    Args:
        text: one line.
        numbers: whether numbers of seven digits and more go too; a name like "Invoices 2025-2026" keeps them.
    """
    for pattern, mark in _MASKS:
        text = pattern.sub(mark, text)
    text = _LONG_RUN.sub(_long_run, text)
    return _NUMBER.sub("[number]", text) if numbers else text


def _long_run(match: re.Match[str]) -> str:
    """Letters and digits mixed are a token or a key; words alone, however long, stay."""
    run = match[0]
    is_mixed = any(sign.isdigit() for sign in run) and any(sign.isalpha() for sign in run)
    return "[token]" if is_mixed else run


def per_cent(value: float | None) -> str:
    """A rate with one digit, rounded down: "100 %" must mean that nothing failed."""
    if value is None:
        return "–"
    if value >= 100:
        return "100 %"
    return f"{floor(value * 10 + 1e-6) / 10:.1f} %"


def limit(value: float) -> str:
    """A threshold as a person typed it."""
    return f"{value:g} %"


def span(seconds: float) -> str:
    """A length of time in at most two units: "3 d 4 h", "12 min"."""
    minutes = max(int(seconds // 60), 0)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) or "less than a minute"
