"""Tells what a JSON answer says, in one line: codes, fields and messages as they are, values as parameters. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from monitor.triage.marks import KEPT_DIGITS, PLACE

_DEEPEST = 12
_MOST_ITEMS = 60
# Numbers are signs by now: with quotes around them they are JSON again. Strings are left as they are.
_BARE = re.compile(rf'"(?:[^"\\]|\\.)*+"|(?<=[:\[,\s])(?:-?{PLACE}|-?[{KEPT_DIGITS}.]+)(?=\s*[,\]}}])')
_START = re.compile(r"\{(?=\s*[\"}])|\[(?=\s*[{\[])|\A\s*\[(?=\s*\")")
_TRIES = 3


class _Repeated(list[Any]):
    """Holds the values of keys that are one once their digits are gone, such as `line_1` and `line_2`."""


def _with_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        held = made.setdefault(key, value)
        if isinstance(held, _Repeated):
            held.append(value)
        elif held is not value:
            made[key] = _Repeated((held, value))
    return made


_READER = json.JSONDecoder(object_pairs_hook=_with_repeated, strict=False)

# What stands under these keys says what went wrong, or where.
_OF_CAUSES = (
    "code error errorcode error_code errorcodes errortype error_type errorname type subtype reason reasons kind"
    " category domain api_name apiname field fields field_name fieldname parameter param param_name"
    " parent_api_name module resource_name expected_data_type datatype data_type decline_code error_subcode"
    " sub_code subcode exception exceptionclass fault faultcode operator permission permissions scope scopes rule"
    " constraint column table method http_method state statuscode status_code status httpstatus http_status"
    " severity event action"
)
_OF_MESSAGES = (
    "message messages msg error_message errormessage errormsg error_msg description error_description"
    " errordescription detail details title text faultstring info hint explanation cause causes developermessage"
    " usermessage localizedmessage fault errors error reason reasons body response summary warning warnings"
    " moreinfo"
)
# What every answer bears, and no cause is known by.
_OF_ENVELOPES = (
    "success ok timestamp time date datetime requestid request_id traceid trace_id correlationid correlation_id"
    " fbtrace_id transaction_id transactionid path instance statuscode status_code status documentation_url"
    " more_info help_url helpurl link links"
)
CAUSE_KEYS, _MESSAGES, _ENVELOPE = (frozenset(keys.split()) for keys in (_OF_CAUSES, _OF_MESSAGES, _OF_ENVELOPES))
_FAILED = frozenset(("error", "failed", "failure", "fail", "nok", "ko", PLACE))
_IDENTIFIER = re.compile(r"[A-Za-z][a-z]*(?:_[A-Za-z]+)+|[A-Z_]{4,}")
_PLACES_IN_JSON = ("json_path", "jsonpath", "pointer", "location")
_PLACE_IN_JSON = re.compile(rf"[\w.\[\]$/{PLACE}]+")

Words = Callable[[str], str]


def told(text: str, words: Words) -> str:
    """Makes the template of a text in which JSON may stand.

    Args:
        text: what `monitor.triage.digits.cheap_form` returned.
        words: makes the template of a text without JSON (`monitor.triage.masks.masked`).

    Returns:
        The template, with signs for parameters.
    """
    first = text.find("{")
    if first >= 0:
        text = text[:first] + _BARE.sub(_in_quotes, text[first:])
    elif "[" not in text:
        return words(text)
    pieces: list[str] = []
    position = searched = 0
    for _ in range(_TRIES):
        start = _START.search(text, searched)
        if start is None:
            break
        try:
            value, end = _READER.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            searched = start.end()
            continue
        if value:
            pieces += [words(text[position : start.start()]), _value("", value, words, 0)]
            position = end
        searched = end
    return " ".join(filter(None, [*pieces, words(text[position:])]))


def _in_quotes(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'


def _value(key: str, value: Any, words: Words, depth: int) -> str:
    if depth > _DEEPEST:
        return PLACE
    if isinstance(value, dict):
        return _members(value, words, depth)
    if isinstance(value, list):
        # Ten rows that failed alike are told once, whatever their number.
        is_repeated = isinstance(value, _Repeated)
        chosen = value if is_repeated else value[:_MOST_ITEMS]
        items = dict.fromkeys(filter(None, (_value(key, item, words, depth + 1) for item in chosen)))
        return "; ".join(sorted(items) if is_repeated else items)
    return _text(key, value.strip(), words, depth) if isinstance(value, str) else PLACE


def _members(value: dict[str, Any], words: Words, depth: int) -> str:
    shown: dict[str, str] = {}
    for key in sorted(value)[:_MOST_ITEMS]:
        bare = key.casefold().replace("-", "_")
        text = _value(bare, value[key], words, depth + 1)
        if text and not (bare in _ENVELOPE and (text.casefold() in _FAILED or text == PLACE)):
            shown[key] = text
    if len(shown) == 1:
        key, text = next(iter(shown.items()))
        if key.casefold() in _MESSAGES or not isinstance(value[key], str):
            return text
    # What one key says, others need not repeat: `error` and `message` often do.
    parts: dict[str, str] = {}
    for key, text in shown.items():
        parts.setdefault(text if text != PLACE else key, f"{key}: {text}")
    return ", ".join(parts.values())


def _text(key: str, text: str, words: Words, depth: int) -> str:
    is_word = len(text.split(maxsplit=1)) == 1
    if key in _PLACES_IN_JSON and _PLACE_IN_JSON.fullmatch(text):
        return text
    if is_word and _IDENTIFIER.fullmatch(text):
        return text
    if text[:1] in "{[" and depth < _DEEPEST:
        return told(text, words)
    if key in _MESSAGES or key in CAUSE_KEYS or (key == "" and not is_word):
        return words(text)
    return PLACE if text else ""
