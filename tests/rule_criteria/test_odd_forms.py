"""Criteria in a form that is not known ask for something that nobody knows: they are not taken for none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.queries.rule_sentences import in_words, in_words_of_criteria
from monitor.rule_criteria.coql import where_of
from monitor.rule_criteria.evaluate import AsOf, evaluate
from monitor.rule_criteria.of_rule import ODD_CONDITIONS, criteria_of
from monitor.rule_questions.why_not import judged
from monitor.zoho.shapes.rule_definition import is_unreadable, read_rule_definition, rule_definition_json
from tests.rule_audit.test_first_condition import X, overlaps
from tests.rule_audit.world import action

ODD: list[Any] = ["Stage = Won", [{"field": "Stage"}], [None], 7, True]
AS_OF = AsOf(datetime(2026, 11, 30, tzinfo=UTC), UTC)
TASK = action("tasks", 1)


def rule_with(details: Any) -> dict[str, Any]:
    when = {"type": "create", "details": {"trigger_module": {"api_name": "Deals"}}}
    condition = {"criteria_details": details, "instant_actions": {"actions": [TASK]}}
    return {"module": {"api_name": "Deals"}, "execute_when": when, "conditions": [condition]}


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("wrapped", [True, False])
def test_they_are_kept_as_they_are_and_said_to_be_unknown(odd: Any, wrapped: bool) -> None:
    raw = rule_with({"criteria": odd} if wrapped else odd)
    found = read_rule_definition(raw)
    (condition,) = found.conditions
    assert is_unreadable(condition.criteria)
    assert rule_definition_json(found) == raw
    assert "(criteria that cannot be said)" in in_words(raw).text
    assert condition.criteria is not None
    assert in_words_of_criteria(condition.criteria) == "(criteria that cannot be said)"
    answer = evaluate(condition.criteria, {"Stage": "Won"}, {}, AS_OF)
    assert (answer.passes, answer.why) == (None, "its form is not known")
    assert where_of(condition.criteria, {}, AS_OF).cannot
    assert overlaps({"definition": found}, {"definition": read_rule_definition(rule_with({"criteria": X}))}) == []


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_those_of_a_trigger_are_said_to_be_unknown_too(odd: Any) -> None:
    raw = rule_with(None)
    raw["execute_when"] = {"type": "field_update", "details": {"criteria": odd}}
    found = read_rule_definition(raw)
    assert is_unreadable(found.trigger.criteria)
    assert rule_definition_json(found) == raw
    assert "(criteria that cannot be said)" in in_words(raw).text


@pytest.mark.parametrize("nothing", [None, {}, [], "", {"criteria": None}, {"criteria": {}}])
def test_what_holds_nothing_is_no_criteria(nothing: Any) -> None:
    found = read_rule_definition(rule_with(nothing))
    assert found.conditions[0].criteria is None
    assert "cannot be said" not in in_words(rule_with(nothing)).text


@pytest.mark.parametrize("conditions", [[None], {"a": 1}, "x"])
def test_conditions_of_another_form_are_not_for_every_record(conditions: Any) -> None:
    found = read_rule_definition({**rule_with(None), "conditions": conditions})
    assert criteria_of(found).unknown == (ODD_CONDITIONS,)
    answer = judged(found, {}, {}, AS_OF, [])
    assert (answer.passes, answer.conditions[0].answer.why) == (None, ODD_CONDITIONS)
