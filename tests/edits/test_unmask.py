"""What a person leaves hidden stays what it is; what is hidden is never sent as it is shown."""

from __future__ import annotations

import copy

import pytest

from monitor.edits.unmask import StillHidden, holds_mark, restored, shown_definition

MARK = "[secret:0123456789abcdef]"
BASE = {
    "name": "Tell lea.stone@example.com",
    "conditions": [
        {"id": "1", "criteria_details": {"criteria": {"field": {"api_name": "Email"}, "value": "noa@example.com"}}},
        {"id": "2", "instant_actions": {"actions": [{"id": "21", "type": "webhooks", "name": "x", "token": MARK}]}},
    ],
}


def test_the_page_shows_neither_people_nor_secrets() -> None:
    shown = str(shown_definition(BASE))
    assert "lea.stone" not in shown
    assert "noa@" not in shown
    assert "0123456789abcdef" not in shown


def test_what_is_left_as_it_was_shown_is_what_it_was() -> None:
    assert restored(shown_definition(BASE), BASE) == BASE


def test_what_is_changed_beside_hidden_parts_leaves_them_as_they_were() -> None:
    sent = shown_definition(BASE)
    sent["conditions"][1]["instant_actions"]["actions"][0]["name"] = "y"
    sent["conditions"].reverse()
    wanted = copy.deepcopy(BASE)
    wanted["conditions"][1]["instant_actions"]["actions"][0]["name"] = "y"
    wanted["conditions"].reverse()
    assert restored(sent, BASE) == wanted


def test_a_hidden_part_that_was_moved_is_refused_with_its_place() -> None:
    sent = shown_definition(BASE)
    sent["description"] = sent["name"]
    with pytest.raises(StillHidden) as hidden:
        restored(sent, BASE)
    assert hidden.value.place == "$.description"


@pytest.mark.parametrize("text", ["[hidden]", "call [phone]", "[secret]", MARK])
def test_words_that_stand_for_something_hidden_are_refused_anywhere(text: str) -> None:
    with pytest.raises(StillHidden):
        restored({"name": text}, {"name": "plain"})


def test_what_is_written_anew_is_taken() -> None:
    sent = shown_definition(BASE) | {"name": "Tell kim@example.com"}
    assert restored(sent, BASE)["name"] == "Tell kim@example.com"


def test_the_mark_of_a_secret_is_found_wherever_it_stands() -> None:
    assert holds_mark(BASE) == "$.conditions[1].instant_actions.actions[0].token"
    assert holds_mark({"a": ["b", {"c": 1}]}) == ""
