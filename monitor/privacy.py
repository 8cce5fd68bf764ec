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

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from monitor import privacy_rules as rules
from monitor.exact_numbers import decoder
from monitor.privacy_rules import is_private_key, is_secret_key

__all__ = [
    "HIDDEN", "MARK", "MASKING", "SecretMask", "hide_secrets", "is_private_key", "is_secret_key", "mask", "mask_log",
    "mask_name", "mask_text", "searchable", "without_digests",
]  # fmt: skip

HIDDEN, SECRET = "[hidden]", "[secret]"
MASKING = rules.VERSION
MARK = re.compile(r"\[secret:[0-9a-f]{16}\]")
_AT_MARKS = re.compile(r"(\[secret:[0-9a-f]{16}\])")
MAX_DEPTH = 40
MAX_KEPT_DEPTH = 70
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
        New lists and dicts; lengths and order are kept, None, booleans and empty values stay.
    """
    return _mask(value, _DEFINITION if definition else _DATA, 0)


def mask_text(text: str, *, definition: bool = False) -> str:
    """Hides personal data and secrets in text, the same for a page, a mail, an export and a log.

    Args:
        text: what Zoho, an app, a mail server or a library said.
        definition: it describes automation, such as a rule's description.
    """
    return _mask_text(text, _DESCRIPTION if definition else _TEXT, 0)


def searchable(*texts: str, names: Iterable[str] = ()) -> str:
    """Makes what may be searched by people who may not see what is masked: the texts as they are shown, in one case.

    Args:
        texts: what Zoho sent.
        names: those that people gave to things.

    Returns:
        A line for each that is not empty; search it for text in the same case (`str.casefold`).
    """
    shown = [*map(mask_name, names), *map(mask_text, texts)]
    return "\n".join(text[:LONGEST_SEARCHED] for text in shown if text).casefold()


def mask_name(name: str) -> str:
    """Hides personal data and secrets in the name of a flow or a rule; "Invoices 2025-2026" keeps its numbers."""
    return _mask_text(name, _NAME, 0)


def mask_log(text: str) -> str:
    """Hides secrets, e-mail and IP addresses, telephone, card and account numbers in what a log says.

    Ids, paths, names and the code that a traceback quotes stay: without them nobody finds what happened.
    """
    if not rules.SUSPECT.search(text):
        return text
    if _json_inside(text) is not None:
        return _mask_text(text, _LOG, 0)
    shown = []
    for number, piece in enumerate(rules.SOURCE_LINE.split(text)):
        halves = rules.CODE.split(piece) if number % 2 else [piece]
        shown += [half if place % 2 else _mask_patterns(half, _LOG) for place, half in enumerate(halves)]
    return "".join(shown)


def hide_secrets(text: str) -> str:
    """Hides secrets alone, for messages of our own that quote Zoho."""
    return _PLAIN.text(_sign_ins(text))


def without_digests(text: str) -> str:
    """Makes a kept text fit for people: each mark becomes `[secret]`."""
    return MARK.sub(SECRET, text)


class SecretMask:
    """Hides secrets in definitions before they are kept: keys in addresses, passwords in headers, tokens.

    Each becomes a mark such as `[secret:1f0c...]` that carries a keyed digest of it: the secret cannot be read back,
    yet one that was exchanged for another differs from one that stayed.

    Args:
        key: of the digests; one an account, so that equal secrets of two accounts cannot be seen to be equal.
            None: marks are `[secret]`, for text that is shown at once.
    """

    def __init__(self, key: bytes | None) -> None:
        self._key = key

    def hide(self, value: Any) -> Any:
        """Replaces every secret in a structure by its mark; what is marked already stays.

        Args:
            value: what JSON can hold.

        Returns:
            New lists and dicts; lengths and order are kept.
        """
        return self._hide(value, 0)

    def text(self, text: str, *, is_id: bool = False) -> str:
        """Replaces the secrets in a text by their marks.

        Args:
            text: what Zoho sent.
            is_id: long random text in it names a thing.
        """
        inner = _json_inside(text)
        if inner is not None:
            return json.dumps(self.hide(inner.value), ensure_ascii=False)
        return self.in_text(text, is_id=is_id)

    def in_text(self, text: str, *, is_id: bool = False) -> str:
        """Does as `text`, without looking for JSON."""
        text = _outside_marks(rules.TOKENS, self._token, text)
        if "://" in text:
            text = _outside_marks(rules.USERINFO, lambda hit: f"{hit['scheme']}{self._mark(hit['secret'])}@", text)
        text = "".join(piece if MARK.fullmatch(piece) else self._pairs(piece) for piece in _AT_MARKS.split(text))
        if "/" in text:
            text = rules.HOOK.sub(self._hook, text)
        return text if is_id else _outside_marks(rules.RANDOM_RUN, self._run, text)

    def _hide(self, value: Any, depth: int) -> Any:
        if depth > MAX_KEPT_DEPTH:
            return self._mark(repr(value))
        if isinstance(value, dict):
            return self._hide_dict(value, depth)
        if isinstance(value, list | tuple):
            return [self._hide(item, depth + 1) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _hide_dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        hidden: dict[str, Any] = {}
        for key, item in value.items():
            # A key may hold a secret too; a mark keeps two such keys apart.
            shown = self.text(str(key))
            if is_secret_key(str(key)) or _is_value_of_secret(key, value):
                hidden[shown] = self._whole(item, depth)
            elif isinstance(item, str):
                hidden[shown] = self.text(item, is_id=str(key).lower().endswith("id"))
            else:
                hidden[shown] = self._hide(item, depth + 1)
        return hidden

    def _whole(self, value: Any, depth: int) -> Any:
        """Marks every leaf of what stands under a secret's key; what is missing stays visible."""
        if depth > MAX_KEPT_DEPTH:
            return self._mark(repr(value))
        if isinstance(value, dict):
            return {self.text(str(key)): self._whole(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._whole(item, depth + 1) for item in value]
        return value if value is None or isinstance(value, bool) or value == "" else self._mark(str(value))

    def _mark(self, secret: str) -> str:
        if self._key is None:
            return SECRET
        if MARK.fullmatch(secret):
            return secret
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return f"[secret:{digest[:16]}]"

    def _token(self, found: re.Match[str]) -> str:
        secret = next(group for group in found.groups() if group is not None)
        if found["bearer"] is not None and secret.isalpha() and secret[1:] == secret[1:].lower():
            return found[0]  # "basic information" is no sign-in
        return found[0].replace(secret, self._mark(secret))

    def _pairs(self, text: str) -> str:
        """`zapikey=...` of an address, `password: "..."` of code and of JSON within text."""
        shown: list[str] = []
        position = 0
        while (found := rules.SECRET_PAIR.search(text, position)) is not None:
            shown.append(text[position : found.end()])
            position = found.end()
            value = rules.SECRET_VALUE.match(text, position) if is_secret_key(found["key"]) else None
            if value is None or value[0].lower() in rules.SCHEMES:
                continue
            quote = value["quote"] or value["single"] or value["inner"] or ""
            secret = value[0][len(quote) :]
            shown.append(quote + (self._mark(secret) if secret else ""))
            position = value.end()
        return "".join([*shown, text[position:]])

    def _hook(self, found: re.Match[str]) -> str:
        secret = found["secret"]
        is_word = secret.isalpha() and secret == secret.lower() and len(secret) < 20
        return found[0] if is_word or secret.isdecimal() else found["before"] + self._mark(secret)

    def _run(self, found: re.Match[str]) -> str:
        """Long random text that no key announces; Zoho's ids are digits only and stay."""
        return self._mark(found[0]) if rules.is_random(found[0]) else found[0]


_PLAIN = SecretMask(None)


def _outside_marks(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> str:
    """Leaves marked text alone: masking twice is masking once."""
    if "[secret:" not in text:
        return pattern.sub(replace, text)
    return "".join(piece if MARK.fullmatch(piece) else pattern.sub(replace, piece) for piece in _AT_MARKS.split(text))


def _is_value_of_secret(key: Any, pair: dict[Any, Any]) -> bool:
    """Says whether a key is the `value` of a pair whose `name` is a secret's."""
    if str(key).lower() not in rules.VALUES_OF_PAIRS:
        return False
    return any(is_secret_key(str(pair.get(name) or "")) for name in rules.NAMES_OF_PAIRS)


@dataclass(frozen=True, slots=True)
class _Inner:
    """The structure that a string holds as JSON.

    Attributes:
        is_whole: it is all that the string says; a key that stands twice in an object hides what stood there first.
    """

    value: Any
    is_whole: bool


def _json_inside(text: str) -> _Inner | None:
    """Returns the structure that a string holds as JSON, or None."""
    if not text.lstrip().startswith(("{", "[")) or MARK.match(text.lstrip()):
        return None
    twice: list[bool] = []

    def as_dict(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        twice.append(len(made) < len(pairs))
        return made

    try:
        inner = decoder(object_pairs_hook=as_dict).decode(text)
    except (ValueError, RecursionError):
        return None
    return _Inner(inner, not any(twice)) if isinstance(inner, dict | list) else None


def _mask(value: Any, reading: _Reading, depth: int) -> Any:
    if depth > MAX_DEPTH:
        return HIDDEN
    if isinstance(value, dict):
        return _mask_dict(value, reading, depth)
    if isinstance(value, list | tuple):
        return [_mask(item, reading, depth + 1) for item in value]
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return _mask_text(value, reading, depth)
    shown = _mask_text(str(value), reading, depth)
    return value if shown == str(value) else shown


def _mask_dict(value: dict[Any, Any], reading: _Reading, depth: int) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for key, item in value.items():
        shown = _mask_patterns(str(key), reading)
        # Two keys may look the same once masked; neither may swallow the other.
        name, number = shown, 2
        while name in masked:
            name, number = f"{shown} ({number})", number + 1
        if _is_hidden_key(str(key), reading) or _is_value_of_secret(key, value):
            masked[name] = _hide_leaves(item, reading, depth)
        else:
            masked[name] = _mask(item, reading, depth + 1)
    return masked


def _is_hidden_key(key: str, reading: _Reading) -> bool:
    return is_private_key(key, definition=reading.definition) if reading.is_of_people else is_secret_key(key)


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
    inner = _json_inside(text)
    if inner is not None:
        shown = _mask(inner.value, reading, depth)
        return text if inner.is_whole and shown == inner.value else json.dumps(shown, ensure_ascii=False)
    if reading.data and rules.EXACT_NUMBER.fullmatch(text):
        return text
    if reading.data and rules.TIME_OR_NUMBER.fullmatch(text):
        return rules.NUMBER.sub(_number, text)
    return _mask_patterns(text, reading)


def _mask_patterns(text: str, reading: _Reading) -> str:
    if not rules.SUSPECT.search(text):
        return text
    return _remembered(text, reading) if len(text) <= REMEMBERED_LENGTH else _mask_suspect(text, reading)


def _mask_suspect(text: str, reading: _Reading) -> str:
    text = _PLAIN.in_text(_sign_ins(without_digests(text)), is_id=True)
    if not reading.name:
        text = rules.NAMED_VALUE.sub(_named_value, text)
    text = _mask_emails(_mask_pairs(text, reading))
    if reading.log:
        text = rules.URL_QUERY.sub(lambda found: found[1] + ("?…" if found["query"] else ""), text)
    elif not reading.definition and "://" in text:
        text = rules.URL_PATH.sub(r"\1/…", text)
    return _mask_numbers(text, reading) if rules.DIGIT.search(text) else text


_remembered = lru_cache(REMEMBERED)(_mask_suspect)


def _mask_numbers(text: str, reading: _Reading) -> str:
    """Hides what cannot be without digits: random text, addresses of computers, numbers of accounts and telephones."""
    if not (reading.definition or reading.log):
        text = rules.MIXED_RUN.sub(_mixed_run, text)
    text = (rules.LONGER_RUN if reading.ids else rules.RANDOM_RUN).sub(_random_run, text)
    text = rules.IPV4.sub("[IP address]", text)
    text = rules.IBAN.sub("[account number]", text)
    if reading.name:
        return text
    text = rules.NUMBER.sub(_number, text)
    return text if reading.definition or reading.log else rules.LONG_NUMBER.sub(_long_number, text)


def _sign_ins(text: str) -> str:
    return rules.SHORT_TOKENS.sub(SECRET, rules.SIGN_INS.sub(rf"\g<before>{SECRET}", text))


def _named_value(found: re.Match[str]) -> str:
    return found["before"] + HIDDEN if is_secret_key(found["key"]) else found[0]


def _mask_pairs(text: str, reading: _Reading) -> str:
    """`zapikey=...` of a query string, `password: ...` of an error text."""
    shown: list[str] = []
    position = 0
    while (found := rules.PAIR.search(text, position)) is not None:
        shown.append(text[position : found.end()])
        position = found.end()
        key = found["key"][-64:]
        if not (is_private_key(key) if reading.is_of_people else is_secret_key(key)):
            continue
        end = _end_of_value(text, position, key, found["sign"], definition=reading.definition)
        if end > position:
            shown.append(HIDDEN)
            position = end
    return "".join([*shown, text[position:]])


def _end_of_value(text: str, position: int, key: str, sign: str, *, definition: bool) -> int:
    """Finds where a private value ends at the latest, by the ways in which values are written."""
    ways = [rules.SENTENCE_VALUE if sign == ":" else rules.QUERY_VALUE]
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


def _mixed_run(match: re.Match[str]) -> str:
    """Letters and digits mixed are a token or a key; words, however long, and codes of words and numbers stay."""
    run = match[0]
    is_mixed = any(char.isdecimal() for char in run) and any(char.isalpha() for char in run)
    return SECRET if is_mixed and not rules.is_words(run) else run


def _random_run(match: re.Match[str]) -> str:
    return SECRET if rules.is_random(match[0]) else match[0]


def _long_number(match: re.Match[str]) -> str:
    """Long numbers may be anybody's; dates and amounts are nobody's."""
    text, start, end = match.string, match.start(), match.end()
    return match[0] if rules.is_amount(match[0], text[max(0, start - 24) : start], text[end : end + 24]) else "[number]"


def _number(match: re.Match[str]) -> str:
    run = match[0]
    digits = _digits(run)
    if len(digits) < 7 or rules.DATE.fullmatch(run) or rules.AMOUNT.fullmatch(run):
        return run
    if rules.is_card(digits) and not run.startswith("+"):
        return "[card]"
    if len(digits) > 15 and any(char.isspace() for char in run):
        return _several_numbers(run)
    return "[phone]" if rules.is_phone(run, len(digits)) else run


def _several_numbers(run: str) -> str:
    """Judges numbers with only spaces between them apart, where one is too long for a telephone."""
    shown: list[str] = []
    waiting: list[str] = []
    pieces = run.split()
    for piece in [*pieces, "0" * 16]:
        if len(_digits(piece)) < 14:
            waiting.append(piece)
            continue
        if waiting:
            shown.append(rules.NUMBER.sub(_number, " ".join(waiting)) if len(waiting) < len(pieces) else "[phone]")
            waiting = []
        shown.append("[card]" if rules.is_card(_digits(piece)) else piece)
    return " ".join(shown[:-1])


def _digits(text: str) -> str:
    return "".join(str(int(char)) for char in text if char.isdecimal())
