"""Says stored sentences of ours in the language that is spoken now. They are stored in English, values and all.

Who writes such a sentence marks its form, `gettext_noop("It has come to %(n)s failures.")`, in a table beside it; a
page asks with that table. What fits no form, such as a sentence of an older version, is said as it is stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from monitor import languages
from monitor.figures import dated, pointed
from monitor.languages import gettext

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d.*")
_PLACE = re.compile(r"%\\\((\w+)\\\)s|%\((\w+)\)s")


def say(sentence: str, forms: Iterable[str]) -> str:
    """Says a stored sentence; numbers and days in it are written as the language writes them, sentences in it said.

    Args:
        sentence: in English, as it is stored.
        forms: marked texts with named places, the narrower ones first.
    """
    if languages.current() == languages.SOURCE:
        return sentence
    known = tuple(forms)
    for form in known:
        found = _pattern(form).fullmatch(sentence)
        if found is not None:
            values = {name: _value(text, known) for name, text in found.groupdict().items()}
            return gettext(form) % values if values else gettext(form)
    return sentence


def inside(label: str) -> str:
    """Says the words of a state where they stand within a sentence: "settled: failed again".

    Args:
        label: of it, in English.
    """
    if languages.current() == languages.SOURCE:
        return label.lower()
    words = gettext(label)
    return words[:1].lower() + words[1:]


def _value(text: str, forms: tuple[str, ...]) -> str:
    """Says what stands in a sentence: a number, a day, or a sentence of its own."""
    if _NUMBER.fullmatch(text):
        return pointed(text)
    return dated(text) if _DAY.fullmatch(text) else say(text, forms)


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """Makes of a form what finds its sentences."""
    return re.compile(_PLACE.sub(lambda place: f"(?P<{place[1] or place[2]}>.+?)", re.escape(form)), re.DOTALL)
