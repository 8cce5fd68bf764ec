"""Makes text and numbers fit for a line of a mail; what a mail may say is masked by `monitor.privacy`. Pure."""

from __future__ import annotations

import unicodedata

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


def limit(value: float) -> str:
    """Returns a threshold as a person typed it."""
    return f"{value:g} %"
