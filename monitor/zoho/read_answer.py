"""Turns an answer into a payload, or into the one error that says what to do.

The code in Zoho's envelope is believed before the status: both Flow and CRM use statuses loosely.
Sources: docs/reference/zoho-flow.md, "Errors"; docs/reference/zoho-crm.md, "Errors of CRM"; docs/reference/retries.md,
"What an answer proves" for `read_once`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.zoho import clean
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
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
TOKEN_CODES = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})
UNAVAILABLE_CODES = frozenset({"NO_PERMISSION", "FEATURE_NOT_SUPPORTED", "FEATURE_NOT_ENABLED", "INVALID_URL_PATTERN"})
SERVER_CODES = frozenset({"INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "EXECUTION_FAILED"})
_FAILURE_WORDS = frozenset({"failure", "error"})
_ENVELOPE_KEYS = frozenset({"status", "error", "code", "message", "details", "error_description"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """Holds Zoho's own words about an error; `code` is "" when it names none."""

    code: str
    message: str


def find_envelope(body: object) -> Envelope | None:
    """Finds Zoho's error envelope in any of its forms, None when there is none.

    Flow: `{"status": "failure", "error": {"code", "message"}}`; CRM: `{"status": "error", "code", "message"}`,
    and for writes the same inside a list: `{"workflow_rules": [{...}]}`.
    """
    if not isinstance(body, Mapping):
        return None
    error = body.get("error")
    if isinstance(error, Mapping):
        return _envelope(error)
    failed = clean.word(body.get("status")) in _FAILURE_WORDS
    if isinstance(body.get("code"), str) and (failed or "message" in body):
        return _envelope(body)
    if failed or (isinstance(error, str) and error):
        return Envelope(clean.line(error, clean.CODE_LIMIT), redact(body.get("message") or body.get("details")))
    for value in body.values():
        first = value[0] if isinstance(value, list) and value else None
        if isinstance(first, Mapping) and clean.word(first.get("status")) == "error":
            return _envelope(first)
    return None


def _envelope(found: Mapping[str, object]) -> Envelope:
    message = redact(found.get("message"))
    details = found.get("details")
    if isinstance(details, Mapping):  # CRM names the offending field here
        named = (details.get(name) for name in ("json_path", "param_name", "api_name", "limit_reason"))
        named_text = next((redact(item) for item in named if isinstance(item, str) and item), "")
        message = f"{message} ({named_text})" if named_text else message
    return Envelope(clean.line(found.get("code"), clean.CODE_LIMIT), message)


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
    envelope = find_envelope(answer.any_json)
    if envelope is not None:
        raise _by_code(answer, envelope) or _by_status(answer, envelope)
    raise _without_envelope(answer)


def read_once(answer: Answer) -> object:
    """Returns the payload of a reply to a POST that must never be sent twice by mistake.

    Only Zoho's own words count: success is a 2xx whose JSON says `"status": "success"`; `TokenRefused`,
    `Wait`, `ScopeMissing`, `Refused` and `NotAvailable` are raised for a 4xx with an envelope only, and mean
    that it was not carried out. All else is `AnswerLost` or `BadAnswer`: unknown.
    """
    if answer.status >= 500 or answer.status == 408:
        raise _lost(answer)
    if 200 <= answer.status < 300:
        payload = answer.json
        if isinstance(payload, Mapping) and clean.word(payload.get("status")) == "success":
            return payload
        raise _strange(answer, payload)
    if answer.status < 400:
        raise _redirect(answer)
    envelope = find_envelope(answer.any_json)
    if envelope is None or not envelope.code:
        raise _bad(answer)
    raise _by_code(answer, envelope) or _by_status(answer, envelope)


def says_failure(payload: object) -> bool:
    """Returns whether a 2xx is an error in disguise: it says so, or it holds an error and nothing else."""
    if not isinstance(payload, Mapping):
        return False
    status = clean.word(payload.get("status"))
    if status in _FAILURE_WORDS:
        return True
    holds_error = bool(payload.get("error")) or isinstance(payload.get("code"), str)
    return holds_error and status != "success" and set(payload) <= _ENVELOPE_KEYS


def _by_code(answer: Answer, envelope: Envelope) -> ZohoError | None:
    """Returns the error for a code that means the same at any status below 500; None for all others."""
    code = envelope.code.upper()
    if code in LIMIT_CODES or answer.status == 429:
        wait = rate_limit_wait(answer.headers, answer.server_date or answer.received_utc)
        return _error(Wait, answer, envelope, retry_after=wait)
    if code in TOKEN_CODES:
        return _error(TokenRefused, answer, envelope)
    if code == "OAUTH_SCOPE_MISMATCH":
        return _error(ScopeMissing, answer, envelope)
    if code in UNAVAILABLE_CODES:
        return _error(NotAvailable, answer, envelope)
    if code.endswith("_NOT_FOUND") and answer.status in {200, 404}:
        return _error(NotFound, answer, envelope)
    if code in SERVER_CODES:
        return _error(AnswerLost, answer, envelope)
    # CRM's way to say that an id does not exist when writing, and in usage reports (section 2.5).
    if "id given seems to be invalid" in envelope.message:
        return _error(NotFound, answer, envelope)
    return None


def _by_status(answer: Answer, envelope: Envelope) -> ZohoError:
    kinds: dict[int, type[ZohoError]] = {401: TokenRefused, 403: NotAvailable, 404: NotAvailable}
    return _error(kinds.get(answer.status, Refused), answer, envelope)


def _without_envelope(answer: Answer) -> ZohoError:
    """Returns the error of a 4xx that is not in Zoho's words.

    403 and 404 say "not available" whatever the page looks like: many servers and proxies write it in HTML. That
    a whole address is wrong shows when the account is connected, where no product answers then.
    """
    if answer.status == 429:
        wait = rate_limit_wait(answer.headers, answer.server_date or answer.received_utc)
        return Wait(f"{answer.where} answered 429", status=429, retry_after=wait)
    if answer.status in {403, 404}:
        hint = "Is this the address of the right data centre?" if answer.is_html else ""
        return NotAvailable(f"{answer.where} answered {answer.status}", status=answer.status, hint=hint)
    return _bad(answer)


def _error(kind: type[ZohoError], answer: Answer, envelope: Envelope, retry_after: float | None = None) -> ZohoError:
    told = ": ".join(part for part in (redact(envelope.code), envelope.message) if part)
    message = f"{answer.where} answered {answer.status}" + (f" {told}" if told else "")
    return kind(message, code=redact(envelope.code), status=answer.status, retry_after=retry_after)


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


def _bad(answer: Answer) -> ZohoError:
    return BadAnswer(f"{answer.where} answered {answer.status} with {answer.kind}", status=answer.status)


def _strange(answer: Answer, payload: object) -> ZohoError:
    envelope = find_envelope(payload) or Envelope("", "it does not say success")
    return _error(BadAnswer, answer, envelope)
