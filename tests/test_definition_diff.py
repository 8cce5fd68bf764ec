"""Definitions in one form, and what changed between two."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.definition_diff import canonical, definition, diff, sha256
from monitor.privacy import SecretMask

FLOW: dict[str, Any] = {
    "flow_id": "1",
    "flow_name": "Lead to Campaign",
    "status": "active",
    "execution_count": 10,
    "success_count": 9,
    "modified_time": "2026-11-20T10:00:00Z",
    "last_executed_time": "2026-11-20T10:00:00Z",
    "trigger": {"app": "crm", "module": "Leads"},
    "actions": [
        {"action_id": "a", "config": {"to": "x", "success_count": 3}},
        {"action_id": "b", "config": {"to": "y"}},
    ],
}


def changed(**fields: Any) -> dict[str, Any]:
    return definition(copy.deepcopy(FLOW) | fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"execution_count": 11, "success_count": 10, "failure_count": 1},
        {"modified_time": "2026-11-21T10:00:00Z", "modified_by": {"name": "Jo"}},
        {"last_executed_time": None},
        {"description": None},
        {"lock": {"status": True}},
        {"stats": {"total": 4}},
    ],
)
def test_counters_and_last_runs_make_no_new_definition(fields: dict[str, Any]) -> None:
    assert sha256(changed(**fields)) == sha256(changed())


def test_a_field_of_that_name_which_people_chose_is_part_of_it() -> None:
    actions = copy.deepcopy(FLOW["actions"])
    actions[0]["config"]["success_count"] = 4
    assert [change["path"] for change in diff(changed(), changed(actions=actions))] == [
        ["actions", "[a]", "config", "success_count"]
    ]


def test_switching_a_flow_off_is_a_change() -> None:
    assert diff(changed(), changed(status="inactive")) == [
        {"path": ["status"], "kind": "changed", "before": "active", "after": "inactive"}
    ]


def test_an_action_that_is_taken_out_in_the_middle_leaves_the_others_as_they_are() -> None:
    extra = {"action_id": "c", "config": {"to": "z"}}
    before, after = changed(actions=[*FLOW["actions"], extra]), changed(actions=[FLOW["actions"][0], extra])
    assert diff(before, after) == [{"path": ["actions", "[b]"], "kind": "removed", "before": FLOW["actions"][1]}]


def test_actions_in_another_order_are_a_change_and_a_list_of_modules_in_another_order_is_none() -> None:
    assert diff(changed(), changed(actions=FLOW["actions"][::-1])) == [
        {"path": ["actions"], "kind": "moved", "before": ["a", "b"], "after": ["b", "a"]}
    ]
    assert not diff(changed(involved_modules=["Leads", "Deals"]), changed(involved_modules=["Deals", "Leads"]))


def test_items_without_ids_are_held_against_each_other_by_place() -> None:
    assert diff({"x": [1, 2]}, {"x": [1, 3, 4]}) == [
        {"path": ["x", "[2]"], "kind": "changed", "before": 2, "after": 3},
        {"path": ["x", "[3]"], "kind": "added", "after": 4},
    ]


def test_two_items_with_one_id_are_not_taken_for_one() -> None:
    before = {"x": [{"id": "1", "n": 1}, {"id": "1", "n": 2}]}
    after = {"x": [{"id": "1", "n": 1}, {"id": "1", "n": 3}]}
    assert diff(before, after) == [{"path": ["x", "[2]", "n"], "kind": "changed", "before": 2, "after": 3}]


def test_another_secret_is_told_without_telling_it() -> None:
    mask = SecretMask(b"k")
    before, after = (
        mask.hide({"url": f"https://a.example/?zapikey={secret}&x=1"}) for secret in ("oldsecret", "newsecret")
    )
    changes = diff(before, after)
    assert [(change["path"], change["kind"]) for change in changes] == [(["url"], "secret")]
    assert "oldsecret" not in json.dumps(changes)
    assert "newsecret" not in json.dumps(changes)


@pytest.mark.parametrize(("one", "other"), [(1.0, 1), (5e16, 5e16), (-0.0, 0), (1e-7, 0.0000001)])
def test_a_number_written_in_another_way_is_the_same(one: float, other: float) -> None:
    assert sha256(definition({"n": one})) == sha256(definition({"n": other}))


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(st.builds(lambda i, v: {"id": i, "v": v}, st.sampled_from("abcd"), inner), max_size=4),
        st.dictionaries(st.sampled_from(["name", "url", "id", "x"]), inner, max_size=4),
    ),
    max_leaves=15,
)
objects = st.dictionaries(st.sampled_from(["trigger", "actions", "flow_name"]), values, max_size=3)


@given(objects, objects)
def test_there_is_a_difference_exactly_where_the_hash_differs(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = definition(one), definition(other)
    assert (diff(before, after) == []) == (sha256(before) == sha256(after))


@given(objects, objects)
def test_what_went_in_one_direction_comes_back_in_the_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    before, after = definition(one), definition(other)
    turned = {"added": "removed", "removed": "added"}
    there = [(tuple(c["path"]), turned.get(c["kind"], c["kind"])) for c in diff(before, after)]
    back = [(tuple(c["path"]), c["kind"]) for c in diff(after, before)]
    assert sorted(there) == sorted(back)


@given(objects)
def test_the_one_form_of_the_one_form_is_itself_also_after_a_trip_through_json(raw: dict[str, Any]) -> None:
    once = definition(raw)
    assert definition(json.loads(canonical(once))) == once
