"""What a person leaves hidden stays what it is; what is hidden is never sent as it is shown."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.edits.unmask import StillHidden, holds_mark, is_shortened, restored, shown_definition

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


def equal(person: str, **more: Any) -> dict[str, Any]:
    return {"comparator": "equal", "field": {"api_name": "Email"}, "value": f"{person}@example.com", **more}


TWINS = {"criteria": {"group_operator": "OR", "group": [equal("lea"), equal("noa")]}}


def group_of(definition: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = definition["criteria"]["group"]
    return found


@pytest.mark.parametrize(
    "base",
    [
        TWINS,
        {"to": ["lea@example.com", "noa@example.com"]},
        {"to": {"lea@example.com": "a", "noa@example.com": "b"}},
        {"details": [["lea@example.com", "noa@example.com", "kim@example.com"], ["noa@example.com"]]},
        {"token": {"lea@example.com": "a", "noa@example.com": "b"}},
    ],
)
def test_people_that_look_alike_once_hidden_stay_who_they_are(base: dict[str, Any]) -> None:
    assert restored(shown_definition(base), base) == base
    assert restored(shown_definition(base) | {"name": "New"}, base) == base | {"name": "New"}


def test_beside_a_changed_one_of_two_that_look_alike_each_keeps_its_own() -> None:
    sent = shown_definition(TWINS)
    group_of(sent)[1]["comparator"] = "not_equal"
    wanted = copy.deepcopy(TWINS)
    group_of(wanted)[1]["comparator"] = "not_equal"
    assert restored(sent, TWINS) == wanted
    group_of(sent).append(equal("kim"))
    assert restored(
        {"criteria": {"group_operator": "OR", "group": [*group_of(shown_definition(TWINS)), equal("kim")]}}, TWINS
    ) == {"criteria": {"group_operator": "OR", "group": [equal("lea"), equal("noa"), equal("kim")]}}


@pytest.mark.parametrize("changed", [[0], [0, 0, 1]])
def test_which_of_two_that_look_alike_is_gone_or_doubled_is_not_guessed(changed: list[int]) -> None:
    sent = shown_definition(TWINS)
    sent["criteria"]["group"] = [group_of(sent)[place] for place in changed]
    with pytest.raises(StillHidden):
        restored(sent, TWINS)


def test_a_changed_one_is_not_taken_for_its_neighbour_that_is_gone() -> None:
    sent = shown_definition(TWINS)
    sent["criteria"]["group"] = [group_of(sent)[0] | {"comparator": "not_equal"}]
    with pytest.raises(StillHidden):
        restored(sent, TWINS)


def test_whether_the_first_or_the_second_was_replaced_by_a_new_one_is_not_guessed() -> None:
    sent = {"criteria": {"group_operator": "OR", "group": [group_of(shown_definition(TWINS))[0], equal("kim")]}}
    with pytest.raises(StillHidden):
        restored(sent, TWINS)


CRITERIA = st.builds(
    lambda person, field, kind: equal(person) | {"field": field, "type": kind},
    st.sampled_from(["lea", "noa", "kim", "eva"]), st.sampled_from("AB"), st.sampled_from(["value", "merge"]),
)  # fmt: skip


@pytest.mark.property
@given(group=st.lists(CRITERIA, max_size=5), data=st.data())
def test_whatever_is_left_out_moved_and_changed_nobody_takes_another_s_place(group: Any, data: Any) -> None:
    base = {"criteria": {"group": group}}
    shown = group_of(shown_definition(base))
    order = list(data.draw(st.permutations(range(len(group)))))[: data.draw(st.integers(0, len(group)))]
    for one in range(len(order)):  # nobody knows that two which look alike have changed places: they keep their order
        for other in range(one):
            if shown[order[one]] == shown[order[other]] and order[one] < order[other]:
                order[one], order[other] = order[other], order[one]
    changed = [data.draw(st.booleans()) for _ in order]
    sent, wanted = [], []
    for place, is_changed in zip(order, changed, strict=True):
        more = {"comparator": "not_equal"} if is_changed else {}
        sent.append(shown[place] | more)
        wanted.append(group[place] | more)
    if data.draw(st.booleans()):
        place = data.draw(st.integers(0, len(sent)))
        sent.insert(place, equal("new"))
        wanted.insert(place, equal("new"))
    try:
        found = restored({"criteria": {"group": sent}}, base)
    except StillHidden:
        return
    assert group_of(found) == wanted


def test_beside_one_that_is_gone_those_that_look_alike_keep_their_order() -> None:
    base = {"details": ["Head", "lea@example.com", "noa@example.com"]}
    sent = {"details": shown_definition(base)["details"][1:]}
    assert restored(sent, base) == {"details": ["lea@example.com", "noa@example.com"]}


def test_hidden_keys_are_put_back_with_what_stands_under_them() -> None:
    base = {"details": {"lea@example.com": "t", "noa@example.com": {"a": "kim@example.com"}}}
    sent = shown_definition(base)
    assert "lea@" not in str(sent)
    sent["details"]["more"] = 1
    assert restored(sent, base) == {"details": base["details"] | {"more": 1}}
    del sent["details"]["[e-mail]"]
    assert restored(sent, base) == {"details": {"noa@example.com": {"a": "kim@example.com"}, "more": 1}}


@pytest.mark.parametrize("key", ["[e-mail]", "[hidden]", "x [secret]"])
def test_a_key_that_stands_for_something_hidden_is_refused_where_it_did_not_stand(key: str) -> None:
    with pytest.raises(StillHidden) as hidden:
        restored({"details": {key: "t"}}, {"details": {"plain": "t"}})
    assert hidden.value.place == f"$.details.{key}"


def test_a_hidden_key_beside_the_one_it_stands_for_is_refused() -> None:
    base = {"details": {"lea@example.com": "t"}}
    with pytest.raises(StillHidden):
        restored({"details": {"[e-mail]": "t", "lea@example.com": "u"}}, base)


def test_keys_that_became_one_below_a_secret_are_not_told_apart() -> None:
    base = {"token": {"lea@example.com": "a", "noa@example.com": "b"}}
    with pytest.raises(StillHidden):
        restored({"token": {"[e-mail]": "new"}}, base)


def test_true_in_place_of_1_is_a_change() -> None:
    assert restored({"a": True}, {"a": 1})["a"] is True


def test_what_is_too_long_to_be_shown_whole_is_not_changed_from_what_is_shown() -> None:
    base = {"conditions": [{"id": str(number), "text": "word " * 5_000} for number in range(8)]}
    assert is_shortened(base)
    assert not is_shortened(BASE)
    sent = shown_definition(base)
    with pytest.raises(StillHidden) as hidden:
        restored(sent, base)
    assert "too long to be shown whole" in hidden.value.text
