"""A rule's definition fills the fields of its form, and what is left as it is comes out as the same JSON."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.forms import BooleanField
from hypothesis import given
from hypothesis import strategies as st

from dashboard.edits.builder_forms import RuleChangeForm, RuleForm
from dashboard.edits.typed_parts import TypedPart, change_parts, read_typed, walk, written
from monitor.edits.body import applied, change_body
from tests.depth import tried
from tests.edits import odd as odd_json
from tests.edits.schema import errors_of
from tests.zoho import rule_documents as documents

Json = dict[str, Any]


def as_sent(form: Any) -> dict[str, str]:
    """What a browser sends of a form that nobody touched."""
    found = {}
    for field in form:
        value = field.value()
        if isinstance(field.field, BooleanField):
            found |= {field.html_name: "on"} if value else {}
        elif value is not None:
            found[field.html_name] = str(value).replace("\n", "\r\n")
    return found


def wanted_of(base: Json, **typed: str) -> Json:
    form = RuleChangeForm(as_sent(RuleChangeForm(base=base)) | typed, base=base)
    assert form.is_valid(), form.errors
    return form.wanted


def with_ids(rule: Json) -> Json:
    """The rule as Zoho shows it: each part with an id of its own."""
    found, number = copy.deepcopy(rule), 0
    for condition in found["conditions"]:
        actions = list(condition["instant_actions"]["actions"])
        groups = condition["scheduled_actions"] or []
        actions += [action for group in groups for action in group["actions"]]
        for part in (condition, *groups, *actions):
            number += 1
            part["id"] = f"48768760000{number:04}"
    return found


@pytest.mark.property
@tried(40, 1000)
@given(rule=documents.rules())
def test_a_definition_that_nobody_touched_comes_out_of_its_form_unchanged(rule: Json) -> None:
    base = with_ids(rule)
    wanted = wanted_of(base)
    assert wanted == base
    assert change_body(base, wanted) == {}


@pytest.mark.property
@tried(60, 2000)
@given(path=st.sampled_from(list(odd_json.places(odd_json.RULE))), odd=st.sampled_from(odd_json.ODD))
def test_a_definition_with_parts_of_any_form_fills_its_form_and_comes_out_unchanged(path: Any, odd: Any) -> None:
    base = odd_json.with_odd(odd_json.RULE, path, odd)
    form = RuleChangeForm(base=base)
    assert form.as_p()
    sent = RuleChangeForm(as_sent(form), base=base)
    if sent.is_valid():
        assert change_body(base, sent.wanted) == {}
    else:
        assert all(str(words) for those in sent.errors.values() for words in those)


@pytest.mark.property
@tried(40, 1000)
@given(rule=documents.rules(), data=st.data())
def test_what_is_added_or_taken_out_is_all_that_is_sent(rule: Json, data: st.DataObject) -> None:
    """One part is taken out or added by its button: the body names that one, by id, and nothing else."""
    base = with_ids(rule)
    form = RuleChangeForm(as_sent(RuleChangeForm(base=base)), base=base)
    places = [path for path, part in walk(form.parts) if _letter(path) in "as" and part.at is not None]
    adds = [f"action:{path}" for path, _ in walk(form.parts) if _letter(path) in "cs"]
    wish = data.draw(st.sampled_from([f"remove:{path}" for path in places] + adds))
    again = form.with_parts(wish)
    assert again.refusal == ""
    sent = as_sent(again)
    if wish.startswith("action:"):
        (new,) = {name for name in sent if name.endswith("_kind") and _is_new(name, sent)}
        sent |= {new: "tasks", new.replace("_kind", "_what"): "990001"}
    after = RuleChangeForm(sent, base=base)
    if not after.is_valid():  # a scheduled group without actions
        assert "it has no action" in str(after.errors)
        return
    body = change_body(base, after.wanted)
    assert errors_of({"workflow_rules": [body]}, "rule_update") == []
    text = str(body)
    gone, added = text.count("'_delete'"), text.count("990001")
    assert (gone, added) == ((0, 1) if wish.startswith("action:") else (1, 0))
    assert _parts_of(applied(base, body)) == _parts_of(base) + added - gone * _size(form.parts, wish)


def _letter(path: str) -> str:
    return path.rstrip("0123456789")[-1]


def _is_new(name: str, sent: dict[str, str]) -> bool:
    return name.replace("_kind", "_at") not in sent


def _parts_of(rule: Json) -> int:
    found = 0
    for condition in rule["conditions"]:
        groups = condition.get("scheduled_actions") or []
        found += len((condition.get("instant_actions") or {}).get("actions") or []) + len(groups)
        found += sum(len(group["actions"]) for group in groups)
    return found


def _size(root: TypedPart, wish: str) -> int:
    part = dict(walk(root))[wish.partition(":")[2]]
    return 1 + len(part.of("a"))


CMP = {"comparator": "equal", "field": {"api_name": "Stage", "id": "7"}, "type": "value", "value": "Won"}
BIG = {"comparator": "greater_than", "field": {"api_name": "Amount"}, "value": "5"}
RULE: Json = {
    "id": "1",
    "name": "A rule",
    "module": {"api_name": "Deals", "id": "9"},
    "execute_when": {"type": "edit", "details": {"trigger_module": {"api_name": "Deals"}}},
    "conditions": [
        {
            "id": "10",
            "sequence_number": 1,
            "criteria_details": {
                "criteria": {"group_operator": "and", "group": [CMP, {"group_operator": "OR", "group": [BIG, CMP]}]}
            },
            "instant_actions": {
                "actions": [
                    {"id": "11", "type": "tasks", "name": "Call"},
                    {
                        "id": "12", "type": "add_tags",
                        "details": {"tags": [{"name": "A", "id": "5"}, {"name": "B", "id": "6"}], "over_write": True},
                    },
                    {"id": "13", "type": "assign_owner", "details": {"to": {"id": "3"}}},
                ]
            },
            "scheduled_actions": [
                {
                    "id": "14", "execute_after": {"period": "days", "unit": "3"},
                    "actions": [{"id": "15", "type": "tasks"}],
                }
            ],
        }
    ],
}  # fmt: skip


def body_after(base: Json = RULE, **typed: str) -> Json:
    body = change_body(base, wanted_of(base, **typed))
    assert errors_of({"workflow_rules": [body]}, "rule_update") == []
    return body


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ({"c1k1_value": "Lost"}, [{**CMP, "value": "Lost"}, {"group_operator": "OR", "group": [BIG, CMP]}]),
        ({"c1k2_op": "AND"}, [CMP, {"group_operator": "AND", "group": [BIG, CMP]}]),
        (
            {"c1k2k1_comparator": "between", "c1k2k1_value": "5, 9"},
            [CMP, {"group_operator": "OR", "group": [{**BIG, "comparator": "between", "value": ["5", "9"]}, CMP]}],
        ),
        (
            {"c1k3_field": "Lead_Source", "c1k3_comparator": "in", "c1k3_value": "Web, Fair"},
            [
                CMP,
                {"group_operator": "OR", "group": [BIG, CMP]},
                {"comparator": "in", "field": {"api_name": "Lead_Source"}, "type": "value", "value": ["Web", "Fair"]},
            ],
        ),
        ({"c1k2k1_field": "", "c1k2k1_comparator": "", "c1k2k1_value": ""}, [CMP, CMP]),
    ],
    ids=["a value", "a group's joint", "a comparison", "a new one", "one emptied"],
)
def test_of_changed_criteria_what_was_left_stays_what_it_is(typed: dict[str, str], part: list[Json]) -> None:
    (condition,) = body_after(**typed)["conditions"]
    assert condition == {"id": "10", "criteria_details": {"criteria": {"group_operator": "and", "group": part}}}


def test_a_changed_tag_leaves_the_others_with_their_ids() -> None:
    (condition,) = body_after(c1a2_what="B, C")["conditions"]
    (tags,) = condition["instant_actions"]["actions"]
    assert tags == {"id": "12", "details": {"tags": [{"name": "B", "id": "6"}, {"name": "C"}], "over_write": True}}


def test_another_shared_action_takes_the_place_of_one_that_goes() -> None:
    (condition,) = body_after(c1a1_what="77")["conditions"]
    assert condition["instant_actions"]["actions"] == [{"type": "tasks", "id": "77"}, {"id": "11", "_delete": None}]


def test_details_of_an_action_of_the_rule_alone_are_changed_as_json() -> None:
    (condition,) = body_after(c1a3_what='{"to": {"id": "4"}}')["conditions"]
    assert condition["instant_actions"]["actions"] == [{"id": "13", "details": {"to": {"id": "4"}}}]


def test_another_delay_is_all_that_is_sent_of_a_scheduled_group() -> None:
    (condition,) = body_after(c1s1_unit="30", c1s1_period="business_days")["conditions"]
    after = {"unit": 30, "period": "business_days"}
    assert condition == {"id": "10", "scheduled_actions": [{"id": "14", "execute_after": after}]}


def test_a_further_condition_with_a_scheduled_action_is_added_without_an_id() -> None:
    typed = {
        "c2_op": "AND", "c2k1_field": "Amount", "c2k1_comparator": "less_than", "c2k1_value": "9",
        "c2s1_unit": "2", "c2s1_period": "hours", "c2s1a1_kind": "webhooks", "c2s1a1_what": "88",
    }  # fmt: skip
    (condition,) = body_after(**typed)["conditions"]
    criterion = {"comparator": "less_than", "field": {"api_name": "Amount"}, "type": "value", "value": "9"}
    assert condition == {
        "sequence_number": 2,
        "criteria_details": {"criteria": criterion},
        "scheduled_actions": [
            {"execute_after": {"unit": 2, "period": "hours"}, "actions": [{"type": "webhooks", "id": "88"}]}
        ],
    }


def test_all_criteria_are_taken_out_one_by_one() -> None:
    form = RuleChangeForm(as_sent(RuleChangeForm(base=RULE)), base=RULE)
    for wish in ("remove:c1k2", "remove:c1k1"):
        form = RuleChangeForm(as_sent(form.with_parts(wish)), base=RULE)
    assert form.is_valid(), form.errors
    assert change_body(RULE, form.wanted) == {"conditions": [{"id": "10", "criteria_details": None}]}


def test_a_trigger_becomes_another_one_of_its_category_only() -> None:
    trigger = body_after(trigger="create_or_edit")["execute_when"]
    assert trigger == {"type": "create_or_edit", "details": {"trigger_module": {"api_name": "Deals"}}}
    form = RuleChangeForm(as_sent(RuleChangeForm(base=RULE)) | {"trigger": "score_increase"}, base=RULE)
    assert "trigger" in form.errors


@pytest.mark.parametrize(
    "criteria",
    [
        {"comparator": "equal", "field": {"api_name": "A"}, "type": "field", "value": {"api_name": "B"}},
        {"comparator": "equal", "field": {"id": "1"}, "value": "x"},
        {"group_operator": "XOR", "group": [CMP]},
        {"group_operator": "OR", "group": [{"group_operator": "OR", "group": [
            {"group_operator": "OR", "group": [{"group_operator": "OR", "group": [CMP]}]}]}]},
    ],
    ids=["another field", "no name", "an unknown joint", "too deep"],
)  # fmt: skip
def test_criteria_that_fields_cannot_show_are_said_to_be_so_and_stay(criteria: Json) -> None:
    base = copy.deepcopy(RULE)
    base["conditions"][0]["criteria_details"] = {"criteria": criteria}
    form = RuleChangeForm(base=base)
    assert "can be changed as JSON" in form.conditions[0].note
    assert "c1_op" not in form.fields
    sent = as_sent(form) | {"c1_op": "AND", "c1k1_field": "X", "c1k1_comparator": "equal", "c1k1_value": "1"}
    after = RuleChangeForm(sent | {"name": "B"}, base=base)
    assert after.is_valid(), after.errors
    assert change_body(base, after.wanted) == {"name": "B"}


def test_hidden_parts_stay_what_they_are_and_are_never_sent_as_they_are_shown() -> None:
    base = copy.deepcopy(RULE)
    mail = {"comparator": "equal", "field": {"api_name": "Email"}, "value": "lea.stone@example.com"}
    other = {**mail, "value": "sam.field@example.com"}
    base["conditions"][0]["criteria_details"]["criteria"] = {"group_operator": "OR", "group": [mail, other]}
    shown = as_sent(RuleChangeForm(base=base))
    assert "example.com" not in str(shown)
    after = RuleChangeForm(as_sent(RuleChangeForm(shown, base=base).with_parts("remove:c1k1")), base=base)
    assert after.is_valid(), after.errors
    assert after.wanted["conditions"][0]["criteria_details"]["criteria"] == other
    moved = RuleChangeForm(shown | {"c1k1_value": "x " + shown["c1k1_value"]}, base=base)
    assert "still hidden" in str(moved.errors)


def test_what_was_sent_is_read_whatever_it_is() -> None:
    odd = {"c1k1_unit": "5", "c99s1_at": "x", "tk1k1k1k1k1_field": "A", "c1a1k1_op": "XX", "c0_op": "AND", "c1_x": "1"}
    root = read_typed(odd)
    assert read_typed(written(root)) == root
    form = RuleForm(odd)
    assert not form.is_valid()
    assert form.conditions
    for wish in ("remove:c99", "add", "group:c1k1k1k1", "remove:t", "remove:", ":", "comparison:c1a1"):
        assert form.with_parts(wish).refusal


def test_no_more_parts_are_added_than_zoho_takes() -> None:
    root = TypedPart()
    for _ in range(10):
        change_parts(root, "condition:")
    form = RuleForm(written(root))
    assert not form.may_add_condition
    assert "No more than 10" in form.with_parts("condition:").refusal
    for _ in range(4):
        change_parts(root, "action:c1")
    form = RuleForm(written(root))
    assert "action" not in form.conditions[0].adds
    assert "action" in form.conditions[1].adds


def tagged(**details: Any) -> Json:
    base = copy.deepcopy(RULE)
    base["conditions"][0]["instant_actions"]["actions"][1]["details"] = {"tags": [{"name": "A", "id": "5"}], **details}
    return base


@pytest.mark.parametrize("spelling", ["over_write", "overwrite"])
@pytest.mark.parametrize(("was", "kind"), [(True, "add_tags"), (False, "replace_tags")])
def test_whether_tags_replace_all_others_is_chosen_and_keeps_the_spelling_that_stands_there(
    spelling: str, was: bool, kind: str
) -> None:
    base = tagged(**{spelling: was})
    assert as_sent(RuleChangeForm(base=base))["c1a2_kind"] == ("replace_tags" if was else "add_tags")
    (condition,) = body_after(base, c1a2_kind=kind)["conditions"]
    details = {"tags": [{"name": "A", "id": "5"}], spelling: not was}
    assert condition["instant_actions"]["actions"] == [{"id": "12", "details": details}]
    assert not change_body(base, wanted_of(base))


def test_a_tag_that_is_added_speaks_as_the_rule_does_and_else_as_the_documents() -> None:
    new = {"c1a4_kind": "replace_tags", "c1a4_what": "New"}
    for base, spelling in ((tagged(over_write=False), "over_write"), (tagged(), "overwrite")):
        (condition,) = body_after(base, **new)["conditions"]
        (action,) = condition["instant_actions"]["actions"]
        assert action["type"] == "add_tags"
        assert action["details"] == {"module": {"api_name": "Deals"}, "tags": [{"name": "New"}], spelling: True}
    (condition,) = body_after(tagged(), c1a2_kind="replace_tags")["conditions"]
    assert condition["instant_actions"]["actions"][0]["details"]["overwrite"] is True


def test_details_as_json_are_taken_for_what_they_say_until_another_kind_is_chosen() -> None:
    odd = tagged(over_write=True, tags=[{"name": "a, b"}])
    typed = as_sent(RuleChangeForm(base=odd))
    assert (typed["c1a2_kind"], typed["c1a2_what"][:1]) == ("replace_tags", "{")
    assert not change_body(odd, wanted_of(odd))
    (condition,) = body_after(odd, c1a2_kind="add_tags")["conditions"]
    assert condition["instant_actions"]["actions"][0]["details"]["over_write"] is False


def test_a_further_condition_has_the_next_number_also_where_numbers_are_texts() -> None:
    base = copy.deepcopy(RULE)
    base["conditions"][0]["sequence_number"] = "3"
    (condition,) = body_after(base, c2_op="AND", c2a1_kind="tasks", c2a1_what="9")["conditions"]
    assert condition["sequence_number"] == 4
