"""Two sets of definitions held against each other."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.definition_compare import (
    DIFFERS,
    LEFT_ONLY,
    RIGHT_ONLY,
    SAME,
    Defined,
    DefinitionSet,
    compare,
    masked,
    paired,
)
from monitor.privacy import SecretMask

RULE: dict[str, Any] = {
    "id": "3361265000006526160",
    "name": "Big deals",
    "module": {"api_name": "Deals", "id": "3361265000000002175"},
    "conditions": [
        {
            "id": "3361265000006526161",
            "criteria_details": {"criteria": {"field": {"api_name": "Amount", "id": "3361265000002176"}, "value": 1}},
            "instant_actions": {
                "actions": [
                    {"id": "3361265000006526162", "name": "Tell sales", "type": "email_notifications"},
                    {"id": "3361265000006526163", "name": "Tag it", "type": "add_tags"},
                ]
            },
        }
    ],
}


def with_other_ids(content: Any) -> Any:
    return json.loads(json.dumps(content).replace("3361265", "9999265"))


def a_set(*things: Defined, account: str = "Acme") -> DefinitionSet:
    return DefinitionSet(account, things)


def rule(content: dict[str, Any], name: str = "Big deals", zoho_id: str = "1") -> Defined:
    return Defined("rule", zoho_id, name, content)


def test_the_same_rule_with_other_ids_in_another_account_is_the_same() -> None:
    other = rule(with_other_ids(RULE), zoho_id="2")
    (pair,) = compare(a_set(rule(RULE)), a_set(other, account="Sandbox"), by_id=False)
    assert pair.state == SAME


def test_what_differs_beside_the_ids_is_found_by_its_path() -> None:
    changed = with_other_ids(RULE)
    changed["conditions"][0]["criteria_details"]["criteria"]["value"] = 2
    del changed["conditions"][0]["instant_actions"]["actions"][0]
    (pair,) = compare(a_set(rule(RULE)), a_set(rule(changed)), by_id=False)
    assert pair.state == DIFFERS
    assert [(change["path"][-1], change["kind"]) for change in pair.changes] == [
        ("value", "changed"),
        ("[Tell sales]", "removed"),
    ]


def test_within_one_account_ids_count_and_a_new_name_is_a_change() -> None:
    pairs = compare(a_set(rule(RULE)), a_set(rule(RULE | {"name": "Huge deals"}, "Huge deals")), by_id=True)
    assert [change["path"] for change in pairs[0].changes] == [["name"]]
    action = copy.deepcopy(RULE)
    action["conditions"][0]["instant_actions"]["actions"][0]["id"] = "3361265000006526999"
    (pair,) = compare(a_set(rule(RULE)), a_set(rule(action)), by_id=True)
    assert pair.state == DIFFERS


def test_what_stands_on_one_side_only_says_on_which() -> None:
    pairs = compare(a_set(rule({}, "A")), a_set(rule({}, "B")), by_id=False)
    assert [(pair.either.name, pair.state) for pair in pairs] == [("A", LEFT_ONLY), ("B", RIGHT_ONLY)]


def test_a_flow_and_a_rule_of_one_name_are_no_pair() -> None:
    pairs = compare(a_set(Defined("flow", "1", "A", {})), a_set(Defined("rule", "1", "A", {})), by_id=False)
    assert {pair.state for pair in pairs} == {LEFT_ONLY, RIGHT_ONLY}


def test_of_namesakes_the_equal_ones_are_pairs_whatever_their_order() -> None:
    left = a_set(rule({"x": 1}, "A", "1"), rule({"x": 2}, "A", "2"), rule({"x": 3}, "A", "3"))
    right = a_set(rule({"x": 3}, "A", "7"), rule({"x": 9}, "A", "8"), rule({"x": 1}, "A", "9"))
    pairs = compare(left, right, by_id=False)
    found = {(pair.left and pair.left.zoho_id, pair.right and pair.right.zoho_id): pair.state for pair in pairs}
    assert found == {("1", "9"): SAME, ("3", "7"): SAME, ("2", "8"): DIFFERS}


def test_an_id_that_a_definition_names_elsewhere_is_read_as_what_it_is_the_id_of() -> None:
    flow = {
        "actions": [
            {"action_id": "12345000000234567", "action": "find"},
            {"action_id": "12345000000234568", "action": "send", "to": "${12345000000234567.email}"},
        ]
    }
    other = json.loads(json.dumps(flow).replace("12345000", "77745000"))
    swapped = copy.deepcopy(other)
    swapped["actions"][1]["to"] = "${77745000000234568.email}"
    same, differs = (
        compare(a_set(Defined("flow", "1", "A", flow)), a_set(Defined("flow", "2", "A", one)), by_id=False)[0]
        for one in (other, swapped)
    )
    assert (same.state, differs.state) == (SAME, DIFFERS)
    assert (differs.changes[0]["before"], differs.changes[0]["after"]) == ("${[find].email}", "${[send].email}")


@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ({"associated_time": "2025-10-16T16:19:58+05:30"}, {"associated_time": "2026-01-01T00:00:00Z"}, SAME),
        ({"created_by": {"name": "Jo"}}, {"created_by": {"name": "Pat"}}, SAME),
        ({"modified_time": "${trigger.Modified}"}, {"modified_time": "${trigger.Created}"}, DIFFERS),
        ({"next_id": "n1"}, {"next_id": "n2"}, DIFFERS),
        ({"tag_ids": ["3361265000000000001"]}, {"tag_ids": ["9961265000000000001"]}, SAME),
        ({"period": 3}, {"period": 4}, DIFFERS),
        ({"amount": "3361265000000000001"}, {"amount": "9961265000000000001"}, DIFFERS),
    ],
)
def test_only_zohos_own_ids_and_times_are_left_out(before: Any, after: Any, state: str) -> None:
    (pair,) = compare(a_set(rule({"part": before})), a_set(rule({"part": after})), by_id=False)
    assert pair.state == state


def test_secrets_of_two_accounts_are_no_difference_and_of_one_they_are() -> None:
    one, other = (SecretMask(key).hide({"url": "https://a.example/?zapikey=hunter2"}) for key in (b"a", b"b"))
    assert one != other
    assert compare(a_set(rule(one)), a_set(rule(other)), by_id=False)[0].state == SAME
    (pair,) = compare(a_set(rule(one)), a_set(rule(other)), by_id=True)
    assert [change["kind"] for change in pair.changes] == ["secret"]


def test_beside_an_exported_folder_both_sides_are_masked() -> None:
    content = {"to": "jo.roe@example.com", "token": "[secret:0123456789abcdef]", "value": 3}
    folder = DefinitionSet("Acme", [masked(rule(content))], is_masked=True)
    assert "jo.roe" not in json.dumps(folder.things[0].content)
    for by_id in (True, False):
        assert compare(a_set(rule(content)), folder, by_id=by_id)[0].state == SAME
        assert compare(folder, a_set(rule(content | {"value": 4})), by_id=by_id)[0].state == DIFFERS


leaves = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab", max_size=3))
contents = st.dictionaries(
    st.sampled_from(["name", "value", "actions", "field", "x"]),
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.fixed_dictionaries({"id": st.integers(0, 9).map(lambda n: f"336126500000652616{n}"), "name": leaves}),
            st.dictionaries(st.sampled_from(["a", "b", "name"]), inner, max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@pytest.mark.property
@given(contents)
def test_no_definition_differs_from_itself_under_other_ids(content: dict[str, Any]) -> None:
    other = with_other_ids(content)
    assert compare(a_set(rule(content)), a_set(rule(other)), by_id=False)[0].state == SAME


things = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 2), st.integers(1, 9)), max_size=5, unique_by=lambda thing: thing[2]
)


@pytest.mark.property
@given(things, things)
def test_everything_is_in_one_pair_and_no_equal_namesakes_are_left_apart(left: Any, right: Any) -> None:
    sides = [[rule({"x": x}, name, str(zoho_id)) for name, x, zoho_id in side] for side in (left, right)]
    pairs = paired(*sides, lambda one: one.name, lambda one: str(one.content["x"]))
    for place, side in enumerate(sides):
        assert sorted(pair[place].zoho_id for pair in pairs if pair[place]) == sorted(one.zoho_id for one in side)
    equal = sum(1 for one, other in pairs if one and other and one.content == other.content)
    wanted = 0
    for name in "AB":
        for x in range(3):
            counts = [sum(one.name == name and one.content["x"] == x for one in side) for side in sides]
            wanted += min(counts)
    assert equal == wanted
