"""Makes the consent address and asks Zoho's accounts server for tokens.

Errors are distinguished by the body before the status: Zoho answers `invalid_code` and even its throttle with HTTP
200; only 429 says by itself what it is (docs/reference/zoho-oauth.md, "Token errors"). All secrets travel in the form
body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from monitor.zoho import clean
from monitor.zoho.datacenters import Origins
from monitor.zoho.envelope import words_of
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    ClientRefused,
    GrantRevoked,
    Refused,
    Wait,
    ZohoError,
)
from monitor.zoho.marked import gettext_noop
from monitor.zoho.protocol import Answer, Request, build_url, form_body, redact
from monitor.zoho.retry_after import rate_limit_wait
from monitor.zoho.scopes import CRM_SCOPES, FLOW_SCOPES
from monitor.zoho.tokens import TokenSource
from monitor.zoho.transport import Transport

__all__ = ["CRM_SCOPES", "FLOW_SCOPES", "OAuthClient", "TokenGrant", "TokenSource"]

DEFAULT_LIFE = 3_300.0  # seconds; an hour is promised, this leaves a margin where nothing is said
LONGEST_LIFE = 86_400.0  # seconds
THROTTLED = 600.0  # seconds; 10 access tokens per refresh token per 10 minutes, then blocked for the rest
TOTAL = 20.0  # seconds a token call may take: less than the lease of the one who refreshes

_REVOKED = frozenset({"invalid_code"})
_UNKNOWN_TOKEN = frozenset({"invalid_code", "invalid_token"})
_CLIENT = frozenset({"invalid_client", "invalid_client_secret"})
_THROTTLED = frozenset({"too_many_requests"})
# This word may deny something else for good: it is the throttle only where its description, if any, speaks of a pace.
_DENIED = "access_denied"
_CALLS = r"\b(?:requests?|calls?|tokens?|attempts?|api)\b"
_PACE = re.compile(
    r"too (?:many|frequent)|\bcontinuous|\bfrequently\b|\bthrottl|slow down|\brate\b.{0,20}\b(?:limit|exceed)"
    rf"|{_CALLS}.{{0,40}}(?:\b(?:limits?|quota)\b|\bexceed)|(?:\b(?:limits?|quota)\b|\bexceed).{{0,40}}{_CALLS}"
    r"|\b(?:re)?try(?: again)?(?: (?:later|after|in|once)\b|\W*$)"
    r"|\bwait\b.{0,30}\b(?:seconds?|minutes?|hours?|while|time)\b",
    re.IGNORECASE,
)
_TEMPORARY = frozenset({"general_error", "server_error", "internal_error", "temporarily_unavailable"})
_HINTS = {
    "other_dc": "This account lives in another data centre: choose that one.",
    "invalid_redirect_uri": "Register exactly this redirect address in Zoho's API console.",
    "redirect_uri_mismatch": "Register exactly this redirect address in Zoho's API console.",
    "invalid_scope": "Check the scopes, they are those of another product or data centre.",
}
WRONG_HOST = "Is this the accounts URL of the right data centre?"


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """Holds what the token endpoint gave. `expires_in` is in seconds, checked, 3300 where Zoho says nothing.

    `refresh_token` comes with the first grant, and again if Zoho rotates it: keep it then. `api_domain` is
    to be checked with `allowed_api_domain` before anything is sent there.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float
    api_domain: str | None
    scope: str | None


class OAuthClient:
    """Asks Zoho's accounts server for one registered client.

    Its methods may raise `GrantRevoked` and `ClientRefused` (final), `Wait`, `Unreachable`, `Refused`, `BadAnswer`.
    """

    def __init__(self, transport: Transport, origins: Origins, client_id: str, client_secret: str) -> None:
        self._transport = transport
        self._accounts = origins.accounts
        self._client_id = client_id
        self._client_secret = client_secret

    def authorization_url(
        self, redirect_uri: str, scopes: Iterable[str], state: str, prompt_consent: bool = True
    ) -> str:
        """Returns the address to send a person's browser to.

        Args:
            redirect_uri: as registered with Zoho.
            scopes: names.
            state: letters, digits, "-" and "_" only, because Zoho breaks on others.
            prompt_consent: asks again even if granted before, without which no refresh token comes.

        Raises:
            ValueError: an unsafe state.
        """
        if not state.replace("-", "").replace("_", "").isalnum() or not state.isascii():
            raise ValueError("state: only letters, digits, - and _ are safe with Zoho")
        params = {
            "scope": ",".join(scopes),
            "client_id": self._client_id,
            "response_type": "code",
            "access_type": "offline",
            "redirect_uri": redirect_uri,
            "state": state,
            "prompt": "consent" if prompt_consent else None,
        }
        return build_url(self._accounts, "oauth", "v2", "auth", params=params)

    def exchange_code(self, code: str, redirect_uri: str | None) -> TokenGrant:
        """Returns tokens for a grant code, which works once and lives 2 to 10 minutes.

        Args:
            code: from the redirect or the API console.
            redirect_uri: exactly as in the authorization; None for a Self Client's code.

        Raises:
            ZohoError: see `OAuthClient`.
        """
        return self._token({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})

    def refresh(self, refresh_token: str) -> TokenGrant:
        """Returns a new access token; at most 10 in 10 minutes per refresh token, then `Wait` of 600 s.

        Args:
            refresh_token: as Zoho gave it.

        Raises:
            ZohoError: see `OAuthClient`.
        """
        return self._token({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def revoke(self, token: str) -> None:
        """Revokes a refresh token (which kills its access tokens) or an access token.

        A token that Zoho does not know (any more) counts as revoked.

        Source: docs/reference/zoho-oauth.md, "Revoking".

        Args:
            token: either of the two kinds.

        Raises:
            ZohoError: see `OAuthClient`.
        """
        url = build_url(self._accounts, "oauth", "v2", "token", "revoke")
        answer = self._transport.request(self._request(url, {"token": token}))
        payload = answer.any_json
        if isinstance(payload, Mapping) and payload.get("error"):
            error = self._error(answer, payload, token)
            if error.code not in _UNKNOWN_TOKEN:
                raise error
        elif not isinstance(payload, Mapping) or not 200 <= answer.status < 300:
            raise self._no_json(answer)

    def _token(self, fields: Mapping[str, str | None]) -> TokenGrant:
        url = build_url(self._accounts, "oauth", "v2", "token")
        form = {**fields, "client_id": self._client_id, "client_secret": self._client_secret}
        secrets = [value for name, value in form.items() if value and name in _SECRET_FIELDS]
        return self._transport.call(self._request(url, form), lambda answer: self._read(answer, *secrets))

    def _request(self, url: str, form: Mapping[str, str | None]) -> Request:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", url, headers=headers, body=form_body(form), fresh=True, total=TOTAL)

    def _read(self, answer: Answer, *secrets: str) -> TokenGrant:
        payload = answer.any_json
        if not isinstance(payload, Mapping):
            raise self._no_json(answer)
        access_token = payload.get("access_token")
        if not access_token or payload.get("error"):
            raise self._error(answer, payload, *secrets)
        if not _is_token(access_token):
            raise BadAnswer(f"{answer.where} answered an access token that cannot be one", hint=WRONG_HOST)
        refresh_token = payload.get("refresh_token")
        return TokenGrant(
            access_token=str(access_token),
            refresh_token=str(refresh_token) if _is_token(refresh_token) else None,
            expires_in=life(payload),
            api_domain=clean.line(payload.get("api_domain"), clean.NAME_LIMIT) or None,
            scope=clean.line(payload.get("scope")) or None,
        )

    def _error(self, answer: Answer, payload: Mapping[str, object], *secrets: str) -> ZohoError:
        """Returns the error in a JSON body, by its own word."""
        told = redact(payload.get("error"), *secrets)
        word = told.lower().replace(" ", "_")
        description = redact(payload.get("error_description"), *secrets)
        message = (
            f"{answer.where} answered {told or f'neither a token nor an error, but {_in_words(answer, *secrets)}'}"
        )
        message += f": {description}" if told and description else ""
        kind: type[ZohoError] = Refused if told else BadAnswer
        wait: float | None = None
        if word in _REVOKED:
            kind = GrantRevoked
        elif word in _CLIENT:
            kind = ClientRefused
        elif _is_throttle(answer.status, word, description):
            kind, wait = Wait, THROTTLED
        elif word in _TEMPORARY or (answer.status >= 500 and not told):
            kind = AnswerLost
        hint = _HINTS.get(word, "" if told else WRONG_HOST)
        return kind(message, code=told, status=answer.status, retry_after=wait, hint=hint)

    def _no_json(self, answer: Answer) -> ZohoError:
        where, status = answer.where, answer.status
        if status == 429:
            wait = rate_limit_wait(answer.headers, answer.server_date or answer.received_utc)
            return Wait(f"{where} answered 429", status=status, retry_after=wait)
        if status >= 500 or status == 408:
            return AnswerLost(f"{where} answered {status}", status=status)
        what = "a redirect" if 300 <= status < 400 else _in_words(answer)
        return BadAnswer(f"{where} answered {status} with {what}", status=status, hint=WRONG_HOST)


def _is_throttle(status: int, word: str, description: str) -> bool:
    if status == 429 or word in _THROTTLED:
        return True
    return word == _DENIED and (not description or _PACE.search(description) is not None)


def _in_words(answer: Answer, *secrets: str) -> str:
    said = words_of(answer)
    return redact(": ".join(part for part in (said.code, said.message) if part), *secrets)


_SECRET_FIELDS = frozenset({"client_secret", "refresh_token", "code"})


def life(payload: Mapping[str, object]) -> float:
    """Returns the seconds an access token lives, by a reply that may say so in several ways or not at all.

    `expires_in_sec` was removed about 2019, and `expires_in` beside it was milliseconds (docs/reference/zoho-oauth.md,
    "Tokens"; docs/reference/faults.md, F33).
    """
    for name in ("expires_in_sec", "expires_in"):
        value = payload.get(name)
        seconds = clean.number(clean.whole(value) if isinstance(value, str) else value)
        if seconds is None or seconds <= 0:
            continue
        if seconds > LONGEST_LIFE:  # milliseconds
            seconds /= 1000
        return min(seconds, LONGEST_LIFE)
    return DEFAULT_LIFE


NO_CLIENT_ID = gettext_noop(
    "the client id is not one of Zoho's: it looks like 1000.ABCDE12345, as Zoho's API console shows it"
)


def is_client_id(text: str) -> bool:
    """Returns whether a text may be a client's id: digits, a dot, letters and digits.

    Source: docs/reference/zoho-oauth.md, "Consent".
    """
    return len(text) <= 200 and re.fullmatch(r"[0-9]{1,6}\.[A-Za-z0-9_-]+", text) is not None


def _is_token(value: object) -> bool:
    """Returns whether a value can be sent as a token in a header: printable ASCII without spaces, not too long."""
    if not isinstance(value, str) or not 1 <= len(value) <= 2_000:
        return False
    return all(33 <= ord(char) <= 126 for char in value)
