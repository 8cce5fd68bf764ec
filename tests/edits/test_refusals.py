"""Each documented error of a change becomes its message and what to do about it, row by row."""

from __future__ import annotations

import pytest

from monitor.edits.refusals import TABLE, UNLISTED, explain, explain_answer

# subject, code, Zoho's words, the place it objects to → a part of the message. In the order of the documents.
DOCUMENTED = [
    # https://www.zoho.com/crm/developer/docs/api/v8/create-connected-workflow.html, "Possible Errors"
    ("connected_workflow", "FEATURE_NOT_SUPPORTED", "Your edition doesn't support this feature", "", "edition"),
    (
        "connected_workflow",
        "INVALID_REQUEST_METHOD",
        "The http request method type is not a valid one",
        "",
        "kind of request",
    ),
    (
        "connected_workflow",
        "DUPLICATE_DATA",
        "Duplicate connected workflow name",
        "$.connected_workflows[0].name",
        "of this name",
    ),
    (
        "connected_workflow",
        "MANDATORY_NOT_FOUND",
        "Required field not found",
        "$.connected_workflows[0].name",
        "is missing",
    ),
    (
        "connected_workflow",
        "INVALID_DATA",
        "The module is invalid",
        "$.connected_workflows[0].primary_module",
        "this module",
    ),
    ("connected_workflow", "INVALID_DATA", "invalid data", "$.connected_workflows[0].primary_module", "this module"),
    ("connected_workflow", "INVALID_DATA", "Name field exceeds maximum length of 50 characters", "", "longer than 50"),
    (
        "connected_workflow",
        "INVALID_DATA",
        "does not match the allowed regex pattern",
        "",
        "signs that Zoho does not take",
    ),
    ("connected_workflow", "INVALID_DATA", "invalid data", "$.connected_workflows[0].name", "this name"),
    ("connected_workflow", "INVALID_DATA", "invalid data", "description", "this description"),
    (
        "connected_workflow",
        "AMBIGUITY_DURING_PROCESSING",
        "Ambiguity while processing the request",
        "",
        "two different modules",
    ),
    ("connected_workflow", "EXPECTED_FIELD_MISSING", "Expected field missing", "", "not named"),
    ("connected_workflow", "LIMIT_EXCEEDED", "Cannot create more connected workflows", "", "limit is reached"),
    ("connected_workflow", "OAUTH_SCOPE_MISMATCH", "Unauthorized", "", "without the scope"),
    ("connected_workflow", "NO_PERMISSION", "Permission denied", "", "may not manage connected workflows"),
    (
        "connected_workflow",
        "INVALID_URL_PATTERN",
        "Please check if the URL trying to access is a correct one",
        "",
        "no such address",
    ),
    ("connected_workflow", "INTERNAL_ERROR", "Internal Server Error", "", "failed at Zoho"),
    # activate-connected-workflow.html
    ("connected_workflow", "INVALID_DATA", "Rule limit exceeded", "", "more rules in it than Zoho allows"),
    ("connected_workflow", "INVALID_DATA", "Unsupported module is used", "", "not supported"),
    # https://github.com/zoho/crm-oas, workflow_rules.json
    ("rule", "INVALID_MODULE", "The value provided to the param is Invalid", "module", "this module"),
    ("rule", "AUTHENTICATION_FAILURE", "Authentication failed", "", "sign-in"),
    ("rule", "NO_PERMISSION", "feature not available in this edition", "", "edition"),
    ("rule", "NO_PERMISSION", "permission denied", "", "may not manage workflow rules"),
    ("rule", "FEATURE_NOT_SUPPORTED", "", "", "edition"),
    ("rule", "DEPENDENT_FIELD_MISSING", "", "", "another one needs"),
    ("rule", "EXPECTED_FIELD_MISSING", "", "", "at least one"),
    ("rule", "AMBIGUITY_DURING_PROCESSING", "", "", "different things"),
    ("rule", "LIMIT_EXCEEDED", "limit exceeded", "", "more than Zoho allows"),
    ("rule", "LOOKUP_LIMIT_EXCEEDED", "", "", "related modules"),
    ("rule", "ALREADY_USED", "", "", "of this name"),
    ("rule", "DEPENDENT_MISMATCH", "", "", "do not go together"),
    ("rule", "NOT_ALLOWED", "the id given seems to be invalid", "", "locked"),
    ("rule", "NOT_ALLOWED", "module cannot be changed", "$.workflow_rules[0].module", "module cannot be changed"),
    ("rule", "NOT_ALLOWED", "", "", "does not allow this change"),
    ("rule", "PATTERN_NOT_MATCHED", "", "", "signs that Zoho does not take"),
    ("rule", "INVALID_DATA", "the id given seems to be invalid", "", "by this id"),
    ("rule", "INVALID_DATA", "the module is invalid", "$.workflow_rules[0].module", "this module"),
    ("rule", "INVALID_DATA", "invalid data", "$.workflow_rules[0].name", "this name"),
    ("rule", "INVALID_DATA", "invalid data", "$.workflow_rules[0].description", "this description"),
    ("rule", "INVALID_DATA", "invalid data", "$.workflow_rules[0].execute_when.type", "this trigger"),
    ("rule", "INVALID_DATA", "invalid data", "$.workflow_rules[0].conditions[0]", "a value of it"),
    ("rule", "MANDATORY_NOT_FOUND", "required field not found", "", "is missing"),
    ("rule", "DUPLICATE_DATA", "", "", "of this name"),
    ("rule", "REQUIRED_PARAM_MISSING", "required param not found", "", "parameter"),
    ("rule_order", "LIMIT_EXCEEDED", "", "", "more than Zoho allows"),
    ("rule", "OAUTH_SCOPE_MISMATCH", "Unauthorized", "", "without the scope"),
    ("rule", "INVALID_TOKEN", "", "", "sign-in"),
    ("rule", "INVALID_OAUTHTOKEN", "", "", "sign-in"),
    ("rule", "INVALID_URL_PATTERN", "", "", "no such address"),
    ("rule", "INVALID_REQUEST_METHOD", "", "", "kind of request"),
    ("rule", "INVALID_REQUEST", "", "", "what was sent"),
    ("rule", "TOO_MANY_REQUESTS", "", "", "limit of calls"),
    ("rule", "RATE_LIMIT_EXCEEDED", "Too many requests. Please try again later.", "", "limit of calls"),
    ("rule", "LIMIT_REACHED", "", "", "limit of calls"),
    ("rule", "AUTHORIZATION_ERROR", "", "", "locked"),
    ("rule", "INTERNAL_ERROR", "An unexpected error occurred.", "", "failed at Zoho"),
    ("connected_workflow", "NOT_ALLOWED", "connected workflow is already active", "", "state that it is in"),
    ("flow", "FLOW_NOT_FOUND", "", "", "no longer has this flow"),
    ("flow", "NOT_ALLOWED", "", "", "state that the flow is in"),
    ("flow", "NO_PERMISSION", "", "", "may not do this to flows"),
    ("flow", "INVALID_REQUEST", "", "", "what was sent"),
    ("rule", "NOT_SUBSCRIBED", "", "", "no longer has this channel"),
]


@pytest.mark.parametrize(("subject", "code", "words", "place", "part"), DOCUMENTED)
def test_each_documented_error_has_its_message_and_a_resolution(subject, code, words, place, part) -> None:
    found = explain(subject, code, words, place)
    assert part in found.message
    assert len(found.resolution) > 10
    assert found.resolution.endswith(".")
    assert code not in found.message + found.resolution


def test_each_row_of_the_table_is_reached_by_a_documented_error() -> None:
    reached = {explain(subject, code, words, place) for subject, code, words, place, _ in DOCUMENTED}
    assert [row for row in TABLE if row not in reached] == []


def test_an_error_that_no_document_has_is_told_as_it_is() -> None:
    assert explain("rule", "FROM_TOMORROW", "new", "") is UNLISTED
    assert explain("rule", "", "", "") is UNLISTED


@pytest.mark.parametrize(("subject", "code", "words", "place", "part"), DOCUMENTED)
def test_a_kept_answer_leads_to_the_row_that_it_was_told_by(subject, code, words, place, part) -> None:
    """Of an edit the place that Zoho objected to is not kept, its message is."""
    found = explain(subject, code, words, place)
    kept = explain_answer(subject, code, f"{found.message} Zoho's words: {words}")
    assert (kept.message, kept.resolution) == (found.message, found.resolution)
