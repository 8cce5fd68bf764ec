"""What Zoho would refuse of a rule is found before it is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from monitor.edits.check import (
    KnownFacts,
    category_of,
    connected_objections,
    kinds_named,
    order_objections,
    rule_objections,
)
from monitor.zoho.shapes.base import Rejected
from monitor.zoho.shapes.rule_limits import RuleConfiguration, TriggerKind

TAG = {"type": "add_tags", "details": {"tags": [{"name": "A"}]}}
RULE = {
    "name": "N",
    "module": {"api_name": "Deals"},
    "execute_when": {"type": "edit"},
    "conditions": [{"instant_actions": {"actions": [TAG]}}],
}
CRITERION = {"comparator": "equal", "field": {"api_name": "Stage"}, "value": "Won"}


def codes(wanted: dict[str, Any], base: dict[str, Any] | None = None, facts: KnownFacts | None = None) -> list[str]:
    return [one.code for one in rule_objections(base or {}, wanted, facts or KnownFacts())]


def with_condition(**parts: Any) -> dict[str, Any]:
    return {**RULE, "conditions": [{"instant_actions": {"actions": [TAG]}, **parts}]}


def test_a_usable_rule_meets_no_objection() -> None:
    group = {"execute_after": {"period": "business_days", "unit": 30}, "actions": [TAG]}
    criteria = {"group_operator": "AND", "group": [CRITERION, {"group_operator": "or", "group": [CRITERION]}]}
    assert codes(with_condition(scheduled_actions=[group], criteria_details={"criteria": criteria})) == []


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({**RULE, "name": ""}, "name_missing"),
        ({**RULE, "name": 7}, "name_missing"),
        ({**RULE, "name": "n" * 101}, "name_long"),
        ({**RULE, "description": "d" * 1001}, "description_long"),
        ({**RULE, "description": 7}, "description_form"),
        ({**RULE, "module": {}}, "module_missing"),
        ({**RULE, "execute_when": {}}, "trigger_missing"),
        ({**RULE, "conditions": []}, "conditions_missing"),
        ({**RULE, "conditions": {"a": 1}}, "conditions_form"),
        ({**RULE, "conditions": [{}] * 11}, "conditions_many"),
        (with_condition(instant_actions=[TAG]), "instant_form"),
        (with_condition(instant_actions={"actions": [TAG] * 6}), "instant_many"),
        (with_condition(instant_actions={"actions": [{}]}), "action_form"),
        (with_condition(instant_actions={"actions": [{"type": "tasks"}]}), "action_id"),
        (with_condition(instant_actions={"actions": [{"type": "tasks", "id": [1]}]}), "action_id"),
        ({**RULE, "execute_when": {"type": ["create"]}}, "trigger_form"),
        (with_condition(instant_actions={"actions": [{"type": "add_tags"}]}), "tags_missing"),
        (with_condition(scheduled_actions={}), "scheduled_form"),
        (
            with_condition(scheduled_actions=[{"execute_after": {"period": "days", "unit": 1}, "actions": [TAG]}] * 6),
            "scheduled_many",
        ),
        (with_condition(scheduled_actions=[{"actions": [TAG]}]), "delay_form"),
        (
            with_condition(scheduled_actions=[{"execute_after": {"period": "moons", "unit": 1}, "actions": [TAG]}]),
            "delay_form",
        ),
        (
            with_condition(scheduled_actions=[{"execute_after": {"period": "days", "unit": 1}, "actions": []}]),
            "scheduled_empty",
        ),
        (with_condition(criteria_details=[]), "criteria_form"),
        (with_condition(criteria_details={"criteria": []}), "criteria_form"),
        (
            with_condition(criteria_details={"criteria": {"group_operator": "XOR", "group": [CRITERION]}}),
            "criteria_group",
        ),
        (with_condition(criteria_details={"criteria": {"group_operator": "AND", "group": []}}), "criteria_group"),
        (with_condition(criteria_details={"criteria": {**CRITERION, "field": {}}}), "criteria_field"),
        (with_condition(criteria_details={"criteria": {**CRITERION, "comparator": ""}}), "criteria_comparator"),
    ],
)
def test_what_zoho_would_refuse_is_named(wanted: dict[str, Any], code: str) -> None:
    assert codes(wanted) == [code]


@pytest.mark.parametrize("edge", [{"name": "n" * 100}, {"description": "d" * 1000}])
def test_what_just_fits_is_taken(edge: dict[str, Any]) -> None:
    assert codes({**RULE, **edge}) == []


def test_module_and_category_of_the_trigger_stay_and_the_trigger_may_change_within() -> None:
    assert codes({**RULE, "module": {"api_name": "Leads"}}, RULE) == ["module_fixed"]
    assert codes({**RULE, "execute_when": {"type": "score_update"}}, RULE) == ["trigger_category"]
    assert codes({**RULE, "conditions": []}, RULE) == ["conditions_missing"]
    assert codes({**RULE, "execute_when": {"type": "create"}}, RULE) == []
    assert codes({**RULE, "execute_when": {}}, RULE) == ["trigger_missing"]
    assert category_of("mail_sent_opened") == category_of("email_received") == "e-mail"
    assert category_of("scheduled_call_start") == category_of("missed_call") == "call"
    assert category_of("from_tomorrow") == "from_tomorrow"


def facts(*actions: str, scheduled: bool | None = True, shared: dict[str, frozenset[str]] | None = None) -> KnownFacts:
    kind = TriggerKind("edit", "Edit", deprecated=False, scheduled_actions_supported=scheduled, actions=actions or None)
    return KnownFacts(RuleConfiguration([kind], [], {}, [], {}), shared or {})


def test_the_module_s_configuration_decides_on_triggers_and_their_actions() -> None:
    group = {"execute_after": {"period": "days", "unit": "1"}, "actions": [TAG]}
    later = with_condition(scheduled_actions=[group])
    assert codes(RULE, facts=facts("add_tags")) == []
    assert codes(RULE, facts=facts("tasks")) == ["action_unsupported"]
    assert codes({**RULE, "execute_when": {"type": "delete"}}, facts=facts("add_tags")) == ["trigger_unknown"]
    assert codes(later, facts=facts("add_tags")) == []
    assert codes(later, facts=facts("add_tags", scheduled=False)) == ["scheduled_unsupported"]


def test_what_the_configuration_does_not_say_is_no_objection() -> None:
    group = {"execute_after": {"period": "days", "unit": "1"}, "actions": [TAG]}
    assert codes(with_condition(scheduled_actions=[group]), facts=facts(scheduled=None)) == []
    below = {"type": "create", "details": {"trigger_module": {"api_name": "Notes"}}}
    assert codes({**RULE, "execute_when": below}, facts=facts("add_tags")) == []
    known = facts("add_tags").configuration
    assert known is not None
    unread = KnownFacts(replace(known, rejected=[Rejected("no usable api_name", "{}")]), {})
    assert codes({**RULE, "execute_when": {"type": "delete"}}, facts=unread) == []
    notes = replace(known, related={"Notes": []})
    assert codes({**RULE, "execute_when": below}, facts=KnownFacts(notes, {})) == ["trigger_unknown"]


def test_a_shared_action_is_one_of_its_list_where_that_was_read() -> None:
    wanted = with_condition(instant_actions={"actions": [{"type": "tasks", "id": "7"}]})
    assert kinds_named(wanted) == ["tasks"]
    assert codes(wanted) == []
    assert codes(wanted, facts=facts("tasks", shared={"tasks": frozenset({"7"})})) == []
    assert codes(wanted, facts=facts("tasks", shared={"tasks": frozenset({"8"})})) == ["action_not_there"]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"name": "n" * 51, "primary_module": {"api_name": "Leads"}}, "name_long"),
        ({"name": "a;b", "primary_module": {"api_name": "Leads"}}, "name_pattern"),
        ({"name": "a", "primary_module": {}}, "module_missing"),
        ({"name": "a", "description": "d" * 501, "primary_module": {"id": "1"}}, "description_long"),
    ],
)
def test_a_connected_workflow_keeps_to_its_limits(wanted: dict[str, Any], code: str) -> None:
    assert [one.code for one in connected_objections(wanted, is_new=True)] == [code]


def test_a_usable_connected_workflow_meets_no_objection() -> None:
    wanted = {"name": "Größe? A_b-c.d|e $f, 'g' / h!", "primary_module": {"api_name": "Leads"}}
    assert connected_objections(wanted, is_new=True) == []
    assert connected_objections({"name": "a"}, is_new=False) == []


@pytest.mark.parametrize(
    ("sequence", "codes_"),
    [
        ({}, ["order_empty"]),
        ({str(n): n for n in range(1, 12)}, ["order_long"]),
        ({"x": 1}, ["order_foreign"]),
        ({"1": 0}, ["order_places"]),
        ({"1": 2, "2": 2}, ["order_places"]),
        ({"1": 2, "2": 1}, []),
    ],
)
def test_an_order_gives_each_of_ten_rules_of_the_module_a_place(sequence: dict[str, int], codes_: list[str]) -> None:
    known = frozenset(str(n) for n in range(1, 12))
    assert [one.code for one in order_objections(sequence, known)] == codes_


@pytest.mark.parametrize(
    "base",
    [
        with_condition(instant_actions={"actions": [TAG] * 6}),
        with_condition(criteria_details={"criteria": {"kind": "of tomorrow"}}),
        with_condition(scheduled_actions={"of": "tomorrow"}),
        {**RULE, "conditions": [{"instant_actions": {"actions": [TAG]}}] * 11},
        {**RULE, "conditions": "of tomorrow"},
        {**RULE, "description": "d" * 1001},
    ],
)
def test_what_zoho_has_taken_already_is_no_objection_to_another_change(base: dict[str, Any]) -> None:
    assert codes(base) != []
    assert codes({**base, "name": "Another name"}, base) == []
    assert codes({**base, "name": "n" * 101}, base) == ["name_long"]


def test_more_of_what_is_too_much_already_is_refused() -> None:
    base = with_condition(instant_actions={"actions": [TAG] * 6})
    assert codes(with_condition(instant_actions={"actions": [TAG] * 7}), base) == ["instant_many"]
