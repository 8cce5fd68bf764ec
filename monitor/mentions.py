"""Finds who is mentioned in a person's words: "@olga, have a look". Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

# What Django lets a username consist of. Before it stands no letter, as in "jane@example.com", and no slash, as in an
# address of a page.
_BEFORE = r"(?<![\w.@+/-])"
_MENTION = re.compile(_BEFORE + r"@([\w.@+-]+)")
_CLOSING = ".+-@"


def mentions(text: str) -> list[tuple[str, ...]]:
    """Returns what may be meant by each mention, in their order, each once.

    A name may end in a full stop, and so may a sentence: of such a mention both are given, the longer one first.

    Args:
        text: a person's words.
    """
    # As usernames are written: an "é" of two signs is one.
    found = (match[1] for match in _MENTION.finditer(unicodedata.normalize("NFKC", text)))
    read = (tuple(dict.fromkeys((name, name.rstrip(_CLOSING)))) for name in found if name.strip(_CLOSING))
    return list(dict.fromkeys(read))


def split_mentions(text: str, known: Collection[str]) -> list[str]:
    """Cuts a text at the mentions of some people: every second part is one, the first and the last never are.

    Args:
        text: a person's words.
        known: usernames. One that has the form of an address is no cut.
    """
    names = sorted((re.escape(name) for name in known if "@" not in name), key=len, reverse=True)
    if not names:
        return [text]
    return re.split(rf"{_BEFORE}(@(?:{'|'.join(names)}))(?![\w@])", text, flags=re.IGNORECASE)
