"""Hides personal data and secrets: the one masking, for pages, mails, exports, logs and what is kept. Pure.

By key: what stands under `Email`, `Last_Name`, `token` ... is hidden whatever it looks like. By pattern: an e-mail
address, telephone or card number, IBAN, IP address or token is hidden wherever it stands, in lists, in JSON within a
string, in error text, and in the keys themselves. When in doubt the text is hidden: an admin can look at the whole of
it, with a reason, and that is written down.

`mask_text` is for text, wherever people read it; `mask_name` for names; `mask_log` for logs, which keep ids, paths and
code; `mask` for data; `SecretMask` for definitions before they are kept, of
which only secrets go, each for a mark that carries a digest. What counts as private is in `monitor.privacy_rules`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from monitor import privacy_numbers as numbers
from monitor import privacy_rules as rules
from monitor.privacy_length import DEEPEST, shorten
from monitor.privacy_numbers import SECRET
from monitor.privacy_people import hide_names
from monitor.privacy_rules import is_private_key, is_secret_key
from monitor.privacy_secrets import MARK, SecretMask, json_inside, names_of_pair, says_no_secret

__all__ = [
    "HIDDEN", "MARK", "MASKING", "SecretMask", "is_private_key", "is_secret_key", "mask",
    "mask_beginning", "mask_log", "mask_name", "mask_text", "says_hidden", "searchable", "without_digests",
]  # fmt: skip

HIDDEN = "[hidden]"
MASKING = rules.VERSION
MAX_DEPTH = DEEPEST
# Characters that are masked of one text or structure, and then shown at most: half a second of work at the worst.
LONGEST_MASKED = 100_000
# Codes, names and keys come again and again; what is longer is rarely the same twice.
REMEMBERED_LENGTH, REMEMBERED = 200, 4096
LONGEST_SEARCHED = 20_000  # characters of each text, once it is masked


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """What a value is, where that changes what may be shown.

    Attributes:
        definition: it describes automation, not people: names and addresses without secrets stay.
        data: a value that is a time or a plain number as a whole stays: its key tells what it is.
        ids: long random text of up to 31 characters may be the id of a thing.
        name: the name that people gave a thing; its numbers and words stay.
        log: our own words about what happened; ids, paths and code stay.
    """

    definition: bool = False
    data: bool = False
    ids: bool = False
    name: bool = False
    log: bool = False

    @property
    def is_of_people(self) -> bool:
        """Whether keys of personal data in it say whose they are; elsewhere only keys of secrets count."""
        return not (self.name or self.log)


_TEXT, _DATA, _NAME, _LOG = _Reading(), _Reading(data=True), _Reading(name=True), _Reading(log=True)
_DEFINITION, _DESCRIPTION = _Reading(definition=True, data=True, ids=True), _Reading(definition=True, data=True)


def mask(value: Any, *, definition: bool = False) -> Any:
    """Hides personal data and secrets in a structure.

    Args:
        value: what JSON can hold.
        definition: it describes automation, not people: `name` is then a rule's or an action's, and hidden
            only below a key such as `modified_by`.

    Returns:
        New lists and dicts; lengths and order are kept, None, booleans and empty values stay. What is longer than
        `LONGEST_MASKED` ends in "…".
    """
    return _mask(shorten(value, LONGEST_MASKED), _DEFINITION if definition else _DATA, 0)


def mask_text(text: str, *, definition: bool = False, people: Iterable[str] = ()) -> str:
    """Hides personal data and secrets in text, the same for a page, a mail, an export and a log.

    Args:
        text: what Zoho, an app, a mail server or a library said.
        definition: it describes automation, such as a rule's description.
        people: names that stand in it, as `monitor.privacy_people` finds them in the run that it is about.
    """
    shown = _mask_text(shorten(text, LONGEST_MASKED), _DESCRIPTION if definition else _TEXT, 0)
    return hide_names(shown, people, HIDDEN)


def mask_beginning(text: str, longest: int, people: Iterable[str] = ()) -> str:
    """Hides personal data and secrets in about so many characters of a text, for a line of a list or a mail."""
    return hide_names(_mask_text(shorten(text, longest), _TEXT, 0), people, HIDDEN)


def searchable(*texts: str, names: Iterable[str] = (), people: Sequence[str] = ()) -> str:
    """Makes what may be searched by people who may not see what is masked: the texts as they are shown, in one case.

    Args:
        texts: what Zoho sent.
        names: those that people gave to things.
        people: as `mask_text` takes them.

    Returns:
        A line for each that is not empty; search it for text in the same case (`str.casefold`).
    """
    # Twice as much is masked as is kept, for what is masked is mostly shorter.
    shown = [*map(mask_name, names), *(mask_beginning(text, 2 * LONGEST_SEARCHED, people) for text in texts)]
    return "\n".join(text[:LONGEST_SEARCHED] for text in shown if text).casefold()


def mask_name(name: str) -> str:
    """Hides personal data and secrets in the name of a flow or a rule; "Invoices 2025-2026" keeps its numbers."""
    return _mask_text(shorten(name, LONGEST_MASKED), _NAME, 0)


def mask_log(text: str) -> str:
    """Hides secrets, e-mail and IP addresses, telephone, card and account numbers in what a log says.

    Ids, paths, names and the code that a traceback quotes stay: without them nobody finds what happened.
    """
    if not rules.SUSPECT.search(text):
        return text
    if json_inside(text) is not None:
        return _mask_text(text, _LOG, 0)
    shown = []
    for number, piece in enumerate(rules.SOURCE_LINE.split(text)):
        halves = rules.CODE.split(piece) if number % 2 else [piece]
        shown += [half if place % 2 else _mask_patterns(half, _LOG) for place, half in enumerate(halves)]
    return "".join(shown)


# Every mark that stands where something was hidden, of secrets with or without the digest.
_MARKS = re.compile(
    r"\[(?:hidden|secret(?::[0-9a-f]{16})?|e-mail|IP address|phone|card|number|account number|removed|token)\]"
)


def says_hidden(text: str) -> bool:
    """Says whether a text has a mark in it that stands where something was hidden."""
    return _MARKS.search(text) is not None


def without_digests(text: str) -> str:
    """Makes a kept text fit for people: each mark becomes `[secret]`."""
    return MARK.sub(SECRET, text)


_PLAIN = SecretMask(None)


def _mask(value: Any, reading: _Reading, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return _mask_dict(value, reading, depth)
    if isinstance(value, list | tuple):
        return _mask_list(value, reading, depth)
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _mask_text(value, reading, depth)
    shown = _mask_text(str(value), reading, depth)
    return value if shown == str(value) else shown


def _mask_list(value: list[Any] | tuple[Any, ...], reading: _Reading, depth: int) -> list[Any]:
    """Masks each item; of two of which the first is a key, such as `["Last_Name", "Doe"]`, the second is its value."""
    if len(value) == 2 and isinstance(value[0], str) and not isinstance(value[1], dict | list | tuple):
        pair = _mask_dict({value[0]: value[1]}, reading, depth)
        return [*pair.keys(), *pair.values()]
    return [_mask(item, reading, depth + 1) for item in value]


def _mask_dict(value: dict[Any, Any], reading: _Reading, depth: int) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for key, item in value.items():
        shown = _mask_patterns(str(key), reading)
        # Two keys may look the same once masked; neither may swallow the other.
        name, number = shown, 2
        while name in masked:
            name, number = f"{shown} ({number})", number + 1
        if _is_hidden_key(str(key), item, reading) or _is_value_of_private(key, value, reading):
            masked[name] = _hide_leaves(item, reading, depth)
        elif reading.is_of_people and not reading.definition and rules.is_person_key(str(key)):
            masked[name] = _hide_names(item, reading, depth)
        elif rules.is_zoho_id(str(key), item) or (isinstance(item, str) and rules.is_version(str(key), item)):
            masked[name] = item
        elif isinstance(item, list) and item and all(rules.is_zoho_id(str(key), one) for one in item):
            masked[name] = list(item)
        else:
            masked[name] = _mask(item, reading, depth + 1)
    return masked


def _is_hidden_key(key: str, value: Any, reading: _Reading) -> bool:
    if rules.is_count_of_passes(key, value):
        return False
    return is_private_key(key, definition=reading.definition) if reading.is_of_people else is_secret_key(key)


def _is_value_of_private(key: Any, pair: dict[Any, Any], reading: _Reading) -> bool:
    """Says whether a key is the `value` of a pair whose `name` is a secret's or a person's (`Last_Name`)."""
    names = names_of_pair(key, pair)
    if any(rules.is_count_of_passes(name, pair[key]) for name in names):
        return False
    if any(map(is_secret_key, names)):
        return True
    is_read = reading.data and not reading.definition
    return is_read and any(is_private_key(name) or rules.is_person_key(name) for name in names)


def _hide_names(value: Any, reading: _Reading, depth: int) -> Any:
    """Hides the names in what stands under a key such as `contact`; an object there is read by its own keys."""
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, list | tuple):
        return [_hide_names(item, reading, depth + 1) for item in value]
    if isinstance(value, str) and rules.HAS_LETTER.search(value) and not rules.TIME_OR_NUMBER.fullmatch(value):
        inner = json_inside(value)
        return HIDDEN if inner is None else json.dumps(_hide_names(inner.value, reading, depth + 1), ensure_ascii=False)
    return _mask(value, reading, depth + 1)


def _hide_leaves(value: Any, reading: _Reading, depth: int) -> Any:
    """Hides every leaf; the shape stays, so that one sees what was there and what was missing."""
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return {
            _mask_patterns(str(key), reading): _hide_leaves(item, reading, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_hide_leaves(item, reading, depth + 1) for item in value]
    return value if value is None or isinstance(value, bool) or value == "" else HIDDEN


def _mask_text(text: str, reading: _Reading, depth: int) -> str:
    inner = json_inside(text)
    if inner is not None:
        shown = _mask(inner.value, reading, depth)
        return text if inner.is_whole and shown == inner.value else json.dumps(shown, ensure_ascii=False)
    if reading.data and rules.EXACT_NUMBER.fullmatch(text):
        return text
    if reading.data and rules.TIME_OR_NUMBER.fullmatch(text):
        return rules.NUMBER.sub(numbers.number, text)
    return _mask_patterns(text, reading)


def _mask_patterns(text: str, reading: _Reading) -> str:
    if not rules.SUSPECT.search(text):
        return text
    return _remembered(text, reading) if len(text) <= REMEMBERED_LENGTH else _mask_suspect(text, reading)


def _mask_suspect(text: str, reading: _Reading) -> str:
    text = _PLAIN.in_text(_sign_ins(without_digests(text)), is_id=True)
    if not reading.name:
        text = rules.NAMED_VALUE.sub(_named_value, text)
        text = rules.SAID_SECRET.sub(_said_secret, text)
    text = _mask_emails(_mask_pairs(text, reading))
    if reading.log:
        text = rules.HOOK_PATH.sub(_hook_path, text)
        text = rules.URL_QUERY.sub(lambda found: found[1] + ("?…" if found["query"] else ""), text)
    elif not reading.definition and "://" in text:
        text = rules.URL_PATH.sub(r"\1/…", text)
    return _mask_numbers(text, reading) if rules.DIGIT.search(text) else text


_remembered = lru_cache(REMEMBERED)(_mask_suspect)


def _mask_numbers(text: str, reading: _Reading) -> str:
    """Hides what cannot be without digits: random text, addresses of computers, numbers of accounts and telephones."""
    if not (reading.definition or reading.log):
        text = rules.MIXED_RUN.sub(numbers.mixed_run, text)
    if "_" in text:
        text = rules.GROUPED_CARD.sub(
            lambda found: "[card]" if rules.is_card(found[0].replace("_", "")) else found[0], text
        )
    text = rules.IPV6.sub(numbers.ip_address, text)
    text = (rules.LONGER_RUN if reading.ids else rules.RANDOM_RUN).sub(numbers.random_run, text)
    text = rules.IPV4.sub(numbers.dotted_run, text)
    text = rules.IBAN.sub("[account number]", text)
    if reading.name:
        return text
    text = rules.NUMBER.sub(numbers.number, text)
    return text if reading.definition or reading.log else rules.LONG_NUMBER.sub(numbers.long_number, text)


def _sign_ins(text: str) -> str:
    return rules.SHORT_TOKENS.sub(SECRET, rules.SIGN_INS.sub(rf"\g<before>{SECRET}", text))


def _named_value(found: re.Match[str]) -> str:
    value = found[0][len(found["before"]) :].strip("\\\"'")
    is_hidden = is_secret_key(found["key"]) and not rules.is_count_of_passes(found["key"], value)
    return found["before"] + HIDDEN if is_hidden else found[0]


def _hook_path(found: re.Match[str]) -> str:
    """Keeps the numbers and our own words of a callback's address, and hides the rest of it from there on."""
    for piece in rules.HOOK_PIECE.split(found["rest"]):
        if piece and not piece.isdecimal() and piece.lower() not in rules.HOOK_WORDS:
            return found["before"] + found["rest"].partition(piece)[0] + SECRET
    return found[0]


_SIGNS = ("=", *rules.SENTENCE_SIGNS)


def _said_secret(found: re.Match[str]) -> str:
    """`the password is hunter2`: what is said of a secret in plain words ("is wrong", "is required") stays."""
    value = found["value"]
    if found["quote"] is None and rules.SAID_OF_SECRETS.fullmatch(value.rstrip(".,;:!?)")):
        return found[0]
    said = found["says"] or found["joined"] or ""
    says = said.strip()
    if not says and not rules.is_code(value):
        return found[0]
    if says in _SIGNS and rules.is_count_of_passes(found["before"].removesuffix(said), value.rstrip(".,;:!?)")):
        return found[0]
    return found["before"] + HIDDEN


def _mask_pairs(text: str, reading: _Reading) -> str:
    """`zapikey=...` of a query string, `password: ...` of an error text."""
    shown: list[str] = []
    position = 0
    while (found := rules.PAIR.search(text, position)) is not None:
        shown.append(text[position : found.end()])
        position = found.end()
        key = found["key"][-64:]
        if reading.is_of_people and rules.is_person_key(key):
            name = rules.NAME_VALUE.match(text, position)
            shown.append(HIDDEN if name else "")
            position = name.end() if name else position
            continue
        if not (is_private_key(key) if reading.is_of_people else is_secret_key(key)):
            continue
        if is_secret_key(key) and says_no_secret(key, text, position):
            continue
        end = _end_of_value(text, position, key, found["sign"], definition=reading.definition)
        if end > position:
            shown.append(HIDDEN)
            position = end
    return "".join([*shown, text[position:]])


def _end_of_value(text: str, position: int, key: str, sign: str, *, definition: bool) -> int:
    """Finds where a private value ends at the latest, by the ways in which values are written."""
    ways = [rules.SENTENCE_VALUE if sign in rules.SENTENCE_SIGNS else rules.QUERY_VALUE, rules.FULL_NAME]
    if is_secret_key(key):
        ways.append(rules.SECRET_VALUE)
        if key.lower().endswith("cookie"):
            ways.append(rules.WHOLE_LINE)
        elif not definition:  # of an address in a definition the other parameters stay
            ways.append(rules.WHOLE_WORD)
    return max((found.end() for way in ways if (found := way.match(text, position))), default=position)


def _mask_emails(text: str) -> str:
    if not any(sign in text for sign in rules.AT_SIGNS):
        return text
    return rules.CHUNK.sub(_chunk, rules.QUOTED_LOCAL_PART.sub("@", text))


def _chunk(match: re.Match[str]) -> str:
    chunk = match[0]
    if len(chunk) == 1 or not any(sign in chunk for sign in rules.AT_SIGNS):
        return chunk
    bare = chunk.rstrip(".!?'}")
    return "[e-mail]" + chunk[len(bare) :] if bare.strip("@.!?'}") else "[e-mail]"
