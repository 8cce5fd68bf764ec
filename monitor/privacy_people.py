"""Finds the names in a run's own data, so that they can be hidden in what is said of that run. Pure.

"Contact Quilla Zorn not found" has no sign of a name but that the run was about Quilla Zorn. `monitor.privacy` hides;
here is said what: what stands under a private key, with its single words, and what looks like a full name elsewhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from monitor import privacy_rules as rules
from monitor.privacy_length import DEEPEST, shorten
from monitor.privacy_rules import is_private_key
from monitor.privacy_secrets import json_inside

LONGEST_READ = 100_000  # characters of a run's data
MOST_NAMES = 2_000
MOST_SAID = 100  # names of one run that are looked for in a text
LONGEST_NAME = 100  # characters; what is longer is no name
FEWEST_LETTERS = 3
_WORD = re.compile(r"[^\W\d_][\w'\u2019\-]*")
_WORDS_ALONE = re.compile(r"(?:[^\W\d_][\w'\u2019\-]*\.?,?(?:\s+|\Z)){2,5}")
_CASED = re.compile(r"(?i)[a-z\u00c0-\u058f]")  # scripts that part words by spaces
_SIDE = r"[^\W\d_]"
_LETTER = re.compile(_SIDE)


def names_in(texts: Sequence[str], data: Any, known: Iterable[str] = ()) -> list[str]:
    """Returns the names of a run that stand in what is said of it, the longest first.

    Args:
        texts: what is said, as it is shown else.
        data: what the run was about; None where that is not known any more.
        known: names that were found before.
    """
    said = " ".join(" ".join(texts).split()).casefold()
    if not said:
        return []
    standing = [name for name in {*names_of(data), *known} if _stands(name, said)]
    return sorted(standing, key=lambda name: (-len(name), name))[: MOST_SAID + 1]


def _stands(name: str, said: str) -> bool:
    """Says whether a name stands in a text, both in one case; by hand, as thousands of names may be looked for."""
    has_sides = _CASED.search(name) is not None
    for form in map(str.casefold, _forms(name)):
        at = said.find(form)
        while form and at >= 0:
            before, behind = said[at - 1 : at], said[at + len(form) : at + len(form) + 1]
            if not has_sides or (before != "[" and not _LETTER.search(before + behind)):
                return True
            at = said.find(form, at + 1)
    return False


def _forms(name: str) -> set[str]:
    """Returns how a name may be written: with accents as one letter or two, and as it stands in JSON of ASCII alone."""
    spelled = {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
    return spelled | {json.dumps(form)[1:-1] for form in spelled}


def hide_names(text: str, names: Iterable[str], mark: str) -> str:
    """Puts a mark in the place of each of these names, in whatever case and with whatever space between its words.

    Where there are more than `MOST_SAID`, the text is one of data, and goes as a whole.
    """
    some = tuple(names)
    if not some or not text:
        return text
    return _of(some).sub(mark, text) if len(some) <= MOST_SAID else mark


@lru_cache(1024)
def _of(names: tuple[str, ...]) -> re.Pattern[str]:
    ways = []
    for name in (form for given in names for form in sorted(_forms(given))):
        way = r"\s+".join(map(re.escape, name.split()))
        # A name is no part of a longer word; scripts without spaces have no words to see.
        ways.append(rf"(?<!{_SIDE})(?<!\[){way}(?!{_SIDE})" if _CASED.search(name) else way)
    return re.compile("|".join(ways), re.IGNORECASE)


def names_of(data: Any) -> set[str]:
    """Returns the names in what a run was about: at any depth, in lists, and in JSON within a string."""
    found: set[str] = set()
    _walk(shorten(data, LONGEST_READ), "", 0, found, is_private=False)
    return found


def _walk(value: Any, key: str, depth: int, found: set[str], *, is_private: bool) -> None:
    """Collects names; `is_private`: all that stands here is hidden for a key above it."""
    if depth > DEEPEST or len(found) > MOST_NAMES:
        return
    if isinstance(value, dict):
        is_pair_of = _key_of_pair(value)
        for name, item in value.items():
            below = is_pair_of if is_pair_of and str(name).lower() in rules.VALUES_OF_PAIRS else str(name)
            _walk(item, below, depth + 1, found, is_private=is_private or is_private_key(below))
    elif isinstance(value, list | tuple):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and is_private_key(value[0]):
            _collect(value[1], value[0], found, is_private=True)
            return
        for item in value:
            _walk(item, key, depth + 1, found, is_private=is_private)
    elif isinstance(value, str):
        inner = json_inside(value)
        if inner is not None:
            _walk(inner.value, key, depth + 1, found, is_private=is_private)
        else:
            _collect(value, key, found, is_private=is_private or rules.is_person_key(key))


def _key_of_pair(value: dict[Any, Any]) -> str:
    """Returns what `{"label": "Last name", "value": "Zorn"}` says that its value is, or ""."""
    return next((found for name in rules.NAMES_OF_PAIRS if isinstance(found := value.get(name), str)), "")


def _collect(text: str, key: str, found: set[str], *, is_private: bool) -> None:
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST_NAME or rules.TIME_OR_NUMBER.fullmatch(text):
        return
    if not is_private:
        # Elsewhere a full name alone is known as one, and not where its key says that it is a kind of something.
        if rules.FULL_NAME.fullmatch(text) and not rules.is_kind_key(key) and not _is_plain(text):
            found.add(text)
        return
    if _is_name(text):
        found.add(text)
    if _WORDS_ALONE.fullmatch(text):
        found.update(word for word in _WORD.findall(text) if _is_name(word))


def _is_name(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters >= (FEWEST_LETTERS if _CASED.search(text) else 2) and not _is_plain(text)


def _is_plain(text: str) -> bool:
    """Says whether these are words of automation, which tell what went wrong."""
    return all(word.lower() in rules.PLAIN_WORDS for word in _WORD.findall(text))
