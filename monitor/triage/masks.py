"""Makes the template of a text in cheap form: takes out all that is a parameter and holds no digit. Pure.

Each rule is a pattern that is linear in the length of the text. In doubt a word stays: two problems of one cause can be
put together by a person, two causes in one problem hide each other.
"""

from __future__ import annotations

import re

from monitor.triage.addresses import without_addresses
from monitor.triage.marks import PLACE as _P
from monitor.triage.measures import counted_alike, without_measures
from monitor.triage.quoted import without_quoted

LONGEST = 1_000  # characters of a template

# --- pages and documents with tags
_IS_MARKUP = re.compile(
    r"(?i)\A\s*<[!?a-z]|<(?:!doctype|html|head|title|body|center|p|br|div|hr|fault\w*|soap\S*)\b[^<>]*>"
)
_UNREAD = re.compile(r"(?i)<(script|style|!--)")
_END_OF_UNREAD = {"script": "</script", "style": "</style", "!--": "-->"}
_TAG = re.compile(rf"<[/!?]?[A-Za-z{_P}][^<>]*>|<!\[CDATA\[|\]\]>|-->")

# --- names of parameters
_PLACEHOLDER = re.compile(rf"\$\{{[^{{}}]*\}}|\{{\{{[^{{}}]*\}}\}}|<(?:\*|\s?{_P}\s?)>|\*{{3,}}")
_NAMED = (
    "user|users|username|user_name|ruser|logname|login|loginname|rhost|host|hostname|name|first_name|last_name|full_name"
    "|email|mail|to|from|cc|sender|recipient|id|uid|gid|pid|sid|key|value|val|path|file|filename|dir|uri|url|addr|address"
    "|ip|client|customer|contact|owner|title|subject|phone|record|record_id|session|token|msgid|relay|src|dest|source_ip"
    "|daemon|node|instance|device|dev|tag|label|city|country|company|account"
)
_PAIR = re.compile(
    rf"(?i)(?<![\w.-])({_NAMED})(=|\s=\s)(?![=>\s])(?:\[[^\[\]\n]{{0,200}}\]|<[^<>\n]{{0,200}}>|[^\s,;&)\]}}>|]+)"
)
_NO_USERS = (
    "account|accounts|name|names|id|ids|input|credential|credentials|token|tokens|role|roles|group|groups|or|and|data|type"
    "|agent|profile|session|email|password|request|requests|permission|permissions|license|licenses|field|fields|is|was|has"
    "|not|does|did|cannot|could|who|in|on|to|with|at|by|from|of|for|interface|level|limit|space|mode|object|action|defined"
    "|info|status|value|key|access|settings|store|the|a|an|this|that|authentication|login|because|as"
)
_A_NAME = rf"(?!(?:{_NO_USERS})\b)[^\s,;:()\[\]{_P}]{{1,64}}"
_USER = re.compile(
    rf"(?i)(\b(?:for|invalid|illegal|unknown|by|as|of|to)\s(?:invalid\s|illegal\s|unknown\s)?user(?:name)?\s){_A_NAME}"
    r"(?=\s(?:from|by|at|on|via|is|was|has|due|after|in)\b|\s?[\[(,;:.]|\s?\Z)"
)
# Here any word is a name, also "data" or "login": an address or a log-in stands beside it.
_SURE_USER = re.compile(
    r"(?i)(\b(?:invalid|illegal|unknown) user |\bpassword for (?:invalid user )?|\bsession (?:opened|closed) for user )"
    rf"(?!invalid user )[^\s\[\]{_P}]{{1,64}}(?= from {_P}| \[| by |\s?\Z)"
)
_FOR_FROM = re.compile(rf"(?i)(\bfor ){_A_NAME}(?= from {_P})")
_FAILURES_FOR = re.compile(rf"(?i)(\bauthentication failures? for ){_A_NAME}")

# --- words that are none
_MIXED = re.compile(r"(?<![\w.$-])[A-Za-z]{10,64}(?![\w.(])")
_RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SIGNED = re.compile(r"(?<![^\s(])[a-z][+-](?=[\s,;)]|\Z)")  # directions such as "x+"
_HEX = re.compile(r"(?<![\w.-])(?:[a-f]{8}|[A-F]{8}|[a-f]{12}|[a-f]{16}|[a-f]{32}|[a-f]{40}|[a-f]{64})(?![\w.-])")
_CONSTANT = re.compile(r"(?<![\w$.-])(?:true|false|null|True|False|TRUE|FALSE|NULL)(?![\w$(-])")

# --- lists
_BRACKETS = re.compile(r"\[([^\[\]{}\n]{1,600})\]")
_ITEM = r"\s{0,3}[\w.@'\"-]{1,80}(?:\s[\w.@'\"-]{1,80}){0,3}\s{0,3}"
_OF_LIST = re.compile(rf"{_ITEM}(?:,{_ITEM})+")
# A list of fields that are missing is the cause itself.
_OF_FIELDS = re.compile(
    r"(?i)\b(?:fields?|columns?|param(?:eter)?s?|attributes?|keys?|required|mandatory|missing|scopes?|permissions?)\W{0,3}\Z"
)
_BEFORE = 24
_SET = re.compile(r"\b((?:Set|List|Array|Seq)\()[^()\n]{0,600}\)")
_IN_PARENS = re.compile(rf"\({_P}\)\s?{_P}|{_P}\s?\({_P}\)")
_NOTHING_IN_PARENS = re.compile(rf"({_P}) \(\s?\)")  # where others have a name or an address there
_LIST = re.compile(rf"{_P}(?:[\s,;:/|&+.\-–—~*#\\%@_x×\"]{{0,5}}(?:(?:and|or|und|y|et)\s)?{_P})+")
_IN_TURN = re.compile(rf"{_P}([^{_P}]{{1,12}}){_P}\1{_P}(?:\1{_P})*")

_CUT_END = re.compile(r"(?<!\w)\w{0,60}…\Z")
_CUT_LONG = re.compile(r"(?<!\w)\w{1,60}\.\.\.\Z")
_LONG = 60  # characters from which "..." at a word is a cut, not a pause
_TAIL = " \t.,;:!?…-–—\"'"


def masked(text: str) -> str:
    """Makes the template of a text in cheap form, with signs for its parameters.

    Args:
        text: what `monitor.triage.digits.cheap_form` returned, without JSON in it.

    Returns:
        One line of at most `LONGEST` characters.
    """
    if "<" in text and _IS_MARKUP.search(text):
        text = _TAG.sub(" ", _without_unread(text))
    text = _CUT_END.sub("", text)
    if len(text) > _LONG:
        text = _CUT_LONG.sub("", text)
    text = _PLACEHOLDER.sub(_P, text)
    text = _without_named(without_addresses(without_quoted(text)))
    text = _SIGNED.sub(_P, _HEX.sub(_P, _MIXED.sub(_random_or_word, text)))
    text = _CONSTANT.sub(_P, without_measures(text))
    text = counted_alike(_joined(text))
    return shortened(" ".join(text.split()).strip(_TAIL))


def _without_unread(text: str) -> str:
    """Leaves scripts, styles and comments of a page out; one without an end takes all that follows with it."""
    pieces: list[str] = []
    position = 0
    while (start := _UNREAD.search(text, position)) is not None:
        pieces.append(text[position : start.start()])
        ending = _END_OF_UNREAD[start[1].lower()]
        position = text.find(ending, start.end())
        if position < 0:
            return " ".join(pieces)
    return " ".join([*pieces, text[position:]])


def _without_named(text: str) -> str:
    if "=" in text:
        text = _PAIR.sub(rf"\1\2{_P}", text)
    if "user" in text or "User" in text:
        text = _USER.sub(rf"\1{_P}", text)
    text = _SURE_USER.sub(rf"\1{_P}", text)
    return _FAILURES_FOR.sub(rf"\1{_P}", _FOR_FROM.sub(rf"\1{_P}", text))


def _random_or_word(found: re.Match[str]) -> str:
    """Takes an id such as `kXmtdBgDcgG` for a parameter: its case turns every two letters, which no name's does."""
    runs = _RUN.findall(found[0])
    is_random = len(runs) >= 5 and len(found[0]) <= 2.3 * len(runs)
    return _P if is_random else found[0]


def _joined(text: str) -> str:
    """Makes one parameter of several side by side, whatever their number."""
    if "[" in text:
        text = _BRACKETS.sub(_list_or_word, text)
    text = _NOTHING_IN_PARENS.sub(r"\1", _SET.sub(rf"\1{_P})", text))
    if text.count(_P) > 1:
        text = _LIST.sub(_P, _IN_PARENS.sub(_P, _LIST.sub(_P, text)))
        text = _IN_TURN.sub(rf"{_P}\1{_P}", text)
    return text


def _list_or_word(found: re.Match[str]) -> str:
    if _OF_FIELDS.search(found.string[max(0, found.start() - _BEFORE) : found.start()]):
        return found[0]
    return f"[{_P}]" if _OF_LIST.fullmatch(found[1].replace(_P, "0")) else found[0]


def shortened(text: str) -> str:
    """Cuts a template at the last word that is whole within `LONGEST` characters."""
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rsplit(" ", 1)[0].rstrip(_TAIL)
