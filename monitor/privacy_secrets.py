"""Hides secrets in text and structures, each for a mark; finds the structure that a text holds as JSON. Pure.

`monitor.privacy` says for whom; what is a secret stands in `monitor.privacy_rules`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitor import privacy_rules as rules
from monitor.exact_numbers import decoder
from monitor.privacy_numbers import SECRET
from monitor.privacy_rules import is_secret_key

MARK = re.compile(r"\[secret:[0-9a-f]{16}\]")
_AT_MARKS = re.compile(r"(\[secret:[0-9a-f]{16}\])")
MAX_KEPT_DEPTH = 70


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
        inner = json_inside(text)
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
            if is_secret_key(str(key)) or is_value_of_secret(key, value):
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
            if value is not None and self._key is None and says_no_secret(found["key"], text, position):
                value = None
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


def _outside_marks(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> str:
    """Leaves marked text alone: masking twice is masking once."""
    if "[secret:" not in text:
        return pattern.sub(replace, text)
    return "".join(piece if MARK.fullmatch(piece) else pattern.sub(replace, piece) for piece in _AT_MARKS.split(text))


def is_value_of_secret(key: Any, pair: dict[Any, Any]) -> bool:
    """Says whether a key is the `value` of a pair whose `name` is a secret's."""
    return any(map(is_secret_key, names_of_pair(key, pair)))


def names_of_pair(key: Any, pair: dict[Any, Any]) -> list[str]:
    """Returns what a pair of a name and a value calls its value; nothing where this key is not that of the value."""
    if str(key).lower() not in rules.VALUES_OF_PAIRS:
        return []
    return [str(pair.get(name) or "") for name in rules.NAMES_OF_PAIRS]


def says_no_secret(key: str, text: str, position: int) -> bool:
    """Says whether what stands behind a secret's key tells of it (`token: invalid`) or counts (`pass: 12`)."""
    if rules.SAID_AT_END.match(text, position):
        return True
    found = rules.COUNT_OF_PASSES.match(text, position)
    return found is not None and rules.is_count_of_passes(key, found[0].strip("\\\"'"))


@dataclass(frozen=True, slots=True)
class InnerJson:
    """Holds the structure that a string holds as JSON.

    Attributes:
        is_whole: it is all that the string says; a key that stands twice in an object hides what stood there first.
    """

    value: Any
    is_whole: bool


def json_inside(text: str) -> InnerJson | None:
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
    return InnerJson(inner, not any(twice)) if isinstance(inner, dict | list) else None
