"""What to do about a failure, by what its error says."""

from __future__ import annotations

import pytest

from monitor.error_classes import CLASSES
from monitor.triage import remedy
from monitor.triage.remedy import REMEDIES, remedy_of


@pytest.mark.parametrize(
    ("expected", "code", "message"),
    [
        ("value", "INVALID_DATA", "invalid data"),
        ("value", "PATTERN_NOT_MATCHED", "the value does not match the pattern"),
        ("value", "", "Invalid email format"),
        ("missing", "MANDATORY_NOT_FOUND", "required field not found"),
        ("missing", "REQUIRED_PARAM_MISSING", "required param not found"),
        ("missing", "", "tax <*> does not exist"),
        ("missing", "", "HTTP 404 from <*>"),
        ("missing", "", "Value is empty"),
        ("connection", "INVALID_OAUTHTOKEN", "invalid oauth token"),
        ("connection", "AUTHENTICATION_FAILURE", "Authentication failed"),
        ("connection", "", "HTTP 401 from <*>"),
        ("connection", "", "the refresh token was revoked"),
        ("intermittent", "", "HTTP 502 from <*>"),
        ("intermittent", "", "Read timed out after <*>"),
        ("intermittent", "INTERNAL_ERROR", "Server error"),
        ("intermittent", "", "the record is locked by another user"),
        ("rate limit", "TOO_MANY_REQUESTS", "wait"),
        ("rate limit", "", "HTTP 429 Too Many Requests: retry after <*>"),
        ("rate limit", "", "Daily limit of mails reached"),
        ("too large", "", "File <*> is too large"),
        ("too large", "", "HTTP 413 Payload Too Large"),
        ("too large", "", "Tag <*> is longer than <*> characters"),
        ("parse", "", "Unexpected token < in JSON at position <*>"),
        ("parse", "", "utf-8 codec can't decode byte <*>"),
        ("duplicate", "DUPLICATE_DATA", "duplicate data"),
        ("duplicate", "", "A contact with this address already exists"),
        ("permission", "NO_PERMISSION", "permission denied"),
        ("permission", "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL"),
        ("permission", "", "HTTP 403 Forbidden"),
        ("definition", "CUSTOM_FUNCTION_FAILED", "Divide by zero"),
        ("definition", "INVALID_MODULE", "the module name given seems to be invalid"),
        ("connection", "", "invalid_grant"),
        ("connection", "", "certificate of <*> expired"),
        ("connection", "", "invalid username/password; logon denied"),
        ("rate limit", "", "error 403: Quota exceeded for this project"),
        ("value", "", "SMTP 550 5.1.1 <*>: recipient rejected"),
        ("value", "", "Amount <*> must be positive"),
        ("value", "", "picklist value <*> not allowed for Lead_Status"),
        ("definition", "", "tax is undefined at line <*>"),
        ("definition", "", "Function execution exceeded <*>"),
        ("intermittent", "", "getaddrinfo ENOTFOUND <*>"),
        ("permission", "", "Please upgrade your plan"),
        ("unknown", "ACTION_FAILED", "It did not go well"),
        ("unknown", "", ""),
    ],
)  # fmt: skip
def test_the_words_of_an_error_tell_what_to_do(expected: str, code: str, message: str) -> None:
    assert remedy_of(code, message, "") == expected


def test_the_details_say_more_than_the_message() -> None:
    assert remedy_of("ACTION_FAILED", "required step failed", "Contact already exists") == "duplicate"


def test_each_class_of_error_has_a_remedy_and_each_remedy_its_advice() -> None:
    assert set(remedy._BY_CLASS) == set(CLASSES)
    assert {*remedy._BY_CLASS.values(), *remedy._BY_CODE.values(), *remedy._WORDS, *remedy._WIDE_WORDS} == set(REMEDIES)
    assert len(set(REMEDIES.values())) == len(REMEDIES) == 11
