"""Finds who is mentioned in a person's words: "@olga, have a look". Pure."""

from __future__ import annotations

import re
import unicodedata

# What Django lets a username consist of. Before it stands no letter, as in "jane@example.com", and no slash, as in an
# address of a page.
_MENTION = re.compile(r"(?<![\w.@+/-])@([\w.@+-]+)")
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


def is_mentioned(username: str, text: str) -> bool:
    """Returns whether a person's words may mean the person of this name."""
    wanted = username.casefold()
    return any(wanted == name.casefold() for readings in mentions(text) for name in readings)
