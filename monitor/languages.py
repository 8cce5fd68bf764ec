"""Says in which language people are spoken to now, and puts our texts into it. Django's gettext has the catalogue.

In the source language a text is itself and nothing is looked up: a page has hundreds of them. What is no request of a
person (the worker, the command line, a file that is sent piece by piece) speaks the source language.
How a text is marked: `docs/translating.md`. Decision: `docs/decisions/0014-languages.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation.trans_real import parse_accept_lang_header

SOURCE = "en"
# Each by its own name: whoever looks for it may read no other.
LANGUAGES = ((SOURCE, "English"), ("de", "Deutsch (in Arbeit)"))
# Those in which every page is there. Who has signed in reads another one by choice alone: a page of two languages helps
# nobody who did not ask for it.
COMPLETE = frozenset({SOURCE})
_HTML = {SOURCE: "en-GB"}
_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)


def current() -> str:
    """Returns the code of the language that is spoken now."""
    return _spoken.get()


def is_german() -> bool:
    """Returns whether German is spoken now: numbers and dates are written in its form."""
    return _spoken.get() == "de"


def of_page() -> str:
    """Returns what the page's `lang` says."""
    return _HTML.get(current(), current())


def of_browser(header: str) -> str:
    """Chooses among our languages the one that a browser likes best; the source language where it names none of them.

    Args:
        header: `Accept-Language` as it came.
    """
    codes = {code for code, _ in LANGUAGES}
    liked = (code.split("-")[0] for code, _ in parse_accept_lang_header(header[:200].lower()))
    return next((code for code in liked if code in codes), SOURCE)


def of_person(chosen: str) -> str:
    """Returns the language of who has signed in: the chosen one, else that of the browser where every page has it.

    Args:
        chosen: what the profile says; "" or a language that is gone count as none.
    """
    if any(chosen == code for code, _ in LANGUAGES):
        return chosen
    return current() if current() in COMPLETE else SOURCE


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speaks a language as long as it lasts: our texts, Django's own, numbers and dates.

    Args:
        code: one of `LANGUAGES`.
    """
    before = _spoken.set(code)
    try:
        with translation.override(code):
            yield
    finally:
        _spoken.reset(before)


def gettext(text: str) -> str:
    """Puts a text into the language that is spoken now."""
    return text if _spoken.get() == SOURCE else translation.gettext(text)


def pgettext(context: str, text: str) -> str:
    """Puts a text into the language that is spoken now, where the same English words mean several things.

    Args:
        context: says which of them is meant, to translators.
        text: in English.
    """
    return text if _spoken.get() == SOURCE else translation.pgettext(context, text)


def ngettext(one: str, many: str, count: float) -> str:
    """Puts the text for so many into the language that is spoken now.

    Args:
        one: for exactly one.
        many: for any other number.
        count: how many.
    """
    if _spoken.get() == SOURCE:
        return one if count == 1 else many
    return translation.ngettext(one, many, count)


def gettext_noop(text: str) -> str:
    """Marks the text of a table; `gettext` says it where it is shown."""
    return text


def ngettext_noop(one: str, many: str) -> tuple[str, str]:
    """Marks the text of a table for one and for any other number; `ngettext` says it where it is shown."""
    return one, many


gettext_lazy = lazy(gettext, str)
pgettext_lazy = lazy(pgettext, str)
