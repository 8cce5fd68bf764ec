"""Zoho's own words about an error are told without what they say of people, whatever answers and in whatever form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from monitor.zoho import ZohoError, read_answer
from monitor.zoho.oauth_redirect import read_redirect
from monitor.zoho.protocol import redact
from monitor.zoho.shapes.crm_common import write_result, write_results

from .helpers import answer
from .test_oauth import client

PRIVATE = ("jane.doe@", "170 1234567", "Jane Doe", "10.9.8.7")
SAID = "locked by jane.doe@example.com (+49 170 1234567), user name: Jane Doe"
CODE = "HELD_BY jane.doe@example.com"
FORMS: dict[str, Any] = {
    "Flow": {"status": "failure", "error": {"code": CODE, "message": SAID, "details": "from 10.9.8.7"}},
    "CRM": {"code": CODE, "message": SAID, "status": "error", "details": {"param_name": "jane.doe@example.com"}},
    "OAuth": {"error": "held by jane.doe@example.com", "error_description": SAID},
    "a list": [{"errorCode": CODE, "errorMessage": SAID}],
    "a known code": {"code": "NO_PERMISSION", "message": SAID, "status": "error"},
    "a token's": {"code": "INVALID_TOKEN", "message": SAID, "status": "error"},
    "a limit's": {"code": "TOO_MANY_REQUESTS", "message": SAID, "status": "error"},
    "none of Zoho's": {"who": "Jane Doe", "email": "jane.doe@example.com", "ip": "10.9.8.7"},
    "a text": SAID,
}
STATUSES = (200, 207, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503)


def told_by(act: Callable[[], object]) -> str:
    try:
        return repr(act())
    except ZohoError as error:
        return " ".join((str(error), error.code, error.hint, error.place))


def is_clean(told: str) -> bool:
    return not any(private in told for private in PRIVATE)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("form", FORMS)
def test_no_error_says_anything_of_a_person(form: str, status: int) -> None:
    for read in (read_answer.read, read_answer.read_once):
        told = told_by(lambda read=read: read(answer(status, FORMS[form])))  # type: ignore[misc]
        if status >= 300 or "answered" in told:
            assert is_clean(told), told
    oauth, _ = client(*[httpx.Response(status, json=FORMS[form])] * 3)
    assert is_clean(told_by(lambda: oauth.exchange_code("1000.code", "https://example.com/back")))


@pytest.mark.parametrize("form", ["CRM", "a list"])
def test_no_result_of_a_write_says_anything_of_a_person(form: str) -> None:
    said = FORMS[form]
    row = {"status": "error"} | (said if isinstance(said, dict) else {"code": CODE, "message": SAID})
    assert is_clean(told_by(lambda: write_result({"watch": [row]}, "watch")))
    assert all(is_clean(result.message) for result in write_results({"watch": [row, SAID]}, "watch"))


def test_a_web_page_and_a_challenge_say_nothing_of_a_person() -> None:
    page = httpx.Response(401, text=f"<html><title>{SAID}</title></html>")
    challenge = httpx.Response(401, headers={"www-authenticate": f'Bearer error="held", error_description="{SAID}"'})
    for reply in (page, challenge):
        made = answer(401, reply.content, dict(reply.headers))
        assert is_clean(told_by(lambda made=made: read_answer.read(made)))  # type: ignore[misc]


def test_a_redirect_says_nothing_of_a_person() -> None:
    query = {"state": "s", "error": f"denied {SAID}"}
    assert is_clean(told_by(lambda: read_redirect(query, state="s", origins=None)))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [280, 290, 296, 300, 1_990])
def test_what_is_cut_was_masked_before(length: int) -> None:
    shown = redact("x" * (length - 5) + " " + SAID)
    assert is_clean(shown)
    assert len(shown) <= 300
    assert "jane" not in shown


def test_what_is_no_personal_data_is_told_to_the_letter() -> None:
    for text in (
        "INVALID_OAUTHTOKEN",
        "the id given seems to be invalid",
        "$.workflow_rules[0].id",
        "The request limit of 10,000 calls a day is reached",
    ):
        assert redact(text) == text
