"""Names fields, modules and values in a sentence so that they can be read back, quoted where needed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from monitor.figures import pointed
from monitor.languages import gettext as _
from monitor.languages import gettext_noop
from monitor.rule_words.vocabulary import MODULES, SIZES, VALUES, ZOHOS_WORD

# Words that a comparison goes on with: no label without quotes holds one.
_VERBS = frozenset({"is", "becomes", "contains", "does", "starts", "ends", "changes"})
_JOINTS = frozenset({"and", "or"})
_SMALL = {"For": "for", "Of": "of", "The": "the", "To": "to", "By": "by"}
_PLAIN_FIELD = re.compile(r"[A-Z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*(?:__[sc])?")
_SUFFIX = re.compile(r"__[sc]\Z")
_PLAIN_MODULE = re.compile(r"[A-Z][A-Za-z0-9]*(?:_[A-Z0-9][A-Za-z0-9]*)*")
_WORD = r"[\w/&+%#@-]+"
BARE = re.compile(rf"[^\W_][\w/&+%#@-]*(?: (?!(?:and|or)\b|{ZOHOS_WORD} ){_WORD})*")
# A value that begins with one of these would be read as a part of the sentence.
_BEGINNINGS = re.compile(
    r"(?:not|one|none|between|like|the|just|any|empty|filled|yes|no|now|today|tomorrow|yesterday|and|or|related)\b"
)
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
GROUPED = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?|-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
SPECIAL = re.compile(r"\$\{([A-Z_]+)\}(?:([+-])(\d+))?", re.ASCII)
LONGEST_GROUPED = 15  # digits; what is longer is an id
NO_VALUE = gettext_noop("(no value)")
NO_SCALAR = gettext_noop("(something of several parts)")


def quote(text: str) -> str:
    """Puts a text into single quotes; backslashes, quotes and line ends within are written with a backslash."""
    inner = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{inner}'"


def label(field: str) -> str:
    """Returns what people call a field: `Reason_For_Loss__s` is "Reason for Loss".

    Args:
        field: its API name.
    """
    words = _SUFFIX.sub("", field).split("_")
    return " ".join([words[0], *(_SMALL.get(word, word) for word in words[1:])])


def ambiguous(fields: Iterable[str]) -> frozenset[str]:
    """Finds the fields whose label is that of another, too: they are said by their API names."""
    found: dict[str, set[str]] = {}
    for name in fields:
        found.setdefault(label(name), set()).add(name)
    return frozenset(name for names in found.values() if len(names) > 1 for name in names)


def field_words(field: str, unclear: frozenset[str] = frozenset(), *, is_last: bool = False) -> str:
    """Names a field within a sentence: its label, or its API name in quotes where that could be read in two ways.

    Args:
        field: its API name.
        unclear: those whose label is that of another.
        is_last: whether no comparison follows, but what joins criteria.
    """
    is_plain = _PLAIN_FIELD.fullmatch(field) and field not in unclear
    words = label(field)
    stops = _VERBS | _JOINTS if is_last else _VERBS
    return words if is_plain and not stops & set(words.split(" ")) else quote(field)


def field_of(words: str, known: Mapping[str, str]) -> str:
    """Returns the API name that a label stands for.

    Args:
        words: the label.
        known: API names by label.
    """
    return known.get(words) or words.replace(" ", "_")


def noun(module: str) -> str:
    """Names one record of a module: "a Deal", "a record of Site Visits"."""
    if not module:
        return _("a record")
    if module in MODULES:
        return _(MODULES[module])
    is_plain = _PLAIN_MODULE.fullmatch(module)
    return _("a record of %(module)s") % {"module": module.replace("_", " ") if is_plain else quote(module)}


def value_words(value: Any, comparator: str = "") -> str:
    """Says a value: plainly where that can be read back, else in quotes.

    Args:
        value: what a criterion compares with.
        comparator: in Zoho's spelling; beside one of sizes numbers are grouped.
    """
    if value is None:
        return _(NO_VALUE)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_words(item, comparator) for item in value)}]"
    if isinstance(value, Mapping):
        name = value.get("name")
        return quote(name) if isinstance(name, str) else _(NO_SCALAR)
    text = str(value)
    if NUMBER.fullmatch(text):
        return _grouped(text) if comparator in SIZES else text
    if special := SPECIAL.fullmatch(text):
        return _special(special)
    return text if BARE.fullmatch(text) and not _BEGINNINGS.match(text) else quote(text)


def _grouped(text: str) -> str:
    whole, dot, rest = text.partition(".")
    digits = whole.lstrip("-")
    if len(digits) > LONGEST_GROUPED:
        return text
    sign = "-" if whole.startswith("-") else ""
    return pointed(f"{sign}{int(digits):,}{dot}{rest}")


def _special(found: re.Match[str]) -> str:
    name, sign, days = found.groups()
    words = _(VALUES[name]) if name in VALUES else f"{_(ZOHOS_WORD)} {quote(name)}"
    return f"{words} {sign} {days}" if sign else words
