import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho.error_kinds import ErrorFinding, ErrorKind, classify
from standin.flow import failures

TRANSIENT = [
    ("408", "", ""),
    ("", "503", ""),
    ("ACTION_FAILED", "", "HTTP 409 from Books: record 71 is locked"),
    ("ACTION_FAILED", "Books refused the request", "HTTP 429 from Books: Too many requests"),
    ("ACTION_FAILED", "", "status code: 500"),
    ("ACTION_FAILED", "", "HTTP/1.1 502 Bad Gateway"),
    ("HTTP_504", "", ""),
    ("", "Error code 521 was returned", ""),
    ("ACTION_TIMEOUT", "Books did not answer in time", ""),
    ("", "The request timed out", ""),
    ("INTERNAL_ERROR", "", ""),
    ("RATE_LIMIT_EXCEEDED", "", ""),
    ("", "Connection refused", ""),
    ("", "read ECONNRESET", ""),
    ("", "Service temporarily unavailable", ""),
]
PERMANENT = [
    ("400", "", ""),
    ("ACTION_FAILED", "", "HTTP 401 from Books: the access token was revoked"),
    ("", "HTTP status 403", ""),
    ("ACTION_FAILED", "", "Response code 404"),
    ("", "http 422", ""),
    ("ACTION_FAILED", "Failed to create contact", "Invalid email format"),
    ("MANDATORY_NOT_FOUND", "", ""),
    ("", "Missing required field: Last_Name", ""),
    ("", "Record 500123 not found", ""),
    ("", "The connection has expired", ""),
    ("UNAUTHORIZED", "", ""),
    ("", "You have no permission to do this", ""),
    ("", "Duplicate record: 90 already exists", ""),
]
UNKNOWN = [("", "", ""), ("ACTION_FAILED", "It went wrong", ""), ("", "TypeError: cannot read 'total' of null", "")]


@pytest.mark.parametrize("error", TRANSIENT)
def test_a_passing_fault_is_transient(error: tuple[str, ...]) -> None:
    assert classify(*error).kind is ErrorKind.TRANSIENT


@pytest.mark.parametrize("error", PERMANENT)
def test_a_lasting_fault_is_permanent(error: tuple[str, ...]) -> None:
    assert classify(*error).kind is ErrorKind.PERMANENT


@pytest.mark.parametrize("error", UNKNOWN)
def test_an_error_without_any_sign_is_unknown(error: tuple[str, ...]) -> None:
    assert classify(*error) == ErrorFinding(ErrorKind.UNKNOWN, "")


@pytest.mark.parametrize("transient", TRANSIENT)
@pytest.mark.parametrize("permanent", PERMANENT)
def test_a_sign_of_a_passing_fault_beats_any_sign_of_a_lasting_one(transient, permanent) -> None:
    assert classify(*permanent, *transient).kind is ErrorKind.TRANSIENT


def test_a_number_that_only_occurs_in_the_text_is_no_status() -> None:
    assert classify("", "Mandatory field missing in record 503", "").kind is ErrorKind.PERMANENT
    assert classify("", "Order 404 went wrong", "").kind is ErrorKind.UNKNOWN


def test_the_stand_in_agrees_on_what_zoho_re_runs() -> None:
    words = {"app": "Zoho Books", "email": "lea@example", "field": "Tax_ID", "number": "71234"}
    for kind in failures.TRANSIENT:
        assert classify(kind.code, kind.message.format(**words), kind.details.format(**words)).kind is (
            ErrorKind.TRANSIENT
        ), kind.name
    for kind in (*failures.PERMANENT, failures.EXPIRED_CONNECTION, failures.SICKNESS):
        assert classify(kind.code, kind.message.format(**words), kind.details.format(**words)).kind is not (
            ErrorKind.TRANSIENT
        ), kind.name


@given(st.lists(st.text(), max_size=4))
def test_any_text_is_classified_and_only_a_sign_of_ours_is_quoted(texts: list[str]) -> None:
    finding = classify(*texts)
    assert finding.kind in ErrorKind
    assert bool(finding.sign) == (finding.kind is not ErrorKind.UNKNOWN)


@given(st.sampled_from([408, 409, 429, 500, 502, 503, 504]), st.text(), st.text())
def test_a_status_that_zoho_re_runs_is_found_in_any_surroundings(status: int, before: str, after: str) -> None:
    assert classify(f"{before} HTTP {status} {after}").kind is ErrorKind.TRANSIENT
