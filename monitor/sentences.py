"""Says stored sentences of ours in the language that is spoken now. They are stored in English, values and all.

Who writes such a sentence marks its form, `gettext_noop("It has come to %(n)s failures.")`, in a table beside it; a
page asks with that table. What fits no form, such as a sentence of an older version, is said as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from monitor import languages
from monitor.figures import pointed
from monitor.languages import gettext

_NUMBER = re.compile(r"\d+(?:[,.]\d+)*")
_PLACE = re.compile(r"%\\\((\w+)\\\)s|%\((\w+)\)s")


def say(sentence: str, forms: Iterable[str]) -> str:
    """Says a stored sentence; numbers in it are written as the language writes them.

    Args:
        sentence: in English, as it is stored.
        forms: marked texts with named places, the narrower ones first.
    """
    if languages.current() == languages.SOURCE:
        return sentence
    for form in forms:
        found = _pattern(form).fullmatch(sentence)
        if found is not None:
            values = {
                name: pointed(text) if _NUMBER.fullmatch(text) else text for name, text in found.groupdict().items()
            }
            return gettext(form) % values if values else gettext(form)
    return sentence


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Makes of a form what finds its sentences."""
    return re.compile(_PLACE.sub(lambda place: f"(?P<{place[1] or place[2]}>.+?)", re.escape(form)), re.DOTALL)
