"""A change's body holds what is new and nothing else, and makes of the definition what was wanted."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.edits.body import (
    UnusableBody,
    applied,
    change_body,
    is_shown_in,
    new_rule_body,
    usable_parts,
    without_gone_ids,
)
from monitor.edits.lost_answer import SeenThing, conclude
from standin.crm.rule_edits import _merged as merged_by_zoho
from tests.edits import documented
from tests.edits.schema import errors_of

texts = st.sampled_from(["a", "b", "Price", "30000"])
tags = st.lists(texts, min_size=1, max_size=2, unique=True).map(lambda names: [{"name": name} for name in names])
own_actions = st.builds(lambda names: {"type": "add_tags", "details": {"tags": names}}, tags)
shared = st.builds(lambda key, kind: {"type": kind, "id": key, "name": key}, st.sampled_from("789"), st.just("tasks"))
criteria = st.builds(
    lambda field, value: {"comparator": "equal", "field": {"api_name": field}, "value": value}, texts, texts
)


@st.composite
def actions(draw: Any, number: str) -> list[dict[str, Any]]:
    found = draw(st.lists(own_actions, max_size=2))
    for place, action in enumerate(found):
        if draw(st.booleans()) and number:
            action["id"] = f"{number}{place}"
    return [*found, *draw(st.lists(shared, max_size=2, unique_by=lambda one: one["id"]))]


@st.composite
def rules(draw: Any, *, has_ids: bool = True) -> dict[str, Any]:
    """A rule's definition; with ids on all its parts, or on some."""
    rule: dict[str, Any] = {"name": draw(texts), "module": {"api_name": "Deals"}, "execute_when": {"type": "edit"}}
    if draw(st.booleans()):
        rule["description"] = draw(texts)
    rule["conditions"] = []
    for number in draw(st.lists(st.integers(1, 4), max_size=3, unique=True)):
        condition: dict[str, Any] = {"id": str(number)} if has_ids or draw(st.booleans()) else {}
        if draw(st.booleans()):
            condition["criteria_details"] = {"criteria": draw(criteria)}
        condition["instant_actions"] = {"actions": draw(actions(str(number)))}
        if draw(st.booleans()):
            group = {"execute_after": {"period": "days", "unit": draw(st.integers(1, 3))}, "actions": draw(actions(""))}
            condition["scheduled_actions"] = [group]
        rule["conditions"].append(condition)
    if has_ids:
        give_ids(rule)
    return rule


def give_ids(rule: dict[str, Any]) -> None:
    """As Zoho does: every part has an id once it is there."""
    for condition in rule["conditions"]:
        lists = [condition.get("instant_actions", {}).get("actions", [])]
        for place, group in enumerate(condition.get("scheduled_actions") or []):
            group.setdefault("id", f"{condition['id']}5{place}")
            lists.append(group["actions"])
        for number, those in enumerate(lists):
            for place, action in enumerate(those):
                action.setdefault("id", f"{condition['id']}{number + 1}{place}")


def as_zoho_has_it(base: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """What the stand-in makes of a body, without the ids that it gives."""
    after = {**copy.deepcopy(base), **{key: value for key, value in body.items() if key != "conditions"}}
    if "conditions" in body:
        after["conditions"] = merged_by_zoho(copy.deepcopy(base["conditions"]), copy.deepcopy(body["conditions"]))
    return after


@given(base=rules(), wanted=rules())
def test_whatever_is_wanted_zoho_makes_it_of_the_body(base: dict[str, Any], wanted: dict[str, Any]) -> None:
    wanted = without_gone_ids(wanted, base)
    body = change_body(base, wanted)
    after = as_zoho_has_it(base, body)
    for field in ("name", "conditions"):
        assert is_shown_in(wanted[field], after[field]), (body, after)
    assert is_shown_in(wanted.get("description", base.get("description", "")), after.get("description", ""))
    assert is_shown_in(applied(base, body)["conditions"], after["conditions"])
    if body:
        assert errors_of({"workflow_rules": [body]}, "rule_update") == []


@given(base=rules())
def test_what_is_as_it_was_is_not_sent(base: dict[str, Any]) -> None:
    assert change_body(base, copy.deepcopy(base)) == {}
    assert change_body(base, {}) == {}


@given(base=rules(), wanted=rules())
def test_what_was_changed_is_put_back_by_the_former_definition(base: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = as_zoho_has_it(base, change_body(base, without_gone_ids(wanted, base)))
    number = iter(range(100, 200))
    for condition in changed["conditions"]:
        condition.setdefault("id", str(next(number)))
    give_ids(changed)
    back = as_zoho_has_it(changed, change_body(changed, without_gone_ids(base, changed)))
    assert is_shown_in(without_own_ids(base["conditions"]), without_own_ids(back["conditions"]))


def without_own_ids(shown: Any) -> Any:
    """What was made anew has other ids: such parts are compared by what they do."""
    if isinstance(shown, list):
        return [without_own_ids(one) for one in shown]
    if not isinstance(shown, dict):
        return shown
    return {key: without_own_ids(value) for key, value in shown.items() if key != "id" or shown.get("type") == "tasks"}


@given(rule=rules())
def test_a_new_rule_has_no_ids_but_those_of_what_is_there_already(rule: dict[str, Any]) -> None:
    body = new_rule_body(rule)
    for condition in body.get("conditions", []):
        assert "id" not in condition
        groups = [condition["instant_actions"], *condition.get("scheduled_actions", [])]
        for group in groups:
            assert "id" not in group
            assert all(("id" in action) == (action["type"] == "tasks") for action in group["actions"])
    if body.get("conditions"):
        assert errors_of({"workflow_rules": [body]}, "rule_create") == []


def test_only_the_changed_condition_goes_with_its_id_and_only_what_is_new_of_it() -> None:
    base = {
        "name": "N",
        "conditions": [
            {"id": "1", "instant_actions": {"actions": [{"id": "11", "type": "add_tags"}, {"id": "12", "type": "x"}]}},
            {"id": "2", "instant_actions": {"actions": []}},
        ],
    }
    wanted = copy.deepcopy(base)
    wanted["conditions"][0]["instant_actions"]["actions"] = [{"id": "11", "type": "add_tags"}, {"type": "assign_owner"}]
    assert change_body(base, wanted) == {
        "conditions": [
            {
                "id": "1",
                "instant_actions": {"actions": [{"type": "assign_owner"}, {"id": "12", "_delete": None}]},
            }
        ]
    }


def test_a_condition_that_is_left_out_is_taken_out() -> None:
    base = {"conditions": [{"id": "1"}, {"id": "2"}]}
    assert change_body(base, {"conditions": [{"id": "2"}]}) == {"conditions": [{"id": "1", "_delete": None}]}


def test_an_emptied_description_is_sent_as_an_empty_text() -> None:
    assert change_body({"description": "old"}, {"description": None}) == {"description": ""}
    assert applied({"description": "old"}, {"description": ""}) == {}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ([{"id": "9"}], "no condition with the id 9"),
        ([{"id": "1"}, {"id": "1"}], "twice"),
        (["x"], "no JSON object"),
        ([{"id": "1", "instant_actions": {"actions": [{"id": "99", "type": "add_tags"}]}}], "no action with the id 99"),
    ],
)
def test_a_part_that_is_not_there_is_named(wanted: list[Any], said: str) -> None:
    with pytest.raises(UnusableBody, match=said):
        change_body({"conditions": [{"id": "1"}]}, {"conditions": wanted})


def test_a_shared_action_is_added_by_the_id_of_its_list() -> None:
    task = {"type": "tasks", "id": "99"}
    body = change_body(
        {"conditions": [{"id": "1"}]}, {"conditions": [{"id": "1", "instant_actions": {"actions": [task]}}]}
    )
    assert body == {"conditions": [{"id": "1", "instant_actions": {"actions": [task]}}]}


def test_a_request_of_zohos_documents_is_taken_as_it_stands() -> None:
    given_rule = documented.UPDATE["workflow_rules"][0]
    base = {"name": "Old", "conditions": [{"id": "4876876000016390025", "instant_actions": {"actions": []}}]}
    assert usable_parts(base, given_rule) == given_rule
    with pytest.raises(UnusableBody, match="no condition"):
        usable_parts({"conditions": []}, given_rule)
    with pytest.raises(UnusableBody, match=r"modified_time is Zoho's own"):
        usable_parts(base, {"modified_time": "2026"})


def test_the_documented_requests_are_valid_under_the_schema() -> None:
    assert errors_of(documented.UPDATE, "rule_update") == []
    assert errors_of(documented.CREATE, "rule_create") == []
    assert errors_of(documented.CONNECTED, "connected_create") == []
    assert errors_of({"workflow_rules": [{"id": "1"}]}, "rule_update") != []
    assert errors_of({"workflow_rules": []}, "rule_update") != []
    assert errors_of({"workflow_rules": [{"name": "n" * 101}]}, "rule_update") != []


@pytest.mark.parametrize(
    ("wanted", "shown", "is_there"),
    [
        ({"value": "300000"}, {"value": 300000, "type": "value"}, True),
        ({"active": True}, {"active": True}, True),
        ({"active": True}, {"active": "True"}, False),
        ([{"a": 1}, {"a": 2}], [{"a": 2, "id": "x"}, {"a": 1, "id": "y"}], True),
        ([{"a": 1}], [{"a": 1}, {"a": 2}], False),
        ([{"id": "1", "a": 1}], [{"id": "2", "a": 1}], False),
        ({"a": {"b": None}}, {}, True),
        ({"id": "1"}, {"id": "1", "criteria_details": {"criteria": {"value": "x"}}}, False),
        ({"id": "1"}, {"id": "1", "instant_actions": {"actions": []}, "scheduled_actions": None}, True),
        ("", None, True),
        ("x", None, False),
    ],
)
def test_what_zoho_adds_or_writes_otherwise_is_no_difference(wanted: Any, shown: Any, is_there: bool) -> None:
    assert is_shown_in(wanted, shown) is is_there


TAGGED = {"type": "add_tags", "details": {"tags": [{"name": "a"}]}}
MAILED = {"type": "email_notifications", "id": "7", "name": "m"}


def with_actions(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"conditions": [{"id": "1", "instant_actions": {"actions": list(parts)}, **more}]}


def test_an_action_that_zoho_shows_without_an_id_is_not_added_a_second_time() -> None:
    base = with_actions(TAGGED, MAILED)
    assert change_body(base, with_actions(TAGGED)) == with_actions({"id": "7", "_delete": None})
    assert change_body(base, with_actions(TAGGED, MAILED, sequence_number=2)) == {
        "conditions": [{"id": "1", "sequence_number": 2}]
    }
    added = change_body(base, with_actions(TAGGED, TAGGED, MAILED))
    assert added == with_actions(TAGGED)


@pytest.mark.parametrize("actions", [[MAILED], [MAILED, TAGGED | {"details": {"tags": [{"name": "b"}]}}]])
def test_what_zoho_shows_without_an_id_cannot_be_taken_out_or_changed(actions: list[dict[str, Any]]) -> None:
    with pytest.raises(UnusableBody, match="without an id"):
        change_body(with_actions(TAGGED, MAILED), with_actions(*actions))


CRITERION = {"comparator": "equal", "field": {"api_name": "Amount"}, "type": "value", "value": "30000.50"}
TAG_ACTION = {"type": "add_tags", "module": "Deals", "details": {"overwrite": True, "tags": [{"name": "P"}]}}
SHOWN_TAG_ACTION = {
    "type": "add_tags",
    "id": "9",
    "details": {"module": {"api_name": "Deals", "id": "5"}, "over_write": True, "tags": [{"name": "P", "id": "6"}]},
}


@pytest.mark.parametrize(
    ("wanted", "shown", "is_there"),
    [
        (TAG_ACTION, SHOWN_TAG_ACTION, True),
        ({"module": "Deals"}, {"module": {"api_name": "Deals", "id": "5"}}, True),
        ("Deals", {"api_name": "Deals", "id": "5"}, True),
        ({"group_operator": "and", "group": [CRITERION]}, {"group_operator": "AND", "group": [CRITERION]}, True),
        (CRITERION, {**CRITERION, "value": 30000.5}, True),
        ({**CRITERION, "value": "1.0"}, {**CRITERION, "value": 1}, True),
        ({**CRITERION, "field": "Amount"}, {**CRITERION, "field": {"api_name": "Amount", "id": "5"}}, True),
        (CRITERION, {key: value for key, value in CRITERION.items() if key != "type"}, True),
        ({**CRITERION, "comparator": "equals"}, CRITERION, True),
        ({**CRITERION, "comparator": "is_empty", "value": None}, {**CRITERION, "value": "${EMPTY}"}, True),
        ({"execute_after": {"unit": "30", "period": "days"}}, {"execute_after": {"unit": 30, "period": "days"}}, True),
        # What means another thing is another thing.
        (TAG_ACTION, {**SHOWN_TAG_ACTION, "details": {**SHOWN_TAG_ACTION["details"], "over_write": False}}, False),
        (TAG_ACTION, {**SHOWN_TAG_ACTION, "details": {"over_write": True, "tags": [{"name": "P"}]}}, False),
        (TAG_ACTION, {**SHOWN_TAG_ACTION, "details": {**SHOWN_TAG_ACTION["details"], "module": {"api_name": "Leads"}}},
         False),
        (TAG_ACTION, {**SHOWN_TAG_ACTION, "type": "remove_tags"}, False),
        ("Deals", {"api_name": "Leads", "id": "5"}, False),
        ({"module": "Deals"}, {"module": {"api_name": "Leads"}}, False),
        ({"group_operator": "and", "group": [CRITERION]}, {"group_operator": "OR", "group": [CRITERION]}, False),
        ({**CRITERION, "value": "1.0"}, {**CRITERION, "value": "1"}, False),
        ({**CRITERION, "value": "007"}, {**CRITERION, "value": 7}, False),
        ({**CRITERION, "value": "1"}, {**CRITERION, "value": True}, False),
        (CRITERION, {**CRITERION, "comparator": "not_equal"}, False),
        ({**CRITERION, "comparator": "is_empty", "value": None}, {**CRITERION, "value": "${NOTEMPTY}"}, False),
        ({**CRITERION, "comparator": "is_empty", "value": "x"}, {**CRITERION, "value": "${EMPTY}"}, False),
        ({**CRITERION, "type": "field", "value": "Cost"}, {**CRITERION, "value": "Cost"}, False),
        ({"execute_after": {"unit": "30", "period": "days"}}, {"execute_after": {"unit": 3, "period": "days"}}, False),
    ],
)  # fmt: skip
def test_what_differs_in_documented_spelling_alone_is_the_same_and_nothing_else_is(
    wanted: Any, shown: Any, is_there: bool
) -> None:
    assert is_shown_in(wanted, shown) is is_there


def test_a_lost_answer_to_the_documented_request_is_settled_where_zoho_gives_it_back_in_its_own_spelling() -> None:
    base = with_actions()
    wanted = with_actions(TAG_ACTION)
    for shown, outcome in ((SHOWN_TAG_ACTION, "done"), ({**SHOWN_TAG_ACTION, "type": "remove_tags"}, "open")):
        seen = SeenThing(with_actions(shown), sha256="after")
        assert conclude("change", base, "before", wanted, seen, timedelta(days=1)) == outcome


def test_a_list_without_anything_in_it_is_shown_where_zoho_shows_none() -> None:
    for shown in (None, {}, {"actions": []}):
        assert is_shown_in({"instant_actions": {"actions": []}}, {"instant_actions": shown})
    assert not is_shown_in({"instant_actions": {"actions": [{"type": "tasks"}]}}, {"instant_actions": None})


def test_a_key_that_is_left_out_of_a_part_sends_no_empty_part() -> None:
    action = {"id": "3", "type": "tasks", "name": "Call"}
    group = {"id": "4", "execute_after": {"period": "days", "unit": 1}, "actions": [action]}
    condition = {
        "id": "2",
        "sequence_number": 1,
        "instant_actions": {"actions": [action]},
        "scheduled_actions": [group],
    }
    short = {"id": "3", "type": "tasks"}
    wanted = {
        "id": "2",
        "instant_actions": {"actions": [short]},
        "scheduled_actions": [{"id": "4", "actions": [short]}],
    }
    assert change_body({"conditions": [condition]}, {"conditions": [wanted]}) == {}
