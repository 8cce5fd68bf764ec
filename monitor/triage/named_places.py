"""Names what stands in the places of a template: id, e-mail, date, amount … For display only. Pure.

A template knows no types: `<*>` is whatever differs. What stood there is read from samples, by the words beside it;
where these do not tell, or samples disagree, the place stays `<*>`. No fingerprint and nothing stored hangs on it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from monitor.privacy import HIDDEN
from monitor.triage.clean import clean
from monitor.triage.kinds_of_values import NUMBER, TEXT, kind_of
from monitor.triage.marks import SHOWN

LONGEST_READ = 4_000  # characters of a sample
MOST_PLACES = 40
BESIDE = 2  # words on each side of a place that have to be the same
LONGEST_VALUE = 300  # characters
_TOKEN = re.compile(rf"<\*>|{re.escape(HIDDEN)}| \| |\w+")
_WORD = re.compile(r"\w+")
_LEAF = re.compile(r"""\\?["']\s?:\s?\\?["']?([^"'\\,{}\[\]]+)""")
_PART = " | "
# What two samples may say of one place, and what is told then.
_WIDER = {
    frozenset({"id", NUMBER}): "id",
    frozenset({"amount", NUMBER}): NUMBER,
    frozenset({"name", TEXT}): TEXT,
    frozenset({"id", TEXT}): TEXT,
}


@dataclass(frozen=True, slots=True)
class SampleOfWords:
    """Holds what one run says of its error, and who its people are.

    Attributes:
        said: its message and its details.
        people: names that stand in them.
    """

    said: tuple[Any, ...]
    people: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _ReadText:
    """Holds a sample's text with its words, in small letters, and where each begins and ends."""

    text: str
    words: list[str]
    spans: list[tuple[int, int]]

    @classmethod
    def of(cls, value: Any) -> _ReadText:
        text = clean(value)[:LONGEST_READ]
        found = list(_WORD.finditer(text))
        return cls(text, [one[0].casefold() for one in found], [one.span() for one in found])


@dataclass(frozen=True, slots=True)
class _Place:
    """Holds a place of a template with the words beside it; None where what is there is not known either."""

    before: tuple[str, ...] | None
    behind: tuple[str, ...] | None


def with_kinds(template: str, samples: Sequence[SampleOfWords]) -> str:
    """Returns a template as people are shown it: `<id>` or `<date>` where samples tell what stands there, else `<*>`.

    Args:
        template: what `fingerprint.cause_of` made, masked.
        samples: some runs with this template.
    """
    places = _places(template)[:MOST_PLACES]
    texts = [([_ReadText.of(one) for one in sample.said], sample.people) for sample in samples]
    pieces = template.split(SHOWN)
    shown = [pieces[0]]
    for number, piece in enumerate(pieces[1:]):
        kind = _kind(places[number], texts) if number < len(places) else ""
        shown += [f"<{kind}>" if kind else SHOWN, piece]
    return "".join(shown)


def _kind(place: _Place, texts: Sequence[tuple[list[_ReadText], Collection[str]]]) -> str:
    """Returns what all samples that tell it say of a place; "" where they tell nothing, or not the same."""
    found = set()
    for said, people in texts:
        value = next((value for text in said if (value := _value(place, text))), "")
        if value:
            found.add(kind_of(value, before=(place.before or ("",))[-1], people=people))
    return found.pop() if len(found) == 1 else _WIDER.get(frozenset(found), "")


def _places(template: str) -> list[_Place]:
    tokens = _TOKEN.findall(template)
    places = []
    for number, token in enumerate(tokens):
        if token == SHOWN:
            before = _beside(tokens[:number][::-1])
            places.append(_Place(before and before[::-1], _beside(tokens[number + 1 :])))
    return places


def _beside(tokens: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the words next to a place, the nearest first, as far as another place or the end of a part.

    None where another place is the nearest: then nothing tells where the value ends.
    """
    words: list[str] = []
    for token in tokens[:BESIDE]:
        if token in (SHOWN, HIDDEN):
            return tuple(words) or None
        if token == _PART:
            break
        words.append(token.casefold())
    return tuple(words)


def _value(place: _Place, read: _ReadText) -> str:
    """Returns what stands in a text where a template has a place; "" where it is not found."""
    before, behind = place.before, place.behind
    if before is None or behind is None or not read.text:
        return ""
    count = len(before)
    for start in range(len(read.words) - count + 1) if before else [0]:
        if tuple(read.words[start : start + count]) != before:
            continue
        begin = read.spans[start + count - 1][1] if before else 0
        end = _end(read, start + count, behind)
        value = _bare(read.text[begin:end]) if end is not None and end - begin <= LONGEST_VALUE else ""
        if not value and before and (leaf := _LEAF.match(read.text, begin)) is not None:
            value = _bare(leaf[1])  # a template tells JSON in an order of its own
        if value:
            return value
    return ""


def _end(read: _ReadText, first: int, behind: tuple[str, ...]) -> int | None:
    """Returns where a value ends: before the next of the words that stand behind it, or at the text's end."""
    if not behind:
        return len(read.text)
    for place in range(first + 1, min(len(read.words), first + LONGEST_VALUE) - len(behind) + 1):
        if tuple(read.words[place : place + len(behind)]) == behind:
            return read.spans[place][0]
    return None


def _bare(text: str) -> str:
    return text.strip(" \t\r\n:;,='\"`()[]{}<>|#“”„«»‘’….!?").removesuffix("\\")
