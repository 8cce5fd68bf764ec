"""Names the signs that stand in a half-read text: a parameter's place, and the digits of a number that stays. Pure."""

from __future__ import annotations

import re

PLACE = "\ue000"  # where a parameter stood
SHOWN = "<*>"  # what people see in its place
_DIGITS = "0123456789"
KEPT_DIGITS = "".join(chr(0xE010 + number) for number in range(10))
_TO_KEPT, _TO_DIGITS = str.maketrans(_DIGITS, KEPT_DIGITS), str.maketrans(KEPT_DIGITS, _DIGITS)
# No text from outside may hold these signs; what shows nothing on a page must not part two causes either.
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\ue019]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


def keep(text: str) -> str:
    """Writes digits so that no rule takes them for a parameter's."""
    return text.translate(_TO_KEPT)


def readable(text: str) -> str:
    """Writes a text with its signs as people are to see it."""
    return text.translate(_TO_DIGITS).replace(PLACE, SHOWN)


def without_signs(text: str) -> str:
    """Takes away what could be mistaken for a sign, and what cannot be seen."""
    return _CONTROL.sub(" ", _UNSEEN.sub("", text))
