"""Takes quoted values out of a text in cheap form, and leaves what is quoted because it is the cause. Pure."""

from __future__ import annotations

import re

from monitor.triage.marks import KEPT_DIGITS, PLACE
from monitor.triage.structure import CAUSE_KEYS

_QUOTES = re.compile(
    r"""
      (?<![A-Za-z0-9\ue000])\\?"(?P<double>[^"\n]{0,600}?)\\?"
    | (?<!\w)'(?P<single>(?:[^'\n]|'(?=\w)){0,300})'(?!\w)
    | (?<!\w)`(?P<back>[^`'\n]{0,300})[`'](?!\w)
    | [“„”](?P<curly>[^“”„\n]{0,600})[”“]
    | «\s?(?P<angle>[^«»\n]{0,600})\s?» | »(?P<turned>[^«»\n]{0,600})«
    | ‘(?P<high>(?:[^‘’\n]|’(?=\w)){0,300})’(?!\w) | ‚(?P<low>[^‚‘\n]{0,300})‘
    | [「『](?P<corner>[^「」『』\n]{0,600})[」』]
    """,
    re.VERBOSE,
)
# A field's API name or a code, such as `Last_Name` and "invalid_grant": nobody's value looks so.
_IDENTIFIER = re.compile(r"[A-Za-z]+(?:_[A-Za-z]+)+")
_KEPT_WORD = re.compile(rf"[\w./-]{{0,20}}[{KEPT_DIGITS}][\w./{KEPT_DIGITS}-]{{0,20}}")
_REQUEST = re.compile(r"(?P<method>GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS|CONNECT)\s")
_SAYS = re.compile(
    r"""(?ix)
    (?: \b(?:said|says|message|error|reason|response|responded|answer|answered|replied|reply|returned|because|with|msg
      |description)\b["']?\s{0,2}[:=]? | [:=] | (?:Error|Exception|Warning)\( )\s{0,2}\Z
    """
)
_KEY = re.compile(r"[A-Za-z_][\w.-]{0,60}")
_KEY_BEFORE, _KEY_BEHIND = re.compile(r"[{,(\[]\s{0,2}\\?\Z"), re.compile(r"\s{0,2}[:=]")
# What is missing or wrong is a field, whose name tells two causes apart, as under the key "field" of JSON.
_FIELDS = r"(?:fields?|columns?|parameters?|params?|attributes?|propert(?:y|ies)|modules?|api names?)"
_FIELD_BEFORE = re.compile(rf"(?i)\b{_FIELDS}(?:\snamed|\sname)?\s?[:=]?\s?\Z")
_FIELD_BEHIND = re.compile(rf"(?i)\s{_FIELDS}\b")
_LABEL = re.compile(r"[^\W\d](?:[\w .&/-]{0,60})")
# JSON that was cut off, or is none.
_UNDER_KEY = re.compile(r"([A-Za-z_-]{1,24})\\?[\"']?\s{0,2}[:=]\s{0,2}\Z")
_CODE = re.compile(r"[A-Za-z][\w.-]{0,60}")
_SMALL_WORD = re.compile(r"(?<![\w'-])[a-z]{2,}(?![\w-])")
_BEFORE = 32


def without_quoted(text: str) -> str:
    """Puts a parameter's sign for each quoted value.

    Args:
        text: in cheap form.

    Returns:
        The text, in which API names, codes, keys of objects and quoted messages stay, without their quotes.
    """
    return _QUOTES.sub(_read, text)


def _read(found: re.Match[str]) -> str:
    inner = next((group for group in found.groups() if group is not None), "").strip()
    if _IDENTIFIER.fullmatch(inner) or _KEPT_WORD.fullmatch(inner):
        return inner
    request = _REQUEST.match(inner)
    if request:
        return f"{request['method']} {PLACE}"
    text = found.string
    before = text[max(0, found.start() - _BEFORE) : found.start()]
    if _KEY.fullmatch(inner) and _KEY_BEHIND.match(text, found.end()) and _KEY_BEFORE.search(before):
        return inner
    key = _UNDER_KEY.search(before)
    if key is not None and key[1].casefold() in CAUSE_KEYS and _CODE.fullmatch(inner):
        return inner
    if _LABEL.fullmatch(inner) and (_FIELD_BEFORE.search(before) or _FIELD_BEHIND.match(text, found.end())):
        return inner
    is_whole = not text[: found.start()].strip() and not text[found.end() :].strip(" .")
    if (is_whole or _SAYS.search(before)) and len(_SMALL_WORD.findall(inner)) >= 2:
        return f" {inner} "
    return PLACE
