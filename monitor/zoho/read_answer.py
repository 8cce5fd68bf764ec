"""Turns an answer into a payload, or into the one error that says what to do.

The code in Zoho's envelope is believed before the status: both Flow and CRM use statuses loosely.
Sources: docs/reference/zoho-flow.md, "Errors"; docs/reference/zoho-crm.md, "Errors of CRM"; docs/reference/retries.md,
"What an answer proves" for `read_once`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from monitor.zoho import clean
from monitor.zoho.envelope import Envelope, find_envelope, refusal_in, words_of
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    DaysRefused,
    NotAvailable,
    NotFound,
    Refused,
    ScopeMissing,
    TokenRefused,
    Wait,
    ZohoError,
)
from monitor.zoho.protocol import Answer, redact
from monitor.zoho.retry_after import rate_limit_wait, retry_after

LIMIT_CODES = frozenset({"TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"})
# What Zoho's products say of a refused access token, and of nothing else: then the call was certainly not carried out.
TOKEN_CODES = frozenset(
    {"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "INVALID_OAUTH_TOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE"}
)
# With 401, too, these refuse what was to be done, not the token (docs/reference/zoho-crm.md, "Errors of CRM").
ACT_CODES = frozenset(
    {"AUTHORIZATION_ERROR", "AUTHORIZATION_FAILED", "PERMISSION_DENIED", "NO_PERMISSION", "ACCESS_DENIED"}
)
UNAVAILABLE_CODES = frozenset({"NO_PERMISSION", "FEATURE_NOT_SUPPORTED", "FEATURE_NOT_ENABLED", "INVALID_URL_PATTERN"})
# With a 2xx these refuse the request itself and cannot be the end of the run that it was to cause: nothing ran.
REFUSED_AT_ONCE = frozenset(
    {"NOT_ALLOWED", "NO_PERMISSION", "PERMISSION_DENIED", "INVALID_REQUEST", "FLOW_NOT_FOUND", "EXECUTION_NOT_FOUND",
     "INVALID_TOKEN", "INVALID_OAUTHTOKEN", "OAUTH_SCOPE_MISMATCH", "RATE_LIMIT_EXCEEDED", "TOO_MANY_REQUESTS"}
)  # fmt: skip
SERVER_CODES = frozenset({"INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "EXECUTION_FAILED"})
_SCOPE = re.compile(r"scope", re.IGNORECASE)
_TOKEN_WORDS = re.compile(r"token|oauth|authenticat|ticket|log.?in|logged|sign.?in|session|credential", re.IGNORECASE)
_EXPIRED = re.compile(r"expired", re.IGNORECASE)
_CONTRACT = re.compile(r"licen[cs]e|trial|subscription|\bplan\b|edition|payment", re.IGNORECASE)  # may expire, too
_DAYS = frozenset({"from", "to", "executed_from", "executed_till"})
_WRAPPED = 2  # lists and names that a result may be wrapped in
_FAILURE_WORDS = frozenset({"failure", "error"})
_ENVELOPE_KEYS = frozenset(
    {"status", "error", "code", "message", "details", "error_description", "errorCode", "error_code", "errorMessage"}
)


def read(answer: Answer) -> object:
    """Returns the payload of a reply to a read, or to a write that may be repeated by a person; None for a 204.

    Raises:
        ZohoError: any branch of the tree but `NotSent`.
    """
    if answer.status >= 500 or answer.status == 408:
        raise _lost(answer)
    if 200 <= answer.status < 300:
        payload = answer.json
        if says_failure(payload):
            raise _by_code(answer, find_envelope(payload) or Envelope("", "")) or _strange(answer, payload)
        return payload
    if answer.status < 400:
        raise _redirect(answer)
    raise _refusal(answer)


def read_only(answer: Answer) -> object:
    """Returns the payload of a reply to a call that changes nothing, as `read`.

    Of a 200 that holds an error and nothing else, in whatever wrapping, nothing is a value: a row that refuses is not
    the one thing there is.

    Raises:
        ZohoError: any branch of the tree but `NotSent`.
    """
    payload = read(answer)
    refusal = refusal_in(payload)
    if refusal is not None:
        raise _by_code(answer, refusal) or _error(BadAnswer, answer, refusal)
    return payload


def read_once(answer: Answer) -> object:
    """Returns the payload of a reply to a POST that must never be sent twice by mistake.

    Only Zoho's own words count: success is a 2xx whose JSON says `"status": "success"`; `Wait`, `ScopeMissing`,
    `Refused` and `NotAvailable` are raised for a 4xx with a code only, and mean that it was not carried out;
    `TokenRefused` besides, that a new token may help: for the codes that say so and for no other 401. `Refused` is
    raised, too, for a 2xx that holds nothing but an error whose code refuses the request itself.
    All else is `AnswerLost` or `BadAnswer`: unknown.
    """
    if answer.status >= 500 or answer.status == 408:
        raise _lost(answer)
    if 200 <= answer.status < 300:
        payload = answer.json
        if isinstance(payload, Mapping) and clean.word(payload.get("status")) == "success":
            return payload
        raise _refused_at_once(answer, payload) or _strange(answer, payload)
    if answer.status < 400:
        raise _redirect(answer)
    envelope = find_envelope(answer.any_json)
    if envelope is None or not envelope.code:
        raise _told(BadAnswer, answer)
    error = _by_code(answer, envelope) or _by_status(answer, envelope)
    if isinstance(error, TokenRefused) and not proves_token_refused(error):
        raise _error(Refused, answer, envelope)
    raise error


def _refused_at_once(answer: Answer, payload: object) -> ZohoError | None:
    """Returns the refusal that a 2xx is, where it is nothing else and its code leaves no doubt; None for all others.

    A code of any other kind may be the error of the run itself: then it ran, and failed again.
    """
    for _ in range(_WRAPPED):
        if isinstance(payload, list) and len(payload) == 1:
            payload = payload[0]
        elif (
            isinstance(payload, Mapping)
            and len(payload) == 1
            and isinstance(inner := next(iter(payload.values())), list)
        ):
            payload = inner
    if not says_failure(payload) or not isinstance(payload, Mapping):
        return None
    is_alone = all(name in _ENVELOPE_KEYS or not value for name, value in payload.items())
    envelope = find_envelope(payload)
    if not is_alone or envelope is None or envelope.code.upper() not in REFUSED_AT_ONCE:
        return None
    return _error(Refused, answer, envelope)


def proves_token_refused(error: ZohoError) -> bool:
    """Returns whether Zoho said in known words that the token was refused: then the call was not carried out."""
    return isinstance(error, TokenRefused) and error.code.upper() in TOKEN_CODES


def says_failure(payload: object) -> bool:
    """Returns whether a 2xx is an error in disguise: it says so, or it holds an error and nothing else."""
    if not isinstance(payload, Mapping):
        return False
    status = clean.word(payload.get("status"))
    if status in _FAILURE_WORDS:
        return True
    named = (payload.get(name) for name in ("code", "errorCode", "error_code"))
    holds_error = bool(payload.get("error")) or any(isinstance(code, str) for code in named)
    return holds_error and status != "success" and set(payload) <= _ENVELOPE_KEYS


def _by_code(answer: Answer, envelope: Envelope) -> ZohoError | None:
    """Returns the error for a code that means the same at any status below 500; None for all others."""
    code = envelope.code.upper()
    if code in LIMIT_CODES or answer.status == 429:
        wait = rate_limit_wait(answer.headers, answer.server_date or answer.received_utc)
        return _error(Wait, answer, envelope, retry_after=wait)
    if code in TOKEN_CODES:
        return _error(TokenRefused, answer, envelope)
    if code in {"OAUTH_SCOPE_MISMATCH", "INSUFFICIENT_SCOPE"} or (answer.status == 401 and _SCOPE.search(code)):
        return _error(ScopeMissing, answer, envelope)
    if code in UNAVAILABLE_CODES:
        return _error(NotAvailable, answer, envelope)
    if code.endswith("_NOT_FOUND") and answer.status in {200, 404}:
        return _error(NotFound, answer, envelope)
    if code in SERVER_CODES:
        return _error(AnswerLost, answer, envelope)
    if envelope.names_missing_thing:
        return _error(NotFound, answer, envelope)
    if "DATE_RANGE_EXCEEDS" in (code, envelope.message) or _refuses_days(code, envelope):
        return _error(DaysRefused, answer, envelope)
    return None


def _refuses_days(code: str, envelope: Envelope) -> bool:
    return code == "INVALID_DATA" and envelope.place in _DAYS and envelope.expects in {"datetime", "date"}


def _by_status(answer: Answer, envelope: Envelope) -> ZohoError:
    if answer.status == 401:
        return _error(_unauthorised(envelope), answer, envelope)
    kinds: dict[int, type[ZohoError]] = {403: NotAvailable, 404: NotAvailable}
    return _error(kinds.get(answer.status, Refused), answer, envelope)


def _unauthorised(envelope: Envelope) -> type[ZohoError]:
    """Returns what a 401 in none of the known words means, once a new token did not help.

    Only what speaks of tokens, or says nothing, is put down to the token; all else Zoho refuses for a reason of its
    own, which is told as it came.
    """
    if envelope.code.upper() in ACT_CODES:
        return NotAvailable
    is_named = envelope.code and not envelope.is_numbered and envelope.code.upper() != "UNAUTHORIZED"
    return Refused if is_named and not _speaks_of_token(f"{envelope.code} {envelope.message}") else TokenRefused


def _speaks_of_token(words: str) -> bool:
    return bool(_TOKEN_WORDS.search(words) or (_EXPIRED.search(words) and not _CONTRACT.search(words)))


def _refusal(answer: Answer) -> ZohoError:
    """Returns the error of a 4xx, in Zoho's own words where it has any.

    403 and 404 say "not available" whatever the page looks like: many servers and proxies write it in HTML. That
    a whole address is wrong shows when the account is connected, where no product answers then.
    """
    known = find_envelope(answer.any_json)
    if known is not None:
        return _by_code(answer, known) or _by_status(answer, known)
    if answer.status == 429:
        wait = rate_limit_wait(answer.headers, answer.server_date or answer.received_utc)
        return Wait(f"{answer.where} answered 429", status=429, retry_after=wait)
    if answer.status in {403, 404}:
        hint = "Is this the address of the right data centre?" if answer.is_html else ""
        return _told(NotAvailable, answer, hint)
    if answer.status == 401:
        said = words_of(answer)
        return _by_code(answer, said) or _by_status(answer, said)
    return _told(BadAnswer, answer)


def _told(kind: type[ZohoError], answer: Answer, hint: str = "") -> ZohoError:
    """Makes an error of a body in no known form, which is told in short."""
    found = _error(kind, answer, words_of(answer))
    found.said = ""
    found.hint = hint or found.hint
    return found


def _error(kind: type[ZohoError], answer: Answer, envelope: Envelope, retry_after: float | None = None) -> ZohoError:
    told = ": ".join(part for part in (redact(envelope.code), envelope.message) if part)
    message = f"{answer.where} answered {answer.status}" + (f" {told}" if told else "")
    found = kind(message, code=redact(envelope.code), status=answer.status, retry_after=retry_after)
    found.place = envelope.place
    found.said = envelope.message
    return found


def _lost(answer: Answer) -> ZohoError:
    envelope = find_envelope(answer.any_json) or Envelope("", "")
    asked = retry_after(answer.headers, answer.server_date or answer.received_utc)
    return _error(AnswerLost, answer, envelope, retry_after=asked)


def _redirect(answer: Answer) -> ZohoError:
    return BadAnswer(
        f"{answer.where} answered {answer.status}, a redirect, which is not followed",
        status=answer.status,
        hint="Is this the address of the right data centre?",
    )


def _strange(answer: Answer, payload: object) -> ZohoError:
    envelope = find_envelope(payload) or Envelope("", "it does not say success")
    return _error(BadAnswer, answer, envelope)
