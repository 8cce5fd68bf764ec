"""Reads what people type to find runs: `status:failed flow:"Lead sync" error:timeout since:7d`. Pure.

What is read becomes the filters of the list, under the names that its address has. Nothing is guessed: what cannot be
read is one clear line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from django.utils.dateparse import parse_datetime

from monitor.periods import SPANS, is_span

# The names that people may type, and the filter that each of them sets.
FIELDS = {
    "status": "status",
    "outcome": "outcome",
    "flow": "flow",
    "account": "account",
    "error": "text",
    "text": "text",
    "id": "text",
    "since": "start",
    "until": "end",
    "problem": "problem",
    "batch": "batch",
}
# The name that is written for a filter.
_NAMES = {"start": "since", "end": "until", "text": "error"} | {
    filter_: name for name, filter_ in FIELDS.items() if name == filter_ and name != "text"
}
LONGEST_TEXT = 200
OFFERED = ", ".join(name for name in FIELDS if name not in ("text", "id"))
_QUOTED, _WORD = r'"(?P<quoted>(?:[^"\\]|\\.)*)"', r'(?P<word>[^\s"]+)'
_TOKEN = re.compile(rf'(?:(?P<name>[^\s":]*):)?(?:{_QUOTED}|{_WORD})?(?P<rest>\S*)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = re.compile(r'[^\s":\\]+')


class SearchError(ValueError):
    """Says in one line, to whoever typed it, what cannot be read."""


def read(text: str, choices: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Reads a search.

    Words without a field are looked for in the errors' texts, as one. A word that has a colon is a field, unless it is
    quoted.

    Args:
        text: as it was typed.
        choices: of each filter that takes one of some words: by how people may write it, in small letters, its code.

    Returns:
        The filters by their names in an address; `period` for a stretch that ends now, such as "7d".

    Raises:
        SearchError: it cannot be read; the message is for whoever typed it.
    """
    found: dict[str, str] = {}
    words: list[str] = []
    for name, value in _tokens(text):
        if name is None:
            words.append(value)
            continue
        if name not in FIELDS:
            raise SearchError(
                f"There is no field “{_short(name)}”. There are: {OFFERED}. Text with a colon goes in quotes."
            )
        if not value.strip():
            raise SearchError(f"“{name}:” has nothing behind it.")
        filter_, code = _setting(name, value.strip(), choices)
        if filter_ in found:
            raise SearchError(f"“{name}:” says a second time what is looked for: give one.")
        found[filter_] = code
    if words and "text" in found:
        raise SearchError("Give one text: words without a field are looked for in errors, too.")
    if any(words):
        found["text"] = " ".join(words)
    if len(found.get("text", "")) > LONGEST_TEXT:
        raise SearchError(f"What is looked for in errors may have {LONGEST_TEXT} characters.")
    if "period" in found and ("start" in found or "end" in found):
        raise SearchError(f"“since:{found['period']}” ends now: give two days or times instead.")
    return found


def write(filters: Mapping[str, str]) -> str:
    """Writes filters as a search that is read as the same.

    Args:
        filters: by their names in an address; of those that a search can set.
    """
    return " ".join(f"{_NAMES.get(name, 'since')}:{quoted(value)}" for name, value in filters.items())


def quoted(value: str) -> str:
    """Writes a value so that it is read as one, in quotes where it has to be."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _short(value: str) -> str:
    """Writes what was typed into a line of ours."""
    line = " ".join(value.split())
    return line if len(line) <= 60 else f"{line[:60]}…"


def _tokens(text: str) -> Iterator[tuple[str | None, str]]:
    """Yields the fields, None for words without one, and their values."""
    text = text.strip()
    while text:
        found = _TOKEN.match(text)
        if found is None or found["rest"] or not found.end():
            raise SearchError("A quotation mark is not closed, or stands within a word.")
        name, quotes = found["name"], found["quoted"]
        value = _ESCAPED.sub(r"\1", quotes) if quotes is not None else found["word"] or ""
        yield name if name is None else name.casefold(), value
        text = text[found.end() :].lstrip()


def _setting(name: str, value: str, choices: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Returns the filter that a field sets, and to what."""
    filter_ = FIELDS[name]
    if filter_ in choices:
        code = choices[filter_].get(value.casefold())
        if code is None:
            offered = ", ".join(sorted(set(choices[filter_].values())))
            raise SearchError(f"There is no {name} “{_short(value)}”. There are: {offered}.")
        return filter_, code
    check = _CHECKS.get(name)
    return check(name, value) if check else (filter_, value)


def _since(name: str, value: str) -> tuple[str, str]:
    span = value.casefold()
    return ("period", span) if is_span(span) else _time(name, value)


def _time(name: str, value: str) -> tuple[str, str]:
    try:
        known = parse_datetime(value)
    except ValueError:  # no such day
        known = None
    if known is None:
        more = f" or one of {', '.join(SPANS)}, 7d, 12h" if name == "since" else ""
        raise SearchError(f"“{name}:{_short(value)}” is no time: give a day such as 2026-11-22{more}.")
    return FIELDS[name], value


def _number(name: str, value: str) -> tuple[str, str]:
    if not (value.isascii() and value.isdigit() and len(value) < 19 and int(value)):
        raise SearchError(f"“{name}:” takes a number.")
    return FIELDS[name], value


_CHECKS: dict[str, Callable[[str, str], tuple[str, str]]] = {
    "since": _since,
    "until": _time,
    "problem": _number,
    "batch": _number,
}
