"""Errors → classes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.error_classes import CLASSES, OTHER, error_class


@pytest.mark.parametrize(
    ("code", "message", "details", "expected"),
    [
        # docs/reference/zoho-flow.md, "Executions" and "Errors".
        ("ACTION_FAILED", "Failed to create contact in Campaigns", "Invalid email format", "data"),
        ("INVALID_TOKEN", "Invalid or expired token", "", "connection"),
        ("OAUTH_SCOPE_MISMATCH", "Insufficient permissions", "", "permission"),
        ("NO_PERMISSION", "User lacks flow access", "", "permission"),
        ("FLOW_NOT_FOUND", "The specified flow does not exist", "", "not_found"),
        ("RATE_LIMIT_EXCEEDED", "API rate limit exceeded", "", "rate"),
        ("INTERNAL_ERROR", "Server error", "", "server"),
        ("INVALID_REQUEST", "Invalid request parameters", "", "data"),
        # What apps answer, as messages and details quote it.
        ("ACTION_FAILED", "Books is not available", "HTTP 503 from Books", "server"),
        ("ACTION_FAILED", "Books refused the request", "HTTP 429 from Books: Too many requests", "rate"),
        ("ACTION_FAILED", "Books did not answer in time", "HTTP 504 from Books after 30000 ms", "timeout"),
        ("ACTION_FAILED", "Books is busy", "HTTP 409 from Books: record 12345 is locked", "conflict"),
        ("CONNECTION_FAILED", "The connection to Books has expired", "HTTP 401 from Books", "connection"),
        ("ACTION_FAILED", "Failed to update record in Books", "Record 12345 not found", "not_found"),
        ("ACTION_FAILED", "Failed to create record", "Duplicate record: 12345 already exists", "duplicate"),
        ("ACTION_FAILED", "Failed to create record", "Mandatory field 'Tax_ID' is missing", "data"),
        ("CUSTOM_FUNCTION_FAILED", "Custom function ended with an error", "TypeError: x (line 14)", "function"),
        ("ACTION_FAILED", "Monthly task quota is used up", "", "quota"),
        ("429", "", "", "rate"),
        ("", "Request timed out after 30000 ms", "", "timeout"),
        ("ACTION_FAILED", "", "", OTHER),
        ("", "", "", OTHER),
    ],
)
def test_an_error_of_the_documents_or_of_an_app_has_the_class_of_what_helps_against_it(
    code: str, message: str, details: str, expected: str
) -> None:
    assert error_class(code, message, details) == expected


def test_an_amount_in_the_text_is_no_http_status() -> None:
    assert error_class("ACTION_FAILED", "Invoice 503 was declined", "for 429 EUR") == OTHER


def test_the_case_of_a_code_and_of_the_words_does_not_matter() -> None:
    assert error_class(" invalid_token ", "", "") == error_class("", "UNAUTHORIZED", "") == "connection"


def test_the_set_stays_small_enough_for_a_bucket_of_every_hour() -> None:
    assert len(CLASSES) <= 12


@given(st.text(max_size=40), st.text(max_size=800), st.text(max_size=800))
def test_whatever_text_comes_it_is_in_a_class_that_pages_have_a_name_for(code: str, message: str, details: str) -> None:
    assert error_class(code, message, details) in CLASSES
