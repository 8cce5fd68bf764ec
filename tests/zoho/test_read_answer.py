"""From an answer to a value, or to the one error that says what to do."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.zoho import errors, read_answer
from monitor.zoho.errors import (
    AnswerLost,
    BadAnswer,
    DaysRefused,
    NotAvailable,
    NotFound,
    Refused,
    ScopeMissing,
    TokenRefused,
    TornAnswer,
    Wait,
    ZohoError,
)
from monitor.zoho.protocol import Answer, Headers

from .helpers import NOON, TOKEN, answer, fuzzed, sample
from .test_clean import ANY_JSON


def reply(case: str) -> Answer:
    found = sample(case)
    return Answer(found.status, Headers(found.headers), found.body, 0.0, NOON, "GET host/x")


DOCUMENTED = [
    ("flow-error-invalid-request", Refused, "INVALID_REQUEST"),
    ("flow-error-invalid-token", TokenRefused, "INVALID_TOKEN"),
    ("flow-error-scope", ScopeMissing, "OAUTH_SCOPE_MISMATCH"),
    ("flow-error-permission", NotAvailable, "NO_PERMISSION"),
    ("flow-error-not-found", NotFound, "FLOW_NOT_FOUND"),
    ("flow-error-connection-not-found", NotFound, "CONNECTION_NOT_FOUND"),
    ("flow-error-rate-limit", Wait, "RATE_LIMIT_EXCEEDED"),
    ("flow-error-internal", AnswerLost, "INTERNAL_ERROR"),
    ("flow-error-execution-failed", AnswerLost, "EXECUTION_FAILED"),
    ("crm-error-authentication", TokenRefused, "AUTHENTICATION_FAILURE"),
    ("crm-error-scope", ScopeMissing, "OAUTH_SCOPE_MISMATCH"),
    ("crm-error-edition", NotAvailable, "NO_PERMISSION"),
    ("crm-error-module", Refused, "INVALID_MODULE"),
    ("crm-error-missing-param", Refused, "REQUIRED_PARAM_MISSING"),
    ("crm-error-range", DaysRefused, "INVALID_REQUEST"),
    ("crm-error-date", DaysRefused, "INVALID_DATA"),
    ("crm-error-webhook-url", Refused, "INVALID_DATA"),
    ("crm-error-invalid-id", NotFound, "INVALID_DATA"),
    ("crm-error-rate-limit", Wait, "RATE_LIMIT_EXCEEDED"),
    ("crm-error-credits", Wait, "TOO_MANY_REQUESTS"),
    ("crm-error-internal", AnswerLost, "INTERNAL_ERROR"),
]


@pytest.mark.parametrize(("case", "kind", "code"), DOCUMENTED)
def test_every_documented_error_has_its_branch(case, kind, code):
    with pytest.raises(ZohoError) as error:
        read_answer.read(reply(case))
    assert type(error.value) is kind
    assert error.value.code == code
    assert error.value.status == sample(case).status
    assert code in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(("case", "kind", "code"), DOCUMENTED)
def test_they_mean_the_same_after_a_post_that_must_not_be_repeated(case, kind, code):
    with pytest.raises(ZohoError) as error:
        read_answer.read_once(reply(case))
    assert type(error.value) is kind


def test_the_message_of_zoho_and_the_field_it_objects_to_are_shown():
    with pytest.raises(Refused, match=r"required param not found \(executed_from\)"):
        read_answer.read(reply("crm-error-missing-param"))


def test_how_long_to_wait_comes_with_the_error():
    with pytest.raises(Wait) as error:
        read_answer.read(reply("flow-error-rate-limit"))
    assert error.value.retry_after == 30.0
    with pytest.raises(Wait) as error:
        read_answer.read(reply("crm-error-credits"))
    assert error.value.retry_after == 60.0


FAILED = {"status": "failure", "error": {"code": "X", "message": "m"}}
ODD = [
    # status, body, type, for a read, for the POST that is sent once
    (200, {"status": "failure", "error": {"code": "INVALID_TOKEN"}}, TokenRefused, Refused),
    (200, {"status": "failure", "error": {"code": "RATE_LIMIT_EXCEEDED"}}, Wait, Refused),
    (200, {"status": "failure", "error": {"code": "FLOW_NOT_FOUND"}}, NotFound, Refused),
    (200, {"status": "failure"}, BadAnswer, BadAnswer),
    (200, {"error": {"code": "NOVEL"}}, BadAnswer, BadAnswer),
    (200, {"code": "NOVEL", "message": "?"}, BadAnswer, BadAnswer),
    (200, b"<html>", BadAnswer, BadAnswer),
    (200, b'{"status": "succ', TornAnswer, TornAnswer),
    (200, b"[" * 100_000, BadAnswer, BadAnswer),
    (302, b"", BadAnswer, BadAnswer),
    (304, b"", BadAnswer, BadAnswer),
    (400, b"<html>", BadAnswer, BadAnswer),
    (400, {}, BadAnswer, BadAnswer),
    (401, b"<html>", TokenRefused, BadAnswer),
    (401, {"status": "failure", "error": {"code": "NOVEL"}}, Refused, Refused),
    (403, b"", NotAvailable, BadAnswer),
    (403, b"<html>", NotAvailable, BadAnswer),
    (403, FAILED, NotAvailable, NotAvailable),
    (404, b"", NotAvailable, BadAnswer),
    (404, b"<html>", NotAvailable, BadAnswer),
    (404, {"code": "INVALID_URL_PATTERN", "status": "error", "message": "m"}, NotAvailable, NotAvailable),
    (404, FAILED, NotAvailable, NotAvailable),
    (400, {"code": "MANDATORY_NOT_FOUND", "status": "error", "message": "m"}, Refused, Refused),
    (400, {"code": "FEATURE_NOT_SUPPORTED", "status": "error", "message": "m"}, NotAvailable, NotAvailable),
    (408, FAILED, AnswerLost, AnswerLost),
    (409, FAILED, Refused, Refused),
    (422, FAILED, Refused, Refused),
    (429, b"", Wait, BadAnswer),
    (429, b"<html>", Wait, BadAnswer),
    (429, {"code": "LIMIT_REACHED", "status": "error", "message": "m"}, Wait, Wait),
    (400, {"code": "LIMIT_REACHED", "status": "error", "message": "m"}, Refused, Refused),
    (500, b"", AnswerLost, AnswerLost),
    (502, b"<html>", AnswerLost, AnswerLost),
    (503, {"status": "failure", "error": {"code": "INVALID_TOKEN"}}, AnswerLost, AnswerLost),
    (504, b"", AnswerLost, AnswerLost),
]


@pytest.mark.parametrize(("status", "body", "kind", "_once"), ODD)
def test_an_odd_answer_to_a_read_has_its_branch(status, body, kind, _once):
    with pytest.raises(ZohoError) as error:
        read_answer.read(answer(status, body))
    assert type(error.value) is kind


@pytest.mark.parametrize(("status", "body", "_read", "kind"), ODD)
def test_after_the_one_post_only_zohos_own_words_prove_anything(status, body, _read, kind):
    with pytest.raises(ZohoError) as error:
        read_answer.read_once(answer(status, body))
    assert type(error.value) is kind


@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_is_a_2xx_that_says_success(status):
    body = {"status": "success", "data": {"x": 1}}
    assert read_answer.read(answer(status, body)) == body
    assert read_answer.read_once(answer(status, body)) == body


@pytest.mark.parametrize("body", [{"data": {}}, {}, [], {"status": "accepted"}, b"null", b""])
def test_a_2xx_that_does_not_say_success_proves_nothing_after_the_one_post(body):
    with pytest.raises(BadAnswer):
        read_answer.read_once(answer(200, body))
    with pytest.raises(BadAnswer):
        read_answer.read_once(answer(204, b""))


def test_a_mixed_result_is_a_value():
    mixed = {"workflow_rules": [{"code": "SUCCESS", "status": "success"}, {"code": "INVALID_DATA", "status": "error"}]}
    assert read_answer.read(answer(207, mixed)) == mixed


def test_an_execution_that_failed_is_no_failed_answer():
    body = {"execution_id": "1", "status": "failed", "error": {"code": "ACTION_FAILED"}}
    assert read_answer.read(answer(200, body)) == body


def test_a_5xx_with_retry_after_says_how_long():
    with pytest.raises(AnswerLost) as error:
        read_answer.read(answer(503, b"", {"retry-after": "7"}))
    assert error.value.retry_after == 7.0


def test_zohos_message_cannot_smuggle_a_token_or_a_second_line_into_ours():
    body = {"status": "failure", "error": {"code": f"A\n{TOKEN}", "message": f"token {TOKEN}\r\nis\0 bad"}}
    with pytest.raises(Refused) as error:
        read_answer.read(answer(400, body))
    assert TOKEN not in f"{error.value!s}{error.value!r}{error.value.code}"
    assert "\n" not in str(error.value)


def test_every_error_has_a_hint_and_survives_copying():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ZohoError)]
    assert len(kinds) == 16
    for kind in kinds:
        error = kind("what happened", code="X", status=400, retry_after=3.0)
        again = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert (again.message, again.code, again.status, again.retry_after) == ("what happened", "X", 400, 3.0)
        assert len(again.hint) > 20
        assert "\n" not in again.hint


@fuzzed()
@given(st.sampled_from([100, 200, 201, 204, 207, 302, 400, 401, 403, 404, 408, 409, 429, 500, 503, 599]), ANY_JSON)
def test_any_json_with_any_status_is_a_value_or_one_error_of_the_tree(status, value):
    body = json.dumps(value).encode()
    for read in (read_answer.read, read_answer.read_once):
        try:
            read(answer(status, body))
        except ZohoError as error:
            assert str(error).startswith("GET ")  # noqa: PT017
        else:
            assert status < 300
