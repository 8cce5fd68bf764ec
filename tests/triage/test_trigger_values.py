"""Values of the run's own trigger data are parameters, whatever they look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.triage.clean import clean
from monitor.triage.trigger_values import parameters_of, without
from tests.triage.corpus.slots import NAMES
from tests.triage.failures import said, template


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_any_script_is_a_parameter_at_any_depth(name: str) -> None:
    trigger = {"id": 5, "record": {"people": [{"Who": name}], "ok": True}}
    assert template(f"Contact {name} is blocked", trigger) == "Contact <*> is blocked"


def test_only_whole_words_are_taken() -> None:
    assert template("Annual report of Ann, not Hannah_Ann", {"n": "Ann"}) == "Annual report of <*>, not Hannah_Ann"


def test_the_longest_value_is_taken_first() -> None:
    assert template("Anna Schmidt and Anna fail", {"a": "Anna", "b": "Anna Schmidt"}) == "<*> fail"
    assert template("Anna Schmidt is here", {"first": "Anna", "last": "Schmidt"}) == "<*> is here"


@pytest.mark.parametrize(
    "value", ["a", "1", "no", True, None, 404, "404", "failed", "Token expired", "Not Found", "Leads", "", " "]
)
def test_a_trivial_value_changes_nothing(value: object) -> None:
    message = "Token expired: a lookup in Leads failed with status code 404 Not Found, true or no"
    assert said(message, {"x": value}) == said(message)


def test_names_without_spaces_between_words_are_found() -> None:
    assert template("客户王小明不存在", {"name": "王小明"}) == "客户<*>不存在"
    assert template("ลูกค้าสมชาย ใจดีถูกระงับ", {"name": "สมชาย ใจดี"}) == "ลูกค้า<*>ถูกระงับ"


def test_a_value_is_found_in_json_and_in_html_as_well() -> None:
    assert said('{"message": "No customer The \\"Best\\" Ltd"}', {"c": 'The "Best" Ltd'}) == said("No customer 5")
    assert said("No customer O&#39;Brien &amp; Sons", {"c": "O'Brien & Sons"}) == said("No customer 5")


def test_the_trigger_data_may_be_json_within_text() -> None:
    assert template("Contact Zoë Ek gone", {"body": '{"who": ["Zoë Ek"]}'}) == "Contact <*> gone"


def test_a_message_that_came_with_the_trigger_as_a_whole_is_still_told() -> None:
    message = "Payment was not made because of missing funds"
    assert template(message, {"reason": message}) == message
    assert template("Zoë Ek", {"reason": "Zoë Ek"}) == "<*>"


def test_spaces_within_a_name_do_not_matter() -> None:
    assert template("Contact Zoë  Ek gone", {"n": " Zoë  Ek "}) == template("Contact Zoë Ek gone", {"n": "Zoë  Ek"})


def test_thousands_of_values_are_no_trouble() -> None:
    assert said("Contact Zed9 gone", [[f"value {n}"] for n in range(50_000)]).template == "Contact <*> gone"


def test_the_values_are_taken_from_the_details_too() -> None:
    one = said("Failed", {"n": "Zoë Åkesson"}, details="Zoë Åkesson is blocked")
    assert one == said("Failed", {"n": "Bo Ek"}, details="Bo Ek is blocked")


ANY_NAME = st.text(st.characters(categories=["L", "M", "Nd"], include_characters=" -.'&"), min_size=4, max_size=30)


@given(ANY_NAME, ANY_NAME)
def test_whose_name_it_is_never_matters(one: str, other: str) -> None:
    texts = [clean(f"Customer ({name.strip()}) is blocked") for name in (one, other)]
    found = [parameters_of({"name": name}, text) for name, text in zip((one, other), texts, strict=True)]
    if all(found):
        assert without(texts[0], found[0]) == without(texts[1], found[1])
