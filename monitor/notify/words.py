"""Makes text and numbers fit for a line of a mail; what a mail may say is masked by `monitor.privacy`. Pure."""

from __future__ import annotations

import unicodedata
from math import floor

_JOINERS = "\u200c\u200d"  # letters of some scripts and emoji need them


def clean(text: str) -> str:
    """Returns one line without control characters, line separators, direction marks or lone surrogates.

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
    """Returns at most `length` characters, the last an ellipsis where some are left out."""
    return text if len(text) <= length else text[: max(length - 1, 0)].rstrip() + "…"


def per_cent(value: float | None) -> str:
    """Returns a rate with one digit, rounded down: "100 %" must mean that nothing failed."""
    if value is None:
        return "–"
    if value >= 100:
        return "100 %"
    return f"{floor(value * 10 + 1e-6) / 10:.1f} %"


def limit(value: float) -> str:
    """Returns a threshold as a person typed it."""
    return f"{value:g} %"


def span(seconds: float) -> str:
    """Returns a length of time in at most two units: "3 d 4 h", "12 min"."""
    minutes = max(int(seconds // 60), 0)
    days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) or "less than a minute"
