"""What JSON answers say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.triage.failures import are_one, said, template

REFUSED = {
    "code": "INVALID_DATA",
    "details": {"api_name": "Email", "id": "5725767000000524157"},
    "message": "invalid data",
}


def test_codes_fields_and_messages_stay_and_values_go() -> None:
    assert template(REFUSED) == "code: INVALID_DATA, details: api_name: Email, id: <*>, message: invalid data"


def test_an_answer_is_the_same_as_object_as_text_and_in_other_orders() -> None:
    turned = dict(reversed(REFUSED.items()))
    assert are_one(REFUSED, turned, json.dumps(REFUSED), json.dumps(turned, indent=2), f"  {json.dumps(REFUSED)}\n")


def test_a_message_in_an_envelope_is_the_message() -> None:
    wrapped = {"status": "error", "success": False, "requestId": "a-1", "message": "Record 5 is locked."}
    assert are_one("Record 7 is locked", wrapped, json.dumps(wrapped), {"error": {"message": "Record 8 is locked"}})


def test_json_within_a_sentence_is_read_as_json() -> None:
    one = 'Refused: {"code":"INVALID_DATA","id":"123","name":"Anna"} (try 1)'
    assert template(one) == "Refused code: INVALID_DATA, id: <*>, name: <*> (try <*>)"
    assert are_one(one, 'Refused: {"name": "Zoë", "id": 99, "code": "INVALID_DATA"} (try 22)')
    assert not are_one(one, one.replace("INVALID_DATA", "DUPLICATE_DATA"))


def test_rows_that_failed_alike_are_told_once() -> None:
    row = {"code": "DUPLICATE_DATA", "details": {"id": 5}}
    assert are_one({"data": [row]}, {"data": [row, row | {"details": {"id": 6}}, row]})


@pytest.mark.parametrize("field", ["api_name", "code", "expected_data_type", "error", "param_name", "decline_code"])
def test_what_names_the_cause_tells_causes_apart(field: str) -> None:
    assert not are_one({field: "Email", "id": 1}, {field: "Phone", "id": 1})


def test_an_answer_of_crm_is_read_whole() -> None:
    row = {"code": "INVALID_DATA", "details": {"api_name": "Stage", "json_path": "$.data[12].Stage"}, "status": "error"}
    one = json.dumps({"data": [row], "count": 1})
    assert (
        template(one) == "count: <*>, data: code: INVALID_DATA, details: api_name: Stage, json_path: $.data[<*>].Stage"
    )
    assert are_one(one, one.replace("12", "3"), {"data": [row], "count": 17})
    assert not are_one(one, one.replace('"Stage"', '"Owner"'))


def test_a_code_in_json_that_was_cut_off_stays() -> None:
    one = '{"data":[{"api_name":"Stage","id":"12","name":"Anna","message":"inv…'
    assert are_one(one, one.replace("12", "345").replace("Anna", "Bo"))
    assert not are_one(one, one.replace("Stage", "Owner"))


def test_a_place_in_the_data_tells_causes_apart_and_a_row_does_not() -> None:
    assert are_one({"json_path": "$.data[0].Email"}, {"json_path": "$.data[17].Email"})
    assert not are_one({"json_path": "$.data[0].Email"}, {"json_path": "$.data[0].Phone"})


def test_a_code_is_known_by_its_form_under_any_key() -> None:
    assert not are_one({"why": "invalid_grant"}, {"why": "invalid_client"})
    assert are_one({"why": "Berlin"}, {"why": "Delhi"})


@pytest.mark.parametrize("field", ["id", "name", "value", "customer", "record_id"])
def test_what_holds_a_value_does_not(field: str) -> None:
    assert are_one({field: "Email", "code": "X"}, {field: "Phone", "code": "X"})


def test_a_large_answer_has_a_short_template() -> None:
    many = {f"field_{chr(97 + n)}": {"code": f"{chr(97 + n) * 80}"} for n in range(26)}
    assert 500 < len(template(many)) <= 1_000


def test_what_is_written_with_backslashes_in_json_parts_words_there_too() -> None:
    assert template({"message": "Stopped\n5 rows are bad\t7"}) == "Stopped <*> rows are bad <*>"
    assert are_one({"message": 'size 5" is bad'}, {"message": 'size 17" is bad'})


def test_numbers_stay_where_they_are_codes() -> None:
    assert template({"code": 57, "id": 57}) == "code: 57, id: <*>"
    assert not are_one({"code": 57}, {"code": 14})


def test_json_that_was_cut_off_still_tells_its_code() -> None:
    one = '{"code":"INVALID_DATA","details":{"id":"123","name":"An…'
    assert are_one(one, one.replace("123", "98765"))
    assert not are_one(one, one.replace("INVALID_DATA", "DUPLICATE_DATA"))
    assert template(one) == "{code:INVALID_DATA,details:{id:<*>,name"


def test_details_that_repeat_the_message_add_nothing() -> None:
    assert said("Record 5 is locked", details="Record 5 is locked") == said("Record 6 is locked")
    assert said(None, details="Record 5 is locked") == said("Record 6 is locked")


def test_details_tell_causes_apart() -> None:
    one, other = said("Failed", details="Invalid email format"), said("Failed", details="Contact has unsubscribed")
    assert one.fingerprint != other.fingerprint
    assert one.template == "Failed | Invalid email format"


def test_an_object_without_end_is_no_trouble() -> None:
    assert are_one("[" * 5_000, "[" * 6_000 + "1")
    deep: object = "x"
    for _ in range(400):
        deep = {"a": [deep]}
    assert said(deep).template


@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.text(max_size=8) | st.integers(), st.lists, max_leaves=4)),
    st.randoms(),
)
def test_the_order_of_keys_never_matters(details: dict[str, object], random: object) -> None:
    keys = list(details)
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert said("Failed", details=details) == said("Failed", details={key: details[key] for key in keys})


def test_keys_that_differ_by_a_digit_are_both_told() -> None:
    assert (
        template({"line_1": {"code": "TOO_LONG"}, "line_2": {"code": "EMPTY_ROW"}}) == "code: EMPTY_ROW; code: TOO_LONG"
    )
    assert are_one({"row 1": {"code": "A"}, "row 2": {"code": "A"}}, {"row 7": {"code": "A"}})


def test_an_answer_with_html_in_it_is_still_an_answer() -> None:
    assert are_one({"message": "No &quot;Acme&quot;"}, '{"message": "No &quot;Acme&quot;"}', {"message": 'No "Bolt"'})
    assert are_one('{"message": "No \\u0022Acme\\u0022"}', {"message": 'No "Bolt"'})


def test_the_order_of_keys_does_not_matter_where_what_is_left_is_no_json() -> None:
    """A digit before a backslash takes the end of the key along: the text is told as it stands."""
    details = {"1": [], "": [], "0\\": ""}
    turned = dict(reversed(details.items()))
    assert said("Failed", details=details) == said("Failed", details=turned)
