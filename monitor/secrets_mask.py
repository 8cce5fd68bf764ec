"""Takes secrets out of definitions before they are kept: keys in addresses, passwords in headers, tokens.

Each secret becomes a mark such as `[secret:1f0c...]` that carries a keyed digest of it: the secret cannot be read back,
yet one that was exchanged differs from one that stayed. Only secrets go; personal data is masked where a page is made
(`monitor.queries.masking`), for that depends on who looks. Pure; patterns are linear in the length of the text. Source:
docs/reference/zoho-flow.md, "Webhook addresses".
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 70
SHOWN = "[secret]"
MARK = re.compile(r"\[secret:[0-9a-f]{16}\]")
_AT_MARKS = re.compile(r"(\[secret:[0-9a-f]{16}\])")

# Endings of keys once everything but letters and digits is gone: `X-Api-Key`, `client_secret`, `authToken`.
_ENDINGS = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "authkey", "zapikey", "authorization",
    "credential", "credentials", "cookie", "privatekey", "accesskey", "secretkey", "signature", "sessionid", "bearer",
)  # fmt: skip
_WHOLE = frozenset({"auth", "pin", "otp", "sig", "secrets", "passwords", "tokens", "apikeys", "session", "jwt"})
# `{"name": "X-Api-Key", "value": "..."}`: how lists of headers and parameters are often written.
_NAMES = ("name", "key", "header", "param", "api_name")
_VALUES = ("value", "values", "val")

_TOKENS = re.compile(
    r"(?i:\b(?:zoho-oauthtoken|bearer|basic)\s+)(?P<bearer>[\w.~+/=\-]{6,})"
    r"|\b(?P<zoho>1000\.[0-9a-zA-Z]{16,}(?:\.[0-9a-zA-Z]{16,})?)"  # grant, access and refresh tokens
    r"|\b(?P<jwt>eyJ[\w\-]{8,2000}\.[\w\-]*(?:\.[\w\-]*)?)"
    r"|\b(?P<known>(?:sk|pk|rk|xox[abpr]|gh[pousr])[_\-][\w\-]{10,}|AKIA[0-9A-Z]{12,})"
    r"|(?P<pem>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}-----)?)"
)
_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.\-]{0,30}://)(?P<secret>[^/?#\s@\"'<>]{1,500})@")
_KEY = re.compile(r"(?<![\w.\-])(?P<key>[\w.\-]{1,64})\\?[\"']?\s{0,2}(?:=|:|%3[dD]|%3[aA])\s{0,2}")
_VALUE = re.compile(
    r"(?P<quote>\")(?:[^\"\\\n]|\\.)*|(?P<single>')(?:[^'\\\n]|\\.)*"
    r"|(?P<inner>\\\")(?:[^\"\\\n]|\\\\\\\")*|[^\s&,;\"'<>\\]+"
)
_SCHEMES = ("bearer", "basic", "zoho-oauthtoken")
# The address of a custom webhook: whoever knows its last part can start the flow.
_HOOK = re.compile(
    r"(?P<before>/(?:webhooks?|hooks|services)/(?:[\w\-]{1,80}/){0,4})(?P<secret>[\w\-]{6,}|\[secret:[0-9a-f]{16}\])"
)
_RUN = re.compile(r"[A-Za-z0-9+_=\-]{24,}")
_HEX = re.compile(r"[0-9a-fA-F\-]+")


class SecretMask:
    """Hides secrets under one key.

    Args:
        key: of the digests; one an account, so that equal secrets of two accounts cannot be seen to be equal.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hide(self, value: Any) -> Any:
        """Returns the same structure with every secret replaced by its mark; what is marked already stays.

        Args:
            value: what JSON can hold.

        Returns:
            New lists and dicts; lengths and order are kept.
        """
        return self._hide(value, 0)

    def text(self, text: str, *, is_id: bool = False) -> str:
        """Text with the secrets in it replaced by their marks.

        Args:
            text: what Zoho sent.
            is_id: long random text in it names a thing.
        """
        inner = _json_inside(text)
        if inner is not None:
            return json.dumps(self.hide(inner), ensure_ascii=False)
        text = self._outside_marks(_TOKENS, self._token, text)
        text = self._outside_marks(_USERINFO, lambda found: f"{found['scheme']}{self._mark(found['secret'])}@", text)
        text = "".join(piece if MARK.fullmatch(piece) else self._pairs(piece) for piece in _pieces(text))
        text = _HOOK.sub(self._hook, text)
        return text if is_id else self._outside_marks(_RUN, self._run, text)

    @staticmethod
    def _outside_marks(pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str], text: str) -> str:
        """What is marked already is no text to look into: masking twice is masking once."""
        return "".join(piece if MARK.fullmatch(piece) else pattern.sub(replace, piece) for piece in _pieces(text))

    def _hide(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return self._mark(repr(value))
        if isinstance(value, dict):
            return self._hide_dict(value, depth)
        if isinstance(value, list | tuple):
            return [self._hide(item, depth + 1) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _hide_dict(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        named = any(is_secret_key(str(value.get(name) or "")) for name in _NAMES)
        hidden: dict[str, Any] = {}
        for key, item in value.items():
            is_secret = is_secret_key(str(key)) or (named and str(key).lower() in _VALUES)
            # A key may hold a secret too; a mark keeps two such keys apart.
            shown = self.text(str(key))
            if is_secret:
                hidden[shown] = self._whole(item, depth)
            elif isinstance(item, str):
                hidden[shown] = self.text(item, is_id=str(key).lower().endswith("id"))
            else:
                hidden[shown] = self._hide(item, depth + 1)
        return hidden

    def _whole(self, value: Any, depth: int) -> Any:
        """Every leaf of what stands under a secret's key; what is missing stays visible."""
        if depth > MAX_DEPTH:
            return self._mark(repr(value))
        if isinstance(value, dict):
            return {self.text(str(key)): self._whole(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._whole(item, depth + 1) for item in value]
        return value if value is None or isinstance(value, bool) or value == "" else self._mark(str(value))

    def _mark(self, secret: str) -> str:
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
        while (found := _KEY.search(text, position)) is not None:
            shown.append(text[position : found.end()])
            position = found.end()
            value = _VALUE.match(text, position) if is_secret_key(found["key"]) else None
            if value is None or value[0].lower() in _SCHEMES:
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
        """Long random text that no key announces: mixed letters and digits; Zoho's ids are digits only and stay."""
        run = found[0]
        digits, letters = sum(char.isdecimal() for char in run), sum(char.isalpha() for char in run)
        is_mixed = _HEX.fullmatch(run) is not None or run not in (run.lower(), run.upper())
        return self._mark(run) if digits >= 4 and letters >= 4 and is_mixed else run


def _json_inside(text: str) -> Any:
    """The structure that a string holds as JSON, or None."""
    if not text.lstrip().startswith(("{", "[")) or MARK.match(text.lstrip()):
        return None
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict | list) else None


def _pieces(text: str) -> list[str]:
    """The text cut at its marks, which stay whole."""
    return _AT_MARKS.split(text)


def is_secret_key(key: str) -> bool:
    """Returns whether what stands under this key is a secret whatever it looks like."""
    plain = "".join(char for char in key.lower() if char.isalnum())
    return plain in _WHOLE or plain.endswith(_ENDINGS)


def without_digests(text: str) -> str:
    """Returns a text for people: each mark as `[secret]`."""
    return MARK.sub(SHOWN, text)
