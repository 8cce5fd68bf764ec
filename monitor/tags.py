"""Brings the tags that people write for flows and workflow rules into one form. Pure.

A tag is one plain word: letters, digits and the signs ``-_.`` between them, small and in Unicode's composed form, so
that "Orders", "orders" and "#orders" are one.
"""

from __future__ import annotations

import re
import unicodedata

from monitor.languages import gettext as _

LONGEST_TAG = 40  # characters
MOST_TAGS = 20  # of one flow or workflow rule
_APART = re.compile(r"[\s,;]+")
_BETWEEN = "-_."
_ROUNDS = 4  # after which folding changes nothing any more


class BadTag(ValueError):  # noqa: N818 - it says what is wrong
    """Says in one line for the person why a word is no tag."""


def read_tags(text: str) -> list[str]:
    """Returns the tags of a text, each once, in order; words stand apart by spaces, commas or lines.

    Args:
        text: as a person wrote it.

    Raises:
        BadTag: one of the words is none, or there are too many.
    """
    found = sorted({tag_of(word) for word in _APART.split(text) if word})
    if len(found) > MOST_TAGS:
        raise BadTag(_("At most %(most)s tags.") % {"most": MOST_TAGS})
    return found


def tag_of(word: str) -> str:
    """Returns a word as a tag.

    Raises:
        BadTag: it has other signs than a tag, or none, or is too long.
    """
    tag = _folded(word.removeprefix("#"))
    if len(tag) > LONGEST_TAG:
        raise BadTag(
            _("“%(tag)s…” is too long for a tag: at most %(most)s characters.")
            % {"tag": tag[:LONGEST_TAG], "most": LONGEST_TAG}
        )
    if not tag or not all(_is_plain(sign) for sign in tag) or not any(sign.isalnum() for sign in tag):
        shown = "".join(sign if sign.isprintable() else "?" for sign in word[:LONGEST_TAG])
        raise BadTag(_("“%(tag)s” is no tag: letters, digits and the signs - _ . only.") % {"tag": shown})
    return tag


def _folded(word: str) -> str:
    for __ in range(_ROUNDS):
        before, word = word, unicodedata.normalize("NFKC", word.casefold())
        if word == before:
            break
    return word


def _is_plain(sign: str) -> bool:
    return sign in _BETWEEN or unicodedata.category(sign)[0] in "LMN"
