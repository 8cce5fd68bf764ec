"""Finds values of the run's own trigger data in a message: they are parameters, whatever they look like. Pure.

A person's name or a deal's title has no form by which it could be known; that it came with the trigger tells it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from monitor.privacy_secrets import json_inside
from monitor.triage.clean import clean
from monitor.triage.marks import PLACE
from monitor.triage.words import REASON, is_said_of_errors

MOST_VALUES = 20_000
LONGEST_VALUE = 500
SHORTEST = 3
_SENTENCE = 4  # spaces from which a value is a sentence rather than a name
_PLAIN = re.compile(r"[\w.,:;@+/()#%=-]*+(?: [\w.,:;@+/()#%=-]++)*+", re.ASCII)
SHORTEST_NUMBER = 5  # "404" of an order's quantity is not the 404 of an answer


def parameters_of(trigger: Any, text: str) -> list[str]:
    """Lists the values of trigger data that may stand in a text, longest first.

    Args:
        trigger: what JSON can hold; values are looked for at every depth, keys are not.
        text: clean text.

    Returns:
        Each value once, and none that is trivial: too short, or made of words that errors consist of.
    """
    found: set[str] = set()
    for leaf in _leaves(trigger):
        # Most values stand in no message; what is plain need not be cleaned to know it.
        if leaf not in text and _PLAIN.fullmatch(leaf):
            continue
        value = clean(leaf).strip()
        found.update(form for form in (value, " ".join(value.split())) if not is_trivial(form))
    return sorted(found, key=lambda value: (-len(value), value))


def is_trivial(text: str) -> bool:
    """Says whether a value tells nothing where it stands in a message: "a", "1", "true", "failed", "Token expired"."""
    if len(text) > LONGEST_VALUE:
        return True
    if len(text) < SHORTEST and not (len(text) > 1 and _is_unspaced(text[0])):
        return True
    if text.replace(".", "").replace("-", "").isdecimal():
        return len(text) < SHORTEST_NUMBER
    # "New Deal" is the name of a deal, "Not Found" is what HTTP says.
    is_title = " " in text and text.istitle()
    return is_said_of_errors(text) and not (is_title and REASON.match(text) is None)


def without(text: str, values: list[str]) -> str:
    """Puts a parameter's sign where one of the values stands as whole words.

    Args:
        text: clean text.
        values: longest first, as `parameters_of` lists them.

    Returns:
        The text without them; as it is where a whole sentence of the trigger data is all that it says.
    """
    found = [value for value in values if value in text]
    left = text
    for value in found:
        left = _replaced(left, value)
    for value in values:
        if '"' in value or "\\" in value:
            left = _replaced(left, json.dumps(value, ensure_ascii=False)[1:-1])
    is_sentence = bool(found) and found[0].count(" ") >= _SENTENCE
    return text if is_sentence and not any(map(str.isalnum, left)) else left


def _replaced(text: str, value: str) -> str:
    pieces: list[str] = []
    position = 0
    while (start := text.find(value, position)) >= 0:
        end = start + len(value)
        if _is_edge(text, start - 1, value[0]) and _is_edge(text, end, value[-1]):
            pieces += [text[position:start], PLACE]
        else:
            pieces.append(text[position:end])
        position = end
    return "".join([*pieces, text[position:]])


def _is_edge(text: str, place: int, beside: str) -> bool:
    """Says whether the character beside a value ends it; scripts without spaces have no such character."""
    if not 0 <= place < len(text) or not (beside.isalnum() or beside == "_"):
        return True
    other = text[place]
    return not (other.isalnum() or other == "_") or other == PLACE or _is_unspaced(other) or _is_unspaced(beside)


def _is_unspaced(char: str) -> bool:
    """Says whether words of this character's script stand side by side: Thai to Khmer, Chinese, Japanese, Korean."""
    return "\u0e00" <= char <= "\u0eff" or "\u1780" <= char <= "\u17ff" or "\u3040" <= char <= "\ud7af"


def _leaves(trigger: Any) -> Iterator[str]:
    stack, left = [trigger], MOST_VALUES
    while stack and left:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            stack.extend(value)
        elif isinstance(value, str) and (inner := json_inside(value)) is not None:
            stack.append(inner.value)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            left -= 1
            yield value if isinstance(value, str) else str(value)
