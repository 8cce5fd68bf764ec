"""Writes lines of what Zoho sent, with personal data hidden. What a list shows again and again is masked once.

The masking itself is `monitor.privacy`'s. Remembered is what people may see, under a digest: nothing of what is hidden.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from monitor.privacy import mask_beginning

LINE = 300
MASKED_FROM = 2000  # more is masked than shown, for what is masked is mostly shorter
REMEMBERED = 4096

_shown: dict[bytes, str] = {}


def masked(text: str, people: Sequence[str] = ()) -> str:
    """Writes a line of what Zoho sent with personal data hidden, cut to 300 characters.

    Args:
        text: as it is stored.
        people: names that stand in it, each of which is hidden.
    """
    if not text:
        return ""
    told = "\n".join((str(len(text)), text, *people))  # no other text and people are told alike
    digest = blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    shown = _shown.get(digest)
    if shown is None:
        shown = mask_beginning(text, MASKED_FROM, people)
        shown = shown if len(shown) <= LINE else f"{shown[:LINE]}…"
        if len(_shown) >= REMEMBERED:
            _shown.clear()
        _shown[digest] = shown
    return shown
